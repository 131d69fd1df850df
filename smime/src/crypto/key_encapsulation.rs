//! Key encapsulation: a content-encryption key, wrapped with a key out of a
//! shared secret that only the holder of a private key can have (RFC 9629; RFC
//! 9936).

use const_oid::ObjectIdentifier;
use der::asn1::{Any, OctetString};
use der::{Encode, Sequence};
use rand_core::TryRng as _;
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use zeroize::Zeroizing;

use super::key_derivation::KeyDerivation;
use super::key_transport::KeyTransportError;
use super::key_wrap::KeyWrap;
use super::lattice::MlKem;
use super::public_key::PublicKey;
use super::random::{Draw, Drawn};

/// A KEM with a key derivation function and a key wrap algorithm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scheme {
    /// The KEM.
    pub kem: MlKem,
    derivation: KeyDerivation,
    wrap: KeyWrap,
    /// As it is encoded: it enters the derivation.
    wrap_algorithm: AlgorithmIdentifierOwned,
}

/// A content-encryption key on its way to one recipient.
pub(crate) struct Sealed {
    /// What the shared secret is encapsulated in.
    pub(crate) ciphertext: Vec<u8>,
    /// The wrapped key.
    pub(crate) encrypted_key: Vec<u8>,
}

impl Scheme {
    /// What is written for a KEM: HKDF with SHA-256, and AES key wrap with 256
    /// bits (RFC 9936, section 2.2).
    pub fn new(kem: MlKem) -> Self {
        let wrap = KeyWrap::Aes256;
        let wrap_algorithm = AlgorithmIdentifierOwned { oid: wrap.oid(), parameters: None };
        Self { kem, derivation: KeyDerivation::HkdfSha256, wrap, wrap_algorithm }
    }

    /// Reads `kem`, `kdf`, `kekLength` and `wrap` of a `KEMRecipientInfo`; none
    /// if they are not implemented, or do not fit each other.
    pub fn read(
        kem: &AlgorithmIdentifierOwned,
        derivation: &AlgorithmIdentifierOwned,
        key_len: u16,
        wrap: AlgorithmIdentifierOwned,
    ) -> Option<Self> {
        let (_, derivation) = DERIVATIONS.into_iter().find(|(oid, _)| *oid == derivation.oid)?;
        let kem = MlKem::from_oid(kem.oid).filter(|_| kem.parameters.is_none())?;
        let cipher = KeyWrap::from_oid(wrap.oid)?;
        let fits = usize::from(key_len) == cipher.key_len() && wrap.parameters.as_ref().is_none_or(Any::is_null);
        fits.then_some(Self { kem, derivation, wrap: cipher, wrap_algorithm: wrap })
    }

    /// `kem`, `kdf` and `wrap` of a `KEMRecipientInfo`.
    pub(crate) fn algorithms(&self) -> [AlgorithmIdentifierOwned; 3] {
        let bare = |oid| AlgorithmIdentifierOwned { oid, parameters: None };
        let derivation = DERIVATIONS.into_iter().find(|(_, known)| *known == self.derivation);
        // There are only such schemes as have a name.
        let derivation = derivation.map_or(DERIVATIONS[0].0, |(oid, _)| oid);
        [bare(self.kem.oid()), bare(derivation), self.wrap_algorithm.clone()]
    }

    /// The length of the key-encryption key, in octets.
    pub(crate) fn key_len(&self) -> usize {
        self.wrap.key_len()
    }

    /// Encrypts a content-encryption key to a public key.
    pub(crate) fn encrypt(
        &self,
        public_key: &SubjectPublicKeyInfoOwned,
        content_key: &[u8],
        draw: Draw<'_>,
    ) -> Result<Sealed, KeyTransportError> {
        let key = match PublicKey::read(public_key) {
            Ok(PublicKey::MlKem(kem, key)) if kem == self.kem => key,
            _ => return Err(KeyTransportError::Key),
        };
        // A shared secret is for one recipient, and for once (RFC 9629, section 7).
        let mut random = Zeroizing::new([0; 32]);
        Drawn::new(draw).try_fill_bytes(&mut *random).map_err(|_| KeyTransportError::Random)?;
        let encapsulated = self.kem.encapsulate(&key, &random).ok_or(KeyTransportError::Key)?;
        let encrypted_key = self
            .key_encryption_key(&encapsulated.secret, None)
            .and_then(|key| self.wrap.wrap(&key, content_key))
            .ok_or(KeyTransportError::TooLong)?;
        Ok(Sealed { ciphertext: encapsulated.ciphertext, encrypted_key })
    }

    /// The content-encryption key in `encrypted_key`, from the shared secret and
    /// the `ukm` of the recipient, if it has one. None if it was wrapped with
    /// another secret.
    pub fn unwrap(&self, secret: &[u8], ukm: Option<&[u8]>, encrypted_key: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        self.wrap.unwrap(&self.key_encryption_key(secret, ukm)?, encrypted_key)
    }

    fn key_encryption_key(&self, secret: &[u8], ukm: Option<&[u8]>) -> Option<Zeroizing<Vec<u8>>> {
        let info = CmsOriForKemOtherInfo {
            wrap: self.wrap_algorithm.clone(),
            kek_length: u16::try_from(self.key_len()).ok()?,
            ukm: ukm.map(OctetString::new).transpose().ok()?,
        };
        self.derivation.derive(secret, None, &info.to_der().ok()?, self.key_len())
    }
}

/// ```text
/// CMSORIforKEMOtherInfo ::= SEQUENCE {
///   wrap      KeyEncryptionAlgorithmIdentifier,
///   kekLength INTEGER (1..65535),
///   ukm       [0] EXPLICIT UserKeyingMaterial OPTIONAL }
/// ```
/// RFC 9629, section 5.
#[derive(Sequence)]
struct CmsOriForKemOtherInfo {
    wrap: AlgorithmIdentifierOwned,
    kek_length: u16,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    ukm: Option<OctetString>,
}

/// HKDF by its name (RFC 8619).
const DERIVATIONS: [(ObjectIdentifier, KeyDerivation); 3] = [
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.3.28"), KeyDerivation::HkdfSha256),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.3.29"), KeyDerivation::HkdfSha384),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.3.30"), KeyDerivation::HkdfSha512),
];
