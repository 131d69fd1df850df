//! AES-CBC a stretch at a time, over functions that take one text and pad it: a
//! host that encrypts for a sandbox is never handed a copy of the whole message.

use zeroize::Zeroize;

use super::cipher::BLOCK_LEN;

/// Encrypts `text` in its buffer. `seal` gets an IV and a text, and gives that text
/// padded (PKCS #7) and encrypted; no octets at all where it cannot.
///
/// The padding that `seal` puts behind a stretch is left out, and the last block of
/// the stretch is the IV of the next: what comes out is what one call would give.
pub fn encrypt(iv: &[u8], mut text: Vec<u8>, seal: impl Fn(&[u8], &[u8]) -> Vec<u8>) -> Vec<u8> {
    text.reserve_exact(BLOCK_LEN);
    let mut iv = iv.to_vec();
    let mut at = 0;
    while let Some(stretch) = text.get_mut(at..at + STRETCH) {
        let sealed = seal(&iv, stretch);
        let Some(sealed) = sealed.get(..STRETCH) else { return Vec::new() };
        stretch.copy_from_slice(sealed);
        iv = last_block(sealed);
        at += STRETCH;
    }
    let sealed = seal(&iv, text.get(at..).unwrap_or_default());
    if sealed.is_empty() {
        return sealed;
    }
    text.truncate(at);
    text.extend_from_slice(&sealed);
    text
}

/// The reverse, with `open` as the reverse of `seal`. None if the padding of the
/// last block is wrong, or the length is; what was decrypted is wiped then.
pub fn decrypt(
    iv: &[u8],
    mut text: Vec<u8>,
    seal: impl Fn(&[u8], &[u8]) -> Vec<u8>,
    open: impl Fn(&[u8], &[u8]) -> Option<Vec<u8>>,
) -> Option<Vec<u8>> {
    match decrypt_stretches(iv, &mut text, seal, open) {
        Some(len) => {
            text.truncate(len);
            Some(text)
        }
        None => {
            text.zeroize();
            None
        }
    }
}

/// Decrypts in place, and gives the length without padding.
fn decrypt_stretches(
    iv: &[u8],
    text: &mut [u8],
    seal: impl Fn(&[u8], &[u8]) -> Vec<u8>,
    open: impl Fn(&[u8], &[u8]) -> Option<Vec<u8>>,
) -> Option<usize> {
    let mut iv = iv.to_vec();
    let mut at = 0;
    // The last block, and with it the padding of the text, is in the last stretch.
    while text.len() - at > STRETCH {
        let end = at + STRETCH;
        let next_iv = last_block(text.get(..end)?);
        // `open` wants padding. Nothing at all, encrypted behind this stretch, is a
        // block of it; it stands in for the block that follows.
        let padding = seal(&next_iv, &[]);
        let after = text.get_mut(end..end + BLOCK_LEN)?;
        let followed_by = after.to_vec();
        after.copy_from_slice(padding.get(..BLOCK_LEN)?);
        let opened = open(&iv, text.get(at..end + BLOCK_LEN)?)?;
        text.get_mut(end..end + BLOCK_LEN)?.copy_from_slice(&followed_by);
        text.get_mut(at..end)?.copy_from_slice(opened.get(..STRETCH)?);
        iv = next_iv;
        at = end;
    }
    let opened = open(&iv, text.get(at..)?)?;
    let end = at + opened.len();
    text.get_mut(at..end)?.copy_from_slice(&opened);
    Some(end)
}

/// The last octets of a text that has as many.
fn last_block(text: &[u8]) -> Vec<u8> {
    text.last_chunk::<BLOCK_LEN>().map(|block| block.to_vec()).unwrap_or_default()
}

/// Octets of a stretch: whole blocks, and few enough to stay in a processor's cache.
const STRETCH: usize = 128 << 10;

#[cfg(test)]
mod tests {
    use super::super::cipher::{aes_cbc_decrypt, aes_cbc_encrypt};
    use super::*;

    const KEY: [u8; 32] = [7; 32];
    const IV: [u8; 16] = [9; 16];

    fn seal(iv: &[u8], text: &[u8]) -> Vec<u8> {
        assert!(text.len() <= STRETCH);
        aes_cbc_encrypt(&KEY, iv, text.to_vec())
    }

    fn open(iv: &[u8], text: &[u8]) -> Option<Vec<u8>> {
        assert!(text.len() <= STRETCH + BLOCK_LEN);
        aes_cbc_decrypt(&KEY, iv, text.to_vec())
    }

    #[test]
    fn stretches_come_to_what_one_call_gives() {
        for len in [0, 1, 16, STRETCH - 1, STRETCH, STRETCH + 1, STRETCH + 16, 2 * STRETCH, 3 * STRETCH + 4711] {
            let text: Vec<u8> = (0..len).map(|i| (i % 251) as u8).collect();
            let at_once = aes_cbc_encrypt(&KEY, &IV, text.clone());
            let mut roomy = Vec::with_capacity(len + BLOCK_LEN);
            roomy.extend_from_slice(&text);
            let place = roomy.as_ptr();
            let sealed = encrypt(&IV, roomy, seal);
            assert!(sealed == at_once && sealed.as_ptr() == place, "{len}");
            assert!(decrypt(&IV, sealed, seal, open) == Some(text), "{len}");
        }
    }

    #[test]
    fn what_is_no_whole_ciphertext_is_refused_wherever_it_ends() {
        // No octet of it could be padding.
        let sealed = aes_cbc_encrypt(&KEY, &IV, vec![0xAA; 2 * STRETCH]);
        for len in [0, 1, 15, STRETCH, STRETCH + 1, 2 * STRETCH, 2 * STRETCH + 15] {
            assert!(decrypt(&IV, sealed[..len].to_vec(), seal, open).is_none(), "{len}");
        }
    }

    #[test]
    fn a_key_that_does_not_fit_gives_nothing() {
        let refuse = |_: &[u8], _: &[u8]| Vec::new();
        assert!(encrypt(&IV, vec![0; 3 * STRETCH], refuse).is_empty());
        assert!(encrypt(&IV, Vec::new(), refuse).is_empty());
        assert!(decrypt(&IV, vec![0; 3 * STRETCH], refuse, |_, _| None).is_none());
    }
}
