//! What the tests of the program share: a site to run it in, keys, messages.

pub mod mail;
pub mod openssl;
pub mod site;
pub mod tool;

pub use mail::*;
pub use site::*;
pub use tool::*;
