//! A host for stories: people with keys, a fixed clock, seeded randomness, and
//! a count of what was done with private keys.
#![allow(dead_code, reason = "each story uses a part of this")]

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use smime::crypto::DigestAlgorithm;
use smime::crypto::private_key::SoftwareKey;
use smime::host::{
    Assumption, Demand, Entry, Field, FieldValue, HeaderProtection, Host, Identity, InboundPolicy, KeyError,
    LegacyAlgorithms, Order, OutboundPolicy, PrivateKey, Refusal, Severity, SignatureForm,
};
use smime::{Content, Direction, Envelope, Reply, Verdict};

/// 2027-01-01T00:00:00Z, when all stories take place.
pub const NOW: u64 = 1_798_761_600;

/// The policy of the seed: encrypt, then sign.
pub const OUTBOUND: OutboundPolicy = OutboundPolicy {
    sign: Demand::Required,
    encrypt: Demand::Required,
    order: Order::EncryptThenSign,
    unknown_peer: Assumption::Compatible,
    header: HeaderProtection::None,
    form: SignatureForm::Detached,
};

/// Opportunistic, as in design.md.
pub fn inbound() -> InboundPolicy {
    InboundPolicy {
        decrypt: Demand::Opportunistic,
        verify: Demand::Opportunistic,
        accept_unauthenticated: false,
        keep_signature: false,
        authserv_id: "mail.lan.example".to_owned(),
    }
}

/// The certificate of someone in `vectors/people`.
pub fn certificate(name: &str) -> Vec<u8> {
    octets(&format!("{name}.der"))
}

/// The private key of someone in `vectors/people`, as PKCS #8.
pub fn key(name: &str) -> Vec<u8> {
    octets(&format!("{name}.p8"))
}

/// A file of `vectors/people`.
pub fn octets(file: &str) -> Vec<u8> {
    // By way of `smime`, because the fuzz targets have this host too.
    let path = format!("{}/../smime/tests/vectors/people/{file}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// A scripted host.
pub struct People {
    pub now: u64,
    pub outbound: OutboundPolicy,
    pub inbound: InboundPolicy,
    /// Policies of recipients that differ from the above.
    pub outbound_of: HashMap<String, OutboundPolicy>,
    pub inbound_of: HashMap<String, InboundPolicy>,
    pub legacy: LegacyAlgorithms,
    pub anchors: Vec<Vec<u8>>,
    /// The revocation lists of whatever issuer; none: it is out of reach.
    pub revocation_lists: Option<Vec<Vec<u8>>>,
    pub entries: HashMap<String, Vec<Entry>>,
    pub keys: HashMap<String, Vec<String>>,
    /// Mailboxes whose identities the host denies.
    pub denied: Vec<String>,
    /// What is out of reach: "certificates", "identities", "anchors", "keys".
    pub unavailable: Vec<&'static str>,
    pub events: Vec<(Severity, String, Vec<Field>)>,
    pub offers: Vec<(String, Vec<u8>)>,
    /// Whose certificates were asked for.
    pub asked: Vec<String>,
    operations: Rc<Cell<u32>>,
    random: Rc<RefCell<Random>>,
}

impl People {
    /// The keys of these people are here, and certificates of everybody are
    /// known, though not pinned.
    pub fn with_keys_of(names: &[&str]) -> Self {
        let address = |name: &str| match name {
            "alice" | "bob" | "erin" => format!("{name}@peer.example"),
            "carol" | "dave" => format!("{name}@lan.example"),
            _ => format!("{name}@evil.example"),
        };
        let known = ["alice", "bob", "carol", "dave", "mallory"];
        Self {
            now: NOW,
            outbound: OUTBOUND,
            inbound: inbound(),
            outbound_of: HashMap::new(),
            inbound_of: HashMap::new(),
            legacy: LegacyAlgorithms::default(),
            anchors: vec![certificate("ca")],
            revocation_lists: Some(Vec::new()),
            entries: known
                .map(|name| {
                    (address(name), vec![Entry { certificate: certificate(name), pinned: false, capabilities: None }])
                })
                .into(),
            keys: names.iter().map(|name| (address(name), vec![(*name).to_owned()])).collect(),
            denied: Vec::new(),
            unavailable: Vec::new(),
            events: Vec::new(),
            offers: Vec::new(),
            asked: Vec::new(),
            operations: Rc::default(),
            random: Rc::new(RefCell::new(Random(0))),
        }
    }

    /// How often a private key was used.
    pub fn private_key_operations(&self) -> u32 {
        self.operations.get()
    }

    /// Whether an event was reported, with a field of this value if one is given.
    pub fn reported(&self, event: &str, value: Option<&str>) -> bool {
        self.events.iter().any(|(_, name, fields)| {
            name == event
                && value.is_none_or(|value| {
                    fields.iter().any(|field| matches!(&field.value, FieldValue::Text(text) if text == value))
                })
        })
    }

    /// Takes a message in.
    pub fn receive(&mut self, recipients: &[&str], message: &[u8]) -> Verdict {
        let envelope = envelope(Direction::Inbound, recipients);
        smime::process(self, &envelope, message.to_vec())
    }

    /// Sends a message out.
    pub fn send(&mut self, recipients: &[&str], message: &[u8]) -> Verdict {
        let envelope = envelope(Direction::Outbound, recipients);
        smime::process(self, &envelope, message.to_vec())
    }

    fn reach(&self, service: &str) -> Result<(), Refusal> {
        if self.unavailable.contains(&service) { Err(Refusal::Unavailable(service.to_owned())) } else { Ok(()) }
    }
}

/// An envelope without submitter or sender.
pub fn envelope(direction: Direction, recipients: &[&str]) -> Envelope {
    let recipients = recipients.iter().map(|mailbox| (*mailbox).to_owned()).collect();
    Envelope { direction, submitter: None, sender: None, recipients }
}

/// The one content of a verdict that delivers; for `unchanged` the original.
pub fn delivered(verdict: Verdict, original: &[u8]) -> Vec<u8> {
    match verdict {
        Verdict::Deliver(mut deliveries) => {
            assert_eq!(deliveries.len(), 1, "one delivery");
            match deliveries.remove(0).content {
                Content::Unchanged => original.to_vec(),
                Content::Rewritten(content) => content,
            }
        }
        other => panic!("not delivered: {other:?}"),
    }
}

/// The reply of a rejection, as `550 5.7.7`.
pub fn rejected(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Reject(reply) => status(reply),
        other => panic!("not rejected: {other:?}"),
    }
}

/// The reply of a deferral, as `451 4.7.5`.
pub fn deferred(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Defer(reply) => status(reply),
        other => panic!("not deferred: {other:?}"),
    }
}

