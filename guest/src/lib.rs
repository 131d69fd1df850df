//! The component: the logic of Wasmime over the imports of `wasmime:filter`, and
//! nothing else. Empty on native targets.
#![cfg(target_family = "wasm")]

#[cfg(feature = "accelerator")]
mod accelerator;
mod bindings;
mod convert;
mod imports;
#[cfg(feature = "accelerator")]
mod in_place;
mod key;

use bindings::exports::wasmime::filter::filter::{Envelope, Guest, Verdict};
use imports::Imports;

struct Component;

impl Guest for Component {
    fn process(envelope: Envelope, message: Vec<u8>) -> Verdict {
        convert::verdict(smime::process(&mut Imports, &convert::envelope(envelope), message))
    }
}

bindings::export!(Component with_types_in bindings);
