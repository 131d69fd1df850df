//! Content encryption in place, over the RustCrypto crates: AES with CBC (RFC
//! 3565) and GCM (RFC 5084), and ChaCha20 with Poly1305 (RFC 8103).

use aes::cipher::block_padding::{NoPadding, Pkcs7};
use aes::cipher::consts::{U12, U13, U14, U15, U16};
use aes::cipher::{
    BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt, BlockSizeUser, InnerIvInit, KeyInit,
    KeyIvInit,
};
use aes::{Aes128, Aes192, Aes256};
use aes_gcm::aead::array::typenum::Unsigned as _;
use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{AeadInOut, AesGcm};
use chacha20poly1305::ChaCha20Poly1305;
use subtle::{Choice, ConstantTimeEq, ConstantTimeGreater, ConstantTimeLess};
use zeroize::Zeroize;

/// The length of a block of AES, and of the IV of CBC, in octets.
pub const BLOCK_LEN: usize = 16;

/// The length of a nonce for GCM and ChaCha20-Poly1305, in octets.
pub const NONCE_LEN: usize = 12;

/// The length of a full tag, in octets.
pub const TAG_LEN: usize = 16;

/// AES-CBC with PKCS #7 padding, in place. `key` is 16, 24 or 32 octets and
/// `iv` 16; no octets at all if they are not.
pub fn aes_cbc_encrypt(key: &[u8], iv: &[u8], plaintext: Vec<u8>) -> Vec<u8> {
    match key.len() {
        16 => cbc_encrypt::<Aes128>(key, iv, plaintext),
        24 => cbc_encrypt::<Aes192>(key, iv, plaintext),
        32 => cbc_encrypt::<Aes256>(key, iv, plaintext),
        _ => None,
    }
    .unwrap_or_default()
}

/// The reverse of [`aes_cbc_encrypt`], in place. None if the padding is wrong,
/// or a length is: the time it takes depends on lengths only, and what was
/// decrypted is wiped.
pub fn aes_cbc_decrypt(key: &[u8], iv: &[u8], ciphertext: Vec<u8>) -> Option<Vec<u8>> {
    match key.len() {
        16 => cbc_decrypt::<Aes128>(key, iv, ciphertext),
        24 => cbc_decrypt::<Aes192>(key, iv, ciphertext),
        32 => cbc_decrypt::<Aes256>(key, iv, ciphertext),
        _ => None,
    }
}

/// AES-GCM in place, with a tag of 16 octets appended. `key` is 16, 24 or 32
/// octets and `nonce` 12; no octets at all if they are not.
pub fn aes_gcm_seal(key: &[u8], nonce: &[u8], associated_data: &[u8], plaintext: Vec<u8>) -> Vec<u8> {
    match key.len() {
        16 => seal::<AesGcm<Aes128, U12, U16>>(key, nonce, associated_data, plaintext),
        24 => seal::<AesGcm<Aes192, U12, U16>>(key, nonce, associated_data, plaintext),
        32 => seal::<AesGcm<Aes256, U12, U16>>(key, nonce, associated_data, plaintext),
        _ => None,
    }
    .unwrap_or_default()
}

/// The reverse of [`aes_gcm_seal`], in place, with a tag of `tag_len` octets
/// (12 to 16) at the end of `ciphertext`. None if the tag is wrong, or a length
/// is; nothing is decrypted before the tag is checked.
pub fn aes_gcm_open(
    key: &[u8],
    nonce: &[u8],
    associated_data: &[u8],
    ciphertext: Vec<u8>,
    tag_len: usize,
) -> Option<Vec<u8>> {
    match key.len() {
        16 => gcm_open_any::<Aes128>(key, nonce, associated_data, ciphertext, tag_len),
        24 => gcm_open_any::<Aes192>(key, nonce, associated_data, ciphertext, tag_len),
        32 => gcm_open_any::<Aes256>(key, nonce, associated_data, ciphertext, tag_len),
        _ => None,
    }
}

/// ChaCha20-Poly1305 in place, with a tag of 16 octets appended. `key` is 32
/// octets and `nonce` 12; no octets at all if they are not.
pub fn chacha20_poly1305_seal(key: &[u8], nonce: &[u8], associated_data: &[u8], plaintext: Vec<u8>) -> Vec<u8> {
    seal::<ChaCha20Poly1305>(key, nonce, associated_data, plaintext).unwrap_or_default()
}

/// The reverse of [`chacha20_poly1305_seal`], in place. None if the tag is wrong,
/// or a length is.
pub fn chacha20_poly1305_open(
    key: &[u8],
    nonce: &[u8],
    associated_data: &[u8],
    ciphertext: Vec<u8>,
) -> Option<Vec<u8>> {
    open::<ChaCha20Poly1305>(key, nonce, associated_data, ciphertext)
}

