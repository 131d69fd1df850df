//! Foreign messages, through the real program: what is read, what is refused,
//! and why. Where they are and what they hold: `tests/README.md`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::support::*;

/// Where the foreign messages are, if they are at hand.
fn corpora(test: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("WASMIME_CORPORA").map_or_else(|| root().join("../shared/corpora"), PathBuf::from);
    if folder.join("expected.json").exists() {
        return Some(folder);
    }
    skipped(test, &format!("no foreign messages in {}", folder.display()));
    None
}

/// The right answer to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// Delivered clear, the innermost entity as it was, `smime=pass` for the author.
    Pass,
    /// Delivered clear and passed, but not bit for bit: mail cannot carry it as it is.
    Encoded,
    /// Altered, or nothing proves that it is not: 550 5.7.7.
    Altered,
    /// Whatever becomes of it, nothing is passed and nothing is opened.
    NeverPass,
}

/// A message, and what the collection says about it.
struct Foreign<'a> {
    file: &'a str,
    message: Vec<u8>,
    observed: Vec<&'a str>,
    digest: Option<&'a str>,
}

fn read<'a>(folder: &Path, expected: &'a Value, under: &str) -> Vec<Foreign<'a>> {
    let all = expected.as_object().expect("an object");
    all.iter()
        .filter(|(file, _)| file.starts_with(under))
        .map(|(file, about)| Foreign {
            file,
            message: crlf(&fs::read(folder.join(file)).expect("a message")),
            observed: about["observed"].as_array().into_iter().flatten().filter_map(Value::as_str).collect(),
            digest: about["final_sha256_crlf"].as_str(),
        })
        .collect()
}

impl Foreign<'_> {
    fn name(&self) -> &str {
        self.file.rsplit('/').next().unwrap_or(self.file)
    }

    /// Runs it, and compares what comes out with the answer.
    fn play(&self, site: &Site, from: &str, to: &str, answer: Answer, table: &mut Table) {
        let outcome = site.inbound(from, &[to], &self.message);
        let pass = outcome.status == 0 && outcome.delivered().results("smime=pass");
        let intact = outcome.status == 0 && {
            let digest = Sha256::digest(entity_of(&outcome.delivered().bytes));
            let digest: String = digest.iter().map(|octet| format!("{octet:02x}")).collect();
            self.digest == Some(digest.as_str())
        };
        let right = match answer {
            Answer::Pass => pass && intact,
            Answer::Encoded => {
                pass && field(&outcome.delivered().bytes, "content-transfer-encoding") == ["quoted-printable"]
            }
            Answer::Altered => outcome.reply() == "550 5.7.7",
            Answer::NeverPass => !pass,
        };
        table.row(self.name(), answer, &outcome, right);
    }
}

impl Delivery {
    /// Whether a field of ours reports `result`.
    fn results(&self, result: &str) -> bool {
        field(&self.bytes, "authentication-results").iter().any(|value| value.contains(result))
    }
}

/// What is read, what is refused, and why.
#[derive(Default)]
struct Table {
    rows: BTreeMap<String, usize>,
    wrong: Vec<String>,
}

impl Table {
    fn row(&mut self, name: &str, answer: Answer, outcome: &Outcome, right: bool) {
        let reply = outcome.reply();
        let found = match outcome.deliveries.first() {
            None => format!("refused, {reply}: {}", outcome.cause()),
            Some(delivery) if delivery.unchanged => "delivered unchanged".into(),
            Some(delivery) => {
                let results = field(&delivery.bytes, "authentication-results");
                let ours = results.iter().filter(|value| value.starts_with("mail.example.com"));
                let results: Vec<_> = ours.filter_map(|v| v.split_whitespace().nth(1)).collect();
                format!("delivered clear, {}", results.join(" "))
            }
        };
        *self.rows.entry(format!("{answer:?}: {found}")).or_default() += 1;
        if !right {
            self.wrong.push(format!("{name}: {answer:?} was expected: {found}\n    {}", outcome.json));
        }
    }

