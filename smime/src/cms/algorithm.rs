//! Algorithms by their identifiers: the ciphers that are read and written, the
//! signature a key makes, and names for the audit log.

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5911::{
    ID_AES_128_CBC, ID_AES_128_GCM, ID_AES_192_CBC, ID_AES_192_GCM, ID_AES_256_CBC, ID_AES_256_GCM,
};
use const_oid::db::rfc5912::{
    ECDSA_WITH_SHA_256, ECDSA_WITH_SHA_384, ECDSA_WITH_SHA_512, ID_EC_PUBLIC_KEY, ID_RSASSA_PSS, RSA_ENCRYPTION,
    SHA_256_WITH_RSA_ENCRYPTION,
};
use const_oid::db::rfc8410::ID_ED_25519;
use der::Encode;
use der::asn1::Any;
use spki::AlgorithmIdentifierOwned;

use crate::crypto::DigestAlgorithm;
use crate::crypto::cipher::{BLOCK_LEN, NONCE_LEN};
use crate::crypto::curve::Curve;
use crate::crypto::lattice::MlDsa;
use crate::crypto::parameters::Pss;
use crate::error::CmsError;
use crate::x509::Certificate;

/// A content-encryption algorithm (RFC 8551, section 2.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cipher {
    /// AES-CBC with a key of 128 bits (RFC 3565).
    Aes128Cbc,
    /// AES-CBC with a key of 192 bits.
    Aes192Cbc,
    /// AES-CBC with a key of 256 bits.
    Aes256Cbc,
    /// AES-GCM with a key of 128 bits (RFC 5084).
    Aes128Gcm,
    /// AES-GCM with a key of 192 bits.
    Aes192Gcm,
    /// AES-GCM with a key of 256 bits.
    Aes256Gcm,
    /// ChaCha20 with Poly1305, with a key of 256 bits (RFC 8103).
    ChaCha20Poly1305,
}

impl Cipher {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Aes128Cbc,
        Self::Aes192Cbc,
        Self::Aes256Cbc,
        Self::Aes128Gcm,
        Self::Aes192Gcm,
        Self::Aes256Gcm,
        Self::ChaCha20Poly1305,
    ];

    /// The cipher an object identifier names, if it is one of these.
    pub fn from_oid(oid: ObjectIdentifier) -> Option<Self> {
        Self::ALL.into_iter().find(|cipher| cipher.oid() == oid)
    }

    /// Its object identifier.
    pub fn oid(self) -> ObjectIdentifier {
        match self {
            Self::Aes128Cbc => ID_AES_128_CBC,
            Self::Aes192Cbc => ID_AES_192_CBC,
            Self::Aes256Cbc => ID_AES_256_CBC,
            Self::Aes128Gcm => ID_AES_128_GCM,
            Self::Aes192Gcm => ID_AES_192_GCM,
            Self::Aes256Gcm => ID_AES_256_GCM,
            Self::ChaCha20Poly1305 => ID_ALG_AEAD_CHACHA20_POLY1305,
        }
    }

    /// The length of its keys, in octets.
    pub fn key_len(self) -> usize {
        match self {
            Self::Aes128Cbc | Self::Aes128Gcm => 16,
            Self::Aes192Cbc | Self::Aes192Gcm => 24,
            Self::Aes256Cbc | Self::Aes256Gcm | Self::ChaCha20Poly1305 => 32,
        }
    }

    /// The length of its IV or nonce, in octets.
    pub fn iv_len(self) -> usize {
        if self.is_authenticated() { NONCE_LEN } else { BLOCK_LEN }
    }

    /// Whether it proves that the content is intact.
    pub fn is_authenticated(self) -> bool {
        !matches!(self, Self::Aes128Cbc | Self::Aes192Cbc | Self::Aes256Cbc)
    }
}

/// The signature algorithm that a certificate's key signs messages with, as DER
/// `AlgorithmIdentifier`s of the signature and of the digest, and the digest.
///
/// `rsaEncryption` signs with RSASSA-PKCS1-v1_5 and SHA-256; `id-RSASSA-PSS`
/// with the parameters it is bound to, else with SHA-256 throughout and a salt
/// of 32 octets (RFC 4055, RFC 8551, section 2.2); a curve over a prime field
/// with ECDSA and the digest that is as strong (RFC 5753, section 2.1); Ed25519
/// and ML-DSA with themselves, beside SHA-512 (RFC 8419, section 3; RFC 9882).
///
/// # Errors
/// [`CmsError::Algorithm`] for any other key, or a digest no signature of a
/// message should be made with.
pub fn signature_algorithm(certificate: &Certificate) -> Result<(Vec<u8>, Vec<u8>, DigestAlgorithm), CmsError> {
    let key = &certificate.public_key().algorithm;
    let (algorithm, digest) = match key.oid {
        RSA_ENCRYPTION => {
            let parameters = Some(Any::null());
            let algorithm = AlgorithmIdentifierOwned { oid: SHA_256_WITH_RSA_ENCRYPTION, parameters };
            (algorithm, DigestAlgorithm::Sha256)
        }
        ID_RSASSA_PSS => {
            let pss = match &key.parameters {
                Some(parameters) => Pss::read(parameters).ok_or(CmsError::Algorithm)?,
                None => Pss::new(DigestAlgorithm::Sha256),
            };
            (pss.algorithm().ok_or(CmsError::Algorithm)?, pss.digest)
        }
        ID_EC_PUBLIC_KEY => {
            let curve = key.parameters.as_ref().and_then(|p| p.decode_as().ok()).and_then(Curve::from_oid);
            let (oid, digest) = match curve.ok_or(CmsError::Algorithm)? {
                Curve::P256 => (ECDSA_WITH_SHA_256, DigestAlgorithm::Sha256),
                Curve::P384 => (ECDSA_WITH_SHA_384, DigestAlgorithm::Sha384),
                Curve::P521 => (ECDSA_WITH_SHA_512, DigestAlgorithm::Sha512),
            };
            (AlgorithmIdentifierOwned { oid, parameters: None }, digest)
        }
        ID_ED_25519 => (AlgorithmIdentifierOwned { oid: ID_ED_25519, parameters: None }, DigestAlgorithm::Sha512),
        oid => {
            // RFC 9882, section 3.3: SHA-512 goes with every parameter set.
            MlDsa::from_oid(oid).ok_or(CmsError::Algorithm)?;
            (AlgorithmIdentifierOwned { oid, parameters: None }, DigestAlgorithm::Sha512)
        }
    };
    if digest == DigestAlgorithm::Sha1 {
        return Err(CmsError::Algorithm);
    }
    let algorithm = algorithm.to_der().map_err(|_| CmsError::Algorithm)?;
    Ok((algorithm, digest_identifier(digest), digest))
}