fn status(reply: &Reply) -> String {
    format!("{} {}.{}.{}", reply.code, reply.code / 100, reply.subject, reply.detail)
}

/// The octets of a header and a body.
pub fn split(message: &[u8]) -> (&[u8], &[u8]) {
    let at = message.windows(4).position(|w| w == b"\r\n\r\n").expect("an empty line");
    (&message[..at + 2], &message[at + 4..])
}

/// A key in software, with the stories' randomness.
type StoryKey = SoftwareKey<Box<dyn FnMut(u32) -> Vec<u8>>>;

/// A key in software that counts how often it is used.
pub struct CountedKey {
    key: Result<StoryKey, Refusal>,
    operations: Rc<Cell<u32>>,
}

impl CountedKey {
    fn counted(&mut self) -> Result<&mut StoryKey, KeyError> {
        self.operations.set(self.operations.get() + 1);
        self.key.as_mut().map_err(|refusal| KeyError::Refused(refusal.clone()))
    }
}

impl PrivateKey for CountedKey {
    fn sign(&mut self, algorithm: &[u8], digest: &[u8], message: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.counted()?.sign(algorithm, digest, message)
    }

    fn unwrap_key(&mut self, recipient_info: &[u8], length: u32) -> Result<Vec<u8>, KeyError> {
        self.counted()?.unwrap_key(recipient_info, length)
    }
}

impl Host for People {
    type Key = CountedKey;

    fn certificates(&mut self, owner: &str) -> Result<Vec<Entry>, Refusal> {
        self.asked.push(owner.to_owned());
        self.reach("certificates")?;
        Ok(self.entries.get(owner).cloned().unwrap_or_default())
    }

