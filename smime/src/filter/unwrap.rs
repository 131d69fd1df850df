//! The content key of an encryption layer, with the recipients' keys and no
//! others.

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::cms::RecipientInfo;
use crate::domain::Authority;
use crate::error::{CmsError, Error};
use crate::host::{Field, Host, Identity, KeyError, PrivateKey, Refusal, Severity};
use crate::verdict::Envelope;
use crate::x509::Certificate;

/// Who a ciphertext is addressed to, among the recipients of the envelope.
pub(super) struct Addressed<'a, K> {
    /// Those with a `RecipientInfo` for a key of theirs.
    pub(super) keys: Vec<Lock<'a, K>>,
    /// Those without.
    pub(super) others: Vec<u32>,
}

/// What is locked for a recipient, and the key of its own that opens it.
pub(super) struct Lock<'a, K> {
    /// Index into the recipients of the envelope.
    recipient: u32,
    info: &'a RecipientInfo,
    identity: Identity<K>,
}

/// Whether the way in which the content key was encrypted to each is implemented:
/// a public fact, to be known before a key is used.
pub(super) fn are_supported<K>(locks: &[Lock<'_, K>]) -> bool {
    locks.iter().all(|lock| lock.info.is_supported())
}

/// A content key, and the recipients whose own keys gave it.
pub(super) struct ContentKey {
    /// The key.
    pub(super) key: Zeroizing<Vec<u8>>,
    /// Indices into the recipients of the envelope.
    pub(super) recipients: Vec<u32>,
}

/// Finds for each recipient the identity a `RecipientInfo` is meant for. No
/// private key is used.
pub(super) fn addressed<'a, H: Host>(
    host: &mut H,
    envelope: &Envelope,
    recipients: &[u32],
    infos: &'a [RecipientInfo],
) -> Result<Addressed<'a, H::Key>, Error> {
    let mut addressed = Addressed { keys: Vec::new(), others: Vec::new() };
    for &index in recipients {
        let Some(mailbox) = envelope.recipients.get(index as usize) else { continue };
        let mut meant = own(host, mailbox, infos)?;
        // Its domain may decrypt for it (RFC 3183, section 4).
        if let (None, Some(authority)) = (&meant, Authority::Confidentiality.mailbox(mailbox)) {
            meant = own(host, &authority, infos)?;
        }
        match meant {
            Some((info, identity)) => addressed.keys.push(Lock { recipient: index, info, identity }),
            None => {
                host.report(Severity::Info, "not-addressed", &[Field::text("recipient", mailbox.as_str())]);
                addressed.others.push(index);
            }
        }
    }
    Ok(addressed)
}

fn own<'a, H: Host>(host: &mut H, owner: &str, infos: &'a [RecipientInfo]) -> Result<Meant<'a, H::Key>, Error> {
    match host.identities(owner) {
        Ok(identities) => meant_for(host, owner, identities, infos),
        Err(Refusal::Denied) => Ok(None),
        Err(unavailable) => Err(unavailable.into()),
    }
}

type Meant<'a, K> = Option<(&'a RecipientInfo, Identity<K>)>;

fn meant_for<'a, H: Host>(
    host: &mut H,
    owner: &str,
    identities: Vec<Identity<H::Key>>,
    infos: &'a [RecipientInfo],
) -> Result<Meant<'a, H::Key>, Error> {
    for identity in identities {
        let certificate = match Certificate::from_der(&identity.certificate) {
            Ok(certificate) => certificate,
            Err(e) => {
                let fields = [Field::text("owner", owner), Field::text("cause", e.cause())];
                host.report(Severity::Warning, "certificate-unusable", &fields);
                continue;
            }
        };
        let mut meant = infos.iter().filter(|info| info.identifies(&certificate));
        let Some(info) = meant.next() else { continue };
        // Which of two would be tried could be an attacker's choice, and trying
        // both would answer twice (CVE-2019-1563).
        if meant.next().is_some() {
            return Err(CmsError::Malformed.into());
        }
        return Ok(Some((info, identity)));
    }
    Ok(None)
}

/// Unwraps the content key, of `length` octets, once for each recipient, with
/// that recipient's own key: nobody reads by the key of another. Recipients
/// whose keys gave the same content key are kept together.
pub(super) fn content_keys<K: PrivateKey>(locks: Vec<Lock<'_, K>>, length: usize) -> Result<Vec<ContentKey>, Error> {
    let len = u32::try_from(length).map_err(|_| CmsError::Algorithm)?;
    let mut found: Vec<ContentKey> = Vec::new();
    for Lock { recipient, info, mut identity } in locks {
        let key = match identity.key.unwrap_key(&info.der(), len) {
            Ok(key) if key.len() == length => Zeroizing::new(key),
            Err(KeyError::Refused(refusal)) => return Err(refusal.into()),
            // One answer, whatever it was that failed.
            Ok(_) | Err(KeyError::Unsupported | KeyError::Malformed) => return Err(CmsError::Undecipherable.into()),
        };
        match found.iter_mut().find(|known| bool::from(known.key.ct_eq(&key))) {
            Some(known) => known.recipients.push(recipient),
            None => found.push(ContentKey { key, recipients: vec![recipient] }),
        }
    }
    Ok(found)
}
