//! The contract, `wit/`, as Rust types and functions: all of it generated.

wit_bindgen::generate!({
    world: "gateway",
    path: "../wit",
});