    fn identities(&mut self, owner: &str) -> Result<Vec<Identity<CountedKey>>, Refusal> {
        self.reach("identities")?;
        if self.denied.iter().any(|denied| denied == owner) {
            return Err(Refusal::Denied);
        }
        let names = self.keys.get(owner).cloned().unwrap_or_default();
        let identities = names.iter().map(|name| {
            let random = Rc::clone(&self.random);
            let draw: Box<dyn FnMut(u32) -> Vec<u8>> = Box::new(move |len| random.borrow_mut().draw(len));
            let key = SoftwareKey::from_pkcs8(&key(name), draw).expect("a good key");
            let key = self.reach("keys").map(|()| key);
            let operations = Rc::clone(&self.operations);
            Identity { certificate: certificate(name), chain: Vec::new(), key: CountedKey { key, operations } }
        });
        Ok(identities.collect())
    }

    fn anchors(&mut self) -> Result<Vec<Vec<u8>>, Refusal> {
        self.reach("anchors")?;
        Ok(self.anchors.clone())
    }

    fn intermediates(&mut self) -> Result<Vec<Vec<u8>>, Refusal> {
        Ok(Vec::new())
    }

    fn revocation_lists(&mut self, _issuer: &[u8]) -> Result<Vec<Vec<u8>>, Refusal> {
        self.revocation_lists.clone().ok_or_else(|| Refusal::Unavailable("lists".to_owned()))
    }

    fn outbound_policy(&mut self, recipient: &str) -> OutboundPolicy {
        self.outbound_of.get(recipient).copied().unwrap_or(self.outbound)
    }

    fn inbound_policy(&mut self, recipient: &str) -> InboundPolicy {
        self.inbound_of.get(recipient).unwrap_or(&self.inbound).clone()
    }

    fn legacy_algorithms(&mut self, _recipient: &str) -> LegacyAlgorithms {
        self.legacy
    }

    fn offer(&mut self, owner: &str, certificate: &[u8], _chain: &[Vec<u8>], _capabilities: Option<&[u8]>) {
        self.offers.push((owner.to_owned(), certificate.to_vec()));
    }

    fn now(&mut self) -> u64 {
        self.now
    }

    fn draw(&mut self, len: u32) -> Vec<u8> {
        self.random.borrow_mut().draw(len)
    }

    fn report(&mut self, severity: Severity, event: &str, fields: &[Field]) {
        self.events.push((severity, event.to_owned(), fields.to_vec()));
    }
}

/// Octets that are the same in every run: SHA-256 of a counter.
struct Random(u64);

impl Random {
    fn draw(&mut self, len: u32) -> Vec<u8> {
        let mut octets = Vec::new();
        while octets.len() < len as usize {
            self.0 += 1;
            octets.extend(DigestAlgorithm::Sha256.compute(&self.0.to_be_bytes()));
        }
        octets.truncate(len as usize);
        octets
    }
}

/// What other senders, honest or not, put together by hand.
pub mod forge {
    use der::asn1::ObjectIdentifier;
    use smime::cms::recipient::{self, KeyTransport};
    use smime::cms::signed_data::{self, Signer};
    use smime::cms::{self, Cipher, attributes, auth_enveloped_data, enveloped_data};
    use smime::crypto::private_key::SoftwareKey;
    use smime::crypto::{Bulk, DigestAlgorithm, Software};
    use smime::host::PrivateKey;
    use smime::mime::writer;
    use smime::x509::Certificate;

    use super::{NOW, Random, key};

    const ID_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");

    /// The CMS of a signature by `name` over `entity`.
    pub fn signature(name: &str, entity: &[u8], opaque: bool) -> Vec<u8> {
        signatures(&[name], entity, opaque)
    }

    /// The CMS of signatures by these people, with the certificate of the first.
    pub fn signatures(names: &[&str], entity: &[u8], opaque: bool) -> Vec<u8> {
        let certificates: Vec<Certificate> = names.iter().map(|name| parsed(name)).collect();
        let sign = |(name, certificate): (&&str, _)| signer(certificate, name, entity, attributes::signed_attributes);
        let signers: Vec<Signer<'_>> = names.iter().zip(&certificates).map(sign).collect();
        signed_data::write(opaque.then_some(entity), &signers, &[certificates[0].encoded()])
    }

    /// The certificate of someone, or one of another folder of vectors.
    pub fn parsed(name: &str) -> Certificate {
        Certificate::from_der(&super::certificate(name)).expect("a certificate")
    }

