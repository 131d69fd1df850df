//! The configuration file: tenants, their keys, trust and policies.

mod pattern;
mod policy;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

pub use policy::TenantPolicies;
use policy::{InboundSettings, OutboundSettings, Rule};

/// The configuration, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// The tenants, by name.
    pub tenants: Vec<TenantConfig>,
}

/// What is configured for one tenant. Paths are absolute, or relative to the
/// directory the program runs in.
#[derive(Clone, Debug)]
pub struct TenantConfig {
    /// Its name.
    pub name: String,
    /// Its mail domains, in lower case.
    pub domains: Vec<String>,
    /// Its keyring.
    pub keyring: PathBuf,
    /// Files with trust anchors.
    pub anchors: Vec<PathBuf>,
    /// Files with certificates of intermediate authorities.
    pub intermediates: Vec<PathBuf>,
    /// Files with revocation lists.
    pub revocation_lists: Vec<PathBuf>,
    /// What it wants done.
    pub policies: TenantPolicies,
}

impl Config {
    /// Reads and checks a configuration file.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|e| ConfigError::new(path, format!("cannot be read: {e}; give one with --config")))?;
        Self::parse(&text, path)
    }

    fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let file: File = toml::from_str(text).map_err(|e| ConfigError::new(path, format!("is wrong: {e}")))?;
        let directory = path.parent().unwrap_or(Path::new(""));
        let wrong = |e: String| ConfigError::new(path, e);
        let mut tenants: Vec<TenantConfig> = Vec::with_capacity(file.tenant.len());
        for (name, section) in file.tenant {
            let tenant = section.check(name, directory).map_err(wrong)?;
            for domain in &tenant.domains {
                if let Some(other) = tenants.iter().find(|other| other.domains.contains(domain)) {
                    let both = format!("tenants {} and {} both have the domain {domain}", other.name, tenant.name);
                    return Err(ConfigError::new(path, format!("is wrong: {both}; each domain has one tenant")));
                }
            }
            tenants.push(tenant);
        }
        if tenants.is_empty() {
            return Err(ConfigError::new(
                path,
                "names no tenant; add a section [tenant.NAME] with domains = [\"…\"]".into(),
            ));
        }
        Ok(Self { tenants })
    }

    /// The tenant that has the domain of a mailbox: whole labels, without regard
    /// to case.
    pub fn tenant_of(&self, mailbox: &str) -> Option<&TenantConfig> {
        let (_, domain) = mailbox.rsplit_once('@')?;
        let domain = domain.to_lowercase();
        self.tenants.iter().find(|tenant| tenant.domains.contains(&domain))
    }

    /// The tenant of this name; without a name the only one there is.
    pub fn tenant(&self, name: Option<&str>) -> Result<&TenantConfig, String> {
        let names = || self.tenants.iter().map(|tenant| tenant.name.as_str()).collect::<Vec<_>>().join(", ");
        match (name, self.tenants.as_slice()) {
            (Some(name), tenants) => tenants
                .iter()
                .find(|tenant| tenant.name == name)
                .ok_or_else(|| format!("there is no tenant {name}; the configuration has {}", names())),
            (None, [only]) => Ok(only),
            (None, _) => Err(format!("say which tenant with --tenant: {}", names())),
        }
    }
}

/// Why a configuration cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    path: PathBuf,
    what: String,
}

impl ConfigError {
    fn new(path: &Path, what: String) -> Self {
        Self { path: path.to_owned(), what }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration {} {}", self.path.display(), self.what.trim_end())
    }
}

impl std::error::Error for ConfigError {}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    tenant: BTreeMap<String, TenantSection>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct TenantSection {
    domains: Vec<String>,
    keyring: Option<PathBuf>,
    #[serde(default)]
    anchors: Vec<String>,
    #[serde(default)]
    intermediates: Vec<String>,
    #[serde(default)]
    revocation_lists: Vec<String>,
    #[serde(default)]
    outbound: OutboundSettings,
    #[serde(default)]
    inbound: InboundSettings,
    #[serde(default)]
    rule: Vec<Rule>,
}

impl TenantSection {
    fn check(self, name: String, directory: &Path) -> Result<TenantConfig, String> {
        let wrong = |what: String| format!("is wrong in [tenant.{name}]: {what}");
        let domains: Vec<String> = self.domains.iter().map(|domain| domain.to_lowercase()).collect();
        let Some(first) = domains.first() else {
            return Err(wrong("domains is empty; name the mail domains of the tenant".into()));
        };
        if let Some(bad) = domains.iter().find(|domain| !is_domain(domain)) {
            return Err(wrong(format!("{bad:?} is no mail domain; write it as nec.co.jp")));
        }
        let policies =
            TenantPolicies::new(self.outbound, self.inbound, self.rule, &format!("mail.{first}")).map_err(wrong)?;
        let files = |patterns: &[String]| -> Result<Vec<PathBuf>, String> {
            let mut files = Vec::new();
            for pattern in patterns {
                files.extend(pattern::files(directory, pattern).map_err(wrong)?);
            }
            Ok(files)
        };
        Ok(TenantConfig {
            keyring: directory.join(self.keyring.unwrap_or_else(|| format!("{name}.keyring").into())),
            anchors: files(&self.anchors)?,
            intermediates: files(&self.intermediates)?,
            revocation_lists: files(&self.revocation_lists)?,
            domains,
            policies,
            name,
        })
    }
}

fn is_domain(domain: &str) -> bool {
    let label = |label: &str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-');
    domain.len() <= 255 && domain.split('.').all(label)
}

#[cfg(test)]
mod tests;
