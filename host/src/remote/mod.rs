//! What the back ends have in common that ask others over a network.

pub(crate) mod answers;
pub(crate) mod found;
pub(crate) mod health;
pub(crate) mod socket;
pub(crate) mod tls;

pub use answers::Caching;
