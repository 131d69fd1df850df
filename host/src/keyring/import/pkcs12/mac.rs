//! The MAC of a PKCS #12 file (RFC 7292, section 4), which says whether the
//! password is the right one and the file is intact.

use ::pkcs12::kdf::{Pkcs12KeyType, derive_key};
use aws_lc_rs::hmac;
use const_oid::ObjectIdentifier;
use const_oid::db::rfc5912::{ID_SHA_1, ID_SHA_256, ID_SHA_384, ID_SHA_512};
use der::asn1::OctetStringRef;
use der::{Decode, Sequence};
use sha2_kdf::{Sha256, Sha384, Sha512};
use spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

use super::MAX_ITERATIONS;

/// Why a MAC does not vouch for the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MacError {
    /// It does not parse.
    Malformed,
    /// Its algorithm is not known, or costs too much.
    Algorithm,
    /// The password is wrong, or the content was altered.
    Mismatch,
}

#[derive(Sequence)]
struct MacData<'a> {
    mac: DigestInfo<'a>,
    salt: &'a OctetStringRef,
    #[asn1(default = "one")]
    iterations: u32,
}

#[derive(Sequence)]
struct DigestInfo<'a> {
    algorithm: AlgorithmIdentifierRef<'a>,
    digest: &'a OctetStringRef,
}

fn one() -> u32 {
    1
}

/// Checks the DER of a `MacData` over `content`.
pub(super) fn verify(mac_data: &[u8], password: &str, content: &[u8]) -> Result<(), MacError> {
    let mac_data = MacData::from_der(mac_data).map_err(|_| MacError::Malformed)?;
    let rounds = Some(mac_data.iterations).filter(|iterations| *iterations <= MAX_ITERATIONS);
    let rounds = rounds.and_then(|iterations| i32::try_from(iterations).ok()).ok_or(MacError::Algorithm)?;
    let key = key(mac_data.mac.algorithm.oid, password, mac_data.salt.as_bytes(), rounds).ok_or(MacError::Algorithm)?;
    hmac::verify(&key, content, mac_data.mac.digest.as_bytes()).map_err(|_| MacError::Mismatch)
}

/// The key, for the digests that programs use.
fn key(digest: ObjectIdentifier, password: &str, salt: &[u8], rounds: i32) -> Option<hmac::Key> {
    // UTF-16, with a terminator (RFC 7292, appendix B.1).
    let units = password.encode_utf16().chain([0]);
    let password = Zeroizing::new(units.flat_map(u16::to_be_bytes).collect::<Vec<u8>>());
    let mac = Pkcs12KeyType::Mac;
    let (algorithm, key) = match digest {
        ID_SHA_1 => {
            (hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, derive_key::<sha1_kdf::Sha1>(&password, salt, mac, rounds, 20))
        }
        ID_SHA_256 => (hmac::HMAC_SHA256, derive_key::<Sha256>(&password, salt, mac, rounds, 32)),
        ID_SHA_384 => (hmac::HMAC_SHA384, derive_key::<Sha384>(&password, salt, mac, rounds, 48)),
        ID_SHA_512 => (hmac::HMAC_SHA512, derive_key::<Sha512>(&password, salt, mac, rounds, 64)),
        _ => return None,
    };
    Some(hmac::Key::new(algorithm, &Zeroizing::new(key)))
}
