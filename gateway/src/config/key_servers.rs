//! Where private keys are that are not in the keyring: key management servers and
//! tokens.

use std::path::Path;
use std::time::Duration;

use host::SecretFile;
use host::kmip::{KmipCredentials, KmipOptions};
use host::pkcs11::Pkcs11Options;
use toml::Spanned;

use super::source::Source;
use super::{ConfigurationError, raw};

/// How long a server or a token may take to answer, where nothing is said.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long a private key is held, where nothing is said.
const HOLD: Duration = Duration::from_secs(5 * 60);

/// Reads `[tenant.NAME.kmip]`.
pub(super) fn kmip(
    source: &Source<'_>,
    folder: &Path,
    raw: Spanned<raw::Kmip>,
) -> Result<KmipOptions, ConfigurationError> {
    let span = raw.span();
    let raw = raw.into_inner();
    let mut servers = Vec::with_capacity(raw.servers.len());
    for server in raw.servers {
        if let Some(flaw) = KmipOptions::flaw_of_server(server.get_ref()) {
            return Err(source.at(server.span(), flaw));
        }
        servers.push(server.into_inner());
    }
    if servers.is_empty() {
        return Err(source.at(span, "servers names nobody to ask; write it as [\"kms.example.com:5696\"]".to_owned()));
    }
    Ok(KmipOptions {
        servers,
        credentials: KmipCredentials {
            ca: folder.join(raw.ca),
            certificate: folder.join(raw.certificate),
            key: SecretFile::named(&raw.key, folder),
        },
        timeout: raw.timeout.map_or(TIMEOUT, |time| time.0),
        connections: raw.connections.map_or(4, |count| count.get().into()),
        hold: raw.hold.map_or(HOLD, |time| time.0),
        server_side_sign: raw.server_side_sign.unwrap_or(false),
    })
}

/// Reads `[tenant.NAME.pkcs11]`.
pub(super) fn pkcs11(folder: &Path, raw: raw::Pkcs11) -> Pkcs11Options {
    Pkcs11Options {
        module: folder.join(raw.module),
        token: raw.token,
        pin: SecretFile::named(&raw.pin_file, folder),
        sessions: raw.sessions.map_or(8, |count| count.get().into()),
        timeout: raw.timeout.map_or(TIMEOUT, |time| time.0),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::Configuration;
    use super::super::key_services::KeyServices;
    use super::*;

    fn read(more: &str) -> Result<KeyServices, String> {
        let text = format!("[tenant.a]\ndomains = [\"a.b\"]\n{more}");
        let configuration =
            Configuration::parse(Path::new("/etc/wasmime.toml"), &text).map_err(|error| error.to_string())?;
        Ok(configuration.tenants[0].key_services.clone())
    }

    const KMIP: &str = "[tenant.a.kmip]\nservers = [\"kms1.a.b\", \"kms2.a.b:1234\"]\nca = \"ca.pem\"\n\
                        certificate = \"c.pem\"\nkey = \"credential:c.key\"\n";
    const PKCS11: &str = "[tenant.a.pkcs11]\nmodule = \"/m.so\"\ntoken = \"smime\"\npin-file = \"pin\"\n";

    #[test]
    fn a_key_management_server_and_a_token_are_read_with_their_defaults() {
        let services = read(&format!("private-keys = [\"kmip\", \"pkcs11\"]\n{KMIP}{PKCS11}")).unwrap();
        let kmip = services.kmip.unwrap();
        assert_eq!(kmip.servers, ["kms1.a.b", "kms2.a.b:1234"]);
        assert_eq!(kmip.credentials.ca, PathBuf::from("/etc/ca.pem"));
        assert_eq!(kmip.credentials.key, SecretFile::Credential("c.key".into()));
        assert_eq!((kmip.timeout.as_secs(), kmip.hold.as_secs(), kmip.connections), (5, 300, 4));
        assert!(!kmip.server_side_sign);
        let pkcs11 = services.pkcs11.unwrap();
        assert_eq!(pkcs11.pin, SecretFile::Path("/etc/pin".into()));
        assert_eq!((pkcs11.sessions, pkcs11.timeout.as_secs()), (8, 5));
    }

    #[test]
    fn what_is_asked_is_told_where_it_is_and_the_other_way_round() {
        for (text, says) in [
            ("private-keys = [\"kmip\"]\n", "`kmip` is to be asked; say where it is with [tenant.NAME.kmip]"),
            ("private-keys = [\"pkcs11\"]\n", "[tenant.NAME.pkcs11]"),
            (KMIP, "nobody asks; add \"kmip\" to private-keys"),
            (PKCS11, "nobody asks; add \"pkcs11\" to private-keys"),
        ] {
            let complaint = read(text).unwrap_err();
            assert!(complaint.contains(says), "{complaint}\n does not say {says}");
        }
    }

    #[test]
    fn a_server_is_a_host_and_a_port() {
        for (servers, says) in [("[]", "nobody to ask"), ("[\"https://kms\"]", "kms.example.com:5696")] {
            let kmip = KMIP.replace("[\"kms1.a.b\", \"kms2.a.b:1234\"]", servers);
            let complaint = read(&format!("private-keys = [\"kmip\"]\n{kmip}")).unwrap_err();
            assert!(complaint.contains(says), "{complaint}");
        }
    }
}
