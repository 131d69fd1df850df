//! OpenSSL writes, this library reads.

use smime::cms::{Cipher, ContentInfo, Encrypted};
use smime::crypto::{Bulk, DigestAlgorithm, Software};
use smime::error::CmsError;

use crate::support::{certificate, decrypt, key, parse, pem, signed, vector, verify};

/// Seconds since 1970 at which the vectors were made, give or take a year.
const MADE: std::ops::Range<u64> = 1_763_000_000..1_900_000_000;

#[test]
fn t43_every_signature_verifies() {
    let content = vector("content.txt");
    let long = vector("long.txt");
    for (name, expected) in [
        ("detached", &content),
        ("opaque", &content),
        ("noattr-detached", &content),
        ("noattr-opaque", &content),
        ("keyid-detached", &content),
        ("cades-opaque", &content),
        ("sha1-detached", &content),
        ("sha384-detached", &content),
        ("sha512-opaque", &content),
        ("pss-detached", &content),
        ("pss-salt20-detached", &content),
        ("pss-sha512-opaque", &content),
        ("pss-noattr-detached", &content),
        ("psskey-detached", &content),
        ("psskey384-detached", &content),
        ("stream-opaque", &content),
        ("stream-long", &long),
        ("stream-noattr-long", &long),
    ] {
        let encoded = vector(&format!("signed/{name}.der"));
        let detached = name.ends_with("detached").then_some(expected.as_slice());
        let (found, results) = verify(&encoded, detached, &[]);
        assert_eq!(results, [Ok(())], "{name}");
        assert_eq!(&found, expected, "{name}");
        let data = signed(&encoded);
        let signer = &data.signers()[0];
        assert_eq!(signer.has_signed_attributes(), !name.contains("noattr"), "{name}");
        assert_eq!(signer.signing_time().is_some(), !name.contains("noattr"), "{name}");
        assert!(signer.signing_time().is_none_or(|time| MADE.contains(&time)), "{name}");
        assert_eq!(signer.is_legacy(), name.contains("sha1-"), "{name}");

        // Other content, or another key, verify nowhere.
        let digest = Software.digest(signer.digest_algorithm().unwrap(), b"other");
        let own = smime::x509::Certificate::from_der(&data.certificates()[0]).unwrap();
        let other = signer.verify(data.content_type(), &digest, b"other", &own, &Software);
        assert_eq!(other, Err(CmsError::Altered), "{name}");
        let digest = Software.digest(signer.digest_algorithm().unwrap(), expected);
        let other = signer.verify(data.content_type(), &digest, expected, &certificate("bob"), &Software);
        assert_eq!(other, Err(CmsError::Altered), "{name}");
    }
}

#[test]
fn r9_a_message_without_certificates_is_verified_with_one_from_elsewhere() {
    let (encoded, content) = (vector("signed/nocerts-detached.der"), vector("content.txt"));
    assert_eq!(verify(&encoded, Some(&content), &[]).1, [Err(CmsError::NoCertificate)]);
    assert_eq!(verify(&encoded, Some(&content), &[certificate("bob"), certificate("alice")]).1, [Ok(())]);
}

#[test]
fn several_signers_are_judged_each() {
    let content = vector("content.txt");
    for (name, detached, digest) in [
        ("two-signers-detached", Some(&content), DigestAlgorithm::Sha256),
        ("two-signers-opaque", None, DigestAlgorithm::Sha512),
    ] {
        let encoded = vector(&format!("signed/{name}.der"));
        assert_eq!(verify(&encoded, detached.map(Vec::as_slice), &[]), (content.clone(), vec![Ok(()), Ok(())]));
        let data = signed(&encoded);
        assert!(data.signers().iter().all(|signer| signer.digest_algorithm() == Ok(digest)));
        for person in ["alice", "bob"] {
            let certificate = certificate(person);
            assert_eq!(data.signers().iter().filter(|signer| signer.identifies(&certificate)).count(), 1);
            assert!(data.certificates().iter().any(|der| der == certificate.encoded()));
        }
    }
}

#[test]
fn algorithms_that_are_not_implemented_are_named_as_such() {
    let content = vector("content.txt");
    let encoded = vector("signed/md5-detached.der");
    assert_eq!(verify(&encoded, Some(&content), &[]).1, [Err(CmsError::Algorithm)]);
    let md5 = signed(&encoded);
    assert_eq!(smime::cms::algorithm::name(md5.signers()[0].digest_oid()), Some("md5"));
    let ec = signed(&vector("signed/ec-detached.der"));
    assert_eq!(smime::cms::algorithm::name(ec.signers()[0].signature_oid()), Some("ecdsa-with-sha256"));
}

