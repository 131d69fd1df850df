//! The way in (the seed's fig. 4): verify, then decrypt, then verify what was
//! inside, from the outermost layer to the innermost, and deliver clear mail.
//!
//! One walk serves all recipients whose policy is the same; it branches where
//! they read different things.

use super::content::{self, Draft};
use super::layer::{Around, Encrypted, Layer, recognise};
use super::place::Place;
use super::results::{Finding, is_forged};
use super::signature::{self, Judgement};
use super::trust::Trust;
use super::unwrap::{self, ContentKey};
use crate::budget::Budget;
use crate::cms::{self, Cipher, SignedData};
use crate::error::{CertificateError, CmsError, Error, PolicyError};
use crate::host::{Demand, Field, Host, InboundPolicy, LegacyAlgorithms, Severity};
use crate::mime::protected_header::Payload;
use crate::mime::{Entity, Header, address};
use crate::verdict::{Content, Delivery, Envelope};

/// The deliveries of a message that arrives, or why there are none. What one
/// recipient's policy refuses is refused for all: the client has one answer.
pub(super) fn deliveries<H: Host>(host: &mut H, envelope: &Envelope, message: &[u8]) -> Result<Vec<Delivery>, Error> {
    let mut deliveries = Vec::new();
    for group in groups(host, envelope) {
        let mut budget = Budget::for_message(message.len());
        let entity = Entity::parse(message, &mut budget)?;
        let mut walk = Walk {
            host,
            envelope,
            message: &entity,
            policy: &group.policy,
            legacy: group.legacy,
            budget,
            trust: None,
            unproved: false,
            deliveries: &mut deliveries,
        };
        walk.run(group.recipients)?;
    }
    Ok(join_unchanged(deliveries))
}

/// Recipients whose policy is the same.
struct Group {
    policy: InboundPolicy,
    legacy: LegacyAlgorithms,
    recipients: Vec<u32>,
}

fn groups<H: Host>(host: &mut H, envelope: &Envelope) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (index, recipient) in (0u32..).zip(&envelope.recipients) {
        let policy = host.inbound_policy(recipient);
        let legacy = host.legacy_algorithms(recipient);
        match groups.iter_mut().find(|group| group.policy == policy && group.legacy == legacy) {
            Some(group) => group.recipients.push(index),
            None => groups.push(Group { policy, legacy, recipients: vec![index] }),
        }
    }
    groups
}

/// One delivery says all there is to say about what is not rewritten.
fn join_unchanged(deliveries: Vec<Delivery>) -> Vec<Delivery> {
    let (unchanged, mut joined): (Vec<_>, Vec<_>) =
        deliveries.into_iter().partition(|delivery| delivery.content == Content::Unchanged);
    let mut recipients: Vec<u32> = unchanged.into_iter().flat_map(|delivery| delivery.recipients).collect();
    if !recipients.is_empty() {
        recipients.sort_unstable();
        joined.push(Delivery { recipients, content: Content::Unchanged });
    }
    joined.sort_by_key(|delivery| delivery.recipients.first().copied());
    joined
}

/// The walk through the layers of one message, for recipients of one policy.
struct Walk<'a, H> {
    host: &'a mut H,
    envelope: &'a Envelope,
    message: &'a Entity<'a>,
    policy: &'a InboundPolicy,
    legacy: LegacyAlgorithms,
    budget: Budget,
    trust: Option<Trust>,
    /// A private key was used, and nothing proves yet that the plaintext is
    /// what was encrypted: whatever fails now fails with one answer.
    unproved: bool,
    deliveries: &'a mut Vec<Delivery>,
}

/// What a branch of the walk knows.
#[derive(Clone)]
struct State {
    recipients: Vec<u32>,
    place: Place,
    findings: Vec<Finding>,
    /// A layer was opened.
    opened: bool,
    /// An encryption layer was opened.
    decrypted: bool,
    /// The author signed all that is below.
    passed: bool,
    /// The author signed what was encrypted, and not only its ciphertext.
    passed_inside: bool,
    /// A signature could not be checked, so it is not for us to take it off.
    keep_signature: bool,
    /// Only a detached signature was opened, at the root.
    detached_only: bool,
    /// What stands around the parts of the message, if it is a detached
    /// signature.
    around: Around,
}

