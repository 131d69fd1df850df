//! RSA signatures and key transport, against OpenSSL and against ourselves
//! (T13, T30; RFC 3218, RFC 3560, RFC 4056).

use der::Encode;
use der::asn1::{Any, OctetString};
use smime::crypto::key_transport::{KeyTransport, KeyTransportError, Scheme};
use smime::crypto::parameters::{Oaep, Pss};
use smime::crypto::private_key::SoftwareKey;
use smime::crypto::signature::{self, SignatureError};
use smime::crypto::{Bulk, DigestAlgorithm, Software};
use smime::host::{KeyError, PrivateKey};
use spki::AlgorithmIdentifierOwned;

use crate::{Octets, certificate, vector};

const DIGESTS: [(&str, DigestAlgorithm); 4] = [
    ("sha1", DigestAlgorithm::Sha1),
    ("sha256", DigestAlgorithm::Sha256),
    ("sha384", DigestAlgorithm::Sha384),
    ("sha512", DigestAlgorithm::Sha512),
];

fn rsa_encryption() -> AlgorithmIdentifierOwned {
    Scheme::Pkcs1v15.algorithm().unwrap()
}

fn digest_algorithm(digest: DigestAlgorithm) -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned { oid: digest.oid(), parameters: None }
}

fn with_rsa(digest: DigestAlgorithm) -> AlgorithmIdentifierOwned {
    use const_oid::db::rfc5912::*;
    let oid = match digest {
        DigestAlgorithm::Sha1 => SHA_1_WITH_RSA_ENCRYPTION,
        DigestAlgorithm::Sha256 => SHA_256_WITH_RSA_ENCRYPTION,
        DigestAlgorithm::Sha384 => SHA_384_WITH_RSA_ENCRYPTION,
        DigestAlgorithm::Sha512 => SHA_512_WITH_RSA_ENCRYPTION,
    };
    AlgorithmIdentifierOwned { oid, parameters: Some(Any::null()) }
}

fn key(name: &str, seed: u64) -> SoftwareKey<impl FnMut(u32) -> Vec<u8>> {
    let mut octets = Octets(seed);
    SoftwareKey::from_pkcs8(&vector(&format!("{name}.p8")), move |len| octets.draw(len)).unwrap()
}

#[test]
fn signatures_of_openssl_verify_and_fail_on_any_change() {
    let (alice, message) = (certificate("alice"), vector("message.txt"));
    for (name, digest) in DIGESTS {
        let mut algorithms = vec![
            (format!("v15-{name}"), with_rsa(digest), None),
            (format!("v15-{name}"), with_rsa(digest), Some(digest)),
            (format!("v15-{name}"), rsa_encryption(), Some(digest)),
        ];
        for (salt, pss) in [("digest", Pss::new(digest)), ("8", Pss { digest, salt_len: 8 })] {
            algorithms.push((format!("pss-{name}-{salt}"), pss.algorithm().unwrap(), Some(digest)));
        }
        for (file, algorithm, beside) in algorithms {
            let signature = vector(&format!("signatures/{file}"));
            let verify = |message: &[u8], signature: &[u8]| {
                signature::verify(alice.public_key(), &algorithm, beside, message, signature, &Software)
            };
            assert_eq!(verify(&message, &signature), Ok(()), "{file}");
            let hash = Software.digest(digest, &message);
            let prehashed =
                signature::verify_prehashed(alice.public_key(), &algorithm, digest, &message, &hash, &signature);
            assert_eq!(prehashed, Ok(()), "{file}");

            assert_eq!(verify(b"Another message", &signature), Err(SignatureError::Mismatch), "{file}");
            for at in (0..signature.len()).step_by(17) {
                let mut flipped = signature.clone();
                flipped[at] ^= 0x20;
                assert_eq!(verify(&message, &flipped), Err(SignatureError::Mismatch), "{file} {at}");
            }
            for len in [0, 1, 255] {
                assert_eq!(verify(&message, &signature[..len]), Err(SignatureError::Mismatch), "{file} {len}");
            }
            let longer = [&[0], &signature[..]].concat();
            assert_eq!(verify(&message, &longer), Err(SignatureError::Mismatch), "{file}");
            assert_eq!(verify(&message, &[0xff; 256]), Err(SignatureError::Mismatch), "{file}");
        }
    }
}

