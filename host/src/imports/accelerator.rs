//! Bulk primitives at the speed of the machine: `accelerator`, over aws-lc. They
//! give the same octets as the guest's own.

use aws_lc_rs::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{
    self, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey, PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::digest;
use aws_lc_rs::iv::FixedLength;
use wasmtime::Result;
use zeroize::Zeroizing;

use crate::bindings::wasmime::filter::accelerator::Host;
use crate::call::Call;
use crate::stop::Stop;

impl Host for Call {
    fn sha256(&mut self, data: Vec<u8>) -> Result<Vec<u8>> {
        self.called()?;
        Ok(digest::digest(&digest::SHA256, &data).as_ref().to_vec())
    }

    fn sha384(&mut self, data: Vec<u8>) -> Result<Vec<u8>> {
        self.called()?;
        Ok(digest::digest(&digest::SHA384, &data).as_ref().to_vec())
    }

    fn sha512(&mut self, data: Vec<u8>) -> Result<Vec<u8>> {
        self.called()?;
        Ok(digest::digest(&digest::SHA512, &data).as_ref().to_vec())
    }

    fn aes_cbc_encrypt(&mut self, key: Vec<u8>, iv: Vec<u8>, plaintext: Vec<u8>) -> Result<Vec<u8>> {
        self.called()?;
        Ok(cbc_encrypt(&Zeroizing::new(key), &iv, plaintext).ok_or(Stop::Accelerator)?)
    }

    fn aes_cbc_decrypt(&mut self, key: Vec<u8>, iv: Vec<u8>, ciphertext: Vec<u8>) -> Result<Option<Vec<u8>>> {
        self.called()?;
        Ok(cbc_decrypt(&Zeroizing::new(key), &iv, ciphertext).ok_or(Stop::Accelerator)?)
    }

    fn aes_gcm_seal(&mut self, key: Vec<u8>, nonce: Vec<u8>, aad: Vec<u8>, plaintext: Vec<u8>) -> Result<Vec<u8>> {
        self.called()?;
        Ok(gcm_seal(&Zeroizing::new(key), &nonce, &aad, plaintext).ok_or(Stop::Accelerator)?)
    }

    fn aes_gcm_open(
        &mut self,
        key: Vec<u8>,
        nonce: Vec<u8>,
        aad: Vec<u8>,
        ciphertext: Vec<u8>,
    ) -> Result<Option<Vec<u8>>> {
        self.called()?;
        Ok(gcm_open(&Zeroizing::new(key), &nonce, &aad, ciphertext).ok_or(Stop::Accelerator)?)
    }
}

/// None where the lengths of key or IV are wrong.
fn cbc_encrypt(key: &[u8], iv: &[u8], mut text: Vec<u8>) -> Option<Vec<u8>> {
    let key = PaddedBlockEncryptingKey::cbc_pkcs7(cipher_key(key)?).ok()?;
    let iv = FixedLength::from(<[u8; 16]>::try_from(iv).ok()?);
    key.less_safe_encrypt(&mut text, EncryptionContext::Iv128(iv)).ok()?;
    Some(text)
}

/// None where the lengths of key or IV are wrong; none within where those of
/// the ciphertext, or its padding, are.
fn cbc_decrypt(key: &[u8], iv: &[u8], mut text: Vec<u8>) -> Option<Option<Vec<u8>>> {
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(cipher_key(key)?).ok()?;
    let iv = FixedLength::from(<[u8; 16]>::try_from(iv).ok()?);
    let Some(len) = key.decrypt(&mut text, DecryptionContext::Iv128(iv)).ok().map(|plain| plain.len()) else {
        return Some(None);
    };
    text.truncate(len);
    Some(Some(text))
}

fn gcm_seal(key: &[u8], nonce: &[u8], aad: &[u8], mut text: Vec<u8>) -> Option<Vec<u8>> {
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    gcm_key(key)?.seal_in_place_append_tag(nonce, Aad::from(aad), &mut text).ok()?;
    Some(text)
}

fn gcm_open(key: &[u8], nonce: &[u8], aad: &[u8], mut text: Vec<u8>) -> Option<Option<Vec<u8>>> {
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let Some(len) = gcm_key(key)?.open_in_place(nonce, Aad::from(aad), &mut text).ok().map(|plain| plain.len()) else {
        return Some(None);
    };
    text.truncate(len);
    Some(Some(text))
}

fn cipher_key(key: &[u8]) -> Option<UnboundCipherKey> {
    let algorithm = match key.len() {
        16 => &cipher::AES_128,
        24 => &cipher::AES_192,
        32 => &cipher::AES_256,
        _ => return None,
    };
    UnboundCipherKey::new(algorithm, key).ok()
}

fn gcm_key(key: &[u8]) -> Option<LessSafeKey> {
    let algorithm = match key.len() {
        16 => &aead::AES_128_GCM,
        24 => &aead::AES_192_GCM,
        32 => &aead::AES_256_GCM,
        _ => return None,
    };
    UnboundKey::new(algorithm, key).ok().map(LessSafeKey::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cbc_and_gcm_come_back_for_every_key_length_and_text_length() {
        for key in [&[1; 16][..], &[2; 24], &[3; 32]] {
            for len in [0, 1, 15, 16, 17, 4096] {
                let text = vec![7; len];
                let sealed = cbc_encrypt(key, &[9; 16], text.clone()).unwrap();
                assert_eq!(sealed.len(), (len / 16 + 1) * 16);
                assert_eq!(cbc_decrypt(key, &[9; 16], sealed).unwrap().unwrap(), text);
                let sealed = gcm_seal(key, &[9; 12], b"aad", text.clone()).unwrap();
                assert_eq!(sealed.len(), len + 16);
                assert_eq!(gcm_open(key, &[9; 12], b"aad", sealed.clone()).unwrap().unwrap(), text);
                assert_eq!(gcm_open(key, &[9; 12], b"other", sealed), Some(None));
            }
        }
    }

    #[test]
    fn what_does_not_decrypt_is_told_from_what_is_misused() {
        assert_eq!(cbc_decrypt(&[1; 16], &[0; 16], vec![0; 17]), Some(None));
        assert_eq!(cbc_decrypt(&[1; 16], &[0; 16], vec![]), Some(None));
        assert_eq!(gcm_open(&[1; 16], &[0; 12], &[], vec![0; 3]), Some(None));
        assert_eq!(cbc_encrypt(&[1; 17], &[0; 16], vec![]), None);
        assert_eq!(cbc_encrypt(&[1; 16], &[0; 12], vec![]), None);
        assert_eq!(gcm_seal(&[1; 16], &[0; 16], &[], vec![]), None);
    }
}
