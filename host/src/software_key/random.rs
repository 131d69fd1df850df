//! The random key that stands in for one that cannot be had (RFC 3218, section
//! 2.3.2).

use aws_lc_rs::rand;
use subtle::{Choice, ConditionallySelectable as _};
use zeroize::Zeroizing;

use crate::{KeyError, Refusal};

/// The key that `decrypt` writes at the head of its buffer of `size` octets, if
/// that has `length` octets, else a random one: nobody learns which (RFC 3218,
/// section 2.3.2). The random one is drawn first and always, so that the cost is
/// the same.
pub(crate) fn or_random(
    length: u32,
    size: usize,
    decrypt: impl FnOnce(&mut [u8]) -> Option<usize>,
) -> Result<Vec<u8>, KeyError> {
    let mut key = random(length).ok_or_else(out_of_randomness)?;
    // Long enough to hold what is compared, whatever is decrypted.
    let mut buffer = Zeroizing::new(vec![0; size.max(key.len())]);
    let decrypted = decrypt(&mut buffer);
    let good = Choice::from(u8::from(decrypted == Some(key.len())));
    for (octet, real) in key.iter_mut().zip(buffer.iter()) {
        octet.conditional_assign(real, good);
    }
    Ok(key)
}

/// `len` random octets; none if there are none to be had.
pub(crate) fn random(len: u32) -> Option<Vec<u8>> {
    let mut octets = vec![0; usize::try_from(len).ok()?];
    rand::fill(&mut octets).ok()?;
    Some(octets)
}

/// That the random generator failed.
pub(crate) fn out_of_randomness() -> KeyError {
    KeyError::Refused(Refusal::Unavailable("the random generator failed".to_owned()))
}