#[test]
fn the_algorithm_must_fit_the_digest_the_salt_and_the_key() {
    let (alice, message) = (certificate("alice"), vector("message.txt"));
    let (v15, pss) = (vector("signatures/v15-sha256"), vector("signatures/pss-sha256-digest"));
    let sha256 = DigestAlgorithm::Sha256;
    let verify = |algorithm: &AlgorithmIdentifierOwned, beside, signature: &[u8]| {
        signature::verify(alice.public_key(), algorithm, beside, &message, signature, &Software)
    };
    // rsaEncryption says nothing of the digest.
    assert_eq!(verify(&rsa_encryption(), None, &v15), Err(SignatureError::Unsupported));
    assert_eq!(verify(&with_rsa(sha256), Some(DigestAlgorithm::Sha512), &v15), Err(SignatureError::Mismatch));
    let algorithm = Pss::new(sha256).algorithm().unwrap();
    assert_eq!(verify(&algorithm, Some(DigestAlgorithm::Sha1), &pss), Err(SignatureError::Mismatch));
    // Another salt length than the parameters say.
    let algorithm = Pss { digest: sha256, salt_len: 20 }.algorithm().unwrap();
    assert_eq!(verify(&algorithm, None, &pss), Err(SignatureError::Mismatch));
    let algorithm = Pss { digest: sha256, salt_len: 255 }.algorithm().unwrap();
    assert_eq!(verify(&algorithm, None, &pss), Err(SignatureError::Mismatch));
    // PSS without parameters, an algorithm of another kind of key, and an unknown one.
    let bare = AlgorithmIdentifierOwned { parameters: None, ..Pss::new(sha256).algorithm().unwrap() };
    assert_eq!(verify(&bare, None, &pss), Err(SignatureError::Unsupported));
    let ecdsa = AlgorithmIdentifierOwned { oid: const_oid::db::rfc5912::ECDSA_WITH_SHA_256, parameters: None };
    assert_eq!(verify(&ecdsa, None, &v15), Err(SignatureError::Key));
    let unknown =
        AlgorithmIdentifierOwned { oid: const_oid::ObjectIdentifier::new_unwrap("1.2.3.4"), parameters: None };
    assert_eq!(verify(&unknown, None, &v15), Err(SignatureError::Unsupported));
    let other = certificate("intermediate");
    let result = signature::verify(other.public_key(), &with_rsa(sha256), None, &message, &v15, &Software);
    assert_eq!(result, Err(SignatureError::Mismatch));
}

#[test]
fn t30_unfit_keys_verify_nothing() {
    for name in ["weak", "rsa-16384", "rsa-e1", "ec"] {
        let certificate = certificate(name);
        let algorithm = with_rsa(DigestAlgorithm::Sha256);
        // The most an exponent of 1 could hope for: a signature that is its own padding.
        let result = signature::verify(certificate.public_key(), &algorithm, None, b"", &[0; 256], &Software);
        assert_eq!(result, Err(SignatureError::Key), "{name}");
    }
}

#[test]
fn software_keys_sign_what_verifies() {
    let (alice, message) = (certificate("alice"), vector("message.txt"));
    for (name, digest) in &DIGESTS[1..] {
        let mut algorithms = vec![with_rsa(*digest), rsa_encryption()];
        algorithms.extend(Pss::new(*digest).algorithm());
        for algorithm in algorithms {
            let (der, beside) = (algorithm.to_der().unwrap(), digest_algorithm(*digest).to_der().unwrap());
            let signature = key("alice", 1).sign(&der, &beside, &message).unwrap();
            assert_eq!(key("alice", 1).sign(&der, &beside, &message).unwrap(), signature, "same seed, same octets");
            let result =
                signature::verify(alice.public_key(), &algorithm, Some(*digest), &message, &signature, &Software);
            assert_eq!(result, Ok(()), "{name}");
        }
        // PKCS #1 v1.5 has nothing random in it: OpenSSL made the same.
        let (der, beside) = (rsa_encryption().to_der().unwrap(), digest_algorithm(*digest).to_der().unwrap());
        let signature = key("alice", 2).sign(&der, &beside, &message).unwrap();
        assert_eq!(signature, vector(&format!("signatures/v15-{name}")));
    }
}

