use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5912::{RSA_ENCRYPTION, SHA_1_WITH_RSA_ENCRYPTION, SHA_256_WITH_RSA_ENCRYPTION};
use der::asn1::{Any, OctetString};
use der::{Document, Encode, Tag};
use smime::crypto::key_transport::Scheme as KeyTransport;
use smime::crypto::parameters::{Oaep, Pss};
use smime::crypto::{Software, signature};
use smime::x509::Certificate;

use super::random::random;
use super::rsa::as_plain_rsa;
use super::*;

/// The certificate and the PKCS #8 of one of the people of the stories.
fn person(name: &str) -> (Certificate, Vec<u8>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../smime/tests/vectors/people");
    let read = |extension: &str| std::fs::read(folder.join(format!("{name}.{extension}"))).unwrap();
    (Certificate::from_der(&read("der")).unwrap(), read("p8"))
}

static ALICE: LazyLock<(Certificate, SoftwareKey)> = LazyLock::new(|| {
    let (certificate, pkcs8) = person("alice");
    (certificate, SoftwareKey::from_pkcs8(&pkcs8).unwrap())
});

fn algorithm_of(digest: DigestAlgorithm) -> Vec<u8> {
    AlgorithmIdentifierOwned { oid: digest.oid(), parameters: None }.to_der().unwrap()
}

fn rsa_encryption() -> Vec<u8> {
    AlgorithmIdentifierOwned { oid: RSA_ENCRYPTION, parameters: Some(Any::null()) }.to_der().unwrap()
}

fn verifies(certificate: &Certificate, algorithm: &[u8], digest: DigestAlgorithm, signature: &[u8]) -> bool {
    let algorithm = AlgorithmIdentifierOwned::from_der(algorithm).unwrap();
    signature::verify(certificate.public_key(), &algorithm, Some(digest), b"attributes", signature, &Software).is_ok()
}

const DIGESTS: [DigestAlgorithm; 3] = [DigestAlgorithm::Sha256, DigestAlgorithm::Sha384, DigestAlgorithm::Sha512];

#[test]
fn signatures_of_every_scheme_verify_by_the_other_implementation() {
    let (certificate, key) = &*ALICE;
    for digest in DIGESTS {
        let pss = Pss::new(digest).algorithm().unwrap().to_der().unwrap();
        for algorithm in [rsa_encryption(), pss] {
            let signature = key.sign(&algorithm, &algorithm_of(digest), b"attributes").unwrap();
            assert_eq!(signature.len(), 256);
            assert!(verifies(certificate, &algorithm, digest, &signature), "{digest:?}");
        }
    }
    let named = AlgorithmIdentifierOwned { oid: SHA_256_WITH_RSA_ENCRYPTION, parameters: Some(Any::null()) };
    let named = named.to_der().unwrap();
    let signature = key.sign(&named, &algorithm_of(DigestAlgorithm::Sha256), b"attributes").unwrap();
    assert!(verifies(certificate, &named, DigestAlgorithm::Sha256, &signature));
}