    /// Prints the table, and fails if an answer is wrong.
    fn done(self, title: &str) {
        aloud(&format!("{title}: {} messages", self.rows.values().sum::<usize>()));
        for (row, count) in &self.rows {
            aloud(&format!("  {count:3}  {row}"));
        }
        assert!(self.wrong.is_empty(), "{} wrong:\n{}", self.wrong.len(), self.wrong.join("\n"));
    }
}

impl Outcome {
    /// The cause that the audit log names.
    fn cause(&self) -> String {
        let events = self.json["events"].as_array().cloned().unwrap_or_default();
        let cause = |event: &Value| event["cause"].as_str().or(event["fields"]["cause"].as_str()).map(str::to_owned);
        events.iter().filter_map(cause).next_back().unwrap_or_default()
    }
}

/// A site for a domain that trusts what the collection trusts. Its keyring has
/// one key, of somebody else.
fn site(domain: &str, anchors: &[PathBuf], inbound: &str) -> Site {
    let anchors: Vec<String> = anchors.iter().map(|anchor| format!("{:?}", anchor.display().to_string())).collect();
    let site = Site::configured(&format!(
        "[tenant.lan]\ndomains = [\"{domain}\"]\nkeyring = \"lan.keyring\"\nanchors = [{}]\n[tenant.lan.inbound]\n{inbound}\n",
        anchors.join(", ")
    ));
    site.import(&["--address", &format!("carol@{domain}"), &pki("carol.pem"), &pki("carol.key")]);
    site
}

const OPPORTUNISTIC: &str =
    "verify = \"opportunistic\"\ndecrypt = \"opportunistic\"\nauthserv-id = \"mail.example.com\"";

/// Thunderbird's own messages, under the default policy.
#[test]
fn t43_interop_thunderbird() {
    let Some(folder) = corpora("t43_interop_thunderbird") else { return };
    let expected: Value =
        serde_json::from_slice(&fs::read(folder.join("expected.json")).expect("a file")).expect("JSON");
    let mut table = Table::default();
    for under in
        ["thunderbird/mailnews/test/data/smime/", "thunderbird/mailnews/test/data/smime-manual/", "thunderbird/mail/"]
    {
        let keys = folder.join(if under.contains("/mail/") {
            "thunderbird/mail/test/browser/smime/data"
        } else {
            "thunderbird/mailnews/test/data/smime"
        });
        let site = site("example.com", &[keys.join("TestCA.pem")], OPPORTUNISTIC);
        site.import_p12_for("Bob@example.com", &keys.join("Bob.p12"), "nss");
        for foreign in read(&folder, &expected, under).into_iter().filter(|f| f.name().ends_with(".eml")) {
            let from = field(&foreign.message, "from").concat();
            let from = from.trim_end_matches('>').rsplit('<').next().unwrap_or_default();
            let answer = thunderbird(&foreign);
            foreign.play(&site, from, "Bob@example.com", answer, &mut table);
        }
    }
    table.done("Thunderbird");
}

fn thunderbird(foreign: &Foreign) -> Answer {
    let layers = &foreign.observed;
    let encrypted = layers.iter().rposition(|layer| layer.contains("DECRYPTS"));
    let signed_inside = encrypted.is_some_and(|at| layers[at + 1..].iter().any(|layer| layer.contains("VALID")));
    match () {
        // Refused either for the digest or for its algorithm.
        () if foreign.name().contains("SHA1") => Answer::NeverPass,
        // A part of the message, or another scheme: not ours to judge.
        () if foreign.name().contains("in.mixed") || foreign.name() == "multipart-alternative.eml" => Answer::NeverPass,
        () if layers.iter().any(|layer| layer.contains("rfc822") || layer.contains("pgp")) => Answer::NeverPass,
        () if layers.iter().any(|layer| layer.contains("INVALID")) => Answer::Altered,
        // All of it is AES-CBC: nothing but a signature inside proves it.
        () if encrypted.is_some() && !signed_inside => Answer::Altered,
        // Signed by an authority of the same name as the anchor, with another key.
        () if foreign.file == "thunderbird/mail/test/browser/smime/data/alice.html.sig.SHA256.opaque.eml" => {
            Answer::NeverPass
        }
        // The text ends in a bare CR.
        () if foreign.name().contains("html") => Answer::Encoded,
        // `alice.future` among them: its signing time is minutes after its Date,
        // which Thunderbird minds. We judge certificates by the clock (R7c).
        () => Answer::Pass,
    }
}

