//! `wasmime serve` as a process, spoken to octet by octet.

#[path = "../servers/world/daemon.rs"]
#[allow(dead_code)]
mod daemon;
#[path = "../servers/world/gateway.rs"]
#[allow(dead_code)]
mod gateway;
mod milter;
mod operation;
#[path = "../servers/world/ports.rs"]
mod ports;
#[path = "../servers/world/sink.rs"]
#[allow(dead_code)]
mod sink;
mod smtp;
mod status;
#[path = "../support/mod.rs"]
mod support;
