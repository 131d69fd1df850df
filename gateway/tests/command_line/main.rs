//! The program as it is called: what it does, what it says, how it ends.

mod bench;
mod check;
mod demo;
mod formats;
mod harvest;
mod help;
mod keys;
mod killed;
mod manual;
mod process;
