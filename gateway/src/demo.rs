//! `wasmime demo`: figs. 3 and 4 of the seed on real messages, in one process,
//! with nothing to set up.
//!
//! Every step is checked as it is shown: if one does not come out as it should,
//! the demonstration fails and says which.

mod mail;
mod organisation;
mod screen;

use std::fmt;
use std::io::{self, Write};
use std::time::Duration;

use host::keyring::{KeyringError, Kind};
use host::{Content, Direction, Envelope, FieldValue, Outcome, Runtime, Verdict};

use mail::Mail;
use organisation::Organisation;
use screen::{Screen, Tone};

/// Why the demonstration ended early.
#[derive(Debug)]
pub enum DemoError {
    /// A step did not come out as it should.
    Step(&'static str, String),
    /// The keyrings of the two organisations.
    Keyring(KeyringError),
    /// The terminal, or the directory for the keyrings.
    Io(io::Error),
}

/// Shows sending, receiving, tampering and re-addressing on `out`, in colour or
/// not.
pub fn run(runtime: &Runtime, out: &mut dyn Write, colour: bool) -> Result<(), DemoError> {
    let directory = tempfile::tempdir()?;
    let mut demo = Demo {
        runtime,
        screen: Screen::new(out, colour),
        nec: Organisation::found(directory.path(), "nec.co.jp", &["taro@nec.co.jp", "hanako@nec.co.jp"])?,
        abc: Organisation::found(directory.path(), "abc.com", &["alice@abc.com", "bob@abc.com"])?,
        figures: Vec::new(),
    };
    demo.nec.learn(&demo.abc)?;
    demo.abc.learn(&demo.nec)?;
    demo.stores()?;
    let wire = demo.exchange(Way::ToAbc, &mail::invitation())?;
    demo.exchange(Way::ToNec, &mail::answer())?;
    demo.tamper(&wire)?;
    demo.readdress(&wire)?;
    demo.figures()
}

/// Which organisation sends.
#[derive(Clone, Copy)]
enum Way {
    ToAbc,
    ToNec,
}

struct Demo<'a> {
    runtime: &'a Runtime,
    screen: Screen<'a>,
    nec: Organisation,
    abc: Organisation,
    figures: Vec<(&'static str, Duration, usize)>,
}

impl Demo<'_> {
    /// Figs. 5 and 6: what is in the two stores.
    fn stores(&mut self) -> Result<(), DemoError> {
        self.screen.heading("Two organisations, each with a mail server and a secure mail proxy")?;
        for organisation in [&self.nec, &self.abc] {
            self.screen.line(None, &format!("The proxy of {} has", organisation.domain))?;
            for (kind, address, fingerprint) in organisation.stores()? {
                let store = match kind {
                    Kind::Private => "private key store (421)",
                    Kind::Public => "public key store  (422)",
                };
                self.screen.line(None, &format!("  {store}  {address:<18} {fingerprint}"))?;
            }
        }
        Ok(())
    }

