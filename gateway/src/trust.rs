//! The authorities of a tenant, out of the files that its configuration names.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use der::asn1::{AnyRef, GeneralizedTime, UtcTime};
use der::{Decode, ErrorKind, Reader as _, SliceReader, Tag, Tagged};
use host::keyring::{Bundle, pem, printed_name};
use host::{Refusal, Trust};

use crate::config::Tenant;

/// Trust anchors, intermediate authorities and revocation lists, read once.
#[derive(Default)]
pub struct FileTrust {
    anchors: Vec<Vec<u8>>,
    intermediates: Vec<Vec<u8>>,
    revocation_lists: Vec<RevocationList>,
}

struct RevocationList {
    /// The DER of the issuer's `Name`.
    issuer: Vec<u8>,
    /// The last second in which it is in force, since 1970-01-01T00:00:00Z; without one
    /// it never is.
    until: Option<u64>,
    encoded: Vec<u8>,
}

/// Until when there is a revocation list of an issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevocationEnd {
    /// The issuer's name (RFC 4514), fit to be printed.
    pub issuer: String,
    /// nextUpdate of the list that is in force for longest, in seconds since
    /// 1970-01-01T00:00:00Z; 0 where none has any.
    pub until: u64,
}

/// Most octets of a revocation list.
const MAX_LIST: u64 = 64 << 20;

