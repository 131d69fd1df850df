//! Stories with real mail servers: two organisations write to each other, each
//! with a mail server and mailboxes of its own, and what crosses the wire
//! between them is recorded.
//!
//! Every server is started from a throw-away folder, on ports of the loopback
//! interface that are free, and stopped when its story ends. What a story needs
//! and the machine has not makes it say `skipped:`.

mod clear;
mod contents;
mod dkim;
mod examples;
mod letters;
mod lists;
mod milter_octets;
mod milters;
mod notifications;
mod outages;
mod pipes;
mod recipients;
mod relays;
mod replicas;
#[path = "../services/slapd.rs"]
#[allow(dead_code)] // what these stories do not need
mod slapd;
#[path = "../services/softhsm_token.rs"]
#[allow(dead_code)]
mod softhsm_token;
mod splitting;
#[path = "../support/mod.rs"]
mod support;
mod tampering;
mod tenants;
#[path = "../services/tls.rs"]
#[allow(dead_code)]
mod tls;
mod world;

// Where the servers of key services look for them.
use world::{daemon, ports};