fn cbc_encrypt<C>(key: &[u8], iv: &[u8], mut buffer: Vec<u8>) -> Option<Vec<u8>>
where
    C: BlockCipherEncrypt + KeyInit,
    cbc::Encryptor<C>: KeyIvInit + InnerIvInit + BlockModeEncrypt,
{
    let cipher = cbc::Encryptor::<C>::new_from_slices(key, iv).ok()?;
    let len = buffer.len();
    let padded = (len / BLOCK_LEN).checked_add(1)?.checked_mul(BLOCK_LEN)?;
    // Exact: doubling a buffer of the size of a message would cost another one.
    buffer.reserve_exact(padded - len);
    buffer.resize(padded, 0);
    cipher.encrypt_padded::<Pkcs7>(&mut buffer, len).ok()?;
    Some(buffer)
}

fn cbc_decrypt<C>(key: &[u8], iv: &[u8], mut buffer: Vec<u8>) -> Option<Vec<u8>>
where
    C: BlockCipherDecrypt + KeyInit,
    cbc::Decryptor<C>: KeyIvInit + InnerIvInit + BlockModeDecrypt,
{
    let len = cbc_decrypt_in_place::<C>(key, iv, &mut buffer)?;
    buffer.truncate(len);
    Some(buffer)
}

/// The length of the plaintext at the beginning of `buffer`; if there is none,
/// what was decrypted is wiped.
fn cbc_decrypt_in_place<C>(key: &[u8], iv: &[u8], buffer: &mut [u8]) -> Option<usize>
where
    C: BlockCipherDecrypt + KeyInit,
    cbc::Decryptor<C>: KeyIvInit + InnerIvInit + BlockModeDecrypt,
{
    let cipher = cbc::Decryptor::<C>::new_from_slices(key, iv).ok()?;
    if buffer.is_empty() || !buffer.len().is_multiple_of(BLOCK_LEN) {
        return None;
    }
    cipher.decrypt_padded::<NoPadding>(buffer).ok()?;
    let len = padding_len(buffer).and_then(|padding| buffer.len().checked_sub(padding));
    if len.is_none() {
        buffer.zeroize();
    }
    len
}

/// The length of the PKCS #7 padding at the end of `plaintext`, if it is right.
/// All of the last block is looked at, whatever the padding, without a branch
/// on what is in it.
fn padding_len(plaintext: &[u8]) -> Option<usize> {
    let last_block = plaintext.last_chunk::<BLOCK_LEN>()?;
    let [.., last] = *last_block;
    let mut right = !last.ct_eq(&0) & !last.ct_gt(&(BLOCK_LEN as u8));
    for (from_end, octet) in (0u8..).zip(last_block.iter().rev()) {
        let is_padding: Choice = from_end.ct_lt(&last);
        right &= !is_padding | octet.ct_eq(&last);
    }
    bool::from(right).then_some(usize::from(last))
}

fn seal<A: AeadInOut + KeyInit>(
    key: &[u8],
    nonce: &[u8],
    associated_data: &[u8],
    mut buffer: Vec<u8>,
) -> Option<Vec<u8>> {
    let cipher = A::new_from_slice(key).ok()?;
    let nonce = nonce.try_into().ok()?;
    buffer.reserve_exact(TAG_LEN);
    let tag = cipher.encrypt_inout_detached(nonce, associated_data, InOutBuf::from(buffer.as_mut_slice())).ok()?;
    buffer.extend_from_slice(&tag);
    Some(buffer)
}

fn gcm_open_any<C>(key: &[u8], nonce: &[u8], associated_data: &[u8], buffer: Vec<u8>, tag_len: usize) -> Option<Vec<u8>>
where
    C: BlockSizeUser<BlockSize = U16> + BlockCipherEncrypt + KeyInit,
{
    match tag_len {
        12 => open::<AesGcm<C, U12, U12>>(key, nonce, associated_data, buffer),
        13 => open::<AesGcm<C, U12, U13>>(key, nonce, associated_data, buffer),
        14 => open::<AesGcm<C, U12, U14>>(key, nonce, associated_data, buffer),
        15 => open::<AesGcm<C, U12, U15>>(key, nonce, associated_data, buffer),
        16 => open::<AesGcm<C, U12, U16>>(key, nonce, associated_data, buffer),
        _ => None,
    }
}

fn open<A: AeadInOut + KeyInit>(
    key: &[u8],
    nonce: &[u8],
    associated_data: &[u8],
    mut buffer: Vec<u8>,
) -> Option<Vec<u8>> {
    let len = open_in_place::<A>(key, nonce, associated_data, &mut buffer)?;
    buffer.truncate(len);
    Some(buffer)
}

/// The length of the plaintext at the beginning of `buffer`; if there is none,
/// the ciphertext is still there.
fn open_in_place<A: AeadInOut + KeyInit>(
    key: &[u8],
    nonce: &[u8],
    associated_data: &[u8],
    buffer: &mut [u8],
) -> Option<usize> {
    let cipher = A::new_from_slice(key).ok()?;
    let nonce = nonce.try_into().ok()?;
    let len = buffer.len().checked_sub(A::TagSize::USIZE)?;
    let (ciphertext, tag) = buffer.split_at_mut_checked(len)?;
    let tag = (&*tag).try_into().ok()?;
    cipher.decrypt_inout_detached(nonce, associated_data, InOutBuf::from(ciphertext), tag).ok()?;
    Some(len)
}

#[cfg(test)]
mod tests;
