//! Elliptic curves: what OpenSSL signs with them and encrypts to them is read,
//! and it reads what is written.

use smime::PrivateKey as _;
use smime::cms::recipient::{
    EncryptedKey, KeyAgreement, KeyTransport, key_agreement, key_transport, key_transport_by_key_identifier,
};
use smime::cms::{Cipher, algorithm};
use smime::crypto::key_derivation::KeyDerivation;
use smime::crypto::key_wrap::KeyWrap;
use smime::error::{CertificateError, CmsError};
use smime::host::KeyError;
use smime::x509::usage;

use crate::peer::{openssl_in, recent_openssl_in};
use crate::support::{self, Folder, decrypt, draw, seal, verify};

const VECTORS: Folder = Folder("curves");
const CURVES: [&str; 3] = ["p256", "p384", "p521"];
const DERIVATIONS: [KeyDerivation; 8] = [
    KeyDerivation::X963Sha1,
    KeyDerivation::X963Sha224,
    KeyDerivation::X963Sha256,
    KeyDerivation::X963Sha384,
    KeyDerivation::X963Sha512,
    KeyDerivation::HkdfSha256,
    KeyDerivation::HkdfSha384,
    KeyDerivation::HkdfSha512,
];

fn encrypt(names: &[&str], derivation: KeyDerivation, cipher: Cipher, content: &[u8]) -> Vec<u8> {
    let content_key = draw(cipher.key_len() as u32);
    let scheme = KeyAgreement::new(derivation, KeyWrap::for_key_len(content_key.len()));
    let recipients: Vec<_> = names
        .iter()
        .map(|name| key_agreement(&VECTORS.certificate(name), &scheme, &content_key, &mut draw).unwrap())
        .collect();
    seal(&recipients, cipher, &content_key, content).unwrap()
}

#[test]
fn r3_ecdsa_signatures_of_openssl_verify_with_every_digest() {
    for curve in CURVES {
        for form in ["sha256", "sha384", "sha512", "noattr"] {
            let encoded = VECTORS.file(&format!("signed/{curve}-{form}.der"));
            assert_eq!(verify(&encoded, None, &[]), (VECTORS.file("content.txt"), vec![Ok(())]), "{curve} {form}");
            let at = encoded.windows(6).position(|w| w == b"A line").unwrap();
            let mut altered = encoded.clone();
            altered[at] ^= 1;
            assert_eq!(verify(&altered, None, &[]).1, [Err(CmsError::Altered)], "{curve} {form}");
            // The last octet of the signature.
            let mut altered = encoded.clone();
            *altered.last_mut().unwrap() ^= 1;
            assert_eq!(verify(&altered, None, &[]).1, [Err(CmsError::Altered)], "{curve} {form}");
        }
    }
}

#[test]
fn r3_what_is_signed_verifies_and_what_is_altered_does_not() {
    for name in ["p256", "p384", "p521", "ed25519"] {
        let encoded = VECTORS.sign(name, b"A line of text", false);
        assert_eq!(verify(&encoded, None, &[]).1, [Ok(())], "{name}");
        let at = encoded.windows(6).position(|w| w == b"A line").unwrap();
        let mut altered = encoded.clone();
        altered[at] ^= 1;
        assert_eq!(verify(&altered, None, &[]).1, [Err(CmsError::Altered)], "{name}");
        let mut altered = encoded;
        *altered.last_mut().unwrap() ^= 1;
        assert_eq!(verify(&altered, None, &[]).1, [Err(CmsError::Altered)], "{name}");
    }
    assert_eq!(algorithm::signature_algorithm(&VECTORS.certificate("x25519")), Err(CmsError::Algorithm));
}

#[test]
fn t43_openssl_verifies_what_is_signed() {
    for curve in CURVES {
        let trust = format!("certificates/{curve}.pem");
        let verify = ["-verify", "-CAfile", &trust, "-purpose", "smimesign"];
        let Some(verified) = openssl_in(&VECTORS.path(), &VECTORS.sign(curve, b"content", false), &verify) else {
            return;
        };
        assert_eq!(verified, Ok(b"content".to_vec()), "{curve}");
    }
}

