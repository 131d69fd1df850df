//! Several back ends behind one service: the first that has an answer gives it.

use std::sync::Arc;

use super::{Certificates, Identity, PrivateKeys};
use crate::{Entry, Refusal};

/// Back ends that are asked in order. The first that knows the mailbox answers,
/// alone: what later ones have filed is not added.
///
/// A back end that refuses ends the search with its refusal. Nobody can say what it
/// would have answered: to go on would use a key that it has replaced or revoked, or
/// take a later "none" for the truth and send clear text.
pub struct Chain<S: ?Sized> {
    services: Vec<Arc<S>>,
}

impl<S: ?Sized> Chain<S> {
    /// A chain of `services`, asked in this order. An empty one knows nobody.
    pub fn new(services: Vec<Arc<S>>) -> Self {
        Self { services }
    }

    fn first<T>(&self, ask: impl Fn(&S) -> Result<Vec<T>, Refusal>) -> Result<Vec<T>, Refusal> {
        for service in &self.services {
            let found = ask(service)?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
        Ok(Vec::new())
    }
}

impl Certificates for Chain<dyn Certificates> {
    fn certificates(&self, owner: &str) -> Result<Vec<Entry>, Refusal> {
        self.first(|service| service.certificates(owner))
    }

    fn waits(&self) -> bool {
        self.services.iter().any(|service| service.waits())
    }
}

impl PrivateKeys for Chain<dyn PrivateKeys> {
    fn identities(&self, owner: &str) -> Result<Vec<Identity>, Refusal> {
        self.first(|service| service.identities(owner))
    }

    fn waits(&self) -> bool {
        self.services.iter().any(|service| service.waits())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::{MemoryKeys, OutOfReach};

    fn knows(owner: &str, certificate: u8) -> Arc<dyn Certificates> {
        let mut keys = MemoryKeys::default();
        keys.add_certificate(owner, Entry { certificate: vec![certificate], pinned: false, capabilities: None });
        Arc::new(keys)
    }

    fn asked(services: Vec<Arc<dyn Certificates>>) -> Result<Vec<u8>, Refusal> {
        let found = Chain::new(services).certificates("alice@abc.com")?;
        Ok(found.iter().map(|entry| entry.certificate[0]).collect())
    }

    #[test]
    fn the_first_that_knows_the_mailbox_answers_alone() {
        let services = vec![knows("bob@abc.com", 1), knows("alice@abc.com", 2), knows("alice@abc.com", 3)];
        assert_eq!(asked(services).unwrap(), [2]);
    }

    #[test]
    fn nobody_knows_is_an_answer() {
        assert_eq!(asked(vec![knows("bob@abc.com", 1)]).unwrap(), [0u8; 0]);
        assert_eq!(asked(Vec::new()).unwrap(), [0u8; 0]);
    }

    #[test]
    fn t35_one_out_of_reach_is_not_passed_over() {
        let error = asked(vec![Arc::new(OutOfReach), knows("alice@abc.com", 2)]).unwrap_err();
        assert!(matches!(error, Refusal::Unavailable(_)));
        // Nor is it asked where it is not needed.
        assert_eq!(asked(vec![knows("alice@abc.com", 1), Arc::new(OutOfReach)]).unwrap(), [1]);
    }

    #[test]
    fn t35_private_keys_out_of_reach_are_not_passed_over() {
        let chain: Chain<dyn PrivateKeys> = Chain::new(vec![Arc::new(OutOfReach), Arc::new(MemoryKeys::default())]);
        assert!(matches!(chain.identities("alice@abc.com"), Err(Refusal::Unavailable(_))));
    }
}
