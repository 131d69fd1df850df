//! Recipients of a content-encryption key: reading `RecipientInfo`s, and writing
//! one for each certificate.

use std::borrow::Cow;
use std::sync::Arc;

use super::ber::{Reader, tag};
use super::identifier::Identifier;
use crate::budget::Budget;
use crate::crypto::key_transport::KeyTransportError;
use crate::error::{CmsError, MessageError};
use crate::x509::Certificate;

mod kem;
mod key_agreement;
mod key_transport;

pub use crate::crypto::key_agreement::Scheme as KeyAgreement;
pub use crate::crypto::key_encapsulation::Scheme as KeyEncapsulation;
pub use crate::crypto::key_transport::KeyTransport;
pub use kem::{KemRecipientInfo, key_encapsulation};
pub use key_agreement::{KeyAgreeRecipientInfo, key_agreement};
pub use key_transport::{KeyTransRecipientInfo, key_transport, key_transport_by_key_identifier};

/// ```text
/// RecipientInfo ::= CHOICE {
///   ktri KeyTransRecipientInfo,
///   kari [1] KeyAgreeRecipientInfo,
///   kekri [2] KEKRecipientInfo,
///   pwri [3] PasswordRecipientInfo,
///   ori [4] OtherRecipientInfo }
/// ```
/// RFC 5652, section 6.2. Where a `KeyAgreeRecipientInfo` is for several, this is
/// one of them.
#[derive(Clone, Debug)]
pub struct RecipientInfo {
    encoded: Encoded,
    /// None of a kind that names no certificate.
    identifier: Option<Identifier>,
    supported: bool,
}

#[derive(Clone, Debug)]
enum Encoded {
    /// All of it in DER.
    Whole(Vec<u8>),
    /// What recipients have in common, which is kept once, and the
    /// `RecipientEncryptedKey` of this one.
    One { common: Arc<[u8]>, encrypted_key: Vec<u8> },
}

impl RecipientInfo {
    /// The DER of a `RecipientInfo` for this recipient alone: what a private key
    /// unwraps.
    pub fn der(&self) -> Cow<'_, [u8]> {
        match &self.encoded {
            Encoded::Whole(encoded) => Cow::Borrowed(encoded),
            Encoded::One { common, encrypted_key } => Cow::Owned(key_agreement::for_one(common, encrypted_key)),
        }
    }

    /// Whether the key was encrypted to `certificate`. With a key identifier
    /// that may be so for several certificates. A kind that names none
    /// identifies none.
    pub fn identifies(&self, certificate: &Certificate) -> bool {
        self.identifier.as_ref().is_some_and(|identifier| identifier.names(certificate))
    }

    /// Whether its key can be unwrapped: whether all that is in it is
    /// implemented.
    pub fn is_supported(&self) -> bool {
        self.supported
    }

    /// Reads one value, which may be for several recipients, and takes each from
    /// `budget`.
    pub(super) fn read(
        reader: &mut Reader<'_>,
        found: &mut Vec<Self>,
        budget: &mut Budget,
    ) -> Result<(), MessageError> {
        budget.recipient()?;
        let kind = reader.peek();
        let encoded = reader.der()?;
        match kind {
            Some(tag::SEQUENCE) => {
                let recipient = KeyTransRecipientInfo::read(&mut Reader::new(&encoded))?;
                let supported = recipient.scheme.is_some();
                found.push(Self {
                    identifier: Some(recipient.identifier),
                    supported,
                    encoded: Encoded::Whole(encoded),
                });
            }
            Some(kind) if kind == tag::constructed(1) => {
                let read = key_agreement::Common::read(&mut Reader::new(&encoded))?;
                let (common, supported) = (Arc::from(read.encoded()), read.is_supported());
                for (number, encrypted_key) in read.encrypted_keys.into_iter().enumerate() {
                    if number > 0 {
                        budget.recipient()?;
                    }
                    let identifier = Some(encrypted_key.identifier);
                    let encoded = Encoded::One { common: Arc::clone(&common), encrypted_key: encrypted_key.encoded };
                    found.push(Self { encoded, identifier, supported });
                }
            }
            Some(kind) if kind == tag::constructed(4) => {
                let recipient = KemRecipientInfo::read(&mut Reader::new(&encoded))?;
                let supported = recipient.as_ref().is_some_and(|recipient| recipient.scheme.is_some());
                let identifier = recipient.map(|recipient| recipient.identifier);
                found.push(Self { encoded: Encoded::Whole(encoded), identifier, supported });
            }
            Some(0xA2 | 0xA3) => {
                found.push(Self { encoded: Encoded::Whole(encoded), identifier: None, supported: false });
            }
            _ => return Err(CmsError::Malformed.into()),
        }
        Ok(())
    }
}

/// A `RecipientInfo` for one recipient, as the holder of its private key reads
/// it.
#[derive(Clone, Debug)]
pub enum EncryptedKey {
    /// For an RSA key.
    Transport(KeyTransRecipientInfo),
    /// For a key that agrees with others.
    Agreement(KeyAgreeRecipientInfo),
    /// For a key of a KEM.
    Encapsulation(KemRecipientInfo),
}

impl EncryptedKey {
    /// The longest encoding that is read, in octets: that of the longest names
    /// and keys in use, and then some.
    pub const MAX_LEN: usize = 64 << 10;

    /// Reads the DER of a `RecipientInfo`.
    ///
    /// # Errors
    /// [`CmsError::Malformed`] if it does not parse, or is for several;
    /// [`CmsError::Algorithm`] if it is of another kind.
    pub fn from_der(encoded: &[u8]) -> Result<Self, CmsError> {
        if encoded.len() > Self::MAX_LEN {
            return Err(CmsError::Malformed);
        }
        let mut reader = Reader::new(encoded);
        let read = match reader.peek() {
            Some(tag::SEQUENCE) => Self::Transport(KeyTransRecipientInfo::read(&mut reader)?),
            Some(kind) if kind == tag::constructed(1) => Self::Agreement(KeyAgreeRecipientInfo::read(&mut reader)?),
            Some(kind) if kind == tag::constructed(4) => {
                Self::Encapsulation(KemRecipientInfo::read(&mut reader)?.ok_or(CmsError::Algorithm)?)
            }
            Some(0xA2 | 0xA3) => return Err(CmsError::Algorithm),
            _ => return Err(CmsError::Malformed),
        };
        reader.finish()?;
        Ok(read)
    }

    /// Whether it is for the key of `certificate`.
    pub fn names(&self, certificate: &Certificate) -> bool {
        match self {
            Self::Transport(recipient) => recipient.identifier.names(certificate),
            Self::Agreement(recipient) => recipient.identifier.names(certificate),
            Self::Encapsulation(recipient) => recipient.identifier.names(certificate),
        }
    }
}

fn failure(error: KeyTransportError) -> CmsError {
    match error {
        KeyTransportError::Key | KeyTransportError::TooLong | KeyTransportError::Random => CmsError::Algorithm,
    }
}
