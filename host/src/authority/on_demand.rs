//! Certificates made as mail is sent, for those who have none.

use std::sync::Arc;

use smime::domain;

use super::error::AuthorityError;
use super::issue::Authority;
use crate::keyring::hex;
use crate::services::{Clock, Identity, PrivateKeys, note};
use crate::{Refusal, Severity};

/// Private keys, and certificates on demand for the tenant's users who send mail and
/// have none.
pub struct OnDemand {
    /// Those there are.
    pub keys: Arc<dyn PrivateKeys>,
    /// What issues; its keyring is among `keys`.
    pub authority: Authority,
    /// Most certificates that are issued so within a day.
    pub per_day: u32,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl PrivateKeys for OnDemand {
    fn identities(&self, owner: &str) -> Result<Vec<Identity>, Refusal> {
        self.keys.identities(owner)
    }

    /// Who has any key, be it retired or expired, is issued none: that is for the
    /// operator to judge. Nor is a domain's authority (RFC 3183).
    fn identities_of_sender(&self, owner: &str) -> Result<Vec<Identity>, Refusal> {
        let found = self.keys.identities_of_sender(owner)?;
        if !found.is_empty() || domain::Authority::is_named_by(owner) || self.authority.own(owner).is_err() {
            return Ok(found);
        }
        match self.authority.issue_on_demand(owner, self.per_day, self.clock.now()) {
            Ok(issued) => {
                if let Some(issued) = issued {
                    let (fingerprint, serial) = (hex(&issued.facts.fingerprint), hex(&issued.facts.serial));
                    let facts = [("owner", owner), ("fingerprint", fingerprint.as_str()), ("serial", &serial)];
                    note(Severity::Info, "certificate-issued", &facts);
                }
                self.keys.identities_of_sender(owner)
            }
            Err(error) => {
                note(Severity::Error, "certificate-not-issued", &[("owner", owner), ("cause", &error.to_string())]);
                match error {
                    // It is as if there were no authority.
                    AuthorityError::Revoked(_) => Ok(Vec::new()),
                    // What the operator mends, mail waits for.
                    error => Err(Refusal::Unavailable(error.to_string())),
                }
            }
        }
    }
}
