//! The built-in authority of a tenant.

use std::path::{Path, PathBuf};

use host::authority::AuthorityOptions;

use super::key_services::PrivateKeys;
use super::source::Source;
use super::{ConfigurationError, raw};

/// The built-in authority of a tenant.
#[derive(Clone, Debug)]
pub struct Authority {
    /// What it issues.
    pub options: AuthorityOptions,
    /// Where its revocation lists are written.
    pub revocation_list: Option<PathBuf>,
    /// How many certificates it issues within a day for those who send mail and have
    /// none; none if it issues none so.
    pub on_demand: Option<u32>,
}

impl Authority {
    /// Reads what is written of it, if anything is, for a tenant of these domains.
    pub(super) fn read(
        source: &Source<'_>,
        folder: &Path,
        domains: &[String],
        private_keys: &[PrivateKeys],
        raw: Option<toml::Spanned<raw::Authority>>,
    ) -> Result<Self, ConfigurationError> {
        let mut options = AuthorityOptions::new(domains.to_vec());
        let Some(raw) = raw else { return Ok(Self { options, revocation_list: None, on_demand: None }) };
        let span = raw.span();
        let raw = raw.into_inner();
        let on_demand = raw.on_demand.unwrap_or(false);
        if on_demand && !private_keys.contains(&PrivateKeys::Keyring) {
            let text = "certificates on demand have their keys in the keyring; add \"keyring\" to private-keys";
            return Err(source.at(span, text.to_owned()));
        }
        if let Some(url) = &raw.revocation_list_url
            && !is_url(url.get_ref())
        {
            let text = format!("`{}` is no address that others fetch from; write http://host/path", url.get_ref());
            return Err(source.at(url.span(), text));
        }
        if let Some(organisation) = &raw.organisation
            && !(1..=MOST_ORGANISATION).contains(&organisation.get_ref().chars().count())
        {
            let text = format!("an organisation has a name of 1 to {MOST_ORGANISATION} characters");
            return Err(source.at(organisation.span(), text));
        }
        options.organisation = raw.organisation.map_or(options.organisation, toml::Spanned::into_inner);
        options.authority_algorithm = raw.authority_algorithm.map_or(options.authority_algorithm, Into::into);
        options.algorithm = raw.algorithm.map_or(options.algorithm, Into::into);
        for (days, written) in [
            (&mut options.root_days, &raw.root_days),
            (&mut options.issuing_days, &raw.issuing_days),
            (&mut options.days, &raw.days),
            (&mut options.list_days, &raw.revocation_list_days),
        ] {
            if let Some(written) = written {
                if !(1..=MOST_DAYS).contains(written.get_ref()) {
                    return Err(source.at(written.span(), format!("give 1 to {MOST_DAYS} days")));
                }
                *days = *written.get_ref();
            }
        }
        options.list_url = raw.revocation_list_url.map(toml::Spanned::into_inner);
        Ok(Self {
            options,
            revocation_list: raw.revocation_list.map(|path| folder.join(path)),
            on_demand: on_demand.then(|| raw.per_day.unwrap_or(PER_DAY)),
        })
    }
}

/// What may be issued on demand within a day without a word.
const PER_DAY: u32 = 100;
/// The longest lifetime: fifty years.
const MOST_DAYS: u32 = 18_262;
/// The most characters of an organisation's name, that the names made of it stay within 64
/// (RFC 5280, appendix A).
const MOST_ORGANISATION: usize = 36;

fn is_url(text: &str) -> bool {
    ["http://", "ldap://"].iter().any(|scheme| text.len() > scheme.len() && text.starts_with(scheme))
        && text.chars().all(|c| c.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use host::keyring::KeyAlgorithm;

    use super::super::Configuration;
    use super::*;

    fn read(more: &str) -> Result<Authority, String> {
        let text = format!("[tenant.a]\ndomains = [\"a.b\"]\n{more}");
        let configuration =
            Configuration::parse(Path::new("/etc/wasmime.toml"), &text).map_err(|error| error.to_string())?;
        Ok(configuration.tenants[0].authority.clone())
    }

    #[test]
    fn without_a_word_nothing_is_issued_on_demand() {
        let authority = read("").unwrap();
        assert_eq!(authority.on_demand, None);
        assert_eq!(authority.options, AuthorityOptions::new(vec!["a.b".to_owned()]));
    }

    #[test]
    fn what_is_written_counts() {
        let authority = read(
            "[tenant.a.authority]\norganisation = \"A\"\nauthority-algorithm = \"ec-p384\"\nalgorithm = \"ec-p256\"\n\
             days = 90\nrevocation-list = \"a.crl\"\nrevocation-list-url = \"http://a.b/crl\"\non-demand = true",
        )
        .unwrap();
        assert_eq!(authority.on_demand, Some(PER_DAY));
        assert_eq!(authority.options.algorithm, KeyAlgorithm::EcP256);
        assert_eq!((authority.options.days, authority.options.root_days), (90, 7305));
        assert_eq!(authority.revocation_list, Some("/etc/a.crl".into()));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for (wrong, says) in [
            ("days = 0", "1 to 18262 days"),
            ("root-days = 20000", "1 to 18262 days"),
            ("organisation = \"\"", "1 to 36 characters"),
            ("revocation-list-url = \"crl\"", "http://host/path"),
            ("algorithm = \"dsa\"", "dsa"),
        ] {
            let error = read(&format!("[tenant.a.authority]\n{wrong}")).unwrap_err();
            assert!(error.contains(says), "{wrong}: {error}");
        }
        let elsewhere = "private-keys = [\"pkcs11\"]\npkcs11 = { module = \"m\", token = \"t\", pin-file = \"p\" }\n";
        let error = read(&format!("{elsewhere}[tenant.a.authority]\non-demand = true")).unwrap_err();
        assert!(error.contains("add \"keyring\" to private-keys"), "{error}");
    }
}