#[test]
fn r21_a_bag_of_certificates_has_no_signer() {
    let data = signed(&vector("signed/certificates-only.der"));
    assert_eq!(data.signers().len(), 0);
    assert_eq!(data.content(), None);
    let expected = ["alice", "bob"].map(|name| pem(&vector(&format!("certificates/{name}.pem"))));
    assert!(data.certificates().iter().all(|certificate| expected.contains(certificate)));
    assert_eq!(data.certificates().len(), 2);
}

#[test]
fn t43_every_ciphertext_decrypts() {
    let (content, long, inner) = (vector("content.txt"), vector("long.txt"), vector("signed/opaque.der"));
    let carol = certificate("carol");
    for (name, expected, cipher) in [
        ("aes128", &content, Cipher::Aes128Cbc),
        ("aes192", &content, Cipher::Aes192Cbc),
        ("aes256", &content, Cipher::Aes256Cbc),
        ("aes-128-gcm", &content, Cipher::Aes128Gcm),
        ("aes-192-gcm", &content, Cipher::Aes192Gcm),
        ("aes-256-gcm", &content, Cipher::Aes256Gcm),
        ("keyid", &content, Cipher::Aes128Cbc),
        ("oaep-sha1", &content, Cipher::Aes256Cbc),
        ("oaep-sha256", &content, Cipher::Aes256Cbc),
        ("oaep-sha384", &content, Cipher::Aes256Cbc),
        ("oaep-sha512", &content, Cipher::Aes256Cbc),
        ("oaep-sha256-mgf1-sha1", &content, Cipher::Aes256Cbc),
        ("oaep-label", &content, Cipher::Aes256Cbc),
        ("two-recipients", &content, Cipher::Aes256Cbc),
        ("two-recipients-gcm", &content, Cipher::Aes256Gcm),
        ("key-agreement", &content, Cipher::Aes128Cbc),
        ("password", &content, Cipher::Aes128Cbc),
        ("key-encryption-key", &content, Cipher::Aes128Cbc),
        ("stream-long", &long, Cipher::Aes256Cbc),
        ("stream-gcm-long", &long, Cipher::Aes256Gcm),
        ("signed", &inner, Cipher::Aes256Cbc),
    ] {
        let encoded = vector(&format!("enveloped/{name}.der"));
        assert_eq!(decrypt(&encoded, &carol, &mut key("carol")).as_ref(), Ok(expected), "{name}");
        let found = match parse(&encoded) {
            Ok(ContentInfo::Enveloped(data)) => (data.cipher(), data.is_authenticated()),
            Ok(ContentInfo::AuthEnveloped(data)) => (data.cipher(), data.is_authenticated()),
            other => panic!("{other:?}"),
        };
        assert_eq!(found, (Ok(cipher), cipher.is_authenticated()), "{name}");

        // With the wrong key there is nothing to learn.
        let wrong = decrypt(&encoded, &carol, &mut key("alice"));
        assert_eq!(wrong, Err(CmsError::Undecipherable), "{name}");
    }
}

#[test]
fn each_of_two_recipients_reads_it() {
    for name in ["two-recipients", "two-recipients-gcm"] {
        let encoded = vector(&format!("enveloped/{name}.der"));
        assert_eq!(decrypt(&encoded, &certificate("bob"), &mut key("bob")), Ok(vector("content.txt")));
        // t10: to anybody else it stays closed, and no key is asked.
        assert_eq!(decrypt(&encoded, &certificate("alice"), &mut key("alice")), Err(CmsError::NoCertificate));
    }
}

#[test]
fn other_kinds_of_recipients_are_left_alone() {
    for name in ["password", "key-encryption-key"] {
        let Ok(ContentInfo::Enveloped(data)) = parse(&vector(&format!("enveloped/{name}.der"))) else { panic!() };
        let supported: Vec<_> = data.recipients().iter().map(|recipient| recipient.is_supported()).collect();
        assert_eq!(supported.iter().filter(|supported| **supported).count(), 1, "{name}");
        assert_eq!(supported.len(), 2, "{name}");
    }
}

#[test]
fn triple_des_is_recognised_and_refused() {
    let encoded = vector("enveloped/des3.der");
    let Ok(ContentInfo::Enveloped(data)) = parse(&encoded) else { panic!() };
    assert_eq!(data.key_len(), Err(CmsError::Algorithm));
    assert_eq!(smime::cms::algorithm::name(data.algorithm()), Some("des-ede3-cbc"));
    assert_eq!(data.decrypt(encoded, &[0; 24], &Software), Err(CmsError::Undecipherable));
}
