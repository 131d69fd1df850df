//! RSA public keys (RFC 4055, section 1.2), and what they may be used for.

use const_oid::db::rfc5912::{ID_RSAES_OAEP, ID_RSASSA_PSS, RSA_ENCRYPTION};
use der::Decode;
use pkcs1::RsaPublicKeyRef;
use rsa::{BoxedUint, RsaPublicKey};
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

use super::UnfitKey;
use crate::crypto::parameters::{Oaep, Pss};

/// The smallest modulus that is used, in bits (RFC 8551, section 4).
pub const MODULUS_MIN_BITS: usize = 2048;
/// The largest modulus that something new is made for, in bits (RFC 8551,
/// section 4).
pub const MODULUS_MAX_BITS: usize = 4096;
/// The largest modulus by which a signature of others is verified, in bits: the
/// cost of one operation is bounded by it.
pub const MODULUS_MAX_READ_BITS: usize = 8192;
/// The longest public exponent that is looked at, in octets. The library
/// beneath takes odd ones from 3 to 2^33 - 1.
const EXPONENT_MAX_LEN: usize = 8;

/// An RSA public key whose size is one that is used here.
#[derive(Clone, Debug)]
pub struct RsaKey {
    pub(crate) key: RsaPublicKey,
    pub(crate) purpose: Purpose,
}

/// What the algorithm identifier of a key allows it to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Anything (`rsaEncryption`).
    Any,
    /// Signatures with RSASSA-PSS, with these parameters if there are any: the
    /// salt may be longer (RFC 4055, section 3.3).
    Pss(Option<Pss>),
    /// Key transport with RSAES-OAEP, with these parameters if there are any.
    Oaep(Option<Oaep>),
}

impl Purpose {
    /// Reads the algorithm identifier of a public or a private key.
    pub(crate) fn read(algorithm: &AlgorithmIdentifierOwned) -> Result<Self, UnfitKey> {
        let parameters = algorithm.parameters.as_ref();
        match algorithm.oid {
            RSA_ENCRYPTION if parameters.is_none_or(|p| p.is_null()) => Ok(Self::Any),
            ID_RSASSA_PSS => Ok(Self::Pss(parameters.map(|p| Pss::read(p).ok_or(UnfitKey)).transpose()?)),
            ID_RSAES_OAEP => Ok(Self::Oaep(parameters.map(|p| Oaep::read(Some(p)).ok_or(UnfitKey)).transpose()?)),
            _ => Err(UnfitKey),
        }
    }
}

impl RsaKey {
    /// Reads a key. Sizes are judged before anything is computed, so that a
    /// huge modulus costs nothing.
    pub fn read(info: &SubjectPublicKeyInfoOwned) -> Result<Self, UnfitKey> {
        let purpose = Purpose::read(&info.algorithm)?;
        let encoded = info.subject_public_key.as_bytes().ok_or(UnfitKey)?;
        let parts = RsaPublicKeyRef::from_der(encoded).map_err(|_| UnfitKey)?;
        let (modulus, exponent) = (parts.modulus.as_bytes(), parts.public_exponent.as_bytes());
        if bits(modulus) < MODULUS_MIN_BITS
            || bits(modulus) > MODULUS_MAX_READ_BITS
            || exponent.len() > EXPONENT_MAX_LEN
        {
            return Err(UnfitKey);
        }
        // The library would take 1 for an odd exponent like any other.
        if matches!(exponent, [] | [0..=2]) {
            return Err(UnfitKey);
        }
        let key = RsaPublicKey::new_with_size_limits(
            integer(modulus)?,
            integer(exponent)?,
            MODULUS_MIN_BITS..=MODULUS_MAX_READ_BITS,
        );
        Ok(Self { key: key.map_err(|_| UnfitKey)?, purpose })
    }

    /// Whether it is small enough to make something new for it.
    pub fn is_written_for(&self) -> bool {
        rsa::traits::PublicKeyParts::size(&self.key).saturating_mul(8) <= MODULUS_MAX_BITS
    }
}

