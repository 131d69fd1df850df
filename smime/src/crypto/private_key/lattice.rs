//! Private keys of ML-DSA and ML-KEM in software, out of their seeds.

use const_oid::ObjectIdentifier;
use der::asn1::{AnyRef, OctetStringRef};
use der::{Decode, SliceReader, Tag, Tagged};
use ml_dsa::{Keypair as _, MlDsa65, MlDsa87};
use ml_kem::{Decapsulate as _, KeyExport as _, MlKem768, MlKem1024};
use pkcs8::PrivateKeyInfoRef;
use zeroize::Zeroizing;

use super::{Opened, out_of_randomness};
use crate::cms::recipient::KemRecipientInfo;
use crate::crypto::lattice::{MlDsa, MlKem};
use crate::crypto::random::{Draw, Drawn};
use crate::crypto::signature::Scheme;
use crate::host::KeyError;

/// A private key on a lattice. It is erased when it is dropped.
pub(super) enum Key {
    MlDsa(MlDsa, Zeroizing<[u8; 32]>),
    MlKem(MlKem, Zeroizing<[u8; 64]>),
}

impl Key {
    /// Reads a key of either; [`KeyError::Unsupported`] if it has no seed.
    pub(super) fn read(info: &PrivateKeyInfoRef<'_>) -> Result<Self, KeyError> {
        let oid: ObjectIdentifier = info.algorithm.oid;
        let encoded = info.private_key.as_bytes();
        if let Some(set) = MlDsa::from_oid(oid) {
            return seed(encoded).map(|seed| Self::MlDsa(set, seed));
        }
        let set = MlKem::from_oid(oid).ok_or(KeyError::Unsupported)?;
        seed(encoded).map(|seed| Self::MlKem(set, seed))
    }

    /// The bits of its public key.
    pub(super) fn public_key(&self) -> Vec<u8> {
        match self {
            Self::MlDsa(MlDsa::MlDsa65, seed) => {
                ml_dsa::SigningKey::<MlDsa65>::from_seed(&(**seed).into()).verifying_key().encode().to_vec()
            }
            Self::MlDsa(MlDsa::MlDsa87, seed) => {
                ml_dsa::SigningKey::<MlDsa87>::from_seed(&(**seed).into()).verifying_key().encode().to_vec()
            }
            Self::MlKem(MlKem::MlKem768, seed) => {
                let key = ml_kem::DecapsulationKey::<MlKem768>::from_seed((**seed).into());
                key.encapsulation_key().to_bytes().to_vec()
            }
            Self::MlKem(MlKem::MlKem1024, seed) => {
                let key = ml_kem::DecapsulationKey::<MlKem1024>::from_seed((**seed).into());
                key.encapsulation_key().to_bytes().to_vec()
            }
        }
    }

    /// Signs with randomness beside the key's own, as FIPS 204 prefers.
    pub(super) fn sign(&self, scheme: &Scheme, message: &[u8], draw: Draw<'_>) -> Result<Vec<u8>, KeyError> {
        let (Self::MlDsa(set, seed), Scheme::MlDsa(wanted)) = (self, scheme) else { return Err(KeyError::Unsupported) };
        if set != wanted {
            return Err(KeyError::Unsupported);
        }
        let random = &mut Drawn::new(draw);
        match set {
            MlDsa::MlDsa65 => ml_dsa::SigningKey::<MlDsa65>::from_seed(&(**seed).into())
                .expanded_key()
                .sign_randomized(message, b"", random)
                .map(|signature| signature.encode().to_vec()),
            MlDsa::MlDsa87 => ml_dsa::SigningKey::<MlDsa87>::from_seed(&(**seed).into())
                .expanded_key()
                .sign_randomized(message, b"", random)
                .map(|signature| signature.encode().to_vec()),
        }
        .map_err(|_| out_of_randomness())
    }

    pub(super) fn open(&self, recipient: &KemRecipientInfo) -> Opened {
        let scheme = recipient.scheme.as_ref().ok_or(KeyError::Unsupported)?;
        let Self::MlKem(set, seed) = self else { return Err(KeyError::Unsupported) };
        if *set != scheme.kem {
            return Err(KeyError::Unsupported);
        }
        let ciphertext = recipient.ciphertext.as_slice();
        // A ciphertext of the right length always gives a secret (FIPS 203, section 6.3).
        let secret = match set {
            MlKem::MlKem768 => ciphertext.try_into().ok().map(|ciphertext| {
                let key = ml_kem::DecapsulationKey::<MlKem768>::from_seed((**seed).into());
                Zeroizing::new(key.decapsulate(&ciphertext).to_vec())
            }),
            MlKem::MlKem1024 => ciphertext.try_into().ok().map(|ciphertext| {
                let key = ml_kem::DecapsulationKey::<MlKem1024>::from_seed((**seed).into());
                Zeroizing::new(key.decapsulate(&ciphertext).to_vec())
            }),
        };
        Ok(secret.and_then(|secret| scheme.unwrap(&secret, recipient.ukm.as_deref(), &recipient.encrypted_key)))
    }
}

/// ```text
/// ML-DSA-65-PrivateKey ::= CHOICE {
///   seed        [0] OCTET STRING (SIZE (32)),
///   expandedKey OCTET STRING (SIZE (4032)),
///   both        SEQUENCE { seed OCTET STRING, expandedKey OCTET STRING } }
/// ```
/// RFC 9881, section 6; RFC 9935, section 6, with 64 octets.
fn seed<const N: usize>(encoded: &[u8]) -> Result<Zeroizing<[u8; N]>, KeyError> {
    let choice = AnyRef::from_der(encoded).map_err(|_| KeyError::Malformed)?;
    let octets = match choice.tag() {
        Tag::ContextSpecific { .. } => choice.value(),
        Tag::Sequence => {
            let mut reader = SliceReader::new(choice.value()).map_err(|_| KeyError::Malformed)?;
            <&OctetStringRef>::decode(&mut reader).map_err(|_| KeyError::Malformed)?.as_bytes()
        }
        _ => return Err(KeyError::Unsupported),
    };
    octets.try_into().map(Zeroizing::new).map_err(|_| KeyError::Malformed)
}
