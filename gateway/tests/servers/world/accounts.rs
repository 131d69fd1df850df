//! The accounts that servers give up their rights to.

use std::fs;

/// The number of a user; [`exists`] says whether there is one.
pub fn id(user: &str) -> u32 {
    entry("/etc/passwd", user).unwrap_or_else(|| panic!("no user {user}"))
}

/// The number of a group.
pub fn group(name: &str) -> u32 {
    entry("/etc/group", name).unwrap_or_else(|| panic!("no group {name}"))
}

/// Whether there is such a user.
pub fn exists(user: &str) -> bool {
    entry("/etc/passwd", user).is_some()
}

/// The third field of the line that begins with `name`.
fn entry(file: &str, name: &str) -> Option<u32> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.split(':').next() == Some(name))?;
    line.split(':').nth(2)?.parse().ok()
}
