//! Which S/MIME layer, if any, a MIME entity is (RFC 8551, sections 3.2 to 3.5
//! and 3.10).

use const_oid::ObjectIdentifier;

use crate::budget::Budget;
use crate::cms::{
    AuthEnvelopedData, Cipher, CompressedData, ContentInfo, Encrypted as _, EnvelopedData, RecipientInfo, SignedData,
};
use crate::crypto::Bulk;
use crate::error::{CmsError, Error, MessageError, MimeError};
use crate::mime::{ContentType, Entity, Multipart, multipart};

/// What a MIME entity turns out to be.
pub(super) enum Layer<'a> {
    /// No S/MIME layer, or one that is not opened here.
    Clear,
    /// `multipart/signed`: the signed entity, and its signature. Nobody vouches
    /// for what stands around the two.
    Detached { content: &'a [u8], signature: SignedData, around: Around },
    /// A signature around its content, which lies in `encoded`.
    Opaque { signed: SignedData, encoded: Vec<u8> },
    /// An encrypted entity, which lies in `encoded`.
    Encrypted { data: Encrypted, encoded: Vec<u8> },
    /// A compressed entity, which lies in `encoded`.
    Compressed { data: CompressedData, encoded: Vec<u8> },
}

/// How many octets of a multipart body are before its first delimiter, and how
/// many after its last; white space does not count.
#[derive(Clone, Copy, Default)]
pub(super) struct Around {
    before: usize,
    after: usize,
}

impl Around {
    fn of(multipart: &Multipart<'_>) -> Self {
        let len = |outside: &[u8]| if outside.trim_ascii().is_empty() { 0 } else { outside.len() };
        Self { before: len(multipart.preamble), after: len(multipart.epilogue) }
    }

    /// The body without them.
    pub(super) fn cut_off(self, body: &[u8]) -> &[u8] {
        body.get(self.before..body.len().saturating_sub(self.after)).unwrap_or_default()
    }
}

/// The two content types that encrypt.
#[derive(Clone)]
pub(super) enum Encrypted {
    /// Nothing in it proves that the content is intact.
    Enveloped(EnvelopedData),
    /// A tag proves that the content is what was encrypted.
    AuthEnveloped(AuthEnvelopedData),
}

impl Encrypted {
    /// Whom it is addressed to.
    pub(super) fn recipients(&self) -> &[RecipientInfo] {
        match self {
            Self::Enveloped(data) => data.recipients(),
            Self::AuthEnveloped(data) => data.recipients(),
        }
    }

    /// The cipher; an error if it is not one of ours.
    pub(super) fn cipher(&self) -> Result<Cipher, CmsError> {
        match self {
            Self::Enveloped(data) => data.cipher(),
            Self::AuthEnveloped(data) => data.cipher(),
        }
    }

    /// What is named as content-encryption algorithm, implemented or not.
    pub(super) fn algorithm(&self) -> ObjectIdentifier {
        match self {
            Self::Enveloped(data) => data.algorithm(),
            Self::AuthEnveloped(data) => data.algorithm(),
        }
    }

    /// Decrypts the content within `encoded`, in place.
    pub(super) fn decrypt(self, encoded: Vec<u8>, key: &[u8], bulk: &dyn Bulk) -> Result<Vec<u8>, CmsError> {
        match self {
            Self::Enveloped(data) => data.decrypt(encoded, key, bulk),
            Self::AuthEnveloped(data) => data.decrypt(encoded, key, bulk),
        }
    }
}

/// Recognises the layer that `entity` is, if any.
///
/// The media type decides; a file name does so only where the type says nothing
/// (RFC 8551, section 3.2.1). `smime-type` is a hint for people: what the
/// structure itself says counts.
pub(super) fn recognise<'a>(entity: &Entity<'a>, budget: &mut Budget) -> Result<Layer<'a>, Error> {
    let content_type = entity.content_type()?;
    if content_type.is("multipart", "signed") {
        return detached(entity, &content_type, budget);
    }
    if is_pkcs7_mime(entity, &content_type)? {
        return pkcs7_mime(entity, budget);
    }
    Ok(Layer::Clear)
}

/// Says whether the octets are an entity with an S/MIME layer of any kind.
pub(super) fn is_protected(entity: &[u8]) -> bool {
    let mut budget = Budget::for_message(entity.len());
    let Ok(entity) = Entity::parse(entity, &mut budget) else { return false };
    entity.content_type().is_ok_and(|content_type| {
        content_type.is("multipart", "signed") || is_pkcs7_mime(&entity, &content_type).unwrap_or(false)
    })
}

