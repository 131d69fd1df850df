//! What a configuration needs of the machine.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Component, Path, PathBuf};

use host::SecretFile;
use host::directory::ServerAddress;

use super::is_within;
use crate::config::{Address, Configuration, KeyServices, NextHopAddress};

/// What a configuration needs of the machine: folders, so that a file may be
/// replaced in its place, and TCP ports.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    /// Folders that are read.
    pub read: BTreeSet<PathBuf>,
    /// Folders that are read and written.
    pub write: BTreeSet<PathBuf>,
    /// Ports that are listened on; 0 is any that is free.
    pub bind: BTreeSet<u16>,
    /// Ports that are connected to.
    pub connect: BTreeSet<u16>,
    /// Whether there is native code, the module of a token, whose files nobody
    /// knows.
    pub all_files: bool,
}

impl Needs {
    /// What `configuration` needs, with a component given on the command line and
    /// compiled components kept in `cache`.
    pub fn of(configuration: &Configuration, component: Option<&Path>, cache: Option<&Path>) -> Self {
        let mut needs = Self::default();
        let gateway = &configuration.gateway;
        needs.file(&configuration.path);
        needs.file_if(component);
        needs.file_if(gateway.component.as_deref());
        needs.folder_written(cache);
        needs.folder_written(gateway.state.as_deref());
        if let Some(audit) = &gateway.audit {
            needs.file_written(audit);
        }
        if let Some(credentials) = std::env::var_os("CREDENTIALS_DIRECTORY") {
            needs.read.insert(real(Path::new(&credentials)));
        }
        // A resolver asks again by TCP when an answer is long.
        needs.connect.insert(53);
        let listeners = configuration.listeners.iter().map(|listener| &listener.address);
        listeners.chain(&gateway.status).for_each(|address| needs.listen(address));
        for listener in &configuration.listeners {
            if let Some(tls) = &listener.tls {
                needs.file(&tls.certificate);
                needs.file(&tls.key);
            }
            if let Some(hop) = &listener.next_hop {
                needs.file_if(hop.ca.as_deref());
                if let NextHopAddress::Tcp { port, .. } = hop.address {
                    needs.connect.insert(port);
                }
            }
        }
        for tenant in &configuration.tenants {
            if tenant.key_services.use_keyring() {
                needs.file_written(&tenant.keyring);
            }
            needs.key_services(&tenant.key_services);
            needs.file_if(tenant.component.as_deref());
            for file in tenant.anchors.iter().chain(&tenant.intermediates).chain(&tenant.revocation_lists) {
                needs.file(file);
            }
        }
        needs
    }

    fn key_services(&mut self, services: &KeyServices) {
        if let Some(directory) = &services.directory {
            self.connect.extend(directory.servers.iter().map(ServerAddress::port));
            self.file_if(directory.ca.as_deref());
            self.secret(directory.bind.as_ref().map(|bind| &bind.password));
        }
        if let Some(smimea) = &services.smimea {
            self.connect.extend(smimea.resolvers.iter().map(SocketAddr::port));
            self.file_if(smimea.anchor.as_deref());
        }
        if let Some(kmip) = &services.kmip {
            self.connect.extend(kmip.ports());
            self.file(&kmip.credentials.ca);
            self.file(&kmip.credentials.certificate);
            self.secret(Some(&kmip.credentials.key));
        }
        self.all_files |= services.pkcs11.is_some();
    }

    /// A secret; credentials are granted as a whole.
    fn secret(&mut self, secret: Option<&SecretFile>) {
        if let Some(SecretFile::Path(path)) = secret {
            self.file(path);
        }
    }

    /// What of `other` is not in this, each as the end of "may not …".
    pub fn lacks(&self, other: &Self, files: bool, ports: bool) -> Vec<String> {
        let mut lacking = Vec::new();
        if files {
            let readable = |path: &&PathBuf| self.read.iter().chain(&self.write).any(|folder| is_within(path, folder));
            let writable = |path: &&PathBuf| self.write.iter().any(|folder| is_within(path, folder));
            lacking.extend(other.read.iter().filter(|path| !readable(path)).map(|p| format!("read {}", p.display())));
            lacking.extend(other.write.iter().filter(|path| !writable(path)).map(|p| format!("write {}", p.display())));
            if other.all_files {
                lacking.push("load the module of a token".to_owned());
            }
        }
        if ports {
            lacking.extend(other.bind.difference(&self.bind).map(|port| format!("listen on TCP port {port}")));
            lacking.extend(other.connect.difference(&self.connect).map(|port| format!("connect to TCP port {port}")));
        }
        lacking
    }

    /// A file that is read: its folder, and that of what it is a link to.
    fn file(&mut self, path: &Path) {
        let fixed = before_wildcard(path);
        self.read.insert(real(folder_of(&fixed)));
        if fixed.is_symlink() {
            self.read.insert(real(folder_of(&real(&fixed))));
        }
    }

    fn file_if(&mut self, path: Option<&Path>) {
        if let Some(path) = path {
            self.file(path);
        }
    }

    /// A file that is written: its folder, for what SQLite keeps beside it and for
    /// what takes its place.
    fn file_written(&mut self, path: &Path) {
        self.write.insert(real(folder_of(path)));
        if path.is_symlink() {
            self.write.insert(real(folder_of(&real(path))));
        }
    }

    /// A folder that is written; it is made, for a rule cannot be about what is not
    /// there. That it cannot be made is told by whoever wants to write in it.
    fn folder_written(&mut self, folder: Option<&Path>) {
        if let Some(folder) = folder {
            let _ = std::fs::create_dir_all(folder);
            self.write.insert(real(folder));
        }
    }

    fn listen(&mut self, address: &Address) {
        match address {
            Address::Tcp(address) => {
                self.bind.insert(address.port());
            }
            Address::Unix(path) => {
                self.write.insert(real(folder_of(path)));
            }
        }
    }
}

/// The path without links, where it is there.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        Some(_) => Path::new("."),
        None => path,
    }
}

/// The path up to the first component with a wildcard, and something after it, so
/// that its folder is where the search begins.
fn before_wildcard(path: &Path) -> PathBuf {
    let is_fixed = |part: &Component<'_>| !part.as_os_str().to_string_lossy().contains(['*', '?', '[']);
    let fixed: PathBuf = path.components().take_while(is_fixed).collect();
    if fixed == path { fixed } else { fixed.join("any") }
}