#[test]
fn nothing_is_signed_with_sha_1_or_an_odd_salt() {
    let key = &ALICE.1;
    let sha1 = algorithm_of(DigestAlgorithm::Sha1);
    assert_eq!(key.sign(&rsa_encryption(), &sha1, b"x"), Err(KeyError::Unsupported));
    let named = AlgorithmIdentifierOwned { oid: SHA_1_WITH_RSA_ENCRYPTION, parameters: Some(Any::null()) };
    assert_eq!(key.sign(&named.to_der().unwrap(), &sha1, b"x"), Err(KeyError::Unsupported));
    let odd = Pss { digest: DigestAlgorithm::Sha256, salt_len: 20 }.algorithm().unwrap().to_der().unwrap();
    assert_eq!(key.sign(&odd, &algorithm_of(DigestAlgorithm::Sha256), b"x"), Err(KeyError::Unsupported));
    let ecdsa = AlgorithmIdentifierOwned { oid: ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2"), parameters: None };
    let sha256 = algorithm_of(DigestAlgorithm::Sha256);
    assert_eq!(key.sign(&ecdsa.to_der().unwrap(), &sha256, b"x"), Err(KeyError::Unsupported));
    assert_eq!(key.sign(b"\x30\x05", &sha256, b"x"), Err(KeyError::Malformed));
}

#[test]
fn a_pss_key_signs_with_pss_and_opens_nothing() {
    let (certificate, pkcs8) = person("erin");
    let key = SoftwareKey::from_pkcs8(&pkcs8).unwrap();
    let digest = DigestAlgorithm::Sha256;
    let pss = Pss::new(digest).algorithm().unwrap().to_der().unwrap();
    let signature = key.sign(&pss, &algorithm_of(digest), b"attributes").unwrap();
    assert!(verifies(&certificate, &pss, digest, &signature));
    assert_eq!(key.sign(&rsa_encryption(), &algorithm_of(digest), b"x"), Err(KeyError::Unsupported));
    let info = recipient_info(&KeyTransport::Pkcs1v15, vec![0; 256]);
    assert_eq!(key.unwrap_key(&info, 32), Err(KeyError::Unsupported));
}

/// A `KeyTransRecipientInfo` for whoever has the key identifier 07.
fn recipient_info(scheme: &KeyTransport, encrypted_key: Vec<u8>) -> Vec<u8> {
    recipient_info_with(&scheme.algorithm().unwrap(), encrypted_key)
}

fn recipient_info_with(algorithm: &AlgorithmIdentifierOwned, encrypted_key: Vec<u8>) -> Vec<u8> {
    let mut fields = b"\x02\x01\x02\x80\x01\x07".to_vec();
    fields.extend(algorithm.to_der().unwrap());
    fields.extend(OctetString::new(encrypted_key).unwrap().to_der().unwrap());
    Any::new(Tag::Sequence, fields).unwrap().to_der().unwrap()
}

fn wrapped(scheme: &KeyTransport, content_key: &[u8]) -> Vec<u8> {
    let mut draw = |len| random(len).unwrap();
    recipient_info(scheme, scheme.encrypt(ALICE.0.public_key(), content_key, &mut draw).unwrap())
}

fn schemes() -> Vec<KeyTransport> {
    let digests = [DigestAlgorithm::Sha1, DigestAlgorithm::Sha256, DigestAlgorithm::Sha384, DigestAlgorithm::Sha512];
    let mut schemes = vec![KeyTransport::Pkcs1v15];
    schemes.extend(digests.map(|digest| KeyTransport::Oaep(Oaep::new(digest))));
    schemes.push(KeyTransport::Oaep(Oaep { label: b"label".to_vec(), ..Oaep::new(DigestAlgorithm::Sha256) }));
    // What aws-lc does not offer: a mask of another digest.
    schemes.push(KeyTransport::Oaep(Oaep { mask_digest: DigestAlgorithm::Sha1, ..Oaep::new(DigestAlgorithm::Sha256) }));
    schemes
}

#[test]
fn every_key_transport_opens() {
    for scheme in schemes() {
        for content_key in [&[1; 16][..], &[2; 24], &[3; 32]] {
            let info = wrapped(&scheme, content_key);
            let opened = ALICE.1.unwrap_key(&info, content_key.len() as u32);
            assert_eq!(opened.as_deref(), Ok(content_key), "{scheme:?}");
        }
    }
}

#[test]
fn what_does_not_open_yields_a_random_key_of_the_length_asked() {
    for scheme in schemes() {
        let mut draw = |len| random(len).unwrap();
        let good = scheme.encrypt(ALICE.0.public_key(), &[7; 16], &mut draw).unwrap();
        let mut flipped = good.clone();
        flipped[100] ^= 1;
        // Altered; another length than asked for; no ciphertext of this key at all.
        for (encrypted, length) in
            [(flipped, 16), (good, 32), (vec![0; 256], 16), (vec![1; 10], 16), (vec![0xff; 256], 24)]
        {
            let info = recipient_info(&scheme, encrypted);
            let (one, other) = (ALICE.1.unwrap_key(&info, length).unwrap(), ALICE.1.unwrap_key(&info, length).unwrap());
            assert_eq!(one.len(), length as usize, "{scheme:?}");
            assert_ne!(one, other, "a random key each time: {scheme:?}");
            assert!(!one.starts_with(&[7; 8]), "nothing of the real key shows: {scheme:?}");
        }
    }
}

#[test]
fn t9_bad_padding_costs_what_good_padding_does() {
    // A box test, as ring's and rustls' side-channel notes describe it: of each kind
    // the cheapest quarter is compared, for noise only adds.
    let scheme = KeyTransport::Pkcs1v15;
    let good = wrapped(&scheme, &[7; 32]);
    let bad = recipient_info(&scheme, vec![3; 256]);
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..200 {
        for (info, times) in [&good, &bad].into_iter().zip(&mut times) {
            let started = std::time::Instant::now();
            ALICE.1.unwrap_key(info, 32).unwrap();
            times.push(started.elapsed().as_nanos());
        }
    }
    let [good, bad] = times.map(|mut times| {
        times.sort_unstable();
        times[..50].iter().sum::<u128>() / 50
    });
    assert!(good.abs_diff(bad) < good / 4, "{good} ns and {bad} ns");
}

#[test]
fn other_kinds_of_recipients_are_not_opened() {
    assert_eq!(ALICE.1.unwrap_key(b"", 16), Err(KeyError::Malformed));
    assert_eq!(ALICE.1.unwrap_key(b"\x30\x00", 16), Err(KeyError::Malformed));
    let odd = AlgorithmIdentifierOwned { oid: ObjectIdentifier::new_unwrap("1.2.3.4"), parameters: None };
    let info = recipient_info_with(&odd, vec![0; 256]);
    assert_eq!(ALICE.1.unwrap_key(&info, 16), Err(KeyError::Unsupported));
    assert_eq!(ALICE.1.unwrap_key(b"\xa1\x00", 16), Err(KeyError::Malformed));
    assert_eq!(ALICE.1.unwrap_key(b"\xa2\x00", 16), Err(KeyError::Unsupported));
}

#[test]
fn a_key_is_exported_only_where_that_was_said() {
    let (_, pkcs8) = person("alice");
    assert!(SoftwareKey::from_pkcs8(&pkcs8).unwrap().pkcs8().is_none());
    let exported = SoftwareKey::from_pkcs8(&pkcs8).unwrap().exportable().pkcs8();
    assert_eq!(exported.as_deref(), Some(&pkcs8));
}

#[test]
fn what_is_no_good_key_is_told_apart() {
    let (_, pkcs8) = person("alice");
    assert_eq!(SoftwareKey::from_pkcs8(b"").err(), Some(LoadError::Malformed));
    assert_eq!(SoftwareKey::from_pkcs8(&pkcs8[..pkcs8.len() - 1]).err(), Some(LoadError::Malformed));
    // One octet of the modulus is another.
    let mut broken = pkcs8.clone();
    broken[60] ^= 1;
    assert_eq!(SoftwareKey::from_pkcs8(&broken).err(), Some(LoadError::Malformed));
    // openssl genpkey -algorithm ed448
    let ed448 = "-----BEGIN PRIVATE KEY-----\nMEcCAQAwBQYDK2VxBDsEOU37nJpC3FJWt/EM/ci7ym/Mvy3VanA3H5qp3/E/yfiM\nP0EfXnHHCAFc7FEuVUF0DsMfX03xmteUGQ==\n-----END PRIVATE KEY-----\n";
    let (_, ed448) = Document::from_pem(ed448).unwrap();
    assert_eq!(SoftwareKey::from_pkcs8(ed448.as_bytes()).err(), Some(LoadError::Unsupported));
}

#[test]
fn sizes_from_2048_to_8192_bits_are_taken() {
    let generate = |bits: u32| {
        let output = Command::new("openssl")
            .args(["genpkey", "-algorithm", "RSA", "-outform", "DER", "-pkeyopt", &format!("rsa_keygen_bits:{bits}")])
            .output();
        let Some(traditional) = output.ok().filter(|output| output.status.success()) else {
            // Past the capture of the test runner.
            let _ = writeln!(std::io::stderr(), "skipped: keys of {bits} bits; openssl is not installed");
            return None;
        };
        // Some versions write PKCS #1, some PKCS #8.
        let der = traditional.stdout;
        if PrivateKeyInfoRef::from_der(&der).is_ok() {
            Some(der)
        } else {
            as_plain_rsa(&der).ok().map(|der| der.to_vec())
        }
    };
    for bits in [2048, 3072, 4096] {
        if let Some(pkcs8) = generate(bits) {
            let key = SoftwareKey::from_pkcs8(&pkcs8).unwrap();
            let signature = key.sign(&rsa_encryption(), &algorithm_of(DigestAlgorithm::Sha256), b"x").unwrap();
            assert_eq!(signature.len() as u32 * 8, bits);
        }
    }
    if let Some(pkcs8) = generate(1024) {
        assert_eq!(SoftwareKey::from_pkcs8(&pkcs8).err(), Some(LoadError::Size));
    }
}

/// A certificate and its key in `smime/tests/vectors/curves`.
fn on_curve(name: &str) -> (Certificate, Vec<u8>) {
    in_vectors("curves", name)
}

/// A certificate and its key in a folder of `smime/tests/vectors`.
fn in_vectors(folder: &str, name: &str) -> (Certificate, Vec<u8>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../smime/tests/vectors").join(folder);
    let read = |file: String| Document::from_pem(&std::fs::read_to_string(folder.join(file)).unwrap()).unwrap().1;
    let certificate = read(format!("certificates/{name}.pem"));
    (Certificate::from_der(certificate.as_bytes()).unwrap(), read(format!("keys/{name}.pem")).as_bytes().to_vec())
}

#[test]
fn signatures_on_every_curve_verify_by_the_other_implementation() {
    for name in ["p256", "p384", "p521", "ed25519"] {
        let (certificate, pkcs8) = on_curve(name);
        let key = SoftwareKey::from_pkcs8(&pkcs8).unwrap();
        let (algorithm, beside, digest) = smime::cms::signature_algorithm(&certificate).unwrap();
        let signature = key.sign(&algorithm, &beside, b"attributes").unwrap();
        assert!(verifies(&certificate, &algorithm, digest, &signature), "{name}");
        assert_eq!(key.sign(&rsa_encryption(), &beside, b"x"), Err(KeyError::Unsupported), "{name}");
        assert_eq!(ALICE.1.sign(&algorithm, &beside, b"x"), Err(KeyError::Unsupported), "{name}");
    }
}

#[test]
fn what_was_encrypted_to_a_curve_opens_and_what_does_not_yields_a_random_key() {
    use smime::cms::recipient::{KeyAgreement, key_agreement};
    use smime::crypto::key_derivation::KeyDerivation;
    use smime::crypto::key_wrap::KeyWrap;
    for name in ["p256", "p384", "p521", "x25519"] {
        let (certificate, pkcs8) = on_curve(name);
        let key = SoftwareKey::from_pkcs8(&pkcs8).unwrap();
        for (derivation, wrap) in
            [(KeyDerivation::X963Sha256, KeyWrap::Aes256), (KeyDerivation::HkdfSha384, KeyWrap::Aes128)]
        {
            let scheme = KeyAgreement::new(derivation, wrap);
            let info = key_agreement(&certificate, &scheme, &[7; 32], &mut |len| random(len).unwrap()).unwrap();
            assert_eq!(key.unwrap_key(&info, 32).as_deref(), Ok(&[7; 32][..]), "{name}");
            let mut altered = info.clone();
            *altered.last_mut().unwrap() ^= 1;
            let mut elsewhere = info.clone();
            elsewhere[40] ^= 1;
            for (info, length) in [(&altered, 32), (&elsewhere, 32), (&info, 16)] {
                let (one, other) = (key.unwrap_key(info, length).unwrap(), key.unwrap_key(info, length).unwrap());
                assert_eq!(one.len(), length as usize, "{name}");
                assert_ne!(one, other, "a random key each time: {name}");
            }
            assert_eq!(ALICE.1.unwrap_key(&info, 32), Err(KeyError::Unsupported));
        }
    }
}

#[test]
fn keys_on_lattices_sign_and_open() {
    use smime::cms::recipient::{KeyEncapsulation, key_encapsulation};
    use smime::crypto::lattice::MlKem;
    for name in ["ml-dsa-65", "ml-dsa-87"] {
        let (certificate, pkcs8) = in_vectors("lattices", name);
        let key = SoftwareKey::from_pkcs8(&pkcs8).unwrap();
        let (algorithm, beside, digest) = smime::cms::signature_algorithm(&certificate).unwrap();
        let signature = key.sign(&algorithm, &beside, b"attributes").unwrap();
        assert!(verifies(&certificate, &algorithm, digest, &signature), "{name}");
        assert_ne!(key.sign(&algorithm, &beside, b"attributes").unwrap(), signature, "hedged: {name}");
        assert_eq!(key.sign(&rsa_encryption(), &beside, b"x"), Err(KeyError::Unsupported), "{name}");
    }
    for (name, kem) in [("ml-kem-768", MlKem::MlKem768), ("ml-kem-1024", MlKem::MlKem1024)] {
        let (certificate, pkcs8) = in_vectors("lattices", name);
        let key = SoftwareKey::from_pkcs8(&pkcs8).unwrap();
        let scheme = KeyEncapsulation::new(kem);
        let info = key_encapsulation(&certificate, &scheme, &[7; 32], &mut |len| random(len).unwrap()).unwrap();
        assert_eq!(key.unwrap_key(&info, 32).as_deref(), Ok(&[7; 32][..]), "{name}");
        let mut altered = info.clone();
        altered[500] ^= 1;
        let (one, other) = (key.unwrap_key(&altered, 32).unwrap(), key.unwrap_key(&altered, 32).unwrap());
        assert_ne!(one, other, "a random key each time: {name}");
        assert_eq!(ALICE.1.unwrap_key(&info, 32), Err(KeyError::Unsupported));
    }
}