/// The DER `AlgorithmIdentifier` of a digest, without parameters (RFC 5754,
/// section 2).
pub fn digest_identifier(digest: DigestAlgorithm) -> Vec<u8> {
    let algorithm = AlgorithmIdentifierOwned { oid: digest.oid(), parameters: None };
    // An object identifier alone always encodes.
    algorithm.to_der().unwrap_or_default()
}

/// The name of an algorithm for the audit log, if it is one that mail is known
/// to use.
pub fn name(oid: ObjectIdentifier) -> Option<&'static str> {
    NAMES.iter().find(|(known, _)| *known == oid).map(|(_, name)| *name)
}

impl CmsError {
    /// The same error; if it is about an algorithm that has a name, with that.
    pub(crate) fn named(self, oid: ObjectIdentifier) -> Self {
        match (self, name(oid)) {
            (Self::Algorithm, Some(name)) => Self::NamedAlgorithm(name),
            _ => self,
        }
    }
}

const ID_ALG_AEAD_CHACHA20_POLY1305: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.3.18");

const NAMES: &[(ObjectIdentifier, &str)] = &[
    (ID_AES_128_CBC, "aes-128-cbc"),
    (ID_AES_192_CBC, "aes-192-cbc"),
    (ID_AES_256_CBC, "aes-256-cbc"),
    (ID_AES_128_GCM, "aes-128-gcm"),
    (ID_AES_192_GCM, "aes-192-gcm"),
    (ID_AES_256_GCM, "aes-256-gcm"),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.7"), "aes-128-ccm"),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.47"), "aes-256-ccm"),
    (ID_ALG_AEAD_CHACHA20_POLY1305, "chacha20-poly1305"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.3.7"), "des-ede3-cbc"),
    (ObjectIdentifier::new_unwrap("1.3.14.3.2.7"), "des-cbc"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.3.2"), "rc2-cbc"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.3.4"), "rc4"),
    (ObjectIdentifier::new_unwrap("1.2.840.113533.7.66.10"), "cast5-cbc"),
    (ObjectIdentifier::new_unwrap("1.2.392.200011.61.1.1.1.4"), "camellia-256-cbc"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.2.2"), "md2"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.2.4"), "md4"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.2.5"), "md5"),
    (ObjectIdentifier::new_unwrap("1.3.14.3.2.26"), "sha-1"),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.4"), "sha-224"),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1"), "sha-256"),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2"), "sha-384"),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3"), "sha-512"),
    (RSA_ENCRYPTION, "rsa"),
    (ID_RSASSA_PSS, "rsassa-pss"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.7"), "rsaes-oaep"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.4"), "md5-with-rsa"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.5"), "sha1-with-rsa"),
    (SHA_256_WITH_RSA_ENCRYPTION, "sha256-with-rsa"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12"), "sha384-with-rsa"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13"), "sha512-with-rsa"),
    (ObjectIdentifier::new_unwrap("1.2.840.10040.4.1"), "dsa"),
    (ObjectIdentifier::new_unwrap("1.2.840.10040.4.3"), "dsa-with-sha1"),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.1"), "ecdsa-with-sha1"),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2"), "ecdsa-with-sha256"),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3"), "ecdsa-with-sha384"),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4"), "ecdsa-with-sha512"),
    (ObjectIdentifier::new_unwrap("1.3.101.112"), "ed25519"),
    (ObjectIdentifier::new_unwrap("1.3.101.113"), "ed448"),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.17"), "ml-dsa-44"),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.18"), "ml-dsa-65"),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.19"), "ml-dsa-87"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cipher_is_known_by_its_identifier_and_named() {
        for cipher in Cipher::ALL {
            assert_eq!(Cipher::from_oid(cipher.oid()), Some(cipher));
            let bits = (cipher.key_len() * 8).to_string();
            assert!(name(cipher.oid()).is_some_and(|name| name.contains(&bits) || name == "chacha20-poly1305"));
        }
        let triple_des = ObjectIdentifier::new_unwrap("1.2.840.113549.3.7");
        assert_eq!(Cipher::from_oid(triple_des), None);
        assert_eq!(name(triple_des), Some("des-ede3-cbc"));
    }

    #[test]
    fn digests_are_named_without_parameters() {
        let expected = hex_literal::hex!("300b0609608648016503040201");
        assert_eq!(digest_identifier(DigestAlgorithm::Sha256), expected);
    }
}