#[test]
fn software_keys_refuse_sha_1_and_what_they_are_not_for() {
    let sign = |name: &str, algorithm: &AlgorithmIdentifierOwned, digest| {
        let digest = digest_algorithm(digest).to_der().unwrap();
        key(name, 1).sign(&algorithm.to_der().unwrap(), &digest, b"message")
    };
    let (sha1, sha256, sha384) = (DigestAlgorithm::Sha1, DigestAlgorithm::Sha256, DigestAlgorithm::Sha384);
    for algorithm in [with_rsa(sha1), rsa_encryption(), Pss::new(sha1).algorithm().unwrap()] {
        assert_eq!(sign("alice", &algorithm, sha1), Err(KeyError::Unsupported));
    }
    assert_eq!(sign("pss", &with_rsa(sha256), sha256), Err(KeyError::Unsupported));
    assert_eq!(sign("pss-sha384", &Pss::new(sha256).algorithm().unwrap(), sha256), Err(KeyError::Unsupported));
    let algorithm = Pss::new(sha384).algorithm().unwrap();
    let signature = sign("pss-sha384", &algorithm, sha384).unwrap();
    let certificate = certificate("pss-sha384");
    let verify = |algorithm: &AlgorithmIdentifierOwned| {
        signature::verify(certificate.public_key(), algorithm, None, b"message", &signature, &Software)
    };
    assert_eq!(verify(&algorithm), Ok(()));
    // A salt shorter than the key's own parameters allow.
    assert_eq!(verify(&Pss { digest: sha384, salt_len: 8 }.algorithm().unwrap()), Err(SignatureError::Key));
    assert_eq!(key("alice", 1).sign(b"junk", b"junk", b""), Err(KeyError::Malformed));
}

#[test]
fn software_keys_of_rsa_have_2048_to_4096_bits() {
    let load = |octets: &[u8]| SoftwareKey::from_pkcs8(octets, |len| vec![0; len as usize]).err();
    assert_eq!(load(&vector("weak.p8")), Some(KeyError::Unsupported));
    assert_eq!(load(b"junk"), Some(KeyError::Malformed));
    let mut wrong = vector("alice.p8");
    let middle = wrong.len() / 2;
    wrong[middle] ^= 1;
    assert_eq!(load(&wrong), Some(KeyError::Malformed));
    assert!(key("alice", 1).fits(certificate("alice").public_key()));
    assert!(!key("alice", 1).fits(certificate("intermediate").public_key()));
    assert!(!key("alice", 1).fits(certificate("ec").public_key()));
}

/// A `KeyTransRecipientInfo`, here with a key identifier of one octet.
fn recipient(scheme: &Scheme, encrypted_key: &[u8]) -> Vec<u8> {
    let encrypted_key = OctetString::new(encrypted_key).unwrap();
    let content =
        [vec![2, 1, 2, 0x80, 1, 7], scheme.algorithm().unwrap().to_der().unwrap(), encrypted_key.to_der().unwrap()];
    Any::new(der::Tag::Sequence, content.concat()).unwrap().to_der().unwrap()
}

#[test]
fn keys_transported_by_openssl_unwrap() {
    let content_key = vector("content-key");
    let mut cases = vec![("v15".to_owned(), Scheme::Pkcs1v15)];
    for (name, digest) in DIGESTS {
        for (mask_name, mask_digest) in DIGESTS {
            let oaep = Oaep { digest, mask_digest, label: vec![] };
            cases.push((format!("oaep-{name}-{mask_name}"), Scheme::Oaep(oaep)));
        }
    }
    let labelled = Oaep { label: b"label".to_vec(), ..Oaep::new(DigestAlgorithm::Sha256) };
    cases.push(("oaep-label".to_owned(), Scheme::Oaep(labelled)));
    for (file, scheme) in cases {
        let recipient = recipient(&scheme, &vector(&format!("transport/{file}")));
        assert_eq!(key("alice", 3).unwrap_key(&recipient, 32), Ok(content_key.clone()), "{file}");
    }
}

#[test]
fn keys_we_transport_unwrap() {
    let alice = certificate("alice");
    let all = [
        KeyTransport::Pkcs1v15,
        KeyTransport::OaepSha1,
        KeyTransport::OaepSha256,
        KeyTransport::OaepSha384,
        KeyTransport::OaepSha512,
    ];
    for scheme in all.map(Scheme::from) {
        for len in [16, 24, 32] {
            let content_key = Octets(9).draw(len);
            let encrypt = |seed| {
                let mut octets = Octets(seed);
                scheme.encrypt(alice.public_key(), &content_key, &mut |len| octets.draw(len)).unwrap()
            };
            let encrypted_key = encrypt(5);
            assert_eq!(encrypted_key.len(), 256);
            assert_eq!(encrypt(5), encrypted_key, "same seed, same octets");
            assert_ne!(encrypt(6), encrypted_key);
            let recipient = recipient(&scheme, &encrypted_key);
            assert_eq!(key("alice", 3).unwrap_key(&recipient, len), Ok(content_key.clone()));
            assert_eq!(Scheme::read(&scheme.algorithm().unwrap()), Some(scheme.clone()));
        }
    }
}

