//! The conformance kit: a folder for each vector, with `vector.toml`,
//! `message.eml` and what is expected of any filter that keeps the contract.
//! `host-test/vectors/README.md` describes the format.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use der::Document;
use host::memory::FixedPolicies;
use host::{
    Assumption, Content, Demand, Direction, Entry, Envelope, HeaderProtection, Order, Outcome, SignatureForm, Verdict,
};
use serde::Deserialize;

use crate::compare;
use crate::script::{Key, Script};

/// A message, the circumstances, and what must come of it.
pub struct Vector {
    /// The name of its folder.
    pub name: String,
    /// The circumstances.
    pub script: Script,
    /// What the SMTP dialogue says.
    pub envelope: Envelope,
    /// The message.
    pub message: Vec<u8>,
    expected: Expected,
}

enum Expected {
    /// A refusal with these numbers, as in `550 5.7.7`.
    Reply { verdict: VerdictName, status: String },
    /// These deliveries, in any order.
    Deliveries(BTreeSet<Expectation>),
    /// Whatever protects the message on its way: each recipient who receives it
    /// by the same logic finds the body that was sent.
    Opens,
}

/// For whom a delivery is, its octets but for `Authentication-Results` (none where
/// they are unchanged), and the results in those.
type Expectation = (Vec<u32>, Option<Vec<u8>>, Vec<String>);

