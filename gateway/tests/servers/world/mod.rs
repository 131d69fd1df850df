//! The servers, the wire between them and the people at either end.

// Each story takes what it needs.
#![allow(dead_code)]

pub mod accounts;
pub mod daemon;
pub mod dovecot;
pub mod gateway;
pub mod imap;
pub mod organisation;
pub mod ports;
pub mod postfix;
pub mod swaks;
pub mod wire;

pub use organisation::{Side, World};
