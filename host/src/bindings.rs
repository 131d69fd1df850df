//! The contract, `wit/`, as Rust types and traits: all of it generated, and the
//! only types with which this crate describes a message, a key or a policy.
#![allow(missing_docs)] // some items the generator adds have none

use wasmtime::component::bindgen;

/// The interface `types`, apart from the others so that verdicts and envelopes
/// can be compared; a record that holds a resource could not be.
pub mod plain {
    wasmtime::component::bindgen!({
        path: "../wit",
        interfaces: "import wasmime:filter/types@0.1.0;",
        additional_derives: [PartialEq, Eq],
    });
}

bindgen!({
    path: "../wit",
    world: "gateway",
    // A service that fails where the contract knows no failure stops the guest.
    imports: { default: trappable },
    with: {
        "wasmime:filter/types": plain::wasmime::filter::types,
        "wasmime:filter/keys.private-key": crate::handle::PrivateKeyHandle,
    },
});

impl PartialEq for wasmime::filter::keys::KeyError {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Unsupported, Self::Unsupported) | (Self::Malformed, Self::Malformed) => true,
            (Self::Refused(one), Self::Refused(other)) => one == other,
            _ => false,
        }
    }
}

impl Eq for wasmime::filter::keys::KeyError {}
