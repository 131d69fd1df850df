//! Key agreement over elliptic curves: a content-encryption key, wrapped with
//! what an ephemeral key of the originator and the key of a certificate agree
//! on (RFC 5753, RFC 8418).

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5912::ID_EC_PUBLIC_KEY;
use const_oid::db::rfc8410::ID_X_25519;
use der::asn1::{Any, BitString, OctetString};
use der::{Encode, Sequence};
use rand_core::TryRng as _;
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use x25519_dalek::StaticSecret;
use zeroize::Zeroizing;

use super::curve::Agreed;
use super::key_derivation::KeyDerivation;
use super::key_transport::KeyTransportError;
use super::key_wrap::KeyWrap;
use super::public_key::PublicKey;
use super::random::{Draw, Drawn};

/// Ephemeral-static Diffie-Hellman with a key derivation function and a key
/// wrap algorithm.
///
/// ```text
/// keyEncryptionAlgorithm ::= AlgorithmIdentifier
///   -- algorithm: dhSinglePass-stdDH-sha256kdf-scheme and the like
///   -- parameters: KeyWrapAlgorithm
/// ```
/// RFC 5753, section 7.1.4; RFC 8418, section 2.2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scheme {
    algorithm: ObjectIdentifier,
    derivation: KeyDerivation,
    wrap: KeyWrap,
    /// As it is encoded: it enters the derivation.
    wrap_algorithm: AlgorithmIdentifierOwned,
}

/// A content-encryption key on its way to one recipient.
pub(crate) struct Sealed {
    /// The originator's ephemeral public key.
    pub(crate) originator: SubjectPublicKeyInfoOwned,
    /// The wrapped key.
    pub(crate) encrypted_key: Vec<u8>,
}

impl Scheme {
    /// Standard Diffie-Hellman with these.
    pub fn new(derivation: KeyDerivation, wrap: KeyWrap) -> Self {
        let algorithm = SCHEMES.iter().find(|(_, known)| *known == derivation).map_or(SCHEMES[0].0, |(oid, _)| *oid);
        Self {
            algorithm,
            derivation,
            wrap,
            wrap_algorithm: AlgorithmIdentifierOwned { oid: wrap.oid(), parameters: None },
        }
    }

    /// Reads the `keyEncryptionAlgorithm` of a `KeyAgreeRecipientInfo`; none if
    /// it is not implemented. On curves of cofactor 1, and X25519 has it in its
    /// keys, cofactor Diffie-Hellman is the standard one.
    pub fn read(algorithm: &AlgorithmIdentifierOwned) -> Option<Self> {
        let (_, derivation) = SCHEMES.iter().find(|(oid, _)| *oid == algorithm.oid)?;
        let wrap_algorithm: AlgorithmIdentifierOwned = algorithm.parameters.as_ref()?.decode_as().ok()?;
        let wrap = KeyWrap::from_oid(wrap_algorithm.oid)?;
        if !wrap_algorithm.parameters.as_ref().is_none_or(Any::is_null) {
            return None;
        }
        Some(Self { algorithm: algorithm.oid, derivation: *derivation, wrap, wrap_algorithm })
    }

    /// Whether keys are derived with HKDF (RFC 8418).
    pub fn is_hkdf(&self) -> bool {
        matches!(self.derivation, KeyDerivation::HkdfSha256 | KeyDerivation::HkdfSha384 | KeyDerivation::HkdfSha512)
    }

    /// Writes the `keyEncryptionAlgorithm`. None if it cannot be encoded, which
    /// these types do not allow to happen.
    pub fn algorithm(&self) -> Option<AlgorithmIdentifierOwned> {
        let parameters = Any::encode_from(&self.wrap_algorithm).ok()?;
        Some(AlgorithmIdentifierOwned { oid: self.algorithm, parameters: Some(parameters) })
    }

    /// Encrypts a content-encryption key to a public key.
    pub(crate) fn encrypt(
        &self,
        public_key: &SubjectPublicKeyInfoOwned,
        content_key: &[u8],
        draw: Draw<'_>,
    ) -> Result<Sealed, KeyTransportError> {
        let mut random = Drawn::new(draw);
        let (oid, agreed) = match PublicKey::read(public_key) {
            Ok(PublicKey::Ec(point)) => (ID_EC_PUBLIC_KEY, point.agree(&mut random).ok_or(KeyTransportError::Random)?),
            Ok(PublicKey::X25519(key)) => (ID_X_25519, agree_x25519(&key, &mut random)?),
            _ => return Err(KeyTransportError::Key),
        };
        let encrypted_key = self
            .key_encryption_key(&agreed.secret, None)
            .and_then(|key| self.wrap.wrap(&key, content_key))
            .ok_or(KeyTransportError::TooLong)?;
        let subject_public_key = BitString::from_bytes(&agreed.ephemeral).map_err(|_| KeyTransportError::Key)?;
        let algorithm = AlgorithmIdentifierOwned { oid, parameters: None };
        Ok(Sealed { originator: SubjectPublicKeyInfoOwned { algorithm, subject_public_key }, encrypted_key })
    }

