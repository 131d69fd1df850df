//! The way out (the seed's fig. 3): group the recipients by what they can read,
//! encrypt for each group, sign as the author.

use std::borrow::Cow;

use super::layer;
use super::protect::{self, Author, Encryption};
use super::recipient::{Directory, Peer, common_cipher};
use super::signature;
use crate::budget::Budget;
use crate::buffer::surround;
use crate::cms::{Cipher, algorithm};
use crate::domain::Authority;
use crate::error::{Error, PolicyError};
use crate::host::{Demand, Field, HeaderProtection, Host, OutboundPolicy, Refusal, Severity, SignatureForm};
use crate::mime::protected_header::{self, Protection};
use crate::mime::{self, Entity, address, canonical};
use crate::verdict::{Content, Delivery, Envelope};

/// The deliveries of a message that leaves, or why there are none.
pub(super) fn deliveries<H: Host>(host: &mut H, envelope: &Envelope, message: &[u8]) -> Result<Vec<Delivery>, Error> {
    let mut budget = Budget::for_message(message.len());
    let message = Entity::parse(message, &mut budget)?;
    let author = address::author(message.header())?.mailbox;
    // The host gives the author's identities to nobody who may not write as the
    // author; so it is asked even where nothing is to be signed.
    let identities = match host.identities(&author) {
        Ok(identities) => identities,
        Err(Refusal::Denied) => return Err(PolicyError::Submitter.into()),
        Err(unavailable) => return Err(unavailable.into()),
    };
    if layer::is_encrypted(&message, &mut budget) {
        host.report(Severity::Info, "already-encrypted", &[]);
        let all = (0u32..).zip(&envelope.recipients).map(|(index, _)| index).collect();
        return Ok(vec![Delivery { recipients: all, content: plain(&message) }]);
    }
    let recipients = consult(host, envelope, &message, &mut budget)?;
    let author = match Author::choose(host, &author, identities) {
        Some(own) => Some(own),
        None => domain_authority(host, &message, &author, &mut budget)?,
    };
    if author.is_none() && recipients.iter().any(|recipient| recipient.policy.sign == Demand::Required) {
        return Err(PolicyError::NoSigningKey.into());
    }
    let groups = groups(&recipients);
    let mut sending =
        Sending { host, message: &message, author, budget, waiting: groups.len(), entity: None, signed: None };
    groups.iter().map(|group| sending.deliver(group)).collect()
}

/// The key of the author's domain, for an author without one (RFC 3183). The
/// client's own signature, where there is one, has to be good for that: what a
/// domain signs it vouches for (section 3.2).
fn domain_authority<H: Host>(
    host: &mut H,
    message: &Entity<'_>,
    author: &str,
    budget: &mut Budget,
) -> Result<Option<Author<H::Key>>, Error> {
    let Some(authority) = Authority::Signing.mailbox(author) else { return Ok(None) };
    let identities = match host.identities(&authority) {
        Ok(identities) => identities,
        Err(Refusal::Denied) => return Ok(None),
        Err(unavailable) => return Err(unavailable.into()),
    };
    let Some(key) = Author::choose(host, &authority, identities) else { return Ok(None) };
    if signature::is_unacceptable(host, message, author, budget)? {
        return Ok(None);
    }
    Ok(Some(key))
}

/// A recipient of the envelope, and what is to be done for it.
struct Recipient {
    index: u32,
    mailbox: String,
    policy: OutboundPolicy,
    /// Named in To or Cc: what other recipients may know of.
    named: bool,
    /// Where the message is to be encrypted.
    peer: Option<Peer>,
}

/// Asks policy and directory about every recipient. If one cannot be served as
/// its policy requires, none is.
fn consult<H: Host>(
    host: &mut H,
    envelope: &Envelope,
    message: &Entity<'_>,
    budget: &mut Budget,
) -> Result<Vec<Recipient>, Error> {
    // Who is in a field that cannot be read counts as not named: it gets a copy
    // of its own.
    let mut named = address::addresses_in(message.header(), "To").unwrap_or_default();
    named.extend(address::addresses_in(message.header(), "Cc").unwrap_or_default());
    let mut directory = None;
    let mut missing = Vec::new();
    let mut recipients = Vec::with_capacity(envelope.recipients.len());
    for (index, mailbox) in (0u32..).zip(&envelope.recipients) {
        let policy = host.outbound_policy(mailbox);
        if policy.header == HeaderProtection::Hidden
            && policy.encrypt != Demand::Never
            && !protected_header::can_carry(message)
        {
            return Err(PolicyError::HeaderProtection.into());
        }
        let peer = if policy.encrypt == Demand::Never {
            None
        } else {
            let directory = match directory.take() {
                Some(loaded) => directory.insert(loaded),
                None => directory.insert(Directory::load(host)?),
            };
            directory.find(host, mailbox, budget)?
        };
        if peer.is_none() && policy.encrypt == Demand::Required {
            missing.push(mailbox.clone());
        }
        let named = named.iter().any(|known| address::same_mailbox(known, mailbox));
        recipients.push(Recipient { index, mailbox: mailbox.clone(), policy, named, peer });
    }
    if missing.is_empty() { Ok(recipients) } else { Err(PolicyError::NoRecipientCertificate(missing).into()) }
}

