//! The servers, the wire between them and the people at either end.

// Each story takes what it needs.
#![allow(dead_code)]

pub mod accounts;
pub mod client;
pub mod daemon;
pub mod dovecot;
pub mod example;
pub mod exim;
pub mod gateway;
pub mod haproxy;
pub mod imap;
pub mod load;
pub mod opendkim;
pub mod opensmtpd;
pub mod organisation;
pub mod places;
pub mod ports;
pub mod postfix;
pub mod renumbered;
pub mod sendmail;
pub mod server;
pub mod side;
pub mod sink;
pub mod swaks;
pub mod wire;

pub use organisation::World;
pub use side::Side;
