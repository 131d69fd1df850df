//! Certificates, and who they speak for (RFC 5280, RFC 8550).

pub mod address;
pub mod certificate;
mod distinguished_name;
pub mod extension;
mod general_name;
mod name_constraints;
pub mod path;
mod policies;
pub mod revocation;
mod revocation_list;
pub mod subject;
pub mod usage;
pub mod validity;

pub use certificate::Certificate;
