//! Paddings of RSA encryption, taken off in constant time.
//!
//! Where a token returns what it decrypted with its padding on, the host takes
//! that off: for digests that tokens do not know, and so that what was wrong with
//! it shows neither in an answer nor in its time (RFC 3218). That is easier than
//! in general: how long the content-encryption key must be is known.

use smime::crypto::DigestAlgorithm;
use smime::crypto::parameters::Oaep;
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};
use zeroize::Zeroizing;

/// Writes the message of an RSAES-PKCS1-v1_5 encoded message (RFC 8017, section
/// 7.2.2) over `key`, if it has the length of `key` and its padding is right.
///
/// ```text
/// EM = 0x00 || 0x02 || PS || 0x00 || M, with at least 8 octets of PS, none zero
/// ```
pub(super) fn pkcs1v15(encoded: &[u8], key: &mut [u8]) {
    let Some((padding, message)) = split_end(encoded, key.len()) else { return };
    let (Some((head, [separator])), 11..) = (padding.split_last_chunk::<1>(), padding.len()) else { return };
    let Some(([zero, block_type], filling)) = head.split_first_chunk::<2>() else { return };
    let mut good = zero.ct_eq(&0) & block_type.ct_eq(&2) & separator.ct_eq(&0);
    for octet in filling {
        good &= !octet.ct_eq(&0);
    }
    assign(key, message, good);
}

/// Writes the message of an RSAES-OAEP encoded message (RFC 8017, section 7.1.2)
/// over `key`, if it has the length of `key` and its padding is right.
///
/// ```text
/// EM = 0x00 || maskedSeed || maskedDB
/// DB = lHash || PS || 0x01 || M, with PS all zero
/// ```
pub(super) fn oaep(encoded: &[u8], parameters: &Oaep, key: &mut [u8]) {
    let hash_len = parameters.digest.output_len();
    let Some((zero, masked)) = encoded.split_first() else { return };
    let Some((masked_seed, masked_db)) = masked.split_at_checked(hash_len) else { return };
    let seed = xor(masked_seed, &mask(parameters.mask_digest, masked_db, hash_len));
    let db = xor(masked_db, &mask(parameters.mask_digest, &seed, masked_db.len()));
    let Some((padding, message)) = split_end(&db, key.len()) else { return };
    let Some((label_hash, padding)) = padding.split_at_checked(hash_len) else { return };
    let Some((end, zeros)) = padding.split_last() else { return };
    let mut good = zero.ct_eq(&0) & end.ct_eq(&1) & label_hash.ct_eq(&parameters.digest.compute(&parameters.label));
    for octet in zeros {
        good &= octet.ct_eq(&0);
    }
    assign(key, message, good);
}

/// `octets`, divided before its last `len`. How long it is, is no secret.
fn split_end(octets: &[u8], len: usize) -> Option<(&[u8], &[u8])> {
    octets.split_at_checked(octets.len().checked_sub(len)?)
}

fn assign(key: &mut [u8], message: &[u8], good: Choice) {
    for (octet, real) in key.iter_mut().zip(message) {
        octet.conditional_assign(real, good);
    }
}

fn xor(octets: &[u8], mask: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(octets.iter().zip(mask).map(|(octet, mask)| octet ^ mask).collect())
}

/// MGF1 (RFC 8017, appendix B.2.1).
fn mask(digest: DigestAlgorithm, seed: &[u8], len: usize) -> Zeroizing<Vec<u8>> {
    let mut mask = Zeroizing::new(Vec::with_capacity(len.saturating_add(64)));
    for counter in 0u32.. {
        if mask.len() >= len {
            break;
        }
        let input = Zeroizing::new([seed, &counter.to_be_bytes()].concat());
        mask.extend_from_slice(&digest.compute(&input));
    }
    mask.truncate(len);
    mask
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEN: usize = 256;
    const RANDOM: [u8; 32] = [0xEE; 32];
    const KEY: [u8; 32] = [7; 32];

    fn v15(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut encoded = [&[0, 2][..], &[9; LEN - 35], &[0], &KEY].concat();
        assert_eq!(encoded.len(), LEN);
        change(&mut encoded);
        encoded
    }

    fn opened_v15(encoded: &[u8]) -> [u8; 32] {
        let mut key = RANDOM;
        pkcs1v15(encoded, &mut key);
        key
    }

    #[test]
    fn a_key_in_sound_padding_is_found() {
        assert_eq!(opened_v15(&v15(|_| {})), KEY);
    }

    #[test]
    fn t13_a_flaw_of_any_octet_of_the_padding_yields_the_random_key() {
        assert_eq!(opened_v15(&v15(|encoded| encoded[0] = 1)), RANDOM);
        assert_eq!(opened_v15(&v15(|encoded| encoded[1] = 1)), RANDOM);
        for at in 2..LEN - 33 {
            assert_eq!(opened_v15(&v15(|encoded| encoded[at] = 0)), RANDOM, "{at}");
        }
        // The separator is elsewhere: the key has another length.
        assert_eq!(opened_v15(&v15(|encoded| encoded[LEN - 33] = 9)), RANDOM);
        for short in 0..43 {
            assert_eq!(opened_v15(&vec![0; short]), RANDOM, "{short}");
        }
    }

    fn encoded_oaep(parameters: &Oaep, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let hash = parameters.digest.compute(&parameters.label);
        let seed = vec![0x5A; hash.len()];
        let zeros = vec![0; LEN - 2 * hash.len() - 2 - KEY.len()];
        let mut db = [&hash[..], &zeros, &[1], &KEY].concat();
        change(&mut db);
        let masked_db = xor(&db, &mask(parameters.mask_digest, &seed, db.len()));
        let masked_seed = xor(&seed, &mask(parameters.mask_digest, &masked_db, seed.len()));
        [&[0][..], &masked_seed, &masked_db].concat()
    }

    fn opened_oaep(parameters: &Oaep, encoded: &[u8]) -> [u8; 32] {
        let mut key = RANDOM;
        oaep(encoded, parameters, &mut key);
        key
    }

    #[test]
    fn oaep_is_opened_with_every_pair_of_digests_and_with_a_label() {
        for digest in [DigestAlgorithm::Sha1, DigestAlgorithm::Sha256, DigestAlgorithm::Sha512] {
            for mask_digest in [DigestAlgorithm::Sha1, DigestAlgorithm::Sha256] {
                let parameters = Oaep { digest, mask_digest, label: b"label".to_vec() };
                assert_eq!(opened_oaep(&parameters, &encoded_oaep(&parameters, |_| {})), KEY);
                let other = Oaep { label: b"other".to_vec(), ..parameters.clone() };
                assert_eq!(opened_oaep(&other, &encoded_oaep(&parameters, |_| {})), RANDOM);
            }
        }
    }

    #[test]
    fn t13_a_flaw_of_any_octet_before_the_key_yields_the_random_key() {
        let parameters = Oaep::new(DigestAlgorithm::Sha256);
        for at in 0..LEN - 33 - 32 {
            let encoded = encoded_oaep(&parameters, |db| db[at] ^= 1);
            assert_eq!(opened_oaep(&parameters, &encoded), RANDOM, "{at}");
        }
        let mut encoded = encoded_oaep(&parameters, |_| {});
        encoded[0] = 1;
        assert_eq!(opened_oaep(&parameters, &encoded), RANDOM);
        for short in 0..98 {
            assert_eq!(opened_oaep(&parameters, &vec![0; short]), RANDOM, "{short}");
        }
    }
}
