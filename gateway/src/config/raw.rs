//! The configuration file as it is written: every key that there is, and no
//! other.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    #[serde(default)]
    pub tenant: BTreeMap<String, Tenant>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Tenant {
    pub domains: Spanned<Vec<Spanned<String>>>,
    pub keyring: Option<PathBuf>,
    #[serde(default)]
    pub anchors: Vec<PathBuf>,
    #[serde(default)]
    pub intermediates: Vec<PathBuf>,
    #[serde(default)]
    pub revocation_lists: Vec<PathBuf>,
    #[serde(default)]
    pub outbound: Outbound,
    #[serde(default)]
    pub inbound: Inbound,
    #[serde(default)]
    pub rule: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rule {
    pub recipient: Spanned<String>,
    #[serde(default)]
    pub outbound: Outbound,
    #[serde(default)]
    pub inbound: Inbound,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Outbound {
    pub sign: Option<Demand>,
    pub encrypt: Option<Demand>,
    pub order: Option<Order>,
    pub unknown_peer: Option<Assumption>,
    pub header: Option<Header>,
    pub form: Option<Form>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Inbound {
    pub decrypt: Option<Demand>,
    pub verify: Option<Demand>,
    pub accept_unauthenticated: Option<bool>,
    pub keep_signature: Option<bool>,
    pub authserv_id: Option<Spanned<String>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Demand {
    Never,
    Opportunistic,
    Required,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    EncryptThenSign,
    SignThenEncrypt,
    TripleWrap,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Assumption {
    Compatible,
    Modern,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Header {
    None,
    Shown,
    Hidden,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    Detached,
    Opaque,
}
