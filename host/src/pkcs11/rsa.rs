//! RSA in a token: signatures, and content-encryption keys that were encrypted to
//! the key.

use std::sync::Arc;

use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsOaepParams, PkcsOaepSource, PkcsPssParams};
use cryptoki::mechanism::{Mechanism, MechanismType};
use der::asn1::OctetString;
use der::{Encode as _, Sequence};
use smime::cms::recipient::KeyTransRecipientInfo;
use smime::crypto::DigestAlgorithm;
use smime::crypto::key_transport::Scheme as KeyTransport;
use smime::crypto::parameters::{Oaep, Pss};
use smime::crypto::signature::Scheme as Signature;
use spki::AlgorithmIdentifierOwned;
use subtle::{Choice, ConditionallySelectable as _};
use zeroize::Zeroizing;

use super::error::Pkcs11Error;
use super::objects::{self, TokenObject};
use super::padding;
use super::sessions::Sessions;
use crate::KeyError;
use crate::software_key::random;

/// Signs `message` by `scheme`.
pub(super) fn sign(
    sessions: &Arc<Sessions>,
    object: TokenObject,
    scheme: &Signature,
    message: &[u8],
) -> Result<Vec<u8>, KeyError> {
    let (pss, input) = to_be_signed(scheme, message).ok_or(KeyError::Unsupported)?;
    let signed = sessions.with(move |seat| {
        let key = objects::handle(seat, &object)?;
        let mechanism = pss.map_or(Mechanism::RsaPkcs, Mechanism::RsaPkcsPss);
        Ok(seat.session()?.sign(&mechanism, key, &input)?)
    });
    signed.map_err(KeyError::from)
}

/// The content-encryption key of `length` octets that a `RecipientInfo` has; a
/// random one if it has none.
pub(super) fn unwrap_key(
    sessions: &Arc<Sessions>,
    object: TokenObject,
    modulus_len: usize,
    recipient: KeyTransRecipientInfo,
    length: u32,
) -> Result<Vec<u8>, KeyError> {
    let scheme = recipient.scheme.ok_or(KeyError::Unsupported)?;
    // The key to go on with when there is none is drawn first and always (RFC
    // 3218, section 2.3.2).
    let mut key = random::random(length).ok_or_else(random::out_of_randomness)?;
    let encrypted = recipient.encrypted_key;
    let decrypt_scheme = scheme.clone();
    let decrypted = sessions.with(move |seat| {
        let key = objects::handle(seat, &object)?;
        let mechanism = if seat.offers.raw_rsa { Mechanism::RsaX509 } else { padded(&decrypt_scheme)? };
        let raw = seat.offers.raw_rsa;
        // What is wrong with a ciphertext is no failure of the session.
        match seat.session()?.decrypt(&mechanism, key, &encrypted).map_err(Pkcs11Error::from) {
            Ok(octets) => Ok(Decrypted { raw, octets: Zeroizing::new(octets) }),
            Err(error) if error.is_lost() => Err(error),
            Err(_) => Ok(Decrypted { raw, octets: Zeroizing::default() }),
        }
    });
    let decrypted = decrypted.map_err(KeyError::from)?;
    if decrypted.raw {
        let encoded = left_padded(&decrypted.octets, modulus_len);
        match &scheme {
            KeyTransport::Pkcs1v15 => padding::pkcs1v15(&encoded, &mut key),
            KeyTransport::Oaep(parameters) => padding::oaep(&encoded, parameters, &mut key),
        }
    } else {
        let good = Choice::from(u8::from(decrypted.octets.len() == key.len()));
        let octets = left_padded(&decrypted.octets, decrypted.octets.len().max(key.len()));
        for (octet, real) in key.iter_mut().zip(octets.iter()) {
            octet.conditional_assign(real, good);
        }
    }
    Ok(key)
}

/// What a token made of a ciphertext; nothing, where it refused it.
struct Decrypted {
    /// Whether the padding is still on.
    raw: bool,
    octets: Zeroizing<Vec<u8>>,
}

/// `octets` with zeros before it, up to `len`: some tokens drop those.
fn left_padded(octets: &[u8], len: usize) -> Zeroizing<Vec<u8>> {
    let mut padded = Zeroizing::new(vec![0; len.saturating_sub(octets.len())]);
    padded.reserve_exact(octets.len());
    padded.extend_from_slice(octets);
    padded
}

/// What the token is to sign, and the parameters if that is with PSS.
fn to_be_signed(scheme: &Signature, message: &[u8]) -> Option<(Option<PkcsPssParams>, Vec<u8>)> {
    match scheme {
        // Nothing new is signed with SHA-1.
        Signature::Pkcs1v15(DigestAlgorithm::Sha1) => None,
        Signature::Pkcs1v15(digest) => Some((None, digest_info(*digest, message)?)),
        Signature::Pss(Pss { digest, salt_len }) => {
            let (hash_alg, mgf) = match digest {
                DigestAlgorithm::Sha256 => (MechanismType::SHA256, PkcsMgfType::MGF1_SHA256),
                DigestAlgorithm::Sha384 => (MechanismType::SHA384, PkcsMgfType::MGF1_SHA384),
                DigestAlgorithm::Sha512 => (MechanismType::SHA512, PkcsMgfType::MGF1_SHA512),
                _ => return None,
            };
            let parameters = PkcsPssParams { hash_alg, mgf, s_len: u64::from(*salt_len).into() };
            Some((Some(parameters), digest.compute(message)))
        }
        _ => None,
    }
}

/// ```text
/// DigestInfo ::= SEQUENCE {
///   digestAlgorithm AlgorithmIdentifier,
///   digest OCTET STRING }
/// ```
/// RFC 8017, section 9.2.
#[derive(Sequence)]
struct DigestInfo {
    digest_algorithm: AlgorithmIdentifierOwned,
    digest: OctetString,
}

fn digest_info(digest: DigestAlgorithm, message: &[u8]) -> Option<Vec<u8>> {
    let digest_algorithm = AlgorithmIdentifierOwned { oid: digest.oid(), parameters: Some(der::asn1::Any::null()) };
    DigestInfo { digest_algorithm, digest: OctetString::new(digest.compute(message)).ok()? }.to_der().ok()
}

/// How a token decrypts that takes off the padding itself.
fn padded(scheme: &KeyTransport) -> Result<Mechanism<'_>, Pkcs11Error> {
    match scheme {
        KeyTransport::Pkcs1v15 => Ok(Mechanism::RsaPkcs),
        KeyTransport::Oaep(Oaep { digest, mask_digest, label }) => {
            let source = if label.is_empty() { PkcsOaepSource::empty() } else { PkcsOaepSource::data_specified(label) };
            let hash = match digest {
                DigestAlgorithm::Sha1 => MechanismType::SHA1,
                DigestAlgorithm::Sha256 => MechanismType::SHA256,
                DigestAlgorithm::Sha384 => MechanismType::SHA384,
                DigestAlgorithm::Sha512 => MechanismType::SHA512,
            };
            let mask = match mask_digest {
                DigestAlgorithm::Sha1 => PkcsMgfType::MGF1_SHA1,
                DigestAlgorithm::Sha256 => PkcsMgfType::MGF1_SHA256,
                DigestAlgorithm::Sha384 => PkcsMgfType::MGF1_SHA384,
                DigestAlgorithm::Sha512 => PkcsMgfType::MGF1_SHA512,
            };
            Ok(Mechanism::RsaPkcsOaep(PkcsOaepParams::new(hash, mask, source)))
        }
    }
}
