//! A real directory server: OpenLDAP's slapd, in a folder of its own.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::daemon::Daemon;
use crate::support::{have, must, pki};
use crate::{ports, tls};

/// A server with its entries.
pub struct Slapd {
    folder: TempDir,
    ldap: u16,
    ldaps: u16,
    daemon: Option<Daemon>,
}

const SLAPD: &str = "/usr/sbin/slapd";
const SCHEMA: &str = "/etc/ldap/schema/inetorgperson.schema";
const SUFFIX: &str = "dc=peer,dc=example";
const READER: &str = "cn=reader,dc=peer,dc=example";

impl Slapd {
    /// Starts a server that has nobody in it but a reader, to whom alone it shows
    /// entries; none, said aloud, where it is not installed.
    pub fn start(test: &str) -> Option<Self> {
        if !have(test, &["openssl", SLAPD, SCHEMA, "ldapadd"]) {
            return None;
        }
        let folder = TempDir::new().expect("a folder");
        tls::make(folder.path());
        fs::create_dir(folder.path().join("db")).expect("a folder");
        let mut slapd = Self { folder, ldap: ports::free(), ldaps: ports::free(), daemon: None };
        slapd.secret("password", "a reader's secret\n");
        slapd.run_with("server");
        let organisation = "objectClass: dcObject\nobjectClass: organization\no: Peer\ndc: peer\n";
        slapd.add(&format!("dn: {SUFFIX}\n{organisation}"));
        let reader = "objectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: reader\n";
        slapd.add(&format!("dn: {READER}\n{reader}userPassword: a reader's secret\n"));
        Some(slapd)
    }

    /// The folder, with the keys of [`tls::make`] and the file `password`.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The port without TLS, but for StartTLS.
    pub fn port(&self) -> u16 {
        self.ldap
    }

    /// The port with TLS.
    pub fn tls_port(&self) -> u16 {
        self.ldaps
    }

    /// Runs it, with the certificate `certificate`.
    pub fn run_with(&mut self, certificate: &str) {
        self.stop();
        let path = |file: &str| self.path().join(file).display().to_string();
        let schema =
            ["core", "cosine", "inetorgperson"].map(|name| format!("include /etc/ldap/schema/{name}.schema\n"));
        let configuration = format!(
            "{}pidfile {}\nmodulepath /usr/lib/ldap\nmoduleload back_mdb\n\
             TLSCACertificateFile {}\nTLSCertificateFile {}\nTLSCertificateKeyFile {}\n\
             database mdb\nsuffix \"{SUFFIX}\"\nrootdn \"cn=admin,{SUFFIX}\"\nrootpw secret\ndirectory {}\n\
             index objectClass,mail eq\n\
             access to attrs=userPassword by anonymous auth\n\
             access to * by dn.exact=\"{READER}\" read by anonymous auth\n",
            schema.concat(),
            path("pid"),
            path("ca.pem"),
            path(&format!("{certificate}.pem")),
            path(&format!("{certificate}.key")),
            path("db"),
        );
        fs::write(path("slapd.conf"), configuration).expect("a configuration");
        let urls = format!("ldap://127.0.0.1:{}/ ldaps://127.0.0.1:{}/", self.ldap, self.ldaps);
        // With a level of debugging it stays in the foreground.
        let mut command = Command::new(SLAPD);
        command.args(["-d", "0", "-f", &path("slapd.conf"), "-h", &urls]);
        let mut daemon = Daemon::start("slapd", &mut command, &self.path().join("slapd.log"));
        daemon.listens(self.ldap);
        daemon.listens(self.ldaps);
        self.daemon = Some(daemon);
    }

    /// Stops it.
    pub fn stop(&mut self) {
        self.daemon = None;
    }

    /// The running process.
    pub fn daemon(&self) -> &Daemon {
        self.daemon.as_ref().expect("a server that runs")
    }

    /// Adds what LDIF says.
    pub fn add(&self, ldif: &str) {
        let url = format!("ldap://127.0.0.1:{}", self.ldap);
        let admin = format!("cn=admin,{SUFFIX}");
        must("ldapadd", &["-x", "-H", &url, "-D", &admin, "-w", "secret"], ldif.as_bytes());
    }

    /// Adds a person with a mail address; each of `certificates` is a name of
    /// `tests/pki`, of which `attribute` gets the DER.
    pub fn add_person(&self, name: &str, mail: &str, attribute: &str, certificates: &[&str]) {
        let mut ldif = person(name, mail);
        for certificate in certificates {
            let der = must("openssl", &["x509", "-in", &pki(&format!("{certificate}.pem")), "-outform", "DER"], b"");
            ldif.push_str(&value(attribute, &der));
        }
        self.add(&ldif);
    }

    /// Adds a person with one value of an attribute.
    pub fn add_person_with(&self, name: &str, mail: &str, attribute: &str, octets: &[u8]) {
        self.add(&(person(name, mail) + &value(attribute, octets)));
    }

    /// Removes a person.
    pub fn remove(&self, name: &str) {
        let url = format!("ldap://127.0.0.1:{}", self.ldap);
        let (admin, person) = (format!("cn=admin,{SUFFIX}"), format!("cn={name},{SUFFIX}"));
        must("ldapdelete", &["-x", "-H", &url, "-D", &admin, "-w", "secret", &person], b"");
    }

    /// What a configuration says to look certificates up here, over ldaps, with
    /// further keys.
    pub fn services(&self, more: &str) -> String {
        self.services_at(&[&format!("ldaps://127.0.0.1:{}", self.ldaps)], more)
    }

    /// The same, with other servers.
    pub fn services_at(&self, servers: &[&str], more: &str) -> String {
        let path = |file: &str| self.path().join(file).display().to_string();
        format!(
            "public-keys = [\"directory\"]\n[tenant.lan.directory]\nservers = {servers:?}\nca = {:?}\nbase = {SUFFIX:?}\n\
             bind-dn = {READER:?}\nbind-password-file = {:?}\n{more}\n",
            path("ca.pem"),
            path("password"),
        )
    }

    /// Writes a file for its owner alone.
    pub fn secret(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::write(&path, text).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("for its owner alone");
    }
}

fn person(name: &str, mail: &str) -> String {
    format!("dn: cn={name},{SUFFIX}\nobjectClass: inetOrgPerson\ncn: {name}\nsn: {name}\nmail: {mail}\n")
}

fn value(attribute: &str, octets: &[u8]) -> String {
    format!("{attribute}:: {}\n", base64_simd::STANDARD.encode_to_string(octets))
}
