//! The imports of a guest: each counts the call, judges whether the message in
//! hand opens the answer, and asks the tenant's service for it.

mod accelerator;
mod answers;
mod keys;

use wasmtime::Result;
use wasmtime::component::{HasSelf, Linker};

use crate::bindings::plain::wasmime::filter::types;
use crate::bindings::wasmime::filter as interfaces;
use crate::call::Call;

/// Offers all interfaces of the world; a component takes those it imports.
pub(crate) fn link(linker: &mut Linker<Call>) -> Result<()> {
    types::add_to_linker::<Call, HasSelf<Call>>(linker, |call| call)?;
    interfaces::keys::add_to_linker::<Call, HasSelf<Call>>(linker, |call| call)?;
    interfaces::key_export::add_to_linker::<Call, HasSelf<Call>>(linker, |call| call)?;
    interfaces::trust::add_to_linker::<Call, HasSelf<Call>>(linker, |call| call)?;
    interfaces::policy::add_to_linker::<Call, HasSelf<Call>>(linker, |call| call)?;
    interfaces::harvest::add_to_linker::<Call, HasSelf<Call>>(linker, |call| call)?;
    interfaces::clock::add_to_linker::<Call, HasSelf<Call>>(linker, |call| call)?;
    interfaces::entropy::add_to_linker::<Call, HasSelf<Call>>(linker, |call| call)?;
    interfaces::audit::add_to_linker::<Call, HasSelf<Call>>(linker, |call| call)?;
    accelerator::link(linker)
}

impl types::Host for Call {}
