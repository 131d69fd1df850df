//! What the program does, a file for each command.

pub mod keys;
pub mod process;
