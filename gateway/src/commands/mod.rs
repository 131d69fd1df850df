//! What the program does, a file for each command.

pub mod check;
pub mod completion;
pub mod keys;
pub mod manual;
pub mod process;
pub mod status;
