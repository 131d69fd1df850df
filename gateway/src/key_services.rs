//! The key services of a tenant: its back ends, opened, in the order configured.

use std::cell::OnceCell;
use std::fmt;
use std::sync::Arc;

use host::authority::{Authority, OnDemand};
use host::directory::{Directory, DirectoryError};
use host::keyring::{Authorities, Keyring, KeyringError, KeyringServices};
use host::kmip::{KmipError, KmipKeys};
use host::pkcs11::Pkcs11Keys;
use host::services::{Chain, NoHarvest};
use host::smimea::{Smimea, SmimeaError};
use host::{Certificates, Clock, Companions, Harvest, PrivateKeys};

use crate::config::{self, Tenant};

/// Both key services of a tenant.
pub struct KeyServices {
    /// Its correspondents' certificates.
    pub certificates: Arc<dyn Certificates>,
    /// Its users' private keys.
    pub private_keys: Arc<dyn PrivateKeys>,
    /// What becomes of certificates that messages bring.
    pub harvest: Arc<dyn Harvest>,
}

/// Why a back end cannot be used as it is configured.
#[derive(Debug)]
pub enum KeyServiceError {
    /// The keyring.
    Keyring(KeyringError),
    /// The directory.
    Directory(DirectoryError),
    /// The DNS.
    Smimea(SmimeaError),
    /// The client of the key management servers.
    Kmip(KmipError),
}

impl KeyServices {
    /// Opens the back ends of a tenant. What is far away is first asked for by a
    /// message: it may be back by then.
    ///
    /// `anchors` and `intermediates` are the DER of authorities' certificates: those
    /// trusted for what is learned, and for the chains of keys that have none with
    /// them.
    pub fn open(
        tenant: &Tenant,
        anchors: &[Vec<u8>],
        intermediates: Vec<Vec<u8>>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, KeyServiceError> {
        let keyring = SharedKeyring { tenant, clock, opened: OnceCell::new() };
        let mut public: Vec<Arc<dyn Certificates>> = Vec::new();
        let mut harvest: Arc<dyn Harvest> = Arc::new(NoHarvest);
        let mut learned: Option<Arc<dyn Certificates>> = None;
        for kind in &tenant.key_services.public {
            match kind {
                config::PublicKeys::Keyring => {
                    let services = keyring.get()?;
                    let authorities = Authorities::new(anchors, &intermediates);
                    harvest = Arc::new(services.harvest(authorities));
                    if tenant.key_services.public.len() == 1 {
                        public.push(services);
                        continue;
                    }
                    // What somebody maintains goes before what mail has taught.
                    let (filed, from_mail) = services.apart();
                    public.push(Arc::new(filed));
                    learned = Some(Arc::new(from_mail));
                }
                config::PublicKeys::Directory => public.extend(directory(tenant, clock)?.map(|found| found as _)),
                config::PublicKeys::Smimea => public.extend(smimea(tenant, clock)?.map(|found| found as _)),
            }
        }
        public.extend(learned);
        let certificates: Arc<dyn Certificates> = Arc::new(Chain::new(public));
        let companions =
            Companions { certificates: Arc::clone(&certificates), intermediates, clock: Arc::clone(clock) };
        let mut private: Vec<Arc<dyn PrivateKeys>> = Vec::new();
        for kind in &tenant.key_services.private {
            match kind {
                config::PrivateKeys::Keyring => private.push(keyring.get()?),
                config::PrivateKeys::Kmip => private.extend(kmip(tenant, &companions)?),
                config::PrivateKeys::Pkcs11 => private.extend(pkcs11(tenant, &companions)),
            }
        }
        let mut private_keys: Arc<dyn PrivateKeys> = Arc::new(Chain::new(private));
        if let Some(per_day) = tenant.authority.on_demand {
            let authority = Authority::new(keyring.opened()?, tenant.authority.options.clone());
            private_keys = Arc::new(OnDemand { keys: private_keys, authority, per_day, clock: Arc::clone(clock) });
        }
        Ok(Self { certificates, private_keys, harvest })
    }
}

fn kmip(tenant: &Tenant, companions: &Companions) -> Result<Option<Arc<dyn PrivateKeys>>, KeyServiceError> {
    let Some(options) = &tenant.key_services.kmip else { return Ok(None) };
    let keys = KmipKeys::new(options, companions.clone()).map_err(KeyServiceError::Kmip)?;
    Ok(Some(Arc::new(keys)))
}

fn pkcs11(tenant: &Tenant, companions: &Companions) -> Option<Arc<dyn PrivateKeys>> {
    let options = tenant.key_services.pkcs11.as_ref()?;
    Some(Arc::new(Pkcs11Keys::new(options, companions.clone())))
}

/// The directory of a tenant, if it is asked.
pub fn directory(tenant: &Tenant, clock: &Arc<dyn Clock>) -> Result<Option<Arc<Directory>>, KeyServiceError> {
    let open = |options| Directory::new(options, Arc::clone(clock)).map(Arc::new).map_err(KeyServiceError::Directory);
    tenant.key_services.directory.as_ref().map(open).transpose()
}

/// The DNS as a tenant asks it, if it does.
pub fn smimea(tenant: &Tenant, clock: &Arc<dyn Clock>) -> Result<Option<Arc<Smimea>>, KeyServiceError> {
    let open = |options| Smimea::new(options, Arc::clone(clock)).map(Arc::new).map_err(KeyServiceError::Smimea);
    tenant.key_services.smimea.as_ref().map(open).transpose()
}

/// The keyring of a tenant, opened once for both kinds of key, if it is wanted.
struct SharedKeyring<'a> {
    tenant: &'a Tenant,
    clock: &'a Arc<dyn Clock>,
    opened: OnceCell<Arc<Keyring>>,
}

impl SharedKeyring<'_> {
    fn get(&self) -> Result<Arc<KeyringServices>, KeyServiceError> {
        Ok(Arc::new(KeyringServices::new(self.opened()?, Arc::clone(self.clock))))
    }

    fn opened(&self) -> Result<Arc<Keyring>, KeyServiceError> {
        if let Some(opened) = self.opened.get() {
            return Ok(Arc::clone(opened));
        }
        let keyring = Keyring::open(&self.tenant.keyring).map_err(KeyServiceError::Keyring)?;
        Ok(Arc::clone(self.opened.get_or_init(|| Arc::new(keyring))))
    }
}

impl KeyServiceError {
    /// The cause, for the audit log: one word in kebab-case.
    pub fn cause(&self) -> &'static str {
        match self {
            Self::Keyring(_) => "keyring",
            Self::Directory(_) => "directory",
            Self::Smimea(_) => "smimea",
            Self::Kmip(_) => "kmip",
        }
    }
}

impl fmt::Display for KeyServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keyring(error) => error.fmt(f),
            Self::Directory(error) => error.fmt(f),
            Self::Smimea(error) => error.fmt(f),
            Self::Kmip(error) => error.fmt(f),
        }
    }
}
