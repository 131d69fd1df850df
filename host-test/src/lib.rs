//! The wasmtime harness.