/// Recipients that get the same octets.
struct Group<'r> {
    policy: OutboundPolicy,
    members: Vec<&'r Recipient>,
    /// The cipher, where the group's copy is encrypted.
    cipher: Option<Cipher>,
}

/// Puts together who may have the same copy: those with the same policy who are
/// named in the header and read the same cipher. Who is not named gets an
/// encrypted copy of its own, so that no `RecipientInfo` gives it away.
fn groups(recipients: &[Recipient]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for recipient in recipients {
        let alone = recipient.peer.is_some() && !recipient.named;
        let encrypted = recipient.peer.is_some();
        let joined = groups.iter_mut().find(|group| {
            !alone
                && group.policy == recipient.policy
                && group.cipher.is_some() == encrypted
                && group.members.iter().all(|member| !encrypted || member.named)
        });
        match joined {
            Some(group) => group.members.push(recipient),
            None => groups.push(Group {
                policy: recipient.policy,
                members: vec![recipient],
                cipher: recipient.peer.as_ref().and_then(|peer| common_cipher([peer], recipient.policy.unknown_peer)),
            }),
        }
    }
    groups.into_iter().flat_map(settle_cipher).collect()
}

/// Chooses the cipher of a group, or takes the group apart where its members
/// read nothing in common.
fn settle_cipher(group: Group<'_>) -> Vec<Group<'_>> {
    if group.cipher.is_none() {
        return vec![group];
    }
    let assumption = group.policy.unknown_peer;
    let common = common_cipher(group.members.iter().filter_map(|member| member.peer.as_ref()), assumption);
    if common.is_some() {
        return vec![Group { cipher: common, ..group }];
    }
    let policy = group.policy;
    let alone = |member: &'_ Recipient| member.peer.as_ref().and_then(|peer| common_cipher([peer], assumption));
    group.members.into_iter().map(|member| Group { policy, cipher: alone(member), members: vec![member] }).collect()
}

/// A message on its way out.
struct Sending<'a, H: Host> {
    host: &'a mut H,
    message: &'a Entity<'a>,
    author: Option<Author<H::Key>>,
    budget: Budget,
    /// How many groups are still to be served after the one in hand. The last
    /// one gets the buffers that others had copies of.
    waiting: usize,
    /// The MIME entity of the message, made when first needed.
    entity: Option<Form>,
    /// The same with a detached signature, which groups can share: it is made
    /// once however many copies there are.
    signed: Option<Form>,
}

/// Octets that groups share, if they want them with the same header inside.
struct Form {
    protection: Protection,
    octets: Vec<u8>,
}