/// `vector.toml`, as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    direction: DirectionName,
    submitter: Option<String>,
    from: Option<String>,
    to: Vec<String>,
    at: u64,
    #[serde(default)]
    seed: u64,
    #[serde(default)]
    anchors: Vec<PathBuf>,
    #[serde(default)]
    certificates: Vec<CertificateFile>,
    #[serde(default)]
    keys: Vec<KeyFile>,
    #[serde(default)]
    outbound: OutboundFile,
    #[serde(default)]
    inbound: InboundFile,
    expect: ExpectFile,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum DirectionName {
    Inbound,
    Outbound,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum VerdictName {
    Deliver,
    Reject,
    Defer,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct CertificateFile {
    owner: String,
    file: PathBuf,
    #[serde(default)]
    pinned: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct KeyFile {
    owner: String,
    certificate: PathBuf,
    key: PathBuf,
    #[serde(default)]
    chain: Vec<PathBuf>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct OutboundFile {
    sign: Option<String>,
    encrypt: Option<String>,
    order: Option<String>,
    unknown_peer: Option<String>,
    header: Option<String>,
    form: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct InboundFile {
    decrypt: Option<String>,
    verify: Option<String>,
    accept_unauthenticated: Option<bool>,
    keep_signature: Option<bool>,
    authserv_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ExpectFile {
    verdict: VerdictName,
    status: Option<String>,
    #[serde(default)]
    deliveries: Vec<DeliveryFile>,
    #[serde(default)]
    opens: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct DeliveryFile {
    to: Vec<String>,
    /// The file with the octets; none where they are unchanged.
    file: Option<PathBuf>,
    /// What `Authentication-Results` says of S/MIME, field by field.
    #[serde(default)]
    results: Vec<String>,
}

impl Vector {
    /// All vectors in the subfolders of `folder`, by name.
    pub fn all(folder: &Path) -> Result<Vec<Self>, String> {
        let entries = fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        let mut folders: Vec<_> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.join("vector.toml").exists())
            .collect();
        folders.sort();
        if folders.is_empty() {
            return Err(format!("{}: no folder in it has a vector.toml", folder.display()));
        }
        folders.iter().map(|folder| Self::read(folder)).collect()
    }

    /// The vector in `folder`.
    pub fn read(folder: &Path) -> Result<Self, String> {
        let path = folder.join("vector.toml");
        let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        let file: File = toml::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))?;
        let envelope = Envelope {
            direction: match file.direction {
                DirectionName::Inbound => Direction::Inbound,
                DirectionName::Outbound => Direction::Outbound,
            },
            submitter: file.submitter.clone(),
            sender: file.from.clone(),
            recipients: file.to.clone(),
        };
        Ok(Self {
            name: folder.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            script: script(&file, folder)?,
            expected: expected(&file.expect, &envelope, folder)?,
            envelope,
            message: read(folder, Path::new("message.eml"))?,
        })
    }

    /// Whether an outcome is what any filter must come to; or what is wrong.
    pub fn check(&self, outcome: &Outcome) -> Result<(), String> {
        match (&self.expected, &outcome.verdict) {
            (Expected::Reply { verdict, status }, Verdict::Reject(reply) | Verdict::Defer(reply)) => {
                let is = if matches!(outcome.verdict, Verdict::Reject(_)) {
                    VerdictName::Reject
                } else {
                    VerdictName::Defer
                };
                let actual = format!("{} {}.{}.{}", reply.code, reply.code / 100, reply.subject, reply.detail);
                if is == *verdict && actual == *status { Ok(()) } else { Err(format!("{actual}, not {status}")) }
            }
            (Expected::Deliveries(expected), Verdict::Deliver(deliveries)) => {
                let actual = deliveries.iter().map(|delivery| {
                    let mut recipients = delivery.recipients.clone();
                    recipients.sort_unstable();
                    match octets(&delivery.content) {
                        Some(message) => {
                            let (message, results) = without_results(&message);
                            (recipients, Some(message), results)
                        }
                        None => (recipients, None, Vec::new()),
                    }
                });
                let actual = actual.collect();
                same_deliveries(expected, &actual)
            }
            (Expected::Opens, Verdict::Deliver(deliveries)) => deliveries.iter().try_for_each(|delivery| {
                let sent = octets(&delivery.content).ok_or("it leaves as it came")?;
                delivery.recipients.iter().try_for_each(|&recipient| self.opens(recipient, &sent))
            }),
            _ => Err(compare::name(&outcome.verdict)),
        }
    }

    fn opens(&self, recipient: u32, sent: &[u8]) -> Result<(), String> {
        let mailbox = self.envelope.recipients.get(recipient as usize).ok_or("no such recipient")?;
        if !self.script.keys.iter().any(|(owner, _)| owner == mailbox) {
            return Err(format!("the vector has no key of {mailbox}"));
        }
        let envelope = Envelope {
            direction: Direction::Inbound,
            submitter: None,
            sender: self.envelope.sender.clone(),
            recipients: vec![mailbox.clone()],
        };
        match self.script.run_natively(&envelope, sent).verdict {
            Verdict::Deliver(deliveries) => match deliveries.first().map(|delivery| octets(&delivery.content)) {
                Some(Some(received)) => compare::same_octets(body(&self.message), body(&received)),
                _ => Err(format!("it arrives closed at {mailbox}")),
            },
            refused => Err(format!("it does not arrive at {mailbox}: {}", compare::name(&refused))),
        }
    }
}

fn same_deliveries(expected: &BTreeSet<Expectation>, actual: &BTreeSet<Expectation>) -> Result<(), String> {
    if expected.len() != actual.len() {
        return Err(format!("{} deliveries, not {}", actual.len(), expected.len()));
    }
    for ((to, message, results), (actual_to, actual_message, actual_results)) in expected.iter().zip(actual) {
        if to != actual_to {
            return Err(format!("a delivery is for {actual_to:?}, not {to:?}"));
        }
        match (message, actual_message) {
            (Some(message), Some(actual)) => compare::same_octets(message, actual)?,
            (None, None) => {}
            (None, Some(_)) => return Err(format!("what {to:?} get is rewritten")),
            (Some(_), None) => return Err(format!("what {to:?} get is unchanged")),
        }
        if results != actual_results {
            return Err(format!("the results are {actual_results:?}, not {results:?}"));
        }
    }
    Ok(())
}

/// A message without its `Authentication-Results`, and what those say of S/MIME:
/// how they are written is every filter's own.
fn without_results(message: &[u8]) -> (Vec<u8>, Vec<String>) {
    let header = message.len() - body(message).len();
    let mut rest = Vec::with_capacity(message.len());
    let mut results = Vec::new();
    let mut within = false;
    for line in message.get(..header).unwrap_or_default().split_inclusive(|&octet| octet == b'\n') {
        let text = String::from_utf8_lossy(line).to_ascii_lowercase();
        within = if text.starts_with([' ', '\t']) { within } else { text.starts_with("authentication-results:") };
        if !within {
            rest.extend_from_slice(line);
        } else if let Some((_, result)) = text.split_once("smime=") {
            results.push(result.chars().take_while(char::is_ascii_alphabetic).collect());
        }
    }
    rest.extend_from_slice(body(message));
    (rest, results)
}

fn octets(content: &Content) -> Option<Vec<u8>> {
    match content {
        Content::Unchanged => None,
        Content::Rewritten(message) => Some(message.clone()),
    }
}

fn body(message: &[u8]) -> &[u8] {
    let at = message.windows(4).position(|octets| octets == b"\r\n\r\n").map_or(message.len(), |at| at + 4);
    message.get(at..).unwrap_or_default()
}

fn expected(file: &ExpectFile, envelope: &Envelope, folder: &Path) -> Result<Expected, String> {
    if file.opens {
        return Ok(Expected::Opens);
    }
    if file.verdict != VerdictName::Deliver {
        let status = file.status.clone().ok_or("a refusal has a status")?;
        return Ok(Expected::Reply { verdict: file.verdict, status });
    }
    let deliveries = file.deliveries.iter().map(|delivery| {
        let mut recipients = delivery
            .to
            .iter()
            .map(|mailbox| envelope.recipients.iter().position(|recipient| recipient == mailbox).map(|i| i as u32))
            .collect::<Option<Vec<_>>>()
            .ok_or("a delivery is for someone else")?;
        recipients.sort_unstable();
        let message = delivery.file.as_deref().map(|file| read(folder, file)).transpose()?;
        Ok((recipients, message, delivery.results.clone()))
    });
    deliveries.collect::<Result<_, String>>().map(Expected::Deliveries)
}

fn script(file: &File, folder: &Path) -> Result<Script, String> {
    let encoded = |file: &PathBuf| read_der(folder, file);
    let certificates = file.certificates.iter().map(|entry| {
        let certificate = read_der(folder, &entry.file)?;
        Ok((entry.owner.clone(), Entry { certificate, pinned: entry.pinned, capabilities: None }))
    });
    let keys = file.keys.iter().map(|key| {
        let chain = key.chain.iter().map(encoded).collect::<Result<_, _>>()?;
        let key_file = Key { certificate: encoded(&key.certificate)?, chain, pkcs8: encoded(&key.key)? };
        Ok((key.owner.clone(), key_file))
    });
    Ok(Script {
        now: file.at,
        seed: file.seed,
        anchors: file.anchors.iter().map(encoded).collect::<Result<_, _>>()?,
        certificates: certificates.collect::<Result<_, String>>()?,
        keys: keys.collect::<Result<_, String>>()?,
        policies: policies(file)?,
        ..Script::default()
    })
}

fn policies(file: &File) -> Result<FixedPolicies, String> {
    let mut policies = FixedPolicies::default();
    let outbound = &mut policies.outbound;
    set(&mut outbound.sign, &file.outbound.sign, DEMANDS)?;
    set(&mut outbound.encrypt, &file.outbound.encrypt, DEMANDS)?;
    let orders = &[
        ("encrypt-then-sign", Order::EncryptThenSign),
        ("sign-then-encrypt", Order::SignThenEncrypt),
        ("triple-wrap", Order::TripleWrap),
    ];
    set(&mut outbound.order, &file.outbound.order, orders)?;
    let assumptions = &[("compatible", Assumption::Compatible), ("modern", Assumption::Modern)];
    set(&mut outbound.unknown_peer, &file.outbound.unknown_peer, assumptions)?;
    let protections =
        &[("none", HeaderProtection::None), ("shown", HeaderProtection::Shown), ("hidden", HeaderProtection::Hidden)];
    set(&mut outbound.header, &file.outbound.header, protections)?;
    let forms = &[("detached", SignatureForm::Detached), ("opaque", SignatureForm::Opaque)];
    set(&mut outbound.form, &file.outbound.form, forms)?;
    let inbound = &mut policies.inbound;
    set(&mut inbound.decrypt, &file.inbound.decrypt, DEMANDS)?;
    set(&mut inbound.verify, &file.inbound.verify, DEMANDS)?;
    inbound.accept_unauthenticated = file.inbound.accept_unauthenticated.unwrap_or(inbound.accept_unauthenticated);
    inbound.keep_signature = file.inbound.keep_signature.unwrap_or(inbound.keep_signature);
    inbound.authserv_id = file.inbound.authserv_id.clone().unwrap_or_else(|| inbound.authserv_id.clone());
    Ok(policies)
}

const DEMANDS: &[(&str, Demand)] =
    &[("never", Demand::Never), ("opportunistic", Demand::Opportunistic), ("required", Demand::Required)];

fn set<T: Copy>(value: &mut T, given: &Option<String>, names: &[(&str, T)]) -> Result<(), String> {
    if let Some(given) = given {
        let named = names.iter().find(|(name, _)| name == given);
        *value = named.ok_or_else(|| format!("{given:?} is none of the words that may stand there"))?.1;
    }
    Ok(())
}

fn read(folder: &Path, file: &Path) -> Result<Vec<u8>, String> {
    let path = folder.join(file);
    fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))
}

/// A file in DER, or in PEM with one block.
fn read_der(folder: &Path, file: &Path) -> Result<Vec<u8>, String> {
    let octets = read(folder, file)?;
    if !octets.starts_with(b"-----BEGIN") {
        return Ok(octets);
    }
    let text = String::from_utf8(octets).map_err(|e| format!("{}: {e}", file.display()))?;
    let (_, document) = Document::from_pem(&text).map_err(|e| format!("{}: {e}", file.display()))?;
    Ok(document.as_bytes().to_vec())
}