    /// Which attributes are signed.
    pub type Attributes = fn(ObjectIdentifier, &[u8], u64, &Certificate, DigestAlgorithm) -> Vec<u8>;

    /// A signature over `entity` by the key of `holder`, in the name of `certificate`.
    pub fn signer<'a>(certificate: &'a Certificate, holder: &str, entity: &[u8], attributes: Attributes) -> Signer<'a> {
        let (algorithm, digest, hash) = cms::signature_algorithm(certificate).expect("a scheme");
        let attributes = attributes(ID_DATA, &Software.digest(hash, entity), NOW, certificate, hash);
        let mut random = Random(77);
        let mut key = SoftwareKey::from_pkcs8(&key(holder), |len| random.draw(len)).expect("a key");
        let signature = key.sign(&algorithm, &digest, &attributes).expect("signs");
        Signer { certificate, digest, algorithm, attributes, signature }
    }

    /// A `multipart/signed` entity around `entity` with these signatures, and
    /// these certificates along with them.
    pub fn multipart(entity: &[u8], signers: &[Signer<'_>], certificates: &[&[u8]]) -> Vec<u8> {
        let signature = signed_data::write(None, signers, certificates);
        writer::multipart_signed(entity.to_vec(), "sha-256", &signature, "forged-boundary")
    }

    /// An opaque signature that does not verify, with this many certificates
    /// that could all be the signer's, and as many `SignerInfo`s as that.
    pub fn bomb(name: &str, entity: &[u8], certificates: usize, signers: usize) -> Vec<u8> {
        let der = super::certificate(name);
        let certificate = parsed(name);
        let (algorithm, digest, hash) = cms::signature_algorithm(&certificate).expect("a scheme");
        let attributes =
            attributes::signed_attributes(ID_DATA, &Software.digest(hash, entity), NOW, &certificate, hash);
        let signer = |id: usize| Signer {
            certificate: &certificate,
            digest: digest.clone(),
            algorithm: algorithm.clone(),
            attributes: attributes.clone(),
            signature: [&[0x55; 254][..], &(id as u16).to_be_bytes()].concat(),
        };
        let at = der.windows(name.len()).rposition(|w| w == name.as_bytes()).expect("its name");
        let likenesses: Vec<Vec<u8>> = (0..certificates)
            .map(|id| {
                let mut der = der.clone();
                der[at..at + 3].copy_from_slice(format!("{id:03}").as_bytes());
                der
            })
            .collect();
        let likenesses: Vec<&[u8]> = likenesses.iter().map(Vec::as_slice).collect();
        let signers: Vec<Signer<'_>> = (0..signers).map(signer).collect();
        writer::pkcs7_mime(signed_data::write(Some(entity), &signers, &likenesses), "signed-data")
    }

    /// A `multipart/signed` entity around `entity`, by `name`.
    pub fn sign(name: &str, entity: &[u8]) -> Vec<u8> {
        writer::multipart_signed(entity.to_vec(), "sha-256", &signature(name, entity, false), "forged-boundary")
    }

    /// An encrypted entity for these people.
    pub fn encrypt(names: &[&str], entity: &[u8], cipher: Cipher) -> Vec<u8> {
        let mut random = Random(78);
        let key = random.draw(cipher.key_len() as u32);
        let iv = random.draw(cipher.iv_len() as u32);
        let infos: Vec<Vec<u8>> = names
            .iter()
            .map(|name| {
                recipient::key_transport(&parsed(name), KeyTransport::Pkcs1v15, &key, &mut |len| random.draw(len))
                    .expect("a recipient")
            })
            .collect();
        if cipher.is_authenticated() {
            let der =
                auth_enveloped_data::write(&infos, cipher, &key, &iv, entity.to_vec(), &Software).expect("writes");
            writer::pkcs7_mime(der, "authEnveloped-data")
        } else {
            let der = enveloped_data::write(&infos, cipher, &key, &iv, entity.to_vec(), &Software).expect("writes");
            writer::pkcs7_mime(der, "enveloped-data")
        }
    }

    /// A message from an address with this entity as its content.
    pub fn message(from: &str, entity: &[u8]) -> Vec<u8> {
        let header = format!("From: {from}\r\nTo: carol@lan.example\r\nSubject: forged\r\nMIME-Version: 1.0\r\n");
        [header.as_bytes(), entity].concat()
    }
}
