//! A PKCS #12 file taken apart: one file for each private key that lies in it in
//! a plain safe, which is where every program puts them.

use der::Encode;
use der::asn1::AnyRef;

use super::structure::{data, elements, is_key, plain, sequence};

/// Most octets of all files that are made of one. Keys take some kilobytes each.
const MAX_PARTS_SIZE: usize = 64 << 20;

/// Files with all safes of `encoded` (DER) but only one of its private keys each, and
/// no MAC; none if it does not parse, or has keys beyond number.
///
/// ```text
/// PFX ::= SEQUENCE {
///   version  INTEGER {v3(3)}(v3,...),
///   authSafe ContentInfo,  -- data: AuthenticatedSafe
///   macData  MacData OPTIONAL }
/// AuthenticatedSafe ::= SEQUENCE OF ContentInfo
///   -- data: SafeContents, or encryptedData
/// SafeContents ::= SEQUENCE OF SafeBag
/// ```
pub(super) fn by_key(encoded: &[u8]) -> Option<Vec<Vec<u8>>> {
    let pfx = elements(encoded)?;
    let [version, auth_safe, ..] = pfx.as_slice() else { return None };
    let safes = elements(data(auth_safe)?)?;
    let mut others: Vec<Vec<u8>> = Vec::new();
    let mut keys: Vec<Vec<u8>> = Vec::new();
    for safe in &safes {
        let Some(content) = data(safe) else {
            others.push(safe.to_der().ok()?);
            continue;
        };
        let (shrouded, rest): (Vec<AnyRef<'_>>, Vec<AnyRef<'_>>) =
            elements(content)?.into_iter().partition(|bag| is_key(bag));
        others.push(plain(&sequence(rest.iter().map(|bag| bag.to_der())).ok()?)?);
        for bag in shrouded {
            keys.push(plain(&sequence([bag.to_der()]).ok()?)?);
        }
    }
    let size: usize = others.iter().map(Vec::len).sum();
    if keys.len().saturating_mul(size) > MAX_PARTS_SIZE {
        return None;
    }
    keys.into_iter()
        .map(|key| {
            let safes = sequence(others.iter().cloned().chain([key]).map(Ok)).ok()?;
            sequence([version.to_der(), Ok(plain(&safes)?)]).ok()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use p12_keystore::{Certificate, KeyStore, KeyStoreEntry, PrivateKeyChain};

    use super::*;
    use crate::keyring::{GenerateOptions, KeyAlgorithm, Keyring};

    /// A file with two keys, called `names`.
    fn two_keys(names: [&str; 2]) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let keyring = Keyring::open_or_create(&folder.path().join("k")).unwrap();
        let mut store = KeyStore::new();
        for (at, name) in names.into_iter().enumerate() {
            let options = GenerateOptions {
                address: format!("{at}@nec.co.jp"),
                algorithm: KeyAlgorithm::Rsa2048,
                days: 9,
                now: 1 << 30,
            };
            let record = keyring.generate(&options).unwrap().remove(0).record;
            let certificate = Certificate::from_der(&record.certificate).unwrap();
            let key = keyring.pkcs8(&record.facts.key_id).unwrap();
            let entry = PrivateKeyChain::new(key.as_slice(), [at as u8; 20], [certificate]);
            store.add_entry(name, KeyStoreEntry::PrivateKeyChain(entry));
        }
        store.writer("pw").encryption_iterations(1).mac_iterations(1).write().unwrap()
    }

    #[test]
    fn each_key_gets_a_file_of_its_own() {
        let whole = two_keys(["same a", "same b"]);
        let parts = by_key(&whole).unwrap();
        assert_eq!(parts.len(), 2);
        let read: Vec<_> = parts.iter().map(|part| KeyStore::from_pkcs12(part, "pw").unwrap()).collect();
        let keys: Vec<_> = read.iter().map(|store| store.private_key_chain().unwrap().1.key().to_vec()).collect();
        assert_ne!(keys[0], keys[1]);
        assert!(read.iter().all(|store| store.private_key_chain().unwrap().1.chain().len() == 1));
    }

    #[test]
    fn two_keys_of_one_name_are_two_keys() {
        let mut whole = two_keys(["same a", "same b"]);
        let name = |c: u8| [b"\0s\0a\0m\0e\0 \0".as_slice(), &[c]].concat();
        let at = whole.windows(12).position(|window| window == name(b'b')).unwrap();
        whole[at..at + 12].copy_from_slice(&name(b'a'));
        // What was changed is under the MAC, which the parts do not have.
        let parts = by_key(&whole).unwrap();
        assert_eq!(
            parts.iter().filter(|part| KeyStore::from_pkcs12(part, "pw").unwrap().entries_count() == 1).count(),
            2
        );
    }

    #[test]
    fn what_is_no_file_of_this_kind_is_none() {
        for other in [b"".as_slice(), b"\x30\x00", b"\x30\x03\x02\x01\x03", b"\x02\x01\x03"] {
            assert_eq!(by_key(other), None);
        }
    }
}
