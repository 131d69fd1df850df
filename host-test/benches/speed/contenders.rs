//! Who is compared: the component in each of its builds, the logic outside of the
//! sandbox, and OpenSSL.

use std::env;
use std::path::Path;

use components::Variant;
use host::{Envelope, Outcome, Runtime, RuntimeOptions, Tenant};
use host_test::variants::{cache, say};
use host_test::{native, sizes};

use crate::people::{self, Cipher, Kind, People};

/// One that signs and encrypts, and verifies and decrypts.
pub enum Contender {
    /// A component.
    Sandbox(&'static str, Box<Runtime>),
    /// The same logic in this process.
    Native,
    /// OpenSSL's CMS in this process.
    #[cfg(feature = "openssl")]
    OpenSsl,
}

/// The built-in component, as tables call it.
pub const ACCELERATED: &str = "accelerated";

/// OpenSSL, as tables call it.
pub const OPENSSL: &str = "OpenSSL";

impl Contender {
    /// As tables call it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sandbox(name, _) => name,
            Self::Native => "native",
            #[cfg(feature = "openssl")]
            Self::OpenSsl => OPENSSL,
        }
    }

    /// Whether it takes part where the slow ones would only take time.
    pub fn is_main(&self) -> bool {
        !matches!(self, Self::Sandbox(name, _) if *name != ACCELERATED)
    }
}

/// All contenders there are.
pub struct Contenders(Vec<Contender>);

impl Contenders {
    /// The built-in component, those in the folder `WASMIME_COMPONENTS`, the native
    /// logic and OpenSSL. Who is missing is named.
    pub fn all() -> Result<Self, String> {
        let mut all = vec![Contender::Sandbox(ACCELERATED, Box::new(runtime(None)?))];
        match env::var_os("WASMIME_COMPONENTS").filter(|folder| !folder.is_empty()) {
            None => say("SKIPPED: the other builds of the component; WASMIME_COMPONENTS is not set"),
            Some(folder) => {
                let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder);
                let key_export = Variant { key_export: true, ..Variant::DEFAULT };
                for (name, variant) in [("default", Variant::DEFAULT), ("key-export", key_export)] {
                    let path = folder.join(variant.file_name());
                    all.push(Contender::Sandbox(name, Box::new(runtime(Some(&path))?)));
                }
            }
        }
        all.push(Contender::Native);
        #[cfg(feature = "openssl")]
        all.push(Contender::OpenSsl);
        #[cfg(not(feature = "openssl"))]
        say("SKIPPED: OpenSSL; `make bench` builds it (feature openssl)");
        Ok(Self(all))
    }

    pub fn iter(&self) -> impl Iterator<Item = &Contender> {
        self.0.iter()
    }

    /// The built-in component.
    pub fn built_in(&self) -> &Runtime {
        let found = self.0.iter().find_map(|contender| match contender {
            Contender::Sandbox(ACCELERATED, runtime) => Some(runtime),
            _ => None,
        });
        found.expect("the first of all")
    }

    /// The one of this name.
    pub fn named(&self, name: &str) -> Option<&Contender> {
        self.0.iter().find(|contender| contender.name() == name)
    }
}

/// The options of a gateway, and a cache for what is compiled.
pub fn options(component: Option<&Path>) -> RuntimeOptions {
    RuntimeOptions { component: component.map(Path::to_owned), cache: Some(cache()), ..RuntimeOptions::default() }
}

fn runtime(component: Option<&Path>) -> Result<Runtime, String> {
    Runtime::new(options(component)).map_err(|e| e.to_string())
}

/// A correspondence: its people, ready for each contender.
pub struct World {
    pub tenant: Tenant,
    pub outbound: Envelope,
    pub inbound: Envelope,
    #[cfg(feature = "openssl")]
    openssl: crate::openssl::Correspondence,
}

impl World {
    /// Keys and certificates are parsed here, and nowhere else.
    pub fn new(kind: Kind, cipher: Cipher, recipients: usize) -> Self {
        let people = People::of(kind);
        Self {
            tenant: people.tenant(cipher),
            outbound: people::outbound(recipients),
            inbound: people::inbound(),
            #[cfg(feature = "openssl")]
            openssl: crate::openssl::Correspondence::new(&people, cipher, recipients),
        }
    }

    /// Signs and encrypts a message.
    pub fn seal(&self, contender: &Contender, message: &[u8]) -> Result<Vec<u8>, String> {
        match contender {
            Contender::Sandbox(_, runtime) => rewritten(runtime.run(&self.tenant, &self.outbound, message)),
            Contender::Native => rewritten(native::run(&self.tenant, &self.outbound, message)),
            #[cfg(feature = "openssl")]
            Contender::OpenSsl => self.openssl.seal(message).map_err(|e| e.to_string()),
        }
    }

    /// Decrypts and verifies what was sealed.
    pub fn open(&self, contender: &Contender, sealed: &[u8]) -> Result<Vec<u8>, String> {
        match contender {
            Contender::Sandbox(_, runtime) => rewritten(runtime.run(&self.tenant, &self.inbound, sealed)),
            Contender::Native => rewritten(native::run(&self.tenant, &self.inbound, sealed)),
            #[cfg(feature = "openssl")]
            Contender::OpenSsl => self.openssl.open(sealed).map_err(|e| e.to_string()),
        }
    }
}

/// The message that came of a run, which is not copied here.
fn rewritten(outcome: Outcome) -> Result<Vec<u8>, String> {
    sizes::delivered(&outcome)?;
    match outcome.verdict {
        host::Verdict::Deliver(mut deliveries) => match deliveries.swap_remove(0).content {
            host::Content::Rewritten(message) => Ok(message),
            host::Content::Unchanged => Err("it was not rewritten".to_owned()),
        },
        _ => Err("it was refused".to_owned()),
    }
}
