//! What the logic asks of its host, asked of the imports.

use smime::crypto::Bulk;
use smime::host::{Der, Entry, Field, Host, Identity, InboundPolicy, OutboundPolicy, Refusal, Severity};

use crate::bindings::wasmime::filter::{audit, clock, entropy, harvest, keys, policy, trust};
use crate::convert;
use crate::key::Key;

/// The imports. They keep nothing here: the host knows which message is in hand.
pub(crate) struct Imports;

impl Host for Imports {
    type Key = Key;

    fn certificates(&mut self, owner: &str) -> Result<Vec<Entry>, Refusal> {
        let entries = keys::certificates(owner).map_err(convert::refusal)?;
        Ok(entries.into_iter().map(convert::entry).collect())
    }

    fn identities(&mut self, owner: &str) -> Result<Vec<Identity<Key>>, Refusal> {
        let identities = keys::identities(owner).map_err(convert::refusal)?;
        let identity = |keys::Identity { certificate, chain, key }| Identity { certificate, chain, key: Key::new(key) };
        Ok(identities.into_iter().map(identity).collect())
    }

    fn anchors(&mut self) -> Result<Vec<Der>, Refusal> {
        trust::anchors().map_err(convert::refusal)
    }

    fn intermediates(&mut self) -> Result<Vec<Der>, Refusal> {
        trust::intermediates().map_err(convert::refusal)
    }

    fn revocation_lists(&mut self, issuer: &[u8]) -> Result<Vec<Der>, Refusal> {
        trust::revocation_lists(issuer).map_err(convert::refusal)
    }

    fn outbound_policy(&mut self, recipient: &str) -> OutboundPolicy {
        convert::outbound_policy(policy::outbound(recipient))
    }

    fn inbound_policy(&mut self, recipient: &str) -> InboundPolicy {
        convert::inbound_policy(policy::inbound(recipient))
    }

    fn offer(&mut self, owner: &str, certificate: &[u8], chain: &[Der], capabilities: Option<&[u8]>) {
        harvest::offer(owner, certificate, chain, capabilities);
    }

    fn now(&mut self) -> u64 {
        clock::now()
    }

    fn draw(&mut self, len: u32) -> Vec<u8> {
        entropy::draw(len)
    }

    fn report(&mut self, severity: Severity, event: &str, fields: &[Field]) {
        let fields: Vec<_> = fields.iter().map(convert::field).collect();
        audit::report(convert::severity(severity), event, &fields);
    }

    #[cfg(feature = "accelerator")]
    fn bulk(&self) -> &dyn Bulk {
        &crate::accelerator::Accelerator
    }

    #[cfg(not(feature = "accelerator"))]
    fn bulk(&self) -> &dyn Bulk {
        &smime::crypto::Software
    }
}
