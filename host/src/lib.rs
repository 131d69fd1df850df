//! The embedding of Wasmime.
