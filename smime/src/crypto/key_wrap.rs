//! Keys encrypted with keys: AES key wrap (RFC 3394; RFC 3565, section 2.3.2).

use aes_kw::{AesKw, KeyInit};
use const_oid::ObjectIdentifier;
use const_oid::db::rfc5911::{ID_AES_128_WRAP, ID_AES_192_WRAP, ID_AES_256_WRAP};
use zeroize::Zeroizing;

/// AES key wrap with a key of one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyWrap {
    /// With 128 bits.
    Aes128,
    /// With 192 bits.
    Aes192,
    /// With 256 bits.
    Aes256,
}

impl KeyWrap {
    /// The algorithm that an object identifier names, if it is one of these.
    pub fn from_oid(oid: ObjectIdentifier) -> Option<Self> {
        match oid {
            ID_AES_128_WRAP => Some(Self::Aes128),
            ID_AES_192_WRAP => Some(Self::Aes192),
            ID_AES_256_WRAP => Some(Self::Aes256),
            _ => None,
        }
    }

    /// Its object identifier.
    pub fn oid(self) -> ObjectIdentifier {
        match self {
            Self::Aes128 => ID_AES_128_WRAP,
            Self::Aes192 => ID_AES_192_WRAP,
            Self::Aes256 => ID_AES_256_WRAP,
        }
    }

    /// The one for a content-encryption key of `len` octets: as strong as that,
    /// as RFC 8551, section 2.3 asks.
    pub fn for_key_len(len: usize) -> Self {
        match len {
            ..=16 => Self::Aes128,
            17..=24 => Self::Aes192,
            _ => Self::Aes256,
        }
    }

    /// The length of the key-encryption key, in octets.
    pub fn key_len(self) -> usize {
        match self {
            Self::Aes128 => 16,
            Self::Aes192 => 24,
            Self::Aes256 => 32,
        }
    }

    /// Encrypts `key`; none if a length is wrong.
    pub(crate) fn wrap(self, key_encryption_key: &[u8], key: &[u8]) -> Option<Vec<u8>> {
        let mut wrapped = vec![0; key.len().checked_add(CHECK_LEN)?];
        match self {
            Self::Aes128 => AesKw::<aes::Aes128>::new_from_slice(key_encryption_key).ok()?.wrap_key(key, &mut wrapped),
            Self::Aes192 => AesKw::<aes::Aes192>::new_from_slice(key_encryption_key).ok()?.wrap_key(key, &mut wrapped),
            Self::Aes256 => AesKw::<aes::Aes256>::new_from_slice(key_encryption_key).ok()?.wrap_key(key, &mut wrapped),
        }
        .ok()?;
        Some(wrapped)
    }

    /// The reverse; none if a length is wrong or the key is another.
    pub(crate) fn unwrap(self, key_encryption_key: &[u8], wrapped: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let len = wrapped.len().checked_sub(CHECK_LEN).filter(|len| (1..=LONGEST_KEY).contains(len))?;
        let mut key = Zeroizing::new(vec![0; len]);
        match self {
            Self::Aes128 => {
                AesKw::<aes::Aes128>::new_from_slice(key_encryption_key).ok()?.unwrap_key(wrapped, &mut key)
            }
            Self::Aes192 => {
                AesKw::<aes::Aes192>::new_from_slice(key_encryption_key).ok()?.unwrap_key(wrapped, &mut key)
            }
            Self::Aes256 => {
                AesKw::<aes::Aes256>::new_from_slice(key_encryption_key).ok()?.unwrap_key(wrapped, &mut key)
            }
        }
        .ok()?;
        Some(key)
    }
}

/// How much longer a wrapped key is, in octets.
const CHECK_LEN: usize = 8;
/// The longest content-encryption key, in octets.
const LONGEST_KEY: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    #[test]
    fn wrapping_gives_what_rfc_3394_says() {
        let key = hex!("00112233445566778899aabbccddeeff");
        let wrapped = hex!("1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5");
        let kek = hex!("000102030405060708090a0b0c0d0e0f");
        assert_eq!(KeyWrap::Aes128.wrap(&kek, &key).unwrap(), wrapped);
        assert_eq!(KeyWrap::Aes128.unwrap(&kek, &wrapped).unwrap().as_slice(), key);
    }

    #[test]
    fn what_was_altered_or_is_too_long_does_not_unwrap() {
        for (wrap, len) in [(KeyWrap::Aes128, 16), (KeyWrap::Aes192, 24), (KeyWrap::Aes256, 32)] {
            let kek = vec![7; len];
            let mut wrapped = wrap.wrap(&kek, &[1; 32]).unwrap();
            assert_eq!(KeyWrap::for_key_len(len), wrap);
            wrapped[9] ^= 1;
            assert!(wrap.unwrap(&kek, &wrapped).is_none());
            for wrong in [&[][..], &[0; 8], &[0; 15], &[0; 80]] {
                assert!(wrap.unwrap(&kek, wrong).is_none());
            }
            assert!(wrap.wrap(&kek[1..], &[1; 32]).is_none());
            assert!(wrap.wrap(&kek, &[1; 31]).is_none());
        }
    }
}