impl FileTrust {
    /// Reads the files of a tenant. The errors say what is wrong with each of
    /// those that cannot be used.
    pub fn read(tenant: &Tenant) -> Result<Self, Vec<String>> {
        let mut trust = Self::default();
        let mut errors = Vec::new();
        for path in &tenant.anchors {
            note(&mut errors, certificates(path).map(|found| trust.anchors.extend(found)));
        }
        for path in &tenant.intermediates {
            note(&mut errors, certificates(path).map(|found| trust.intermediates.extend(found)));
        }
        for pattern in &tenant.revocation_lists {
            match matching(pattern) {
                Ok(paths) => {
                    for path in paths {
                        note(&mut errors, revocation_lists(&path).map(|found| trust.revocation_lists.extend(found)));
                    }
                }
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() { Ok(trust) } else { Err(errors) }
    }

    /// Until when there is a list of each issuer that has any. After that, mail whose
    /// path leads by this issuer waits.
    pub fn revocation_ends(&self) -> Vec<RevocationEnd> {
        let mut ends: BTreeMap<&[u8], u64> = BTreeMap::new();
        for list in &self.revocation_lists {
            let until = ends.entry(&list.issuer).or_default();
            *until = list.until.unwrap_or(0).max(*until);
        }
        ends.into_iter().map(|(issuer, until)| RevocationEnd { issuer: printed_name(issuer), until }).collect()
    }
}

impl Trust for FileTrust {
    fn anchors(&self) -> Result<Vec<Vec<u8>>, Refusal> {
        Ok(self.anchors.clone())
    }

    fn intermediates(&self) -> Result<Vec<Vec<u8>>, Refusal> {
        Ok(self.intermediates.clone())
    }

    fn revocation_lists(&self, issuer: &[u8]) -> Result<Vec<Vec<u8>>, Refusal> {
        Ok(self.revocation_lists.iter().filter(|list| list.issuer == issuer).map(|list| list.encoded.clone()).collect())
    }

    fn waits(&self) -> bool {
        false
    }
}

fn note(errors: &mut Vec<String>, read: Result<(), String>) {
    errors.extend(read.err());
}

/// The certificates of a file.
fn certificates(path: &Path) -> Result<Vec<Vec<u8>>, String> {
    let octets = fs::read(path).map_err(|error| unreadable(path, &error))?;
    let mut bundle = Bundle::default();
    bundle.read(&path.display().to_string(), &octets, None).map_err(|error| error.to_string())?;
    let certificates: Vec<Vec<u8>> = bundle.certificates().map(<[u8]>::to_vec).collect();
    if certificates.is_empty() {
        return Err(format!("{} has no certificate in it; put the authority's certificate there", path.display()));
    }
    Ok(certificates)
}

/// The files that a name with stars stands for. A name without must be there; one
/// with may have none yet.
fn matching(pattern: &Path) -> Result<Vec<PathBuf>, String> {
    let text = pattern.to_string_lossy();
    let mut paths = Vec::new();
    let wrong = |error: glob::PatternError| format!("`{text}` is not a pattern of file names: {}", error.msg);
    for entry in glob::glob(&text).map_err(wrong)? {
        paths.push(entry.map_err(|error| unreadable(error.path(), error.error()))?);
    }
    if paths.is_empty() && !text.contains(['*', '?', '[']) {
        return Err(format!("{text}: no such file"));
    }
    Ok(paths)
}

fn revocation_lists(path: &Path) -> Result<Vec<RevocationList>, String> {
    let unsound = || format!("{} is not a revocation list (DER or PEM)", path.display());
    let size = fs::metadata(path).map_err(|error| unreadable(path, &error))?.len();
    if size > MAX_LIST {
        return Err(format!("{} is larger than {} MiB", path.display(), MAX_LIST >> 20));
    }
    let octets = fs::read(path).map_err(|error| unreadable(path, &error))?;
    let read = |encoded: &[u8]| {
        let (issuer, until) = issuer_and_end(encoded).map_err(|_| unsound())?;
        Ok(RevocationList { issuer, until, encoded: encoded.to_vec() })
    };
    if !pem::is_pem(&octets) {
        return Ok(vec![read(&octets)?]);
    }
    let name = path.display().to_string();
    let blocks = pem::blocks(&name, &octets).collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
    let lists: Vec<_> = blocks
        .iter()
        .filter(|block| block.label == "X509 CRL")
        .map(|block| read(&block.content))
        .collect::<Result<_, String>>()?;
    if lists.is_empty() { Err(unsound()) } else { Ok(lists) }
}

/// The DER of the issuer's `Name` in a revocation list, of version 1 or 2, and
/// nextUpdate (RFC 5280, section 5.1). What else is in it the filter judges.
fn issuer_and_end(encoded: &[u8]) -> der::Result<(Vec<u8>, Option<u64>)> {
    let list = AnyRef::from_der(encoded)?;
    list.tag().assert_eq(Tag::Sequence)?;
    let tbs = AnyRef::decode(&mut SliceReader::new(list.value())?)?;
    tbs.tag().assert_eq(Tag::Sequence)?;
    let mut fields = SliceReader::new(tbs.value())?;
    if Tag::peek(&fields)? == Tag::Integer {
        fields.tlv_bytes()?;
    }
    AnyRef::decode(&mut fields)?.tag().assert_eq(Tag::Sequence)?;
    let issuer = fields.tlv_bytes()?.to_vec();
    // A certificate has its validity here, and not a time.
    time(&mut fields)?.ok_or(ErrorKind::Failed)?;
    Ok((issuer, time(&mut fields)?))
}

/// The `Time` that is next, if one is, in seconds since 1970-01-01T00:00:00Z.
fn time(fields: &mut SliceReader<'_>) -> der::Result<Option<u64>> {
    let duration = match Tag::peek(fields) {
        Ok(Tag::UtcTime) => UtcTime::decode(fields)?.to_unix_duration(),
        Ok(Tag::GeneralizedTime) => GeneralizedTime::decode(fields)?.to_unix_duration(),
        Ok(_) | Err(_) => return Ok(None),
    };
    Ok(Some(duration.as_secs()))
}

fn unreadable(path: &Path, error: &std::io::Error) -> String {
    format!("{} cannot be read: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Configuration;

    /// The lists of the authority of the tests: which of them counts, and until when.
    #[test]
    fn the_list_that_is_in_force_for_longest_says_until_when_an_issuer_has_one() {
        let pki = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/pki");
        let ends = |lists: &str| {
            let text = format!("[tenant.lan]\ndomains = [\"lan.example\"]\nrevocation-lists = [{lists}]\n");
            let configuration = Configuration::parse(&pki.join("wasmime.toml"), &text).expect("a configuration");
            let ends = FileTrust::read(&configuration.tenants[0]).expect("lists").revocation_ends();
            ends.into_iter().map(|end| (end.issuer, end.until)).collect::<Vec<_>>()
        };
        let issuer = "CN=Test authority,O=Wasmime tests".to_owned();
        assert_eq!(ends("\"outdated.crl\""), [(issuer.clone(), 1_609_459_200)]); // 2021-01-01T00:00:00Z
        assert_eq!(ends("\"outdated.crl\", \"nobody.crl\""), [(issuer, 2_524_607_999)]); // 2049-12-31T23:59:59Z
        assert_eq!(ends(""), []);
    }
}