    /// One message from one organisation to the other; gives what was on the
    /// wire.
    fn exchange(&mut self, way: Way, mail: &Mail) -> Result<Vec<u8>, DemoError> {
        let (sender, receiver) = match way {
            Way::ToAbc => (&self.nec, &self.abc),
            Way::ToNec => (&self.abc, &self.nec),
        };
        let screen = &mut self.screen;
        screen.heading(&format!("Sending (fig. 3): {} to {}", mail.from, mail.to))?;
        screen.step("A1", "The user sends clear mail to the mail server")?;
        screen.mail(&mail.octets)?;
        screen.step("A2", "The mail server checks whether each recipient is inside the LAN")?;
        expect("A2", sender.is_home_of(mail.from) && !sender.is_home_of(mail.to), "who is inside is not clear")?;
        screen.line(None, &format!("{} is not in {}", mail.to, sender.domain))?;
        if let Way::ToAbc = way {
            screen.step("A4", "Inside: delivered in clear")?;
            screen
                .line(None, "hanako@nec.co.jp, who is in Cc, gets it from her mail server; it never leaves the LAN")?;
        }
        screen.step("A3", "Outside: handed to the proxy in clear")?;
        let sent = self.runtime.run(sender.tenant(), &envelope(Direction::Outbound, mail.from, mail.to), &mail.octets);
        let wire = content("A5", &sent, &mail.octets)?;
        screen.step("A5", "The proxy takes the recipient's public key and encrypts")?;
        for (recipient, layers, cipher) in told(&sent, "protected", ["recipient", "layers", "cipher"]) {
            screen.line(None, &format!("for {recipient}: {layers} ({cipher})"))?;
        }
        screen
            .step("A6", "It takes the sender's private key, digests the encrypted mail and attaches the signature")?;
        screen.line(None, &format!("private-key operations: {}", sent.private_key_operations))?;
        let clear = String::from_utf8_lossy(&wire).contains("Content-Type: text/");
        expect("A6", !clear && sent.private_key_operations > 0, "something of it is in clear, or nothing was signed")?;
        screen.step("A7", "It sends the signed, encrypted mail to the Internet")?;
        screen.wire(&wire)?;

        screen.heading(&format!("Receiving (fig. 4): {} from {}", mail.to, mail.from))?;
        screen.step("B1", "The proxy receives signed, encrypted mail")?;
        let received = self.runtime.run(receiver.tenant(), &envelope(Direction::Inbound, mail.from, mail.to), &wire);
        let clear = content("B1", &received, &wire)?;
        screen.step("B2", "It takes the sender's public key by the sender's address")?;
        let mut verified = told(&received, "signature-verified", ["signer", "digest", "trust"]);
        let (signer, digest, trust) = verified.next().ok_or_else(|| fault("B2", "no signature was found"))?;
        screen.line(None, &format!("the key of {signer} ({trust})"))?;
        screen.step("B3", "It compares the signature with the digest")?;
        expect("B3", signer == mail.from, "somebody else signed")?;
        screen
            .line(Some(Tone::Good), &format!("untampered ({digest}; {} signature inside as well)", verified.count()))?;
        screen.step("B4", "It takes the recipient's private key by the recipient's address and decrypts")?;
        let mut opened = told(&received, "decrypted", ["recipient", "cipher", "part"]);
        let (recipient, cipher, _) = opened.next().ok_or_else(|| fault("B4", "nothing was decrypted"))?;
        expect("B4", recipient == mail.to && received.private_key_operations == 1, "another key was used")?;
        screen.line(None, &format!("the key of {recipient} ({cipher}); private-key operations: 1"))?;
        screen.step("B5", "It delivers clear mail to the mail server")?;
        screen.mail(&clear)?;
        expect("B5", same_meaning(&clear, &mail.octets), "it is not what was sent")?;
        screen.line(Some(Tone::Good), "text, HTML and attachment are those that were sent")?;
        screen.step(
            "B7",
            "The mail server takes it (B7), stores it (B8); the user's client asks (B9) and fetches it (B10)",
        )?;

        self.figures.push(("sign and encrypt", sent.statistics.elapsed, sent.statistics.memory_peak));
        self.figures.push(("verify and decrypt", received.statistics.elapsed, received.statistics.memory_peak));
        Ok(wire)
    }

    /// One bit is flipped on the wire.
    fn tamper(&mut self, wire: &[u8]) -> Result<(), DemoError> {
        self.screen.heading("Tampering: one bit of the encrypted mail is flipped on the wire")?;
        let mut tampered = wire.to_vec();
        let middle = tampered.len() / 2;
        let at = (middle..tampered.len()).find(|&at| tampered[at].is_ascii_alphanumeric()).unwrap_or(middle);
        let before = char::from(tampered[at]);
        tampered[at] ^= 1;
        self.screen.line(None, &format!("octet {at}: {before:?} becomes {:?}", char::from(tampered[at])))?;
        let outcome = self.runtime.run(
            self.abc.tenant(),
            &envelope(Direction::Inbound, "taro@nec.co.jp", "alice@abc.com"),
            &tampered,
        );
        self.screen
            .step("B6", "Tampered: it refuses to receive the mail, so that tampered mail never enters the LAN")?;
        let Verdict::Reject(reply) = &outcome.verdict else { return Err(fault("B6", "it was not refused")) };
        let status = format!("{} {}.{}.{} {}", reply.code, reply.code / 100, reply.subject, reply.detail, reply.text);
        self.screen.line(Some(Tone::Refused), &status)?;
        let operations = outcome.private_key_operations;
        self.screen.line(None, &format!("delivered: nothing; private-key operations: {operations}"))?;
        expect("B6", (reply.code, reply.subject, reply.detail) == (550, 7, 7), "the reply is not 550 5.7.7")?;
        expect("B6", operations == 0, "a private key was used on tampered mail")?;
        self.figures.push(("refuse", outcome.statistics.elapsed, outcome.statistics.memory_peak));
        Ok(())
    }

