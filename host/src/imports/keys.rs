//! Certificates and private keys: `keys` and `key-export`.

use std::sync::Arc;

use wasmtime::Result;
use wasmtime::component::Resource;

use crate::bindings::wasmime::filter::{key_export, keys};
use crate::call::Call;
use crate::event::text;
use crate::handle::PrivateKeyHandle;
use crate::stop::Stop;
use crate::{Entry, KeyError, Refusal, Severity, recipient};

impl keys::Host for Call {
    fn certificates(&mut self, owner: String) -> Result<Result<Vec<Entry>, Refusal>> {
        self.called()?;
        Ok(self.ask_refusable("certificates", self.tenant.certificates.waits(), move |tenant| {
            tenant.certificates.certificates(&owner)
        })?)
    }

    fn identities(&mut self, owner: String) -> Result<Result<Vec<keys::Identity>, Refusal>> {
        self.called()?;
        if !self.scope.opens(&owner) {
            self.denied("identities", &owner);
            return Ok(Err(Refusal::Denied));
        }
        let signs = self.scope.may_sign();
        match self.ask_refusable("private-keys", self.tenant.private_keys.waits(), move |tenant| match signs {
            true => tenant.private_keys.identities_of_sender(&owner),
            false => tenant.private_keys.identities(&owner),
        })? {
            Err(refusal) => Ok(Err(refusal)),
            Ok(identities) => identities
                .into_iter()
                .filter(|identity| !(signs && identity.retired))
                .map(|identity| self.hand_out(identity))
                .collect::<Result<_>>()
                .map(Ok),
        }
    }
}

impl keys::HostPrivateKey for Call {
    fn sign(
        &mut self,
        key: Resource<PrivateKeyHandle>,
        algorithm: Vec<u8>,
        digest: Vec<u8>,
        message: Vec<u8>,
    ) -> Result<Result<Vec<u8>, KeyError>> {
        self.called()?;
        if !self.scope.may_sign() {
            self.denied("sign", "");
            return Ok(Err(KeyError::Refused(Refusal::Denied)));
        }
        self.private_key_operation()?;
        let key = Arc::clone(&self.table.get(&key)?.key);
        self.use_key(key.waits(), move || key.sign(&algorithm, &digest, &message))
    }

    fn unwrap_key(
        &mut self,
        key: Resource<PrivateKeyHandle>,
        recipient_info: Vec<u8>,
        length: u32,
    ) -> Result<Result<Vec<u8>, KeyError>> {
        self.called()?;
        if !self.scope.may_unwrap() {
            self.denied("unwrap-key", "");
            return Ok(Err(KeyError::Refused(Refusal::Denied)));
        }
        if length == 0 || length > LONGEST_CONTENT_KEY {
            return Ok(Err(KeyError::Malformed));
        }
        let handle = self.table.get(&key)?;
        match recipient::is_for(&recipient_info, &handle.certificate) {
            Err(error) => return Ok(Err(error)),
            Ok(false) => return Ok(Err(KeyError::Refused(Refusal::Denied))),
            Ok(true) => {}
        }
        let key = Arc::clone(&handle.key);
        self.private_key_operation()?;
        self.use_key(key.waits(), move || key.unwrap_key(&recipient_info, length))
    }

    fn drop(&mut self, key: Resource<PrivateKeyHandle>) -> Result<()> {
        self.table.delete(key)?;
        self.counts.handles = self.counts.handles.saturating_sub(1);
        Ok(())
    }
}

impl key_export::Host for Call {
    fn pkcs8(&mut self, key: Resource<PrivateKeyHandle>) -> Result<Option<Vec<u8>>> {
        self.called()?;
        let key = Arc::clone(&self.table.get(&key)?.key);
        let exported = self.ask("private-keys", key.waits(), move |_| key.pkcs8())?;
        match exported {
            None => Ok(None),
            Some(mut exported) => {
                self.private_key_operation()?;
                Ok(Some(std::mem::take(&mut *exported)))
            }
        }
    }
}

/// Octets of the longest content-encryption key of any cipher in use.
const LONGEST_CONTENT_KEY: u32 = 64;

impl Call {
    fn hand_out(&mut self, identity: crate::Identity) -> Result<keys::Identity> {
        if self.counts.handles >= self.tenant.limits.handles {
            return Err(Stop::Handles.into());
        }
        self.counts.handles += 1;
        let certificate = Arc::from(identity.certificate.as_slice());
        let key = self.table.push(PrivateKeyHandle { key: identity.key, certificate })?;
        // The guest owns the handle from here on; the host keeps what it names.
        Ok(keys::Identity { certificate: identity.certificate, chain: identity.chain, key })
    }

    fn use_key(
        &mut self,
        waits: bool,
        operation: impl FnOnce() -> Result<Vec<u8>, KeyError> + Send + 'static,
    ) -> Result<Result<Vec<u8>, KeyError>> {
        let done = self.ask_refusable("private-keys", waits, move |_| match operation() {
            Err(KeyError::Refused(refusal)) => Err(refusal),
            other => Ok(other),
        })?;
        Ok(done.unwrap_or_else(|refusal| Err(KeyError::Refused(refusal))))
    }

    fn denied(&mut self, operation: &str, owner: &str) {
        let mut fields = vec![text("operation", operation)];
        if !owner.is_empty() {
            fields.push(text("owner", owner));
        }
        self.events.report(&self.tenant.limits, Severity::Warning, "key-denied", fields);
    }
}
