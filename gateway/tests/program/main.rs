//! The real program, as a process: stories, other implementations at either
//! end, foreign messages, attacks.

mod attacks;
mod authority;
mod corpora;
mod domains;
mod peers;
mod stories;
#[path = "../support/mod.rs"]
mod support;
