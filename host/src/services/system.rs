//! The services that need no configuration.

use std::time::{SystemTime, UNIX_EPOCH};

use super::{Authorise, Clock, Entropy, Harvest};
use crate::Refusal;
use crate::mailbox;

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> u64 {
        // A clock before 1970 makes every certificate not yet valid: closed.
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }
}

/// The generator of aws-lc, seeded by the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn draw(&self, len: u32) -> Result<Vec<u8>, Refusal> {
        let mut octets = vec![0; len as usize];
        aws_lc_rs::rand::fill(&mut octets)
            .map_err(|_| Refusal::Unavailable("the random generator failed".to_owned()))?;
        Ok(octets)
    }
}

/// Lets a submitter act for the mailbox that bears its name, and no other.
#[derive(Clone, Copy, Debug, Default)]
pub struct SameMailbox;

impl Authorise for SameMailbox {
    fn may_act_for(&self, submitter: &str, owner: &str) -> bool {
        mailbox::same(submitter, owner)
    }
}

/// Learns nothing from messages.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHarvest;

impl Harvest for NoHarvest {
    fn offer(&self, _: &str, _: &[u8], _: &[Vec<u8>], _: Option<&[u8]>) {}

    fn waits(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_gives_what_is_asked_and_never_the_same() {
        let (one, other) = (SystemEntropy.draw(32).unwrap(), SystemEntropy.draw(32).unwrap());
        assert_eq!((one.len(), other.len()), (32, 32));
        assert_ne!(one, other);
    }

    #[test]
    fn a_submitter_acts_for_its_own_mailbox_only() {
        assert!(SameMailbox.may_act_for("taro@nec.co.jp", "taro@NEC.co.jp"));
        assert!(!SameMailbox.may_act_for("taro@nec.co.jp", "Taro@nec.co.jp"));
        assert!(!SameMailbox.may_act_for("taro", "taro@nec.co.jp"));
    }
}
