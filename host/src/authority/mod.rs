//! The built-in certification authority of a tenant: a root of its own, issuing
//! authorities under it, and certificates for the tenant's users (RFC 5280, RFC
//! 8550).
//!
//! All of it lies in the tenant's [keyring](crate::keyring): the authorities' keys
//! are sealed as all private keys are, and are filed under no address, so that no
//! message can ask for them. Who trusts the root trusts it for the mail addresses of
//! the tenant's domains and for nothing else: that is written into it.
//!
//! From top to bottom: `issue` makes certificates, with `found` where there is no
//! authority yet; `renew` replaces them before they expire; `revoke` takes them back
//! and tells of it in revocation lists; `on_demand` has them made as mail is sent.
//! `certificate` is what stands in them, `genuine` knows our own, `request` reads what others ask for,
//! `ledger` is what the keyring remembers.

mod certificate;
mod error;
mod found;
mod genuine;
mod issue;
mod ledger;
mod on_demand;
mod options;
mod renew;
mod request;
mod revocation_list;
mod revoke;

pub use error::AuthorityError;
pub use issue::{Authority, Issued};
pub use on_demand::OnDemand;
pub use options::AuthorityOptions;
pub use renew::Renewal;
pub use revoke::{Revocable, RevocationReason, Revoked};

#[cfg(test)]
mod tests;