impl<H: Host> Sending<'_, H> {
    fn deliver(&mut self, group: &Group<'_>) -> Result<Delivery, Error> {
        self.waiting = self.waiting.saturating_sub(1);
        let recipients = group.members.iter().map(|member| member.index).collect();
        let sign = group.policy.sign != Demand::Never && self.author.is_some();
        let protection = self.protection(group);
        let protected = match group.cipher {
            Some(cipher) => self.encrypted(group, cipher, sign, protection)?,
            None if sign => self.signed_only(group, protection)?,
            None => return Ok(Delivery { recipients, content: self.clear(group) }),
        };
        Ok(Delivery { recipients, content: Content::Rewritten(self.envelop(protected, protection)) })
    }

    /// How the header of a group's copy is protected.
    fn protection(&self, group: &Group<'_>) -> Protection {
        match (group.policy.header, group.cipher) {
            _ if !protected_header::can_carry(self.message) => Protection::None,
            (HeaderProtection::None, _) => Protection::None,
            (HeaderProtection::Shown | HeaderProtection::Hidden, None) => Protection::Signed,
            (HeaderProtection::Shown, Some(_)) => Protection::Encrypted,
            (HeaderProtection::Hidden, Some(_)) => Protection::Hidden,
        }
    }

    fn encrypted(
        &mut self,
        group: &Group<'_>,
        cipher: Cipher,
        sign: bool,
        protection: Protection,
    ) -> Result<Vec<u8>, Error> {
        let peers: Vec<&Peer> = group.members.iter().filter_map(|member| member.peer.as_ref()).collect();
        let names_author = protection != Protection::None;
        let (inside, outside) =
            if sign { protect::signatures(group.policy.order, cipher, names_author) } else { (false, false) };
        let entity = if inside { self.signed_entity(protection)? } else { self.entity(protection)? };
        let grounds = peers.first().map_or("unknown-peer", |peer| peer.grounds());
        let encryption = Encryption { peers, cipher, assumption: group.policy.unknown_peer };
        let mut protected = protect::encrypt(self.host, entity, &encryption)?;
        if outside {
            protected = self.sign(protected, group.policy.form)?;
        }
        for member in &group.members {
            let layers = match (inside, outside) {
                (true, true) => "signed, encrypted, signed",
                (true, false) => "signed, encrypted",
                (false, true) => "encrypted, signed",
                (false, false) => "encrypted",
            };
            let fields = [
                Field::text("recipient", member.mailbox.as_str()),
                Field::text("layers", layers),
                Field::text("cipher", algorithm::name(cipher.oid()).unwrap_or("unknown")),
                Field::text("chosen-by", grounds),
            ];
            self.host.report(Severity::Info, "protected", &fields);
        }
        Ok(protected)
    }

    fn signed_only(&mut self, group: &Group<'_>, protection: Protection) -> Result<Vec<u8>, Error> {
        let entity = self.entity(protection)?;
        let protected = self.sign_visibly(entity, group.policy.form)?;
        for member in &group.members {
            // It was to be encrypted if that could be done.
            let severity = match member.policy.encrypt {
                Demand::Never => Severity::Info,
                _ => Severity::Warning,
            };
            let fields = [Field::text("recipient", member.mailbox.as_str()), Field::text("layers", "signed")];
            self.host.report(severity, "protected", &fields);
        }
        Ok(protected)
    }

    /// What the policy lets go out without protection.
    fn clear(&mut self, group: &Group<'_>) -> Content {
        for member in &group.members {
            let wanted = member.policy.encrypt != Demand::Never || member.policy.sign != Demand::Never;
            let severity = if wanted { Severity::Warning } else { Severity::Info };
            self.host.report(severity, "sent-clear", &[Field::text("recipient", member.mailbox.as_str())]);
        }
        plain(self.message)
    }

    /// The MIME entity of the message, as it is signed and encrypted: canonical,
    /// and with nothing in it that a relay would have to change.
    fn entity(&mut self, protection: Protection) -> Result<Vec<u8>, Error> {
        if let Some(entity) = take(&mut self.entity, protection) {
            return Ok(share(&mut self.entity, protection, entity, self.waiting));
        }
        // The layers grow in this buffer, up to base64 of all of it.
        let len = self.message.raw().len();
        let mut entity = Vec::with_capacity(len.saturating_add(len / 8 * 3).saturating_add(FRAMES));
        protected_header::append_entity(&mut entity, self.message, protection);
        let parsed = Entity::parse(&entity, &mut self.budget)?;
        if let Cow::Owned(encoded) = canonical::seven_bit(&parsed, &mut self.budget)? {
            entity = encoded;
        }
        Ok(share(&mut self.entity, protection, entity, self.waiting))
    }

    /// The same with a detached signature.
    fn signed_entity(&mut self, protection: Protection) -> Result<Vec<u8>, Error> {
        let signed = match take(&mut self.signed, protection) {
            Some(signed) => signed,
            None => {
                let entity = self.entity(protection)?;
                self.sign(entity, SignatureForm::Detached)?
            }
        };
        Ok(share(&mut self.signed, protection, signed, self.waiting))
    }

    /// Signs where relays can see the content. One that is still not 7-bit, for
    /// an 8-bit header field inside or because the client signed it so, would
    /// break on its way if the signature did not hide it (RFC 8551, section
    /// 3.1.3).
    fn sign_visibly(&mut self, entity: Vec<u8>, form: SignatureForm) -> Result<Vec<u8>, Error> {
        let form = if canonical::is_seven_bit(&entity) { form } else { SignatureForm::Opaque };
        self.sign(entity, form)
    }

    fn sign(&mut self, entity: Vec<u8>, form: SignatureForm) -> Result<Vec<u8>, Error> {
        match &mut self.author {
            Some(author) => author.sign(self.host, entity, form),
            None => Err(PolicyError::NoSigningKey.into()),
        }
    }

    /// The original header, its MIME fields replaced by those of `entity`.
    fn envelop(&self, entity: Vec<u8>, protection: Protection) -> Vec<u8> {
        let header = self.message.header();
        let mut kept = protected_header::outer_fields(header, protection, |field| !is_bcc(field));
        if header.first("MIME-Version").is_none() {
            kept.extend_from_slice(b"MIME-Version: 1.0\r\n");
        }
        surround(&kept, entity, b"")
    }
}

/// What was kept with this header inside.
fn take(kept: &mut Option<Form>, protection: Protection) -> Option<Vec<u8>> {
    kept.take_if(|form| form.protection == protection).map(|form| form.octets)
}

/// Gives `octets` away, and keeps a copy if others wait for it.
fn share(kept: &mut Option<Form>, protection: Protection, octets: Vec<u8>, waiting: usize) -> Vec<u8> {
    if waiting > 0 {
        *kept = Some(Form { protection, octets: octets.clone() });
    }
    octets
}

/// Room for what layers put around a content, base64 aside: header fields,
/// signatures with their certificates, recipients.
const FRAMES: usize = 32 << 10;

/// Whether a field names those whom nobody else may know of.
fn is_bcc(field: &mime::Field<'_>) -> bool {
    field.is("Bcc") || field.is("Resent-Bcc")
}

/// The message as it is, but for the fields that are [`is_bcc`].
fn plain(message: &Entity<'_>) -> Content {
    if !message.header().fields().iter().any(is_bcc) {
        return Content::Unchanged;
    }
    let mut out = message.header().retain(|field| !is_bcc(field));
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(message.body());
    Content::Rewritten(out)
}
