//! The program `wasmime`.
fn main() {}
