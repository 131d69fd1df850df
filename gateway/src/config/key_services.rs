//! Where a tenant's keys are: which back ends are asked, and in which order.

use std::path::Path;

use host::directory::DirectoryOptions;
use host::kmip::KmipOptions;
use host::pkcs11::Pkcs11Options;
use host::smimea::SmimeaOptions;
use serde::Deserialize;
use toml::Spanned;

use super::source::Source;
use super::{ConfigurationError, directories, key_servers, raw};

/// A back end for public keys.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum PublicKeys {
    /// The tenant's own keyring.
    Keyring,
    /// A directory server.
    Directory,
    /// The DNS.
    Smimea,
}

/// A back end for private keys.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum PrivateKeys {
    /// The tenant's own keyring.
    Keyring,
    /// Key management servers.
    Kmip,
    /// A token.
    Pkcs11,
}

/// Where a tenant's keys are.
#[derive(Clone, Debug)]
pub struct KeyServices {
    /// Who is asked for public keys, in this order.
    pub public: Vec<PublicKeys>,
    /// Who is asked for private keys, in this order.
    pub private: Vec<PrivateKeys>,
    /// The directory, if it is asked.
    pub directory: Option<DirectoryOptions>,
    /// The DNS, if it is asked.
    pub smimea: Option<SmimeaOptions>,
    /// The key management servers, if they are asked.
    pub kmip: Option<KmipOptions>,
    /// The token, if it is asked.
    pub pkcs11: Option<Pkcs11Options>,
}

impl KeyServices {
    /// Reads them from what is written of a tenant. Without a word, both kinds are in
    /// the keyring.
    pub(super) fn read(source: &Source<'_>, folder: &Path, raw: &mut raw::Tenant) -> Result<Self, ConfigurationError> {
        let public = order(source, "public-keys", raw.public_keys.as_ref())?;
        let private = order(source, "private-keys", raw.private_keys.as_ref())?;
        // The DNS is there without a word about it.
        if public.as_ref().is_some_and(|asked| asked.contains(&PublicKeys::Smimea)) && raw.smimea.is_none() {
            raw.smimea = Some(Spanned::new(0..0, raw::Smimea::default()));
        }
        let listed = raw.public_keys.as_ref();
        placed(source, "public-keys", listed, PublicKeys::Directory, "directory", raw.directory.as_ref())?;
        placed(source, "public-keys", listed, PublicKeys::Smimea, "smimea", raw.smimea.as_ref())?;
        let listed = raw.private_keys.as_ref();
        placed(source, "private-keys", listed, PrivateKeys::Kmip, "kmip", raw.kmip.as_ref())?;
        placed(source, "private-keys", listed, PrivateKeys::Pkcs11, "pkcs11", raw.pkcs11.as_ref())?;
        Ok(Self {
            public: public.unwrap_or_else(|| vec![PublicKeys::Keyring]),
            private: private.unwrap_or_else(|| vec![PrivateKeys::Keyring]),
            directory: raw.directory.take().map(|raw| directories::directory(source, folder, raw)).transpose()?,
            smimea: raw.smimea.take().map(|raw| directories::smimea(source, folder, raw.into_inner())).transpose()?,
            kmip: raw.kmip.take().map(|raw| key_servers::kmip(source, folder, raw)).transpose()?,
            pkcs11: raw.pkcs11.take().map(|raw| key_servers::pkcs11(folder, raw.into_inner())),
        })
    }

    /// Whether the keyring is asked for anything.
    pub fn use_keyring(&self) -> bool {
        self.public.contains(&PublicKeys::Keyring) || self.private.contains(&PrivateKeys::Keyring)
    }
}

/// Whether a back end that is asked is told where it is, and is asked if it is told.
fn placed<T: PartialEq, P>(
    source: &Source<'_>,
    key: &str,
    listed: Option<&Spanned<Vec<Spanned<T>>>>,
    kind: T,
    name: &str,
    place: Option<&Spanned<P>>,
) -> Result<(), ConfigurationError> {
    let asked = listed.and_then(|listed| listed.get_ref().iter().find(|one| *one.get_ref() == kind));
    match (asked, place) {
        (Some(asked), None) => {
            let text = format!("`{name}` is to be asked; say where it is with [tenant.NAME.{name}]");
            Err(source.at(asked.span(), text))
        }
        (None, Some(place)) => {
            let text = format!("this says where keys are that nobody asks; add \"{name}\" to {key}");
            Err(source.at(place.span(), text))
        }
        _ => Ok(()),
    }
}

/// A list of back ends: at least one, and none twice.
fn order<T: Copy + PartialEq>(
    source: &Source<'_>,
    key: &str,
    listed: Option<&Spanned<Vec<Spanned<T>>>>,
) -> Result<Option<Vec<T>>, ConfigurationError> {
    let Some(listed) = listed else { return Ok(None) };
    let mut order = Vec::with_capacity(listed.get_ref().len());
    for one in listed.get_ref() {
        if order.contains(one.get_ref()) {
            return Err(source.at(one.span(), format!("{key} names this one twice; name it once")));
        }
        order.push(*one.get_ref());
    }
    if order.is_empty() {
        let text = format!("{key} names nobody to ask; leave it out for [\"keyring\"]");
        return Err(source.at(listed.span(), text));
    }
    Ok(Some(order))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Configuration;
    use super::*;

    fn read(more: &str) -> Result<KeyServices, String> {
        let text = format!("[tenant.a]\ndomains = [\"a.b\"]\n{more}");
        let configuration =
            Configuration::parse(Path::new("wasmime.toml"), &text).map_err(|error| error.to_string())?;
        Ok(configuration.tenants[0].key_services.clone())
    }

    #[test]
    fn without_a_word_all_keys_are_in_the_keyring() {
        let services = read("").unwrap();
        assert_eq!(services.public, [PublicKeys::Keyring]);
        assert_eq!(services.private, [PrivateKeys::Keyring]);
        assert!(services.use_keyring());
    }

    #[test]
    fn an_order_names_somebody_and_nobody_twice() {
        for (text, says) in [
            ("public-keys = []\n", ":3: public-keys names nobody to ask"),
            ("private-keys = [\"keyring\", \"keyring\"]\n", ":3: private-keys names this one twice"),
            ("public-keys = [\"keyrng\"]\n", "`keyrng`"),
        ] {
            let complaint = read(text).unwrap_err();
            assert!(complaint.contains(says), "{complaint}\n does not say {says}");
        }
    }
}
