//! Certificates, and who they speak for (RFC 5280, RFC 8550).

pub mod certificate;

pub use certificate::Certificate;