    /// The ciphertext for alice is sent to her colleague.
    fn readdress(&mut self, wire: &[u8]) -> Result<(), DemoError> {
        self.screen.heading("Re-addressing: the same mail is sent to bob@abc.com, whom it is not encrypted to")?;
        let outcome =
            self.runtime.run(self.abc.tenant(), &envelope(Direction::Inbound, "taro@nec.co.jp", "bob@abc.com"), wire);
        let got = content("re-addressing", &outcome, wire)?;
        expect("re-addressing", got == wire && outcome.private_key_operations == 0, "it was opened")?;
        self.screen.line(
            Some(Tone::Good),
            "It stays closed: bob gets the octets on the wire, alice's key is not touched (private-key operations: 0)",
        )?;
        self.figures.push(("leave closed", outcome.statistics.elapsed, outcome.statistics.memory_peak));
        Ok(())
    }

    fn figures(&mut self) -> Result<(), DemoError> {
        self.screen.heading("Each message had a sandbox of its own")?;
        for (work, elapsed, memory) in &self.figures {
            let milliseconds = elapsed.as_secs_f64() * 1e3;
            let kibibytes = memory.div_ceil(1024);
            self.screen
                .line(None, &format!("{work:<20} {milliseconds:>8.2} ms  {kibibytes:>8} KiB of sandbox memory"))?;
        }
        Ok(())
    }
}

fn envelope(direction: Direction, sender: &str, recipient: &str) -> Envelope {
    let submitter = (direction == Direction::Outbound).then(|| sender.to_owned());
    Envelope { direction, submitter, sender: Some(sender.to_owned()), recipients: vec![recipient.to_owned()] }
}

/// The content of the one delivery.
fn content(step: &'static str, outcome: &Outcome, message: &[u8]) -> Result<Vec<u8>, DemoError> {
    match &outcome.verdict {
        Verdict::Deliver(deliveries) => match deliveries.as_slice() {
            [delivery] => Ok(match &delivery.content {
                Content::Unchanged => message.to_vec(),
                Content::Rewritten(octets) => octets.clone(),
            }),
            _ => Err(fault(step, "there is more than one delivery")),
        },
        Verdict::Reject(reply) | Verdict::Defer(reply) => Err(fault(step, &format!("{} {}", reply.code, reply.text))),
    }
}

/// What the events of this name tell in these fields.
fn told<'o>(
    outcome: &'o Outcome,
    event: &'o str,
    names: [&'o str; 3],
) -> impl Iterator<Item = (String, String, String)> + 'o {
    outcome.events.iter().filter(move |told| told.name == event).map(move |told| {
        let [a, b, c] = names.map(|name| {
            let field = told.fields.iter().find(|field| field.name == name);
            match field.map(|field| &field.value) {
                Some(FieldValue::Text(text)) => text.clone(),
                Some(FieldValue::Number(number)) => number.to_string(),
                Some(FieldValue::Octets(_)) | None => String::new(),
            }
        });
        (a, b, c)
    })
}

/// Whether two messages say the same: subject, texts and attachments.
fn same_meaning(one: &[u8], other: &[u8]) -> bool {
    let parser = mail_parser::MessageParser::default();
    let (Some(one), Some(other)) = (parser.parse(one), parser.parse(other)) else { return false };
    let attachments = |message: &mail_parser::Message<'_>| {
        message.attachments().map(|part| part.contents().to_vec()).collect::<Vec<_>>()
    };
    one.subject() == other.subject()
        && one.body_text(0) == other.body_text(0)
        && one.body_html(0) == other.body_html(0)
        && attachments(&one) == attachments(&other)
}

fn expect(step: &'static str, holds: bool, otherwise: &str) -> Result<(), DemoError> {
    if holds { Ok(()) } else { Err(fault(step, otherwise)) }
}

fn fault(step: &'static str, what: &str) -> DemoError {
    DemoError::Step(step, what.to_owned())
}

impl fmt::Display for DemoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Step(step, what) => write!(f, "step {step} did not come out as it should: {what}"),
            Self::Keyring(e) => write!(f, "the keyring of the demonstration: {e}"),
            Self::Io(e) => write!(f, "the demonstration cannot be shown: {e}"),
        }
    }
}

impl std::error::Error for DemoError {}

impl From<KeyringError> for DemoError {
    fn from(e: KeyringError) -> Self {
        Self::Keyring(e)
    }
}

impl From<io::Error> for DemoError {
    fn from(e: io::Error) -> Self {
        Self::Io(e)
    }
}
