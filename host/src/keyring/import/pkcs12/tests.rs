//! Files of NSS, and what becomes of them when they are altered.

use std::io::Write as _;
use std::path::Path;

use super::*;
use crate::keyring::import::Bundle;

const NSS: &[u8] = include_bytes!("vectors/nss.p12");
const PASSWORD: Option<&str> = Some("secret");

/// Reads a file as an operator gives it: how many private keys and different
/// certificates are in it, each key with its certificate.
fn bundle(file: &[u8], password: &str) -> Result<(usize, usize), ImportError> {
    let mut bundle = Bundle::default();
    bundle.read("nss.p12", file, Some(password))?;
    for key in &bundle.private_keys {
        assert!(bundle.certificates.iter().any(|certificate| certificate.facts.key_id == key.key.key_id));
    }
    Ok((bundle.private_keys.len(), bundle.certificates.len()))
}

/// The sentence an operator reads.
fn complaint(file: &[u8], password: Option<&str>) -> String {
    read("nss.p12", file, password).map(|content| content.private_keys.len()).unwrap_err().to_string()
}

#[test]
fn every_key_of_a_file_of_nss_is_read() {
    for (name, file) in [
        ("nss", NSS),
        ("sha512", include_bytes!("vectors/sha512.p12")),
        ("plain-certificates", include_bytes!("vectors/plain-certificates.p12")),
        ("old", include_bytes!("vectors/old.p12")),
    ] {
        assert_eq!(bundle(file, "secret"), Ok((2, 3)), "{name}");
    }
}

#[test]
fn ber_is_known_when_it_is_only_within() {
    let contents = &NSS[2..NSS.len() - 2];
    let [.., high, low] = contents.len().to_be_bytes();
    let file = [&[0x30, 0x82, high, low], contents].concat();
    assert_eq!(bundle(&file, "secret"), Ok((2, 3)));
}

#[test]
fn files_of_thunderbird_and_nss_are_read() {
    // Beside the repository, or beside a folder of work trees.
    let ancestors = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().skip(2);
    let Some(corpora) = ancestors.map(|folder| folder.join("shared/corpora")).find(|path| path.is_dir()) else {
        // Past the capture of the test runner.
        let _ = writeln!(std::io::stderr(), "skipped: the foreign messages are not at hand");
        return;
    };
    let folders = ["thunderbird/mailnews/test/data/smime", "nss/tests/smime/interop-openssl"];
    let mut read = 0;
    for folder in folders.map(|folder| corpora.join(folder)) {
        let Ok(files) = std::fs::read_dir(&folder) else {
            // Past the capture of the test runner.
            let _ = writeln!(std::io::stderr(), "skipped: {} is not at hand", folder.display());
            continue;
        };
        for path in files.map(|file| file.unwrap().path()) {
            if path.extension().is_some_and(|extension| extension == "p12") {
                let found = bundle(&std::fs::read(&path).unwrap(), "nss");
                assert!(matches!(found, Ok((1, 1..=2))), "{}: {found:?}", path.display());
                read += 1;
            }
        }
        assert!(read > 0, "{}", folder.display());
    }
}

#[test]
fn a_wrong_password_is_said_to_be_wrong() {
    assert_eq!(complaint(NSS, Some("not it")), "nss.p12: the password is wrong, or the file is damaged");
    assert!(complaint(NSS, None).contains("is protected by a password"), "{}", complaint(NSS, None));
}

#[test]
fn an_encryption_that_is_not_read_is_not_a_wrong_password() {
    let file = include_bytes!("vectors/camellia.p12");
    let said = complaint(file, PASSWORD);
    assert!(said.contains("a part of the PKCS #12 file is not read; write the file anew"), "{said}");
    assert!(complaint(file, Some("not it")).contains("the password is wrong"));
}

#[test]
fn content_that_was_altered_is_refused() {
    // In the encrypted part of a key, and in the MAC, which is at the end.
    for at in [300, NSS.len() - 40, NSS.len() - 15] {
        let mut altered = NSS.to_vec();
        altered[at] ^= 1;
        assert!(complaint(&altered, PASSWORD).contains("the password is wrong, or the file is damaged"), "{at}");
    }
}

#[test]
fn a_file_that_was_cut_short_or_goes_on_is_not_sound() {
    for file in (0..NSS.len()).step_by(7).map(|len| NSS[..len].to_vec()).chain([[NSS, &[0]].concat()]) {
        assert!(complaint(&file, PASSWORD).contains("is not a sound PKCS #12 file"), "{}", file.len());
    }
}

