//! Randomness that is handed in: nothing here asks an operating system, so the
//! same seed gives the same octets natively and in the sandbox.

use core::fmt;

use rand_core::{TryCryptoRng, TryRng};

/// A source of random octets: it gives as many as it is asked for.
pub type Draw<'a> = &'a mut dyn FnMut(u32) -> Vec<u8>;

/// [`Draw`] as the random number generator that RustCrypto wants.
pub(crate) struct Drawn<'a> {
    draw: Draw<'a>,
    left: u32,
}

/// The source gave fewer octets than it was asked for, or is asked for more
/// than any operation needs, as happens when all it gives is zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exhausted;

impl<'a> Drawn<'a> {
    /// Most octets for one operation. Padding and blinding for 4096 bits take
    /// some 2000; looking for octets that are not zero must end.
    const MOST: u32 = 1 << 16;

    pub(crate) fn new(draw: Draw<'a>) -> Self {
        Self { draw, left: Self::MOST }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Exhausted> {
        let mut octets = [0; N];
        self.try_fill_bytes(&mut octets)?;
        Ok(octets)
    }
}

impl TryRng for Drawn<'_> {
    type Error = Exhausted;

    fn try_next_u32(&mut self) -> Result<u32, Exhausted> {
        self.array().map(u32::from_le_bytes)
    }

    fn try_next_u64(&mut self) -> Result<u64, Exhausted> {
        self.array().map(u64::from_le_bytes)
    }

    fn try_fill_bytes(&mut self, destination: &mut [u8]) -> Result<(), Exhausted> {
        let len = u32::try_from(destination.len()).map_err(|_| Exhausted)?;
        self.left = self.left.checked_sub(len).ok_or(Exhausted)?;
        let octets = zeroize::Zeroizing::new((self.draw)(len));
        if octets.len() != destination.len() {
            return Err(Exhausted);
        }
        destination.copy_from_slice(&octets);
        Ok(())
    }
}

impl TryCryptoRng for Drawn<'_> {}

impl fmt::Display for Exhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the source of randomness gave less than it was asked for")
    }
}

impl core::error::Error for Exhausted {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_that_gives_too_little_is_an_error() {
        let mut short = |len: u32| vec![7; (len as usize) - 1];
        assert_eq!(Drawn::new(&mut short).try_fill_bytes(&mut [0; 8]), Err(Exhausted));
    }

    #[test]
    fn a_source_of_zeros_comes_to_an_end() {
        let mut zeros = |len: u32| vec![0; len as usize];
        let mut drawn = Drawn::new(&mut zeros);
        let drained = core::iter::repeat_with(|| drawn.try_next_u64()).take_while(Result::is_ok).count();
        assert_eq!(drained, 8192);
    }
}