#[test]
fn t43_a_recent_openssl_reads_ed25519_and_writes_it() {
    let content = VECTORS.file("content.txt");
    let verify_it = ["-verify", "-CAfile", "certificates/ed25519.pem", "-purpose", "smimesign"];
    let (folder, ours) = (VECTORS.path(), VECTORS.sign("ed25519", &content, false));
    let Some(verified) = recent_openssl_in(&folder, &ours, &verify_it) else { return };
    assert_eq!(verified.as_ref(), Ok(&content));
    let mut altered = ours;
    *altered.last_mut().unwrap() ^= 1;
    assert!(recent_openssl_in(&folder, &altered, &verify_it).unwrap().is_err());
    let sign = ["-sign", "-nodetach", "-signer", "certificates/ed25519.pem", "-inkey", "keys/ed25519.pem"];
    let sign = [&sign[..], &["-outform", "DER"]].concat();
    let theirs = recent_openssl_in(&folder, &content, &sign).unwrap().unwrap();
    assert_eq!(verify(&theirs, None, &[]), (content, vec![Ok(())]));
}

#[test]
fn e7_what_openssl_encrypts_to_a_curve_decrypts() {
    let content = VECTORS.file("content.txt");
    for curve in CURVES {
        for form in ["aes128", "aes256", "aes-256-gcm", "sha1", "sha224", "sha256", "sha384", "sha512", "cofactor"] {
            let encoded = VECTORS.file(&format!("enveloped/{curve}-{form}.der"));
            let decrypted = decrypt(&encoded, &VECTORS.certificate(curve), &mut VECTORS.key(curve));
            assert_eq!(decrypted.as_ref(), Ok(&content), "{curve} {form}");
        }
    }
    for curve in ["p256", "p384"] {
        assert_eq!(
            decrypt(&VECTORS.file("enveloped/both.der"), &VECTORS.certificate(curve), &mut VECTORS.key(curve)),
            Ok(content.clone())
        );
    }
}

#[test]
fn e7_what_is_encrypted_decrypts_with_every_kdf_and_cipher() {
    for name in ["p256", "p384", "p521", "x25519"] {
        for derivation in DERIVATIONS {
            for cipher in Cipher::ALL {
                let encoded = encrypt(&[name], derivation, cipher, b"content");
                let decrypted = decrypt(&encoded, &VECTORS.certificate(name), &mut VECTORS.key(name));
                assert_eq!(decrypted.as_deref(), Ok(&b"content"[..]), "{name} {derivation:?} {cipher:?}");
            }
        }
    }
}

#[test]
fn t43_openssl_decrypts_what_is_encrypted_to_curves() {
    for derivation in DERIVATIONS.into_iter().take(5) {
        for cipher in [Cipher::Aes128Cbc, Cipher::Aes192Gcm, Cipher::Aes256Cbc, Cipher::Aes256Gcm] {
            let encoded = encrypt(&CURVES, derivation, cipher, b"content");
            for name in CURVES {
                let (certificate, key) = (format!("certificates/{name}.pem"), format!("keys/{name}.pem"));
                let decrypt = ["-decrypt", "-recip", &certificate, "-inkey", &key];
                let Some(decrypted) = openssl_in(&VECTORS.path(), &encoded, &decrypt) else { return };
                assert_eq!(decrypted, Ok(b"content".to_vec()), "{name} {derivation:?} {cipher:?}");
            }
        }
    }
}

#[test]
fn t33_a_recipient_info_is_for_its_own_certificate_alone() {
    let (carol, bob) = (support::certificate("carol"), support::certificate("bob"));
    let p256 = VECTORS.certificate("p256");
    let ktri = key_transport(&carol, KeyTransport::Pkcs1v15, &[1; 32], &mut draw).unwrap();
    let by_key = key_transport_by_key_identifier(&carol, KeyTransport::OaepSha256, &[1; 32], &mut draw).unwrap();
    let scheme = KeyAgreement::new(KeyDerivation::X963Sha256, KeyWrap::Aes256);
    let kari = key_agreement(&p256, &scheme, &[1; 32], &mut draw).unwrap();
    for (info, owner) in [(ktri, &carol), (by_key, &carol), (kari, &p256)] {
        let info = EncryptedKey::from_der(&info).unwrap();
        for certificate in [&carol, &bob, &p256] {
            assert_eq!(info.names(certificate), certificate == owner);
        }
    }
    assert!(matches!(EncryptedKey::from_der(b""), Err(CmsError::Malformed)));
    assert!(matches!(EncryptedKey::from_der(b"\x30\x00"), Err(CmsError::Malformed)));
    assert!(matches!(EncryptedKey::from_der(b"\xa2\x00"), Err(CmsError::Algorithm)));
    assert!(matches!(EncryptedKey::from_der(&[0x30; 1 << 17]), Err(CmsError::Malformed)));
}

