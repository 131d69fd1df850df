//! The configuration file as it is written: every key that there is, and no
//! other.

use std::collections::BTreeMap;
use std::num::{NonZeroU8, NonZeroU32};
use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

use super::address::{Address, Network, NextHopAddress};
use super::key_services::{PrivateKeys, PublicKeys};
use super::units::{Octets, Time};
use crate::cli::Algorithm;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    #[serde(default)]
    pub gateway: Gateway,
    #[serde(default)]
    pub listener: Vec<Spanned<Listener>>,
    #[serde(default)]
    pub tenant: BTreeMap<String, Tenant>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Gateway {
    pub hostname: Option<Spanned<String>>,
    pub status: Option<Address>,
    pub log: Option<LogFormat>,
    pub audit: Option<PathBuf>,
    pub messages: Option<NonZeroU32>,
    pub connections: Option<NonZeroU32>,
    pub memory: Option<Octets>,
    pub drain: Option<Time>,
    pub state: Option<PathBuf>,
    pub landlock: Option<bool>,
    pub component: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Listener {
    pub name: Option<Spanned<String>>,
    pub protocol: Protocol,
    pub address: Spanned<Address>,
    pub direction: ListenerDirection,
    pub inside: Option<Spanned<Vec<Network>>>,
    pub next_hop: Option<Spanned<NextHopAddress>>,
    pub next_hop_tls: Option<Spanned<NextHopTls>>,
    pub next_hop_ca: Option<Spanned<PathBuf>>,
    pub next_hop_connections: Option<Spanned<NonZeroU32>>,
    pub xforward: Option<Spanned<Vec<Network>>>,
    pub tls: Option<Spanned<TlsFiles>>,
    pub timeout: Option<Time>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Limits {
    pub message_size: Option<Octets>,
    pub time: Option<Time>,
    pub memory: Option<Octets>,
    pub messages: Option<NonZeroU32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Tenant {
    pub domains: Spanned<Vec<Spanned<String>>>,
    pub component: Option<PathBuf>,
    #[serde(default)]
    pub limits: Limits,
    pub keyring: Option<PathBuf>,
    pub public_keys: Option<Spanned<Vec<Spanned<PublicKeys>>>>,
    pub private_keys: Option<Spanned<Vec<Spanned<PrivateKeys>>>>,
    pub directory: Option<Spanned<Directory>>,
    pub smimea: Option<Spanned<Smimea>>,
    pub kmip: Option<Spanned<Kmip>>,
    pub pkcs11: Option<Spanned<Pkcs11>>,
    pub authority: Option<Spanned<Authority>>,
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
pub struct Directory {
    pub servers: Vec<Spanned<String>>,
    pub start_tls: Option<bool>,
    pub ca: Option<PathBuf>,
    pub base: String,
    pub filter: Option<Spanned<String>>,
    pub bind_dn: Option<String>,
    pub bind_password_file: Option<String>,
    pub timeout: Option<Time>,
    pub connections: Option<NonZeroU8>,
    pub cache: Option<Time>,
    pub negative_cache: Option<Time>,
    pub cache_entries: Option<u32>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Smimea {
    #[serde(default)]
    pub resolvers: Vec<Spanned<String>>,
    pub anchor: Option<PathBuf>,
    pub trust: Option<DaneTrust>,
    pub timeout: Option<Time>,
    pub cache: Option<Time>,
    pub negative_cache: Option<Time>,
    pub cache_entries: Option<u32>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DaneTrust {
    Path,
    Dnssec,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Kmip {
    pub servers: Vec<Spanned<String>>,
    pub ca: PathBuf,
    pub certificate: PathBuf,
    pub key: String,
    pub timeout: Option<Time>,
    pub connections: Option<NonZeroU8>,
    pub hold: Option<Time>,
    pub server_side_sign: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Pkcs11 {
    pub module: PathBuf,
    pub token: String,
    pub pin_file: String,
    pub sessions: Option<NonZeroU8>,
    pub timeout: Option<Time>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Authority {
    pub organisation: Option<Spanned<String>>,
    pub authority_algorithm: Option<Algorithm>,
    pub root_days: Option<Spanned<u32>>,
    pub issuing_days: Option<Spanned<u32>>,
    pub algorithm: Option<Algorithm>,
    pub days: Option<Spanned<u32>>,
    pub revocation_list: Option<PathBuf>,
    pub revocation_list_days: Option<Spanned<u32>>,
    pub revocation_list_url: Option<Spanned<String>>,
    pub on_demand: Option<bool>,
    pub per_day: Option<u32>,
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
pub enum LogFormat {
    Text,
    Json,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    Milter,
    Smtp,
    Lmtp,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ListenerDirection {
    Inbound,
    Outbound,
    ByClient,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NextHopTls {
    Never,
    Opportunistic,
    Required,
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