/// Says whether `entity` is encrypted, perhaps below signatures around it. What
/// does not parse is not encrypted.
pub(super) fn is_encrypted(entity: &Entity<'_>, budget: &mut Budget) -> bool {
    if budget.layer().is_err() {
        return false;
    }
    match recognise(entity, budget) {
        Ok(Layer::Encrypted { .. }) => true,
        Ok(Layer::Detached { content, .. }) => {
            Entity::parse(content, budget).is_ok_and(|inner| is_encrypted(&inner, budget))
        }
        Ok(Layer::Opaque { signed, encoded }) => signed.content().is_some_and(|content| {
            let content = content.join(&encoded);
            Entity::parse(&content, budget).is_ok_and(|inner| is_encrypted(&inner, budget))
        }),
        Ok(Layer::Compressed { data, encoded }) => data
            .inflate(&encoded, budget)
            .is_ok_and(|content| Entity::parse(&content, budget).is_ok_and(|inner| is_encrypted(&inner, budget))),
        Ok(Layer::Clear) | Err(_) => false,
    }
}

fn detached<'a>(entity: &Entity<'a>, content_type: &ContentType, budget: &mut Budget) -> Result<Layer<'a>, Error> {
    let boundary = content_type.parameter("boundary").ok_or(MimeError::Multipart)?;
    let multipart = multipart::parse(entity.body(), boundary, budget)?;
    let protocol = content_type.parameter("protocol").unwrap_or_default().to_ascii_lowercase();
    let announced = is_pkcs7_signature(&protocol);
    let [content, signature] = multipart.parts.as_slice() else {
        return if announced { Err(CmsError::Malformed.into()) } else { Ok(Layer::Clear) };
    };
    let signature = Entity::parse(signature, budget)?;
    let found = is_pkcs7_signature(signature.content_type()?.essence());
    if !announced && !found {
        return Ok(Layer::Clear);
    }
    if !multipart.closed || announced != found {
        return Err(CmsError::Malformed.into());
    }
    let encoded = decode(&signature, budget)?;
    match ContentInfo::parse(&encoded, budget)? {
        // The content stands beside the signature, so it cannot stand in it
        // (RFC 8551, section 3.5.3.1).
        ContentInfo::Signed(signature) if signature.content().is_none() => {
            Ok(Layer::Detached { content, signature, around: Around::of(&multipart) })
        }
        _ => Err(CmsError::Altered.into()),
    }
}

fn pkcs7_mime<'a>(entity: &Entity<'a>, budget: &mut Budget) -> Result<Layer<'a>, Error> {
    let encoded = decode(entity, budget)?;
    Ok(match ContentInfo::parse(&encoded, budget)? {
        // Without content it is a bag of certificates (RFC 8551, section 3.8), or
        // signatures that lost what they sign.
        ContentInfo::Signed(signed) if signed.content().is_none() => {
            if !signed.signers().is_empty() {
                return Err(CmsError::Malformed.into());
            }
            Layer::Clear
        }
        ContentInfo::Signed(signed) => Layer::Opaque { signed, encoded },
        ContentInfo::Enveloped(data) => Layer::Encrypted { data: Encrypted::Enveloped(data), encoded },
        ContentInfo::AuthEnveloped(data) => Layer::Encrypted { data: Encrypted::AuthEnveloped(data), encoded },
        ContentInfo::Compressed(data) => Layer::Compressed { data, encoded },
        ContentInfo::Other(_) => Layer::Clear,
    })
}

/// Decodes the body of an S/MIME part; damage to it is damage to the structure.
fn decode(entity: &Entity<'_>, budget: &mut Budget) -> Result<Vec<u8>, Error> {
    match entity.decoded_body(budget) {
        Ok(body) => Ok(body.into_owned()),
        Err(MessageError::Mime(MimeError::EncodedBody)) => Err(CmsError::Malformed.into()),
        Err(e) => Err(e.into()),
    }
}

fn is_pkcs7_signature(essence: &str) -> bool {
    matches!(essence, "application/pkcs7-signature" | "application/x-pkcs7-signature")
}

fn is_pkcs7_mime(entity: &Entity<'_>, content_type: &ContentType) -> Result<bool, Error> {
    if content_type.is("application", "pkcs7-mime") || content_type.is("application", "x-pkcs7-mime") {
        return Ok(true);
    }
    if !content_type.is("application", "octet-stream") {
        return Ok(false);
    }
    let named = content_type.parameter("name").is_some_and(has_smime_suffix);
    let disposition = entity.disposition()?;
    Ok(named || disposition.as_ref().and_then(|d| d.parameter("filename")).is_some_and(has_smime_suffix))
}

fn has_smime_suffix(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [".p7m", ".p7s", ".p7c", ".p7z"].iter().any(|suffix| name.ends_with(suffix))
}
