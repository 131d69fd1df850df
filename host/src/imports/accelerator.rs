//! Bulk primitives at the speed of the machine: `accelerator`, over aws-lc. They
//! give the same octets as the guest's own.

use aws_lc_rs::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{
    self, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey, PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::digest;
use aws_lc_rs::iv::FixedLength;
use wasmtime::component::{Linker, WasmList};
use wasmtime::{Result, StoreContextMut};

use crate::call::Call;
use crate::stop::Stop;

/// Octets in the memory of the guest, which are read where they are: they may be a
/// whole message.
type Octets = WasmList<u8>;

/// Offers the interface. By hand, because what is generated copies each argument.
pub(super) fn link(linker: &mut Linker<Call>) -> Result<()> {
    let mut interface = linker.instance("wasmime:filter/accelerator@0.1.0")?;
    for (name, algorithm) in [("sha256", &digest::SHA256), ("sha384", &digest::SHA384), ("sha512", &digest::SHA512)] {
        interface.func_wrap(name, |mut store: StoreContextMut<'_, Call>, (data,): (Octets,)| {
            store.data_mut().called()?;
            Ok((digest::digest(algorithm, data.as_le_slice(&store)).as_ref().to_vec(),))
        })?;
    }
    interface.func_wrap(
        "aes-cbc-encrypt",
        |mut store: StoreContextMut<'_, Call>, (key, iv, text): (Octets, Octets, Octets)| {
            store.data_mut().called()?;
            let sealed = cbc_encrypt(key.as_le_slice(&store), iv.as_le_slice(&store), text.as_le_slice(&store));
            Ok((sealed.ok_or(Stop::Accelerator)?,))
        },
    )?;
    interface.func_wrap(
        "aes-cbc-decrypt",
        |mut store: StoreContextMut<'_, Call>, (key, iv, text): (Octets, Octets, Octets)| {
            store.data_mut().called()?;
            let opened = cbc_decrypt(key.as_le_slice(&store), iv.as_le_slice(&store), text.as_le_slice(&store));
            Ok((opened.ok_or(Stop::Accelerator)?,))
        },
    )?;
    interface.func_wrap(
        "aes-gcm-seal",
        |mut store: StoreContextMut<'_, Call>, (key, nonce, aad, text): (Octets, Octets, Octets, Octets)| {
            store.data_mut().called()?;
            let [key, nonce, aad, text] = [key, nonce, aad, text].map(|octets| octets.as_le_slice(&store));
            Ok((gcm_seal(key, nonce, aad, text).ok_or(Stop::Accelerator)?,))
        },
    )?;
    interface.func_wrap(
        "aes-gcm-open",
        |mut store: StoreContextMut<'_, Call>, (key, nonce, aad, text): (Octets, Octets, Octets, Octets)| {
            store.data_mut().called()?;
            let [key, nonce, aad, text] = [key, nonce, aad, text].map(|octets| octets.as_le_slice(&store));
            Ok((gcm_open(key, nonce, aad, text).ok_or(Stop::Accelerator)?,))
        },
    )
}

/// None where the lengths of key or IV are wrong.
fn cbc_encrypt(key: &[u8], iv: &[u8], text: &[u8]) -> Option<Vec<u8>> {
    let key = PaddedBlockEncryptingKey::cbc_pkcs7(cipher_key(key)?).ok()?;
    let iv = FixedLength::from(<[u8; 16]>::try_from(iv).ok()?);
    let mut sealed = with_room(text);
    key.less_safe_encrypt(&mut sealed, EncryptionContext::Iv128(iv)).ok()?;
    Some(sealed)
}

/// None where the lengths of key or IV are wrong; none within where those of
/// the ciphertext, or its padding, are.
fn cbc_decrypt(key: &[u8], iv: &[u8], text: &[u8]) -> Option<Option<Vec<u8>>> {
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(cipher_key(key)?).ok()?;
    let iv = FixedLength::from(<[u8; 16]>::try_from(iv).ok()?);
    let mut text = text.to_vec();
    let Some(len) = key.decrypt(&mut text, DecryptionContext::Iv128(iv)).ok().map(|plain| plain.len()) else {
        return Some(None);
    };
    text.truncate(len);
    Some(Some(text))
}

fn gcm_seal(key: &[u8], nonce: &[u8], aad: &[u8], text: &[u8]) -> Option<Vec<u8>> {
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut sealed = with_room(text);
    gcm_key(key)?.seal_in_place_append_tag(nonce, Aad::from(aad), &mut sealed).ok()?;
    Some(sealed)
}

fn gcm_open(key: &[u8], nonce: &[u8], aad: &[u8], text: &[u8]) -> Option<Option<Vec<u8>>> {
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let key = gcm_key(key)?;
    let mut text = text.to_vec();
    let Some(len) = key.open_in_place(nonce, Aad::from(aad), &mut text).ok().map(|plain| plain.len()) else {
        return Some(None);
    };
    text.truncate(len);
    Some(Some(text))
}

/// A copy that does not move when padding or a tag comes to it.
fn with_room(text: &[u8]) -> Vec<u8> {
    const ROOM: usize = 16;
    let mut copy = Vec::with_capacity(text.len() + ROOM);
    copy.extend_from_slice(text);
    copy
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
                let sealed = cbc_encrypt(key, &[9; 16], &text).unwrap();
                assert_eq!(sealed.len(), (len / 16 + 1) * 16);
                assert_eq!(cbc_decrypt(key, &[9; 16], &sealed).unwrap().unwrap(), text);
                let sealed = gcm_seal(key, &[9; 12], b"aad", &text).unwrap();
                assert_eq!(sealed.len(), len + 16);
                assert_eq!(gcm_open(key, &[9; 12], b"aad", &sealed).unwrap().unwrap(), text);
                assert_eq!(gcm_open(key, &[9; 12], b"other", &sealed), Some(None));
            }
        }
    }

    #[test]
    fn what_does_not_decrypt_is_told_from_what_is_misused() {
        assert_eq!(cbc_decrypt(&[1; 16], &[0; 16], &[0; 17]), Some(None));
        assert_eq!(cbc_decrypt(&[1; 16], &[0; 16], &[]), Some(None));
        assert_eq!(gcm_open(&[1; 16], &[0; 12], &[], &[0; 3]), Some(None));
        assert_eq!(cbc_encrypt(&[1; 17], &[0; 16], &[]), None);
        assert_eq!(cbc_encrypt(&[1; 16], &[0; 12], &[]), None);
        assert_eq!(gcm_seal(&[1; 16], &[0; 16], &[], &[]), None);
    }
}