#[test]
fn keys_are_not_transported_to_unfit_keys_or_without_randomness() {
    let encrypt = |name: &str, content_key: &[u8], draw: &mut dyn FnMut(u32) -> Vec<u8>| {
        Scheme::from(KeyTransport::Pkcs1v15).encrypt(certificate(name).public_key(), content_key, draw)
    };
    let mut octets = Octets(1);
    let mut good = |len| octets.draw(len);
    for name in ["weak", "rsa-16384", "rsa-e1", "ec", "pss"] {
        assert_eq!(encrypt(name, &[7; 32], &mut good), Err(KeyTransportError::Key), "{name}");
    }
    assert_eq!(encrypt("alice", &[7; 246], &mut good), Err(KeyTransportError::TooLong));
    assert_eq!(encrypt("alice", &[7; 32], &mut |_| vec![]), Err(KeyTransportError::Random));
    // Padding with octets that are not zero ends though only zeros are given.
    assert_eq!(encrypt("alice", &[7; 32], &mut |len| vec![0; len as usize]), Err(KeyTransportError::Random));
}

#[test]
fn t13_bad_padding_and_wrong_lengths_yield_keys_that_tell_nothing() {
    let content_key = vector("content-key");
    let v15 = |file: &str| recipient(&Scheme::Pkcs1v15, &vector(&format!("transport/{file}")));
    let mut flipped = vector("transport/v15");
    flipped[100] ^= 1;
    let oaep = Scheme::Oaep(Oaep::new(DigestAlgorithm::Sha256));
    let probes = [
        ("bad padding", v15("v15-bad-padding"), 32),
        ("flipped", recipient(&Scheme::Pkcs1v15, &flipped), 32),
        ("shorter than asked for", v15("v15-short"), 32),
        ("longer than asked for", v15("v15"), 16),
        ("too short a block", recipient(&Scheme::Pkcs1v15, &[1; 255]), 32),
        ("empty", recipient(&Scheme::Pkcs1v15, &[]), 32),
        ("too long a block", recipient(&Scheme::Pkcs1v15, &[1; 257]), 32),
        ("above the modulus", recipient(&Scheme::Pkcs1v15, &[0xff; 256]), 32),
        ("OAEP with another digest", recipient(&oaep, &vector("transport/oaep-sha384-sha384")), 32),
        ("OAEP with a label", recipient(&oaep, &vector("transport/oaep-label")), 32),
    ];
    for (what, recipient, length) in probes {
        let first = key("alice", 10).unwrap_key(&recipient, length).unwrap();
        assert_eq!(first.len(), length as usize, "{what}");
        assert_ne!(first, content_key[..length as usize], "{what}");
        assert_ne!(first, vec![0; length as usize], "{what}");
        assert_eq!(key("alice", 10).unwrap_key(&recipient, length).unwrap(), first, "{what}: same seed, same key");
        // What is returned was drawn afresh, and not the same each time.
        assert_ne!(key("alice", 11).unwrap_key(&recipient, length).unwrap(), first, "{what}");
    }
}

#[test]
fn what_is_no_key_transport_is_not_unwrapped() {
    let good = recipient(&Scheme::Pkcs1v15, &vector("transport/v15"));
    let mut relabelled = good.clone();
    relabelled[0] = 0xa1;
    assert_eq!(key("alice", 1).unwrap_key(&relabelled, 32), Err(KeyError::Malformed));
    relabelled[0] = 0xa2;
    assert_eq!(key("alice", 1).unwrap_key(&relabelled, 32), Err(KeyError::Unsupported));
    assert_eq!(key("alice", 1).unwrap_key(&good[..good.len() - 1], 32), Err(KeyError::Malformed));
    assert_eq!(key("alice", 1).unwrap_key(&[&good[..], &[0]].concat(), 32), Err(KeyError::Malformed));
    for length in [0, 65, u32::MAX] {
        assert_eq!(key("alice", 1).unwrap_key(&good, length), Err(KeyError::Unsupported), "{length}");
    }
    assert_eq!(key("pss", 1).unwrap_key(&good, 32), Err(KeyError::Unsupported));
    let mut dry = SoftwareKey::from_pkcs8(&vector("alice.p8"), |_| vec![]).unwrap();
    assert!(matches!(dry.unwrap_key(&good, 32), Err(KeyError::Refused(_))));
}