impl<H: Host> Walk<'_, H> {
    fn run(&mut self, recipients: Vec<u32>) -> Result<(), Error> {
        self.report_forged();
        let state = State {
            recipients,
            place: Place::default(),
            findings: Vec::new(),
            opened: false,
            decrypted: false,
            passed: false,
            passed_inside: false,
            keep_signature: self.policy.keep_signature,
            detached_only: true,
            around: Around::default(),
        };
        let root = self.message;
        let drafts = self.open(root, state).map_err(|error| self.uniform(error))?;
        self.deliveries.extend(drafts.into_iter().map(Draft::copied));
        Ok(())
    }

    /// Between the use of a private key and the proof that the plaintext is
    /// intact there is one permanent answer (RFC 3218, section 2.2); the cause
    /// goes to the audit log only.
    fn uniform(&mut self, error: Error) -> Error {
        // What a list says of a signer inside depends on the plaintext, too.
        let depends = matches!(error, Error::Certificate(CertificateError::RevocationUnknown));
        let permanent = matches!(error.verdict(), crate::Verdict::Reject(_));
        if !self.unproved || !(permanent || depends) {
            return error;
        }
        self.host.report(Severity::Warning, "content-unproved", &[Field::text("cause", error.cause())]);
        CmsError::Undecipherable.into()
    }

    /// Opens what is in `entity`. What can be delivered of its own octets comes
    /// back, for whoever has the buffer.
    fn open<'e>(&mut self, entity: &Entity<'e>, mut state: State) -> Result<Vec<Draft<'e>>, Error> {
        if state.decrypted && state.passed {
            self.check_protected_author(entity)?;
        }
        match recognise(entity, &mut self.budget)? {
            Layer::Clear => self.finish(entity, state),
            Layer::Detached { content, signature, around } => {
                if !state.opened {
                    state.around = around;
                }
                let part = state.place.signature();
                self.signed(&signature, content, &part, &mut state)?;
                state.place.enter_signed();
                let inner = Entity::parse(content, &mut self.budget)?;
                self.open(&inner, state)
            }
            Layer::Opaque { signed, encoded } => {
                let content = match signed.content() {
                    Some(segments) => segments.clone().take(encoded),
                    None => return Err(CmsError::Malformed.into()),
                };
                let part = state.place.part();
                self.signed(&signed, &content, &part, &mut state)?;
                state.detached_only = false;
                state.place.enter_opaque();
                self.open_owned(content, state)?;
                Ok(Vec::new())
            }
            Layer::Encrypted { data, encoded } => self.encrypted(entity, data, encoded, state),
            Layer::Compressed { data, encoded } => {
                self.budget.layer()?;
                let content = data.inflate(&encoded, &mut self.budget)?;
                drop(encoded);
                state.opened = true;
                state.detached_only = false;
                state.place.enter_opaque();
                self.open_owned(content, state)?;
                Ok(Vec::new())
            }
        }
    }

    /// The same for content that nobody else reads: the last of the deliveries made
    /// of it takes over its buffer.
    fn open_owned(&mut self, content: Vec<u8>, state: State) -> Result<(), Error> {
        let content = content::with_crlf(content);
        let inner = Entity::parse(&content, &mut self.budget)?;
        let mut drafts = self.open(&inner, state)?;
        let last = drafts.pop().map(|draft| draft.detach(&content));
        self.deliveries.extend(drafts.into_iter().map(Draft::copied));
        match last {
            Some(Ok(detached)) => self.deliveries.push(detached.within(content)),
            Some(Err(delivery)) => self.deliveries.push(delivery),
            None => {}
        }
        Ok(())
    }

    /// A signature layer: altered content ends the walk, whatever the policy;
    /// a signature that is not acceptable does where one is required.
    fn signed(&mut self, signed: &SignedData, content: &[u8], part: &str, state: &mut State) -> Result<(), Error> {
        self.budget.layer()?;
        let trust = load_trust(&mut self.trust, self.host, self.message.header())?;
        // Once a key was used nothing is asked for any more that depends on the
        // plaintext: what is out of reach would tell of it.
        if !state.decrypted && signature::is_for_domain(signed) {
            trust.load_domain(self.host, true)?;
        }
        let judgement = signature::judge(self.host, trust, signed, content, part, self.legacy, &mut self.budget)?;
        let Judgement { findings, passed, checked, fault } = judgement;
        // A gateway puts what nobody signed into a layer without signers before it
        // signs for its domain (RFC 3183, section 3.1.2).
        let is_empty = signed.signers().is_empty() && state.passed;
        if let (Demand::Required, Some(fault), false) = (self.policy.verify, fault, is_empty) {
            return Err(fault);
        }
        let is_outermost = !state.opened;
        state.opened = true;
        state.findings.extend(findings);
        state.keep_signature |= !checked && !passed;
        if passed {
            // What is around the author's signature is not the author's.
            state.keep_signature &= is_outermost || state.passed;
            state.passed = true;
            state.passed_inside |= state.decrypted;
            self.unproved = false;
        }
        Ok(())
    }

    /// An encryption layer: each recipient opens it with a key of its own, or
    /// gets it as it is.
    fn encrypted<'e>(
        &mut self,
        entity: &Entity<'e>,
        data: Encrypted,
        encoded: Vec<u8>,
        mut state: State,
    ) -> Result<Vec<Draft<'e>>, Error> {
        if self.policy.decrypt == Demand::Never {
            return self.closed(entity, state);
        }
        self.budget.layer()?;
        let addressed = unwrap::addressed(self.host, self.envelope, &state.recipients, data.recipients())?;
        let mut drafts = Vec::new();
        if !addressed.others.is_empty() {
            if self.policy.decrypt == Demand::Required {
                return Err(PolicyError::NotForRecipient.into());
            }
            drafts = self.closed(entity, State { recipients: addressed.others, ..state.clone() })?;
        }
        if addressed.keys.is_empty() {
            return Ok(drafts);
        }
        // All that may be out of reach is fetched before a key is used.
        let trust = load_trust(&mut self.trust, self.host, self.message.header())?;
        if !state.passed {
            trust.load_domain(self.host, false)?;
        }
        let cipher = data.cipher().map_err(|error| error.named(data.algorithm()))?;
        if !unwrap::are_supported(&addressed.keys) {
            return Err(CmsError::Algorithm.into());
        }
        let unproved_outside = self.unproved;
        self.unproved = true;
        let keys = unwrap::content_keys(addressed.keys, cipher.key_len())?;
        state.place.enter_opaque();
        state.opened = true;
        state.decrypted = true;
        state.detached_only = false;
        let mut remaining = keys.len();
        let mut encoded = Some(encoded);
        for key in keys {
            remaining = remaining.saturating_sub(1);
            // The last to read it may have the buffer for good.
            let encoded = if remaining == 0 { encoded.take() } else { encoded.clone() };
            self.unproved = true;
            let plaintext = self.decrypt(data.clone(), cipher, encoded.unwrap_or_default(), &key, &state)?;
            self.unproved = unproved_outside || !cipher.is_authenticated();
            self.open_owned(plaintext, State { recipients: key.recipients, ..state.clone() })?;
        }
        Ok(drafts)
    }

    fn decrypt(
        &mut self,
        data: Encrypted,
        cipher: Cipher,
        encoded: Vec<u8>,
        key: &ContentKey,
        state: &State,
    ) -> Result<Vec<u8>, Error> {
        self.budget.octets(encoded.len())?;
        let plaintext = data.decrypt(encoded, &key.key, self.host.bulk())?;
        for mailbox in mailboxes(self.envelope, &key.recipients) {
            let fields = [
                Field::text("recipient", mailbox),
                Field::text("cipher", cms::algorithm::name(cipher.oid()).unwrap_or("unknown")),
                Field::text("part", state.place.base()),
            ];
            self.host.report(Severity::Info, "decrypted", &fields);
        }
        Ok(plaintext)
    }

    /// The author that an encrypted entity names inside must be the one who
    /// signed it from outside: else someone else's ciphertext was signed again.
    fn check_protected_author(&self, entity: &Entity<'_>) -> Result<(), Error> {
        let Some(trust) = &self.trust else { return Ok(()) };
        if entity.header().first("From").is_none() {
            return Ok(());
        }
        match address::author(entity.header()) {
            Ok(inner) if address::same_mailbox(&inner.mailbox, &trust.author) => Ok(()),
            _ => Err(PolicyError::ProtectedAuthor.into()),
        }
    }

    /// The innermost entity: clear mail to deliver.
    fn finish<'e>(&mut self, entity: &Entity<'e>, state: State) -> Result<Vec<Draft<'e>>, Error> {
        if self.policy.verify == Demand::Required && !state.passed {
            return Err(PolicyError::SignatureRequired.into());
        }
        if self.policy.decrypt == Demand::Required && !state.decrypted {
            return Err(PolicyError::EncryptionRequired.into());
        }
        if self.unproved {
            if !self.policy.accept_unauthenticated {
                return Err(CmsError::Undecipherable.into());
            }
            self.host.report(Severity::Warning, "unauthenticated-accepted", &[]);
        }
        let judged = self.policy.verify != Demand::Never;
        let as_it_came = !state.opened || (state.detached_only && (state.keep_signature || !judged));
        let unsigned = [Finding::none()];
        let findings = match state.findings.as_slice() {
            _ if !judged => &[],
            [] if state.opened => unsigned.as_slice(),
            found => found,
        };
        if !as_it_came {
            return self.deliver_clear(entity, &state, findings);
        }
        let authserv_id = &self.policy.authserv_id;
        let content = if judged && state.passed {
            // A reader with another idea of delimiters must not find parts there
            // that the result would seem to speak of.
            let body = state.around.cut_off(self.message.body());
            content::with_body(self.message, body, findings, authserv_id)
        } else {
            content::as_it_came(self.message, findings, authserv_id)
        };
        self.deliveries.push(Delivery { recipients: state.recipients, content });
        Ok(Vec::new())
    }

    /// What was inside the layers, as clear mail. A signature that passed is
    /// reported as such only to those whom it speaks to.
    fn deliver_clear<'e>(
        &mut self,
        entity: &Entity<'e>,
        state: &State,
        findings: &[Finding],
    ) -> Result<Vec<Draft<'e>>, Error> {
        let payload = self.payload(entity, state)?;
        let is_bound = !state.passed || !state.decrypted || state.passed_inside || names_author(&payload)?;
        if !is_bound {
            if self.policy.verify == Demand::Required {
                return Err(PolicyError::ProtectedAuthor.into());
            }
            self.host.report(Severity::Warning, "author-not-bound", &[]);
        }
        let envelope = self.envelope;
        let is_named = |&index: &u32| {
            let mailbox = envelope.recipients.get(index as usize);
            mailbox.is_none_or(|mailbox| payload.names(mailbox).unwrap_or(true))
        };
        let (named, others): (Vec<u32>, Vec<u32>) = if state.passed && state.decrypted {
            state.recipients.iter().partition(|index| is_named(index))
        } else {
            (state.recipients.clone(), Vec::new())
        };
        for mailbox in mailboxes(envelope, &others) {
            self.host.report(Severity::Warning, "recipient-not-named", &[Field::text("recipient", mailbox)]);
        }
        let mut drafts = Vec::new();
        for (recipients, doubt) in
            [(named, (!is_bound).then_some("author-not-bound")), (others, Some("recipient-not-named"))]
        {
            if recipients.is_empty() {
                continue;
            }
            let demoted: Vec<Finding> = match doubt {
                Some(reason) => findings.iter().map(|finding| finding.demoted(reason)).collect(),
                None => findings.to_vec(),
            };
            let authserv_id = &self.policy.authserv_id;
            let (message, budget) = (self.message, &mut self.budget);
            drafts.push(content::clear_mail(recipients, message, &payload, &demoted, authserv_id, budget)?);
        }
        Ok(drafts)
    }

    /// What was inside the layers, with the protected header if it is one of the
    /// same author: what a message says from outside of who wrote it is what was
    /// judged, so no other author may surface.
    fn payload<'e>(&mut self, entity: &Entity<'e>, state: &State) -> Result<Payload<'e>, Error> {
        let author = &load_trust(&mut self.trust, self.host, self.message.header())?.author;
        let payload = Payload::read(entity, author, &mut self.budget)?;
        match payload.author() {
            Ok(Some(inner)) if address::same_mailbox(&inner, author) => Ok(payload),
            Ok(None) if !payload.is_protected() => Ok(payload),
            Ok(Some(_)) | Err(_) if state.passed => Err(PolicyError::ProtectedAuthor.into()),
            _ => {
                self.host.report(Severity::Warning, "protected-header-ignored", &[]);
                Ok(Payload::unprotected(entity))
            }
        }
    }

    /// What stays encrypted for these recipients.
    fn closed<'e>(&mut self, entity: &Entity<'e>, state: State) -> Result<Vec<Draft<'e>>, Error> {
        if state.decrypted {
            return self.finish(entity, state);
        }
        if self.policy.verify == Demand::Required && !state.passed {
            return Err(PolicyError::SignatureRequired.into());
        }
        let content = content::as_it_came(self.message, &[], &self.policy.authserv_id);
        self.deliveries.push(Delivery { recipients: state.recipients, content });
        Ok(Vec::new())
    }

    /// Tells the operator of results that claim to be ours.
    fn report_forged(&mut self) {
        let fields = self.message.header().fields();
        let forged = fields.iter().filter(|field| is_forged(field, &self.policy.authserv_id)).count();
        if forged > 0 {
            self.host.report(Severity::Warning, "results-removed", &[Field::number("count", forged)]);
        }
    }
}

/// Loads, once, what is needed to judge the author's signatures.
fn load_trust<'t, H: Host>(
    trust: &'t mut Option<Trust>,
    host: &mut H,
    header: &Header<'_>,
) -> Result<&'t mut Trust, Error> {
    let loaded = match trust.take() {
        Some(loaded) => loaded,
        None => Trust::load(host, address::author(header)?.mailbox)?,
    };
    Ok(trust.insert(loaded))
}

/// Whether what was encrypted says who wrote it.
fn names_author(payload: &Payload<'_>) -> Result<bool, Error> {
    Ok(payload.author()?.is_some() || payload.entity.header().first("From").is_some())
}

fn mailboxes<'e>(envelope: &'e Envelope, indices: &[u32]) -> impl Iterator<Item = &'e str> {
    indices.iter().filter_map(|&index| envelope.recipients.get(index as usize)).map(String::as_str)
}
