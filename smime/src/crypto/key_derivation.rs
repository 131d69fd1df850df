//! Keys out of shared secrets: the KDF of ANSI X9.63 (SEC 1, section 3.6.1) and
//! HKDF (RFC 5869).

use hkdf::SimpleHkdf;
use sha1::Sha1;
use sha2::digest::block_api::BlockSizeUser;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use super::DigestAlgorithm;

/// A key derivation function with its digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyDerivation {
    /// X9.63 with SHA-1. As a KDF it is as sound as ever, and the default of some.
    X963Sha1,
    /// X9.63 with SHA-224.
    X963Sha224,
    /// X9.63 with SHA-256.
    X963Sha256,
    /// X9.63 with SHA-384.
    X963Sha384,
    /// X9.63 with SHA-512.
    X963Sha512,
    /// HKDF with SHA-256.
    HkdfSha256,
    /// HKDF with SHA-384.
    HkdfSha384,
    /// HKDF with SHA-512.
    HkdfSha512,
}

impl KeyDerivation {
    /// X9.63 with a digest.
    pub fn x963(digest: DigestAlgorithm) -> Self {
        match digest {
            DigestAlgorithm::Sha1 => Self::X963Sha1,
            DigestAlgorithm::Sha256 => Self::X963Sha256,
            DigestAlgorithm::Sha384 => Self::X963Sha384,
            DigestAlgorithm::Sha512 => Self::X963Sha512,
        }
    }

    /// HKDF with a digest, which is SHA-256 at the least.
    pub fn hkdf(digest: DigestAlgorithm) -> Self {
        match digest {
            DigestAlgorithm::Sha1 | DigestAlgorithm::Sha256 => Self::HkdfSha256,
            DigestAlgorithm::Sha384 => Self::HkdfSha384,
            DigestAlgorithm::Sha512 => Self::HkdfSha512,
        }
    }

    /// A key of `len` octets from `secret`. Only HKDF takes a `salt`. None for
    /// more octets than the function gives.
    pub(crate) fn derive(
        self,
        secret: &[u8],
        salt: Option<&[u8]>,
        info: &[u8],
        len: usize,
    ) -> Option<Zeroizing<Vec<u8>>> {
        match self {
            Self::X963Sha1 => x963::<Sha1>(secret, info, len),
            Self::X963Sha224 => x963::<Sha224>(secret, info, len),
            Self::X963Sha256 => x963::<Sha256>(secret, info, len),
            Self::X963Sha384 => x963::<Sha384>(secret, info, len),
            Self::X963Sha512 => x963::<Sha512>(secret, info, len),
            Self::HkdfSha256 => hkdf::<Sha256>(secret, salt, info, len),
            Self::HkdfSha384 => hkdf::<Sha384>(secret, salt, info, len),
            Self::HkdfSha512 => hkdf::<Sha512>(secret, salt, info, len),
        }
    }
}

fn x963<D: Digest>(secret: &[u8], info: &[u8], len: usize) -> Option<Zeroizing<Vec<u8>>> {
    let blocks = u32::try_from(len.div_ceil(<D as Digest>::output_size())).ok()?;
    // All room at once: what moves leaves a copy behind.
    let mut key = Zeroizing::new(Vec::with_capacity(len.checked_add(<D as Digest>::output_size())?));
    for counter in 1..=blocks {
        let block = D::new().chain_update(secret).chain_update(counter.to_be_bytes()).chain_update(info).finalize();
        key.extend_from_slice(&block);
    }
    key.truncate(len);
    Some(key)
}

fn hkdf<D: Digest + BlockSizeUser + Clone>(
    secret: &[u8],
    salt: Option<&[u8]>,
    info: &[u8],
    len: usize,
) -> Option<Zeroizing<Vec<u8>>> {
    let mut key = Zeroizing::new(vec![0; len]);
    SimpleHkdf::<D>::new(salt, secret).expand(info, &mut key).ok()?;
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    #[test]
    fn x963_gives_what_nist_says() {
        // CAVP, ANSI X9.63 KDF, SHA-256, first of the groups with and without shared info.
        let z = hex!("96c05619d56c328ab95fe84b18264b08725b85e33fd34f08");
        let key = KeyDerivation::X963Sha256.derive(&z, None, b"", 16).unwrap();
        assert_eq!(key.as_slice(), hex!("443024c3dae66b95e6f5670601558f71"));
    }

    #[test]
    fn hkdf_gives_what_rfc_5869_says() {
        let (ikm, salt) = ([0x0b; 22], hex!("000102030405060708090a0b0c"));
        let info = hex!("f0f1f2f3f4f5f6f7f8f9");
        let key = KeyDerivation::HkdfSha256.derive(&ikm, Some(&salt), &info, 42).unwrap();
        let expected = hex!("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
        assert_eq!(key.as_slice(), expected);
    }
}
