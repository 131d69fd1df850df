//! A key pair of aws-lc as the certificate builder wants it.

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaKeyPair,
    Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
};
use const_oid::ObjectIdentifier;
use const_oid::db::rfc5912::{ECDSA_WITH_SHA_256, ECDSA_WITH_SHA_384, ECDSA_WITH_SHA_512, SHA_256_WITH_RSA_ENCRYPTION};
use const_oid::db::rfc8410::ID_ED_25519;
use der::Document;
use der::asn1::{BitString, Null};
use signature::Keypair;
use spki::{AlgorithmIdentifierOwned, DynSignatureAlgorithmIdentifier, EncodePublicKey, SignatureBitStringEncoding};
use x509_cert::ext::pkix::{KeyUsage, KeyUsages};
use zeroize::Zeroizing;

use super::KeyAlgorithm;

/// A new key.
pub(crate) enum Pair {
    Rsa(rsa::KeyPair),
    /// On a curve, with the algorithm that it signs by.
    Ec(EcdsaKeyPair, ObjectIdentifier),
    Ed25519(Ed25519KeyPair),
}

impl Pair {
    pub(crate) fn generate(algorithm: KeyAlgorithm) -> Result<Self, Unspecified> {
        let rsa = |size| rsa::KeyPair::generate(size).map(Self::Rsa);
        let ec = |curve, signs| EcdsaKeyPair::generate(curve).map(|pair| Self::Ec(pair, signs));
        match algorithm {
            KeyAlgorithm::Rsa2048 => rsa(rsa::KeySize::Rsa2048),
            KeyAlgorithm::Rsa3072 => rsa(rsa::KeySize::Rsa3072),
            KeyAlgorithm::Rsa4096 => rsa(rsa::KeySize::Rsa4096),
            KeyAlgorithm::EcP256 => ec(&ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_WITH_SHA_256),
            KeyAlgorithm::EcP384 => ec(&ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_WITH_SHA_384),
            KeyAlgorithm::EcP521 => ec(&ECDSA_P521_SHA512_ASN1_SIGNING, ECDSA_WITH_SHA_512),
            KeyAlgorithm::Ed25519 => Ed25519KeyPair::generate().map(Self::Ed25519),
        }
    }

    /// A key that is there, from a PKCS #8 `PrivateKeyInfo`; none if it is of a kind
    /// that signs no request.
    pub(crate) fn from_pkcs8(encoded: &[u8]) -> Option<Self> {
        let ec = |curve, signs| EcdsaKeyPair::from_pkcs8(curve, encoded).ok().map(|pair| Self::Ec(pair, signs));
        let rsa = || rsa::KeyPair::from_pkcs8(encoded).ok().map(Self::Rsa);
        rsa()
            .or_else(|| ec(&ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_WITH_SHA_256))
            .or_else(|| ec(&ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_WITH_SHA_384))
            .or_else(|| ec(&ECDSA_P521_SHA512_ASN1_SIGNING, ECDSA_WITH_SHA_512))
            .or_else(|| Ed25519KeyPair::from_pkcs8_maybe_unchecked(encoded).ok().map(Self::Ed25519))
    }

    /// The key as DER of a PKCS #8 `PrivateKeyInfo`.
    pub(crate) fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
        Ok(Zeroizing::new(match self {
            Self::Rsa(pair) => pair.as_der()?.as_ref().to_vec(),
            Self::Ec(pair, _) => pair.to_pkcs8v1()?.as_ref().to_vec(),
            Self::Ed25519(pair) => pair.to_pkcs8v1()?.as_ref().to_vec(),
        }))
    }

    /// What it may be used for: to sign, and if it can to encrypt to (RFC 8550,
    /// section 4.4.2; RFC 5480, section 3; RFC 8410, section 5).
    pub(crate) fn usage(&self) -> KeyUsage {
        KeyUsage(match self {
            Self::Rsa(_) => KeyUsages::DigitalSignature | KeyUsages::KeyEncipherment,
            Self::Ec(..) => KeyUsages::DigitalSignature | KeyUsages::KeyAgreement,
            Self::Ed25519(_) => KeyUsages::DigitalSignature.into(),
        })
    }
}

impl Keypair for Pair {
    type VerifyingKey = Verifier;

    fn verifying_key(&self) -> Verifier {
        let encoded: Result<PublicKeyX509Der<'_>, _> = match self {
            Self::Rsa(pair) => pair.public_key().as_der(),
            Self::Ec(pair, _) => pair.public_key().as_der(),
            Self::Ed25519(pair) => pair.public_key().as_der(),
        };
        Verifier(encoded.map(|encoded| encoded.as_ref().to_vec()).ok())
    }
}

impl DynSignatureAlgorithmIdentifier for Pair {
    fn signature_algorithm_identifier(&self) -> spki::Result<AlgorithmIdentifierOwned> {
        let (oid, parameters) = match self {
            Self::Rsa(_) => (SHA_256_WITH_RSA_ENCRYPTION, Some(Null.into())),
            Self::Ec(_, signs) => (*signs, None),
            Self::Ed25519(_) => (ID_ED_25519, None),
        };
        Ok(AlgorithmIdentifierOwned { oid, parameters })
    }
}

impl signature::Signer<Signature> for Pair {
    fn try_sign(&self, message: &[u8]) -> signature::Result<Signature> {
        let random = SystemRandom::new();
        Ok(Signature(match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).map_err(|_| signature::Error::new())?;
                signature
            }
            Self::Ec(pair, _) => pair.sign(&random, message).map_err(|_| signature::Error::new())?.as_ref().to_vec(),
            Self::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
        }))
    }
}

/// The public half, in DER; none if it could not be encoded.
#[derive(Clone)]
pub(crate) struct Verifier(Option<Vec<u8>>);

impl EncodePublicKey for Verifier {
    fn to_public_key_der(&self) -> spki::Result<Document> {
        Ok(Document::try_from(self.0.as_deref().ok_or(spki::Error::KeyMalformed)?)?)
    }
}

/// A signature as it stands in a certificate.
pub(crate) struct Signature(Vec<u8>);

impl SignatureBitStringEncoding for Signature {
    fn to_bitstring(&self) -> der::Result<BitString> {
        BitString::from_bytes(&self.0)
    }
}
