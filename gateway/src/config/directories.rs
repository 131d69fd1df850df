//! Where correspondents' certificates are that are not in the keyring: a directory,
//! and the DNS.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use host::SecretFile;
use host::directory::{Bind, DirectoryOptions, Filter, ServerAddress};
use host::remote::Caching;
use host::smimea::{DaneTrust, SmimeaOptions};
use toml::Spanned;

use super::source::Source;
use super::units::Time;
use super::{ConfigurationError, raw};

/// How long a look-up may take, where nothing is said.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How many look-ups may go on at a time, where nothing is said.
const CONNECTIONS: usize = 4;
/// What is searched for, where nothing is said.
const FILTER: &str = "(mail={address})";

/// Reads `[tenant.NAME.directory]`.
pub(super) fn directory(
    source: &Source<'_>,
    folder: &Path,
    raw: Spanned<raw::Directory>,
) -> Result<DirectoryOptions, ConfigurationError> {
    let span = raw.span();
    let raw = raw.into_inner();
    let start_tls = raw.start_tls.unwrap_or(true);
    let parse = |url: &Spanned<String>| {
        ServerAddress::parse(url.get_ref(), start_tls).map_err(|flaw| source.at(url.span(), flaw))
    };
    let servers: Vec<ServerAddress> = raw.servers.iter().map(parse).collect::<Result<_, _>>()?;
    if servers.is_empty() {
        let text = "servers names nobody to ask; write it as [\"ldaps://ldap.example.com\"]";
        return Err(source.at(span, text.to_owned()));
    }
    let filter = match &raw.filter {
        Some(filter) => Filter::parse(filter.get_ref()).map_err(|flaw| source.at(filter.span(), flaw))?,
        None => Filter::parse(FILTER).map_err(|flaw| source.at(span.clone(), flaw))?,
    };
    let bind = match (raw.bind_dn, raw.bind_password_file) {
        (Some(dn), Some(password)) => Some(Bind { dn, password: SecretFile::named(&password, folder) }),
        (None, None) => None,
        // A name without a password is taken for nobody by some servers, and let in.
        _ => return Err(source.at(span, "bind-dn and bind-password-file belong together".to_owned())),
    };
    Ok(DirectoryOptions {
        servers,
        ca: raw.ca.map(|path| folder.join(path)),
        base: raw.base,
        filter,
        bind,
        timeout: raw.timeout.map_or(TIMEOUT, |time| time.0),
        connections: raw.connections.map_or(CONNECTIONS, |count| count.get().into()),
        caching: caching(raw.cache, raw.negative_cache, raw.cache_entries),
    })
}

/// Reads `[tenant.NAME.smimea]`.
pub(super) fn smimea(
    source: &Source<'_>,
    folder: &Path,
    raw: raw::Smimea,
) -> Result<SmimeaOptions, ConfigurationError> {
    let parse = |resolver: &Spanned<String>| {
        let text = resolver.get_ref();
        let bare = || text.parse::<IpAddr>().map(|address| SocketAddr::new(address, DNS));
        text.parse::<SocketAddr>().or_else(|_| bare()).map_err(|_| {
            source.at(resolver.span(), format!("`{text}` is no resolver; write it as 192.0.2.1 or [2001:db8::1]:53"))
        })
    };
    Ok(SmimeaOptions {
        resolvers: raw.resolvers.iter().map(parse).collect::<Result<_, _>>()?,
        anchor: raw.anchor.map(|path| folder.join(path)),
        trust: match raw.trust {
            None | Some(raw::DaneTrust::Path) => DaneTrust::Path,
            Some(raw::DaneTrust::Dnssec) => DaneTrust::Dnssec,
        },
        timeout: raw.timeout.map_or(TIMEOUT, |time| time.0),
        caching: caching(raw.cache, raw.negative_cache, raw.cache_entries),
    })
}

/// The port of the DNS.
const DNS: u16 = 53;

