//! The component. Empty on native targets.
#![cfg(target_family = "wasm")]
