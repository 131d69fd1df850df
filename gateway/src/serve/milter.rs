//! Sendmail's mail filter protocol ("milter"), with Postfix or Sendmail at the
//! other end: they show a message before they take it into their queue, and change
//! or refuse it as they are told.
//!
//! ```text
//! octets ── wire ── command ──► session ──► message ──► Gate::judge
//!                                  │                        │
//! octets ◄─ wire ◄─ response ◄─ plan (header: edits) ◄──────┘
//!                                  └──► split: other recipients' copies, by the next hop
//! ```
//!
//! What this protocol cannot do:
//!
//! - The mail server puts its own `Received` field in front without showing it. It
//!   stays where it is; everything behind it becomes what the filter wants.
//! - White space before the colon of a field is not shown. It stays if the field
//!   does.
//! - Sendmail does not say where it keeps fields of its own, so a field that is put
//!   between others can end up some places off; Postfix puts it where it belongs.
//! - One message goes out of a session. Recipients who are to get something else are
//!   taken off, and get theirs by the listener's next hop ([`split`]).

mod command;
mod discretion;
mod envelope;
mod header;
mod macros;
mod message;
mod options;
mod plan;
mod response;
mod session;
mod split;
mod wire;

pub use session::serve;