#[test]
fn t13_what_does_not_unwrap_yields_keys_that_tell_nothing() {
    let scheme = KeyAgreement::new(KeyDerivation::X963Sha256, KeyWrap::Aes256);
    for name in ["p256", "p384", "p521", "x25519"] {
        let good = key_agreement(&VECTORS.certificate(name), &scheme, &[7; 32], &mut draw).unwrap();
        assert_eq!(VECTORS.key(name).unwrap_key(&good, 32), Ok(vec![7; 32]), "{name}");
        let mut altered = good.clone();
        *altered.last_mut().unwrap() ^= 1;
        // An ephemeral key that is on no curve, or was another.
        let mut elsewhere = good.clone();
        elsewhere[40] ^= 1;
        for (what, info, length) in [("altered", altered, 32), ("elsewhere", elsewhere, 32), ("length", good, 16)] {
            let first = VECTORS.key(name).unwrap_key(&info, length).unwrap();
            assert_eq!(first.len(), length as usize, "{name} {what}");
            assert!(!first.starts_with(&[7; 8]), "{name} {what}");
            assert_ne!(
                VECTORS.key(name).unwrap_key(&info, length).unwrap(),
                first,
                "{name} {what}: a random key each time"
            );
        }
    }
    // X25519 of small order agrees with nobody.
    let good = key_agreement(&VECTORS.certificate("x25519"), &scheme, &[7; 32], &mut draw).unwrap();
    let EncryptedKey::Agreement(info) = EncryptedKey::from_der(&good).unwrap() else { panic!() };
    let at = good.windows(32).position(|w| w == info.originator).unwrap();
    let mut small = good.clone();
    small[at..at + 32].fill(0);
    assert_ne!(VECTORS.key("x25519").unwrap_key(&small, 32), Ok(vec![7; 32]));
}

#[test]
fn keys_do_what_they_are_for_and_nothing_else() {
    let scheme = KeyAgreement::new(KeyDerivation::HkdfSha256, KeyWrap::Aes128);
    let for_p256 = key_agreement(&VECTORS.certificate("p256"), &scheme, &[1; 16], &mut draw).unwrap();
    assert_eq!(VECTORS.key("ed25519").unwrap_key(&for_p256, 16), Err(KeyError::Unsupported));
    assert_eq!(support::key("carol").unwrap_key(&for_p256, 16), Err(KeyError::Unsupported));
    for other in [VECTORS.certificate("ed25519"), support::certificate("carol")] {
        assert_eq!(key_agreement(&other, &scheme, &[1; 16], &mut draw), Err(CmsError::Algorithm));
    }
    let starved = key_agreement(&VECTORS.certificate("p256"), &scheme, &[1; 16], &mut |_| Vec::new());
    assert_eq!(starved, Err(CmsError::Algorithm));
    for name in CURVES {
        assert!(VECTORS.key(name).fits(VECTORS.certificate(name).public_key()));
        assert_eq!(usage::may_sign(&VECTORS.certificate(name)), Ok(()));
        assert_eq!(usage::may_encipher(&VECTORS.certificate(name)), Ok(()));
    }
    assert!(!VECTORS.key("p256").fits(VECTORS.certificate("p384").public_key()));
    assert_eq!(usage::may_sign(&VECTORS.certificate("ed25519")), Ok(()));
    assert_eq!(usage::may_encipher(&VECTORS.certificate("ed25519")), Err(CertificateError::Usage));
    assert_eq!(usage::may_sign(&VECTORS.certificate("x25519")), Err(CertificateError::Usage));
    assert_eq!(usage::may_encipher(&VECTORS.certificate("x25519")), Ok(()));
}