#[test]
fn no_octet_makes_the_transcoder_panic() {
    // Every octet where headers are dense, and some of the ciphertext.
    let last = NSS.len() - 300;
    for at in (0..300).chain((300..last).step_by(17)).chain(last..NSS.len()) {
        for change in [0x01, 0x20, 0xff] {
            let mut altered = NSS.to_vec();
            altered[at] ^= change;
            // What lies in strings may be anything; it never gets larger.
            let Some(pfx) = ber::Pfx::read(&altered) else { continue };
            assert!(pfx.to_der().is_none_or(|der| der.len() <= NSS.len()), "{at} {change}");
        }
    }
}

#[test]
fn strings_in_segments_are_joined_wherever_they_are() {
    let infinite = |tag: u8, parts: &[&[u8]]| [&[tag, 0x80], parts.concat().as_slice(), &[0, 0]].concat();
    let data = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01";
    let encrypted_data = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x06";
    let file = |segment: &[u8]| {
        let encrypted = infinite(0xa0, &[b"\x04\x01\xaa", &infinite(0x24, &[b"\x04\x01\xbb"]), segment]);
        let info =
            infinite(0x30, &[data, &infinite(0x30, &[b"\x06\x01\x2a", b"\x30\x05\x04\x00\x02\x01\x09"]), &encrypted]);
        let content = infinite(0xa0, &[&infinite(0x30, &[b"\x02\x01\x00", &info])]);
        let safes = infinite(0x30, &[&infinite(0x30, &[encrypted_data, &content])]);
        let (head, tail) = safes.split_at(9);
        let strings = [head, tail].map(|part| [&[4, part.len() as u8], part].concat());
        let auth_safe = infinite(0x30, &[data, &infinite(0xa0, &[&infinite(0x24, &[&strings.concat()])])]);
        let pfx = ber::Pfx::read(&infinite(0x30, &[b"\x02\x01\x03", &auth_safe])).unwrap();
        assert_eq!(pfx.content(), safes);
        pfx.to_der()
    };
    let joined = file(b"\x04\x02\xcc\xdd").unwrap();
    assert!(joined.ends_with(b"\x06\x01\x2a\x30\x05\x04\x00\x02\x01\x09\x80\x04\xaa\xbb\xcc\xdd"), "{joined:02x?}");
    // An INTEGER, and a string that goes on after its end.
    assert_eq!(file(b"\x02\x01\xcc"), None);
    assert_eq!(file(b"\x04\x03\xcc\xdd"), None);
}

#[test]
fn der_stays_as_it_is_but_for_its_mac() {
    let der = ber::Pfx::read(NSS).unwrap().to_der().unwrap();
    let again = ber::Pfx::read(&der).unwrap();
    assert_eq!(again.mac_data(), None);
    assert_eq!(again.to_der().unwrap(), der);
    assert!(!der.windows(2).take(200).any(|octets| octets == [0x30, 0x80]));
    // Without a MAC the encryption tells whether the password is right.
    assert_eq!(bundle(&der, "secret"), Ok((2, 3)));
    assert!(complaint(&der, Some("not it")).contains("the password is wrong"));
}

#[test]
fn nesting_without_end_and_costs_without_bound_are_refused() {
    for bomb in [[0x30, 0x80].repeat(1 << 20), [0x24, 0x80].repeat(1 << 20)] {
        let file = [&[0x30, 0x80, 2, 1, 3][..], &bomb].concat();
        assert!(complaint(&file, PASSWORD).contains("is not a sound PKCS #12 file"));
    }
    // The iterations are 600,000 in three octets: of the keys, the certificates
    // and, last, the MAC.
    let places = (0..NSS.len()).filter(|at| NSS[*at..].starts_with(&[2, 3, 0x09, 0x27, 0xc0]));
    let places: Vec<usize> = places.collect();
    assert_eq!(places.len(), 5);
    for (which, at) in places.into_iter().enumerate() {
        let mut costly = NSS.to_vec();
        costly[at + 2] = 0x7f;
        if which == 4 {
            assert!(complaint(&costly, PASSWORD).contains("the MAC of the PKCS #12 file is not read"));
        } else {
            assert_eq!(ber::Pfx::read(&costly).unwrap().to_der(), None);
        }
    }
}

#[test]
fn keys_beyond_number_are_refused() {
    let bag = b"\x30\x0f\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x02\xa0\x00";
    let safe = |bags: Vec<u8>| structure::plain(&structure::sequence([Ok(bags)]).unwrap());
    let large = safe(b"\x04\x83\x04\x00\x00".iter().copied().chain(vec![0; 1 << 18]).collect()).unwrap();
    let keys = |count: usize| {
        let safes = structure::sequence([Ok(large.clone()), Ok(safe(bag.repeat(count)).unwrap())]).unwrap();
        let content = structure::plain(&safes).unwrap();
        split::by_key(&structure::sequence([Ok(vec![2, 1, 3]), Ok(content)]).unwrap()).map(|parts| parts.len())
    };
    assert_eq!(keys(10), Some(10));
    assert_eq!(keys(900), None);
}
