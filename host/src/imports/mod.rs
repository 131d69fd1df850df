//! The imports of a guest: each counts the call, judges whether the message in
//! hand opens the answer, and asks the tenant's service for it.

mod accelerator;
mod answers;
mod keys;

use wasmtime::Result;
use wasmtime::component::{HasSelf, Linker};

use crate::bindings::Gateway;
use crate::bindings::plain::wasmime::filter::types;
use crate::call::Call;

/// Offers all interfaces of the world; a component takes those it imports.
pub(crate) fn link(linker: &mut Linker<Call>) -> Result<()> {
    Gateway::add_to_linker::<Call, HasSelf<Call>>(linker, |call| call)
}

impl types::Host for Call {}
