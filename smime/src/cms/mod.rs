//! The Cryptographic Message Syntax (RFC 5652, RFC 5083) as S/MIME uses it:
//! signed, enveloped, authenticated-enveloped and compressed data, read from BER
//! and written in DER.
//!
//! Content is never copied while a structure is read: it is kept as
//! [`Segments`], places in the octets that were parsed. What surrounds it is
//! small; it is brought into DER once, and owned.

pub mod algorithm;
pub mod attributes;
pub mod auth_enveloped_data;
mod ber;
pub mod capabilities;
pub mod compressed_data;
pub mod content_info;
mod encode;
mod encrypted_content;
pub mod enveloped_data;
mod identifier;
pub mod recipient;
pub mod segments;
mod signature_type;
pub mod signed_data;
pub mod signer_info;

pub use algorithm::{Cipher, signature_algorithm};
pub use auth_enveloped_data::AuthEnvelopedData;
pub use ber::to_der;
pub use capabilities::Capabilities;
pub use compressed_data::CompressedData;
pub use content_info::ContentInfo;
pub use encrypted_content::Encrypted;
pub use enveloped_data::EnvelopedData;
pub use recipient::RecipientInfo;
pub use segments::Segments;
pub use signature_type::SignatureType;
pub use signed_data::SignedData;
pub use signer_info::SignerInfo;