    /// The content-encryption key in `encrypted_key`, from the shared secret that
    /// the holder of the private key agreed on (SEC 1, section 3.3.1: the
    /// x-coordinate, at full length) and the `ukm` of the recipient, if it has
    /// one. None if it was wrapped with another secret.
    pub fn unwrap(&self, secret: &[u8], ukm: Option<&[u8]>, encrypted_key: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        self.wrap.unwrap(&self.key_encryption_key(secret, ukm)?, encrypted_key)
    }

    /// The ukm enters twice where HKDF is used: as salt, and as entityUInfo (RFC
    /// 8418, section 2.2).
    fn key_encryption_key(&self, secret: &[u8], ukm: Option<&[u8]>) -> Option<Zeroizing<Vec<u8>>> {
        let info = self.shared_info(ukm)?;
        self.derivation.derive(secret, ukm, &info, self.wrap.key_len())
    }

    fn shared_info(&self, ukm: Option<&[u8]>) -> Option<Vec<u8>> {
        let bits = u32::try_from(self.wrap.key_len()).ok()?.checked_mul(8)?;
        let info = EccCmsSharedInfo {
            key_info: self.wrap_algorithm.clone(),
            entity_u_info: ukm.map(OctetString::new).transpose().ok()?,
            supp_pub_info: OctetString::new(bits.to_be_bytes()).ok()?,
        };
        info.to_der().ok()
    }
}

/// ```text
/// ECC-CMS-SharedInfo ::= SEQUENCE {
///   keyInfo     AlgorithmIdentifier,
///   entityUInfo [0] EXPLICIT OCTET STRING OPTIONAL,
///   suppPubInfo [2] EXPLICIT OCTET STRING } -- bits of the key-encryption key
/// ```
/// RFC 5753, section 7.2.
#[derive(Sequence)]
struct EccCmsSharedInfo {
    key_info: AlgorithmIdentifierOwned,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    entity_u_info: Option<OctetString>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT")]
    supp_pub_info: OctetString,
}

/// Agrees with a new ephemeral key. A key of small order agrees with all on the
/// same secret, and is refused (RFC 8418, section 2).
fn agree_x25519(key: &x25519_dalek::PublicKey, random: &mut Drawn<'_>) -> Result<Agreed, KeyTransportError> {
    let mut scalar = Zeroizing::new([0; 32]);
    random.try_fill_bytes(&mut *scalar).map_err(|_| KeyTransportError::Random)?;
    let ephemeral = StaticSecret::from(*scalar);
    let secret = ephemeral.diffie_hellman(key);
    if !secret.was_contributory() {
        return Err(KeyTransportError::Key);
    }
    let public = x25519_dalek::PublicKey::from(&ephemeral);
    Ok(Agreed { ephemeral: public.as_bytes().to_vec(), secret: Zeroizing::new(secret.as_bytes().to_vec()) })
}

/// Those that are written first, then those that differ from one of them in name
/// only.
const SCHEMES: [(ObjectIdentifier, KeyDerivation); 13] = [
    (ObjectIdentifier::new_unwrap("1.3.132.1.11.1"), KeyDerivation::X963Sha256),
    (ObjectIdentifier::new_unwrap("1.3.132.1.11.2"), KeyDerivation::X963Sha384),
    (ObjectIdentifier::new_unwrap("1.3.132.1.11.3"), KeyDerivation::X963Sha512),
    (ObjectIdentifier::new_unwrap("1.3.132.1.11.0"), KeyDerivation::X963Sha224),
    (ObjectIdentifier::new_unwrap("1.3.133.16.840.63.0.2"), KeyDerivation::X963Sha1),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.3.19"), KeyDerivation::HkdfSha256),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.3.20"), KeyDerivation::HkdfSha384),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.3.21"), KeyDerivation::HkdfSha512),
    (ObjectIdentifier::new_unwrap("1.3.132.1.14.1"), KeyDerivation::X963Sha256),
    (ObjectIdentifier::new_unwrap("1.3.132.1.14.2"), KeyDerivation::X963Sha384),
    (ObjectIdentifier::new_unwrap("1.3.132.1.14.3"), KeyDerivation::X963Sha512),
    (ObjectIdentifier::new_unwrap("1.3.132.1.14.0"), KeyDerivation::X963Sha224),
    (ObjectIdentifier::new_unwrap("1.3.133.16.840.63.0.3"), KeyDerivation::X963Sha1),
];
