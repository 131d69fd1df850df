//! The Cryptographic Message Syntax: what other programs write is read, what is
//! written is read by others, and what was altered is seen.

mod altered;
mod attributes;
mod corpora;
mod curves;
#[path = "../support/corpora.rs"]
mod foreign;
mod lattices;
mod malformed;
mod openssl;
mod peer;
mod round_trip;
mod support;