fn caching(positive: Option<Time>, negative: Option<Time>, entries: Option<u32>) -> Caching {
    let default = Caching::default();
    Caching {
        positive: positive.map_or(default.positive, |time| time.0),
        negative: negative.map_or(default.negative, |time| time.0),
        entries: entries.map_or(default.entries, Into::into),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Configuration;
    use super::super::key_services::{KeyServices, PublicKeys};
    use super::*;

    fn read(more: &str) -> Result<KeyServices, String> {
        let text = format!("[tenant.a]\ndomains = [\"a.b\"]\n{more}");
        let configuration =
            Configuration::parse(Path::new("/etc/wasmime.toml"), &text).map_err(|error| error.to_string())?;
        Ok(configuration.tenants[0].key_services.clone())
    }

    const DIRECTORY: &str =
        "[tenant.a.directory]\nservers = [\"ldaps://l1.a.b\", \"ldap://l2.a.b\"]\nbase = \"dc=b\"\n";

    #[test]
    fn a_directory_is_read_with_its_defaults() {
        let services = read(&format!("public-keys = [\"keyring\", \"directory\"]\n{DIRECTORY}")).unwrap();
        assert_eq!(services.public, [PublicKeys::Keyring, PublicKeys::Directory]);
        let directory = services.directory.unwrap();
        assert_eq!(directory.servers[1], ServerAddress::parse("ldap://l2.a.b", true).unwrap());
        assert_eq!(directory.filter, Filter::parse("(mail={address})").unwrap());
        assert_eq!((directory.timeout.as_secs(), directory.connections), (5, 4));
        assert_eq!(directory.caching, Caching::default());
        assert!(directory.ca.is_none() && directory.bind.is_none());
    }

    #[test]
    fn every_key_of_a_directory_is_read() {
        let keys = "start-tls = false\nca = \"ca.pem\"\nfilter = \"(uid={address})\"\nbind-dn = \"cn=w\"\n\
                    bind-password-file = \"pw\"\ntimeout = \"2s\"\nconnections = 9\ncache = \"1h\"\n\
                    negative-cache = \"2s\"\ncache-entries = 0\n";
        let services = read(&format!("public-keys = [\"directory\"]\n{DIRECTORY}{keys}")).unwrap();
        let directory = services.directory.unwrap();
        assert!(directory.servers[1].is_exposed(), "without TLS");
        assert_eq!(directory.ca.unwrap(), Path::new("/etc/ca.pem"));
        assert_eq!(directory.bind.unwrap().password, SecretFile::named("/etc/pw", Path::new("/")));
        assert_eq!((directory.timeout.as_secs(), directory.connections), (2, 9));
        let caching = directory.caching;
        assert_eq!((caching.positive.as_secs(), caching.negative.as_secs(), caching.entries), (3600, 2, 0));
    }

    #[test]
    fn every_key_of_the_dns_is_read() {
        let keys = "[tenant.a.smimea]\nresolvers = [\"127.0.0.1:5355\", \"::1\"]\nanchor = \"root.key\"\n\
                    trust = \"dnssec\"\ntimeout = \"2s\"\ncache = \"1h\"\n";
        let smimea = read(&format!("public-keys = [\"smimea\"]\n{keys}")).unwrap().smimea.unwrap();
        assert_eq!(smimea.resolvers, ["127.0.0.1:5355".parse().unwrap(), "[::1]:53".parse().unwrap()]);
        assert_eq!(smimea.anchor.unwrap(), Path::new("/etc/root.key"));
        assert_eq!((smimea.trust, smimea.timeout.as_secs()), (DaneTrust::Dnssec, 2));
        let plain = read("public-keys = [\"smimea\"]\n").unwrap().smimea.unwrap();
        assert_eq!(plain.trust, DaneTrust::Path);
        assert!(plain.resolvers.is_empty() && plain.anchor.is_none());
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let directory = |more: &str| format!("public-keys = [\"directory\"]\n{DIRECTORY}{more}\n");
        for (text, says) in [
            ("public-keys = [\"directory\"]\n".to_owned(), ":3: `directory` is to be asked; say where it is"),
            (DIRECTORY.to_owned(), "nobody asks; add \"directory\" to public-keys"),
            ("[tenant.a.smimea]\n".to_owned(), "nobody asks; add \"smimea\" to public-keys"),
            (directory("filter = \"(mail=x)\""), ":7: `(mail=x)` finds the same"),
            (directory("bind-dn = \"cn=w\""), "belong together"),
            (directory("").replace("ldaps://l1", "http://l1"), ":5: `http://l1.a.b` is no directory server"),
            (
                "public-keys = [\"smimea\"]\n[tenant.a.smimea]\nresolvers = [\"dns\"]\n".to_owned(),
                "`dns` is no resolver",
            ),
        ] {
            let complaint = read(&text).unwrap_err();
            assert!(complaint.contains(says), "{complaint}\n does not say {says}");
        }
    }
}
