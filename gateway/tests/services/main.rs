//! Stories with real key services: the same mail goes out and comes in wherever
//! the keys are, and whatever befalls the services, nothing goes out or comes in
//! that should not.
//!
//! Every server is started from a throw-away folder, on ports of the loopback
//! interface that are free, and stopped when its story ends. What a story needs
//! and the machine has not makes it say `skipped:`.

#[path = "../servers/world/client.rs"]
#[allow(dead_code)] // what these stories do not need
mod client;
#[path = "../servers/world/daemon.rs"]
#[allow(dead_code)] // what these stories do not need
mod daemon;
mod directory;
mod directory_failures;
mod impostors;
mod kmip;
mod kmip_failures;
mod kmip_memory;
mod kmip_server;
mod memory;
mod name_servers;
mod operations;
#[path = "../servers/world/ports.rs"]
mod ports;
mod relay;
#[path = "../servers/world/renumbered.rs"]
mod renumbered;
mod sandbox_memory;
#[path = "../servers/world/sink.rs"]
#[allow(dead_code)]
mod sink;
mod slapd;
mod smimea;
mod smimea_failures;
mod softhsm;
mod softhsm_curves;
mod softhsm_failures;
mod softhsm_token;
mod story;
#[path = "../support/mod.rs"]
mod support;
mod tls;

/// As in the program.
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> = zeroizing_alloc::ZeroAlloc(std::alloc::System);
