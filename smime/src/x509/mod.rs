//! Certificates, and who they speak for (RFC 5280, RFC 8550).

pub mod address;
pub mod certificate;
pub mod extension;
pub mod path;
pub mod subject;
pub mod usage;
pub mod validity;

pub use certificate::Certificate;