/// The number of bits of a big-endian integer.
pub(crate) fn bits(integer: &[u8]) -> usize {
    let significant = integer.iter().skip_while(|&&octet| octet == 0);
    let len = significant.clone().count();
    let leading = significant.clone().next().map_or(0, |octet| octet.leading_zeros());
    len.saturating_mul(8).saturating_sub(usize::try_from(leading).unwrap_or(0))
}

fn integer(octets: &[u8]) -> Result<BoxedUint, UnfitKey> {
    let bits = u32::try_from(octets.len()).ok().and_then(|len| len.checked_mul(8)).ok_or(UnfitKey)?;
    BoxedUint::from_be_slice(octets, bits).map_err(|_| UnfitKey)
}

#[cfg(test)]
mod tests {
    use super::*;
    use der::Encode;
    use der::asn1::{Any, BitString};
    use pkcs1::UintRef;

    fn rsa(modulus: &[u8], exponent: &[u8]) -> SubjectPublicKeyInfoOwned {
        let key = RsaPublicKeyRef {
            modulus: UintRef::new(modulus).unwrap(),
            public_exponent: UintRef::new(exponent).unwrap(),
        };
        SubjectPublicKeyInfoOwned {
            algorithm: AlgorithmIdentifierOwned { oid: RSA_ENCRYPTION, parameters: Some(Any::null()) },
            subject_public_key: BitString::from_bytes(&key.to_der().unwrap()).unwrap(),
        }
    }

    fn modulus(bits: usize) -> Vec<u8> {
        let mut octets = vec![0xff; bits.div_ceil(8)];
        octets[0] = 0xff >> ((8 - bits % 8) % 8);
        octets
    }

    #[test]
    fn t30_sizes_outside_2048_to_8192_bits_are_unfit() {
        for (size, fit) in [(1024, false), (2047, false), (2048, true), (4096, true), (8192, true), (8193, false)] {
            assert_eq!(RsaKey::read(&rsa(&modulus(size), &[1, 0, 1])).is_ok(), fit, "{size} bits");
        }
        // A megabyte of modulus is refused without arithmetic on it.
        assert_eq!(RsaKey::read(&rsa(&modulus(8 << 20), &[3])).unwrap_err(), UnfitKey);
    }

    #[test]
    fn nothing_new_is_made_for_more_than_4096_bits() {
        let written = |size| RsaKey::read(&rsa(&modulus(size), &[1, 0, 1])).unwrap().is_written_for();
        assert!(written(4096));
        assert!(!written(4104));
    }

    #[test]
    fn t30_exponents_that_are_even_tiny_or_huge_are_unfit() {
        for exponent in [&[0][..], &[1], &[2], &[1, 0], &[0xff; 8], &[0xff; 9], &[0xff; 256]] {
            assert_eq!(RsaKey::read(&rsa(&modulus(2048), exponent)).unwrap_err(), UnfitKey, "{exponent:?}");
        }
        for exponent in [&[3][..], &[17], &[1, 0, 1], &[1, 0, 0, 0, 1]] {
            assert!(RsaKey::read(&rsa(&modulus(2048), exponent)).is_ok(), "{exponent:?}");
        }
    }

    #[test]
    fn t30_an_even_modulus_is_unfit() {
        let mut even = modulus(2048);
        even[255] = 0xfe;
        assert_eq!(RsaKey::read(&rsa(&even, &[1, 0, 1])).unwrap_err(), UnfitKey);
    }

    #[test]
    fn other_kinds_of_key_are_unfit() {
        let mut key = rsa(&modulus(2048), &[1, 0, 1]);
        key.algorithm.oid = const_oid::db::rfc8410::ID_ED_25519;
        assert_eq!(RsaKey::read(&key).unwrap_err(), UnfitKey);
        key.algorithm.oid = ID_RSASSA_PSS;
        assert_eq!(RsaKey::read(&key).unwrap_err(), UnfitKey, "NULL is no parameter of PSS");
        key.algorithm.parameters = None;
        assert_eq!(RsaKey::read(&key).unwrap().purpose, Purpose::Pss(None));
    }
}