/// RSAES-OAEP with every digest, and with labels, as OpenSSL writes it. What is
/// inside is no MIME entity, so none of it is delivered; it is decrypted all the
/// same. One is for another key, on an elliptic curve, and those with TripleDES
/// are not read at all.
#[test]
fn t43_interop_oaep() {
    let Some(folder) = corpora("t43_interop_oaep") else { return };
    let expected: Value =
        serde_json::from_slice(&fs::read(folder.join("expected.json")).expect("a file")).expect("JSON");
    let (from, to) = ("nobody@example.com", "fran@example.com");
    let mut table = Table::default();
    for under in ["thunderbird/mailnews/test/data/smime-interop/", "nss/tests/smime/interop-openssl/"] {
        let site = site("example.com", &[], &format!("{OPPORTUNISTIC}\naccept-unauthenticated = true"));
        site.import_p12_for(to, &folder.join(under).join("Fran.p12"), "nss");
        for mut foreign in read(&folder, &expected, under) {
            if under.starts_with("nss") {
                let cms = fs::read(folder.join(foreign.file)).expect("a structure");
                foreign.message = message(from, to, &pkcs7_mime("enveloped-data", &cms));
            }
            let outcome = site.inbound(from, &[to], &foreign.message);
            let closed = foreign.name() == "fran-oaep_ossl.env" || foreign.name().contains("fran-ec");
            table.row(foreign.name(), Answer::NeverPass, &outcome, outcome.mentions("decrypted") != closed);
        }
    }
    table.done("RSAES-OAEP");
}

/// Bouncy Castle's: the name of each is its answer. All are signed with SHA-1,
/// so none of them passes; they are there for their MIME.
#[test]
fn t43_interop_bouncy_castle() {
    let Some(folder) = corpora("t43_interop_bouncy_castle") else { return };
    let expected: Value =
        serde_json::from_slice(&fs::read(folder.join("expected.json")).expect("a file")).expect("JSON");
    let keys = folder.join("bc-java/mail/src/test/resources/org/bouncycastle/mail/smime/test");
    let site = site("bouncycastle.org", &[keys.join("validator.root.crt")], OPPORTUNISTIC);
    let mut table = Table::default();
    for foreign in read(&folder, &expected, "bc-java/mail/") {
        let from = "someone@example.com";
        foreign.play(&site, from, "testmail@bouncycastle.org", Answer::NeverPass, &mut table);
    }
    table.done("Bouncy Castle");
}

/// Odd MIME without S/MIME in it passes unchanged.
#[test]
fn t43_mime_torture() {
    let Some(folder) = corpora("t43_mime_torture") else { return };
    let site = site("example.com", &[], OPPORTUNISTIC);
    for entry in fs::read_dir(folder.join("mime-torture-thunderbird")).expect("a folder") {
        let path = entry.expect("an entry").path();
        let mut message = crlf(&fs::read(&path).expect("a message"));
        if message.starts_with(b"From ") {
            message.drain(..find(&message, b"\r\n").expect("a line") + 2);
        }
        let outcome = site.inbound("a@example.org", &["b@example.com"], &message);
        assert!(outcome.delivered().unchanged, "{}: {}", path.display(), outcome.json);
    }
}
