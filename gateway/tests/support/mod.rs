//! What the test programs share: a site to run the program in, keys, messages.

// Each test program takes what it needs.
#![allow(dead_code, unused_imports)]

pub mod mail;
pub mod openssl;
pub mod site;
pub mod tool;

pub use mail::*;
pub use site::*;
pub use tool::*;
