//! What the program does, a file for each command.

pub mod check;
pub mod keys;
pub mod process;
