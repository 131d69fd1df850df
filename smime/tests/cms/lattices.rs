//! ML-DSA and ML-KEM: what OpenSSL 4.0 signs and encrypts is read, and it reads
//! what is written, where `make peers` built it.

use smime::PrivateKey as _;
use smime::cms::Cipher;
use smime::cms::recipient::{EncryptedKey, KeyEncapsulation, key_encapsulation};
use smime::crypto::lattice::MlKem;
use smime::error::CmsError;
use smime::host::KeyError;
use smime::x509::usage;

use crate::peer::recent_openssl_in;
use crate::support::{self, Folder, decrypt, draw, seal, verify};

const VECTORS: Folder = Folder("lattices");
const SETS: [(&str, MlKem); 2] = [("ml-kem-768", MlKem::MlKem768), ("ml-kem-1024", MlKem::MlKem1024)];

/// Runs `openssl cms` of the peer that `make peers` builds; none where it is not.
fn openssl(encoded: &[u8], arguments: &[&str]) -> Option<Result<Vec<u8>, String>> {
    recent_openssl_in(&VECTORS.path(), encoded, arguments)
}

fn encrypt(name: &str, kem: MlKem, cipher: Cipher, content: &[u8]) -> Vec<u8> {
    let content_key = draw(cipher.key_len() as u32);
    let scheme = KeyEncapsulation::new(kem);
    let recipients = [key_encapsulation(&VECTORS.certificate(name), &scheme, &content_key, &mut draw).unwrap()];
    seal(&recipients, cipher, &content_key, content).unwrap()
}

#[test]
fn e17b_ml_dsa_signatures_of_openssl_verify() {
    for name in ["ml-dsa-65", "ml-dsa-87"] {
        for form in ["", "-noattr"] {
            let encoded = VECTORS.file(&format!("signed/{name}{form}.der"));
            assert_eq!(verify(&encoded, None, &[]), (VECTORS.file("content.txt"), vec![Ok(())]), "{name}{form}");
            let mut altered = encoded.clone();
            let at = altered.windows(6).position(|w| w == b"A line").unwrap();
            altered[at] ^= 1;
            assert_eq!(verify(&altered, None, &[]).1, [Err(CmsError::Altered)], "{name}{form}");
        }
    }
}

#[test]
fn e17b_ml_dsa_signatures_of_ours_verify_here_and_with_openssl() {
    for name in ["ml-dsa-65", "ml-dsa-87"] {
        let encoded = VECTORS.sign(name, b"A line of text", false);
        assert_eq!(verify(&encoded, None, &[]).1, [Ok(())], "{name}");
        let mut altered = encoded.clone();
        *altered.last_mut().unwrap() ^= 1;
        assert_eq!(verify(&altered, None, &[]).1, [Err(CmsError::Altered)], "{name}");
        let trust = format!("certificates/{name}.pem");
        let arguments = ["-verify", "-CAfile", &trust, "-purpose", "any"];
        let Some(verified) = openssl(&encoded, &arguments) else { return };
        assert_eq!(verified, Ok(b"A line of text".to_vec()), "{name}");
    }
}

#[test]
fn e17_what_openssl_encrypts_to_ml_kem_decrypts() {
    for (name, _) in SETS {
        for cipher in ["aes-128-cbc", "aes-256-cbc", "aes-256-gcm"] {
            let encoded = VECTORS.file(&format!("enveloped/{name}-{cipher}.der"));
            let decrypted = decrypt(&encoded, &VECTORS.certificate(name), &mut VECTORS.key(name));
            assert_eq!(decrypted, Ok(VECTORS.file("content.txt")), "{name} {cipher}");
        }
    }
}

#[test]
fn e17_what_is_encrypted_to_ml_kem_decrypts_here_and_with_openssl() {
    for (name, kem) in SETS {
        for cipher in Cipher::ALL {
            let encoded = encrypt(name, kem, cipher, b"content");
            let decrypted = decrypt(&encoded, &VECTORS.certificate(name), &mut VECTORS.key(name));
            assert_eq!(decrypted.as_deref(), Ok(&b"content"[..]), "{name} {cipher:?}");
        }
        for cipher in [Cipher::Aes128Cbc, Cipher::Aes256Cbc, Cipher::Aes256Gcm] {
            let (certificate, key) = (format!("certificates/{name}.pem"), format!("keys/{name}.pem"));
            let arguments = ["-decrypt", "-recip", &certificate, "-inkey", &key];
            let Some(decrypted) = openssl(&encrypt(name, kem, cipher, b"content"), &arguments) else { return };
            assert_eq!(decrypted, Ok(b"content".to_vec()), "{name} {cipher:?}");
        }
    }
}

#[test]
fn e17_each_recipient_has_a_secret_of_its_own_in_a_structure_of_version_0() {
    let (name, kem) = SETS[0];
    let info =
        || key_encapsulation(&VECTORS.certificate(name), &KeyEncapsulation::new(kem), &[7; 32], &mut draw).unwrap();
    let ciphertext = |info: &[u8]| match EncryptedKey::from_der(info) {
        Ok(EncryptedKey::Encapsulation(info)) => (info.ciphertext, info.encrypted_key),
        other => panic!("{other:?}"),
    };
    let (first, second) = (info(), info());
    assert_ne!(ciphertext(&first).0, ciphertext(&second).0);
    assert_ne!(ciphertext(&first).1, ciphertext(&second).1);
    // The version follows the type and two headers of four octets.
    assert_eq!(first[21..24], [2, 1, 0]);
    let mut other = first;
    other[23] = 1;
    assert!(matches!(EncryptedKey::from_der(&other), Err(CmsError::Malformed)));
}

#[test]
fn t13_what_does_not_decapsulate_yields_keys_that_tell_nothing() {
    for (name, kem) in SETS {
        let good =
            key_encapsulation(&VECTORS.certificate(name), &KeyEncapsulation::new(kem), &[7; 32], &mut draw).unwrap();
        assert_eq!(VECTORS.key(name).unwrap_key(&good, 32), Ok(vec![7; 32]), "{name}");
        let mut altered = good.clone();
        *altered.last_mut().unwrap() ^= 1;
        // Within the ciphertext of the KEM.
        let mut elsewhere = good.clone();
        elsewhere[500] ^= 1;
        for (what, info, length) in [("altered", &altered, 32), ("elsewhere", &elsewhere, 32), ("length", &good, 16)] {
            let first = VECTORS.key(name).unwrap_key(info, length).unwrap();
            assert_eq!(first.len(), length as usize, "{name} {what}");
            assert!(!first.starts_with(&[7; 8]), "{name} {what}");
            assert_ne!(
                VECTORS.key(name).unwrap_key(info, length).unwrap(),
                first,
                "{name} {what}: a random key each time"
            );
        }
        let info = EncryptedKey::from_der(&good).unwrap();
        assert!(info.names(&VECTORS.certificate(name)) && !info.names(&VECTORS.certificate("ml-dsa-65")));
        assert_eq!(support::key("carol").unwrap_key(&good, 32), Err(KeyError::Unsupported));
        assert_eq!(VECTORS.key("ml-dsa-65").unwrap_key(&good, 32), Err(KeyError::Unsupported));
    }
    let other = key_encapsulation(
        &VECTORS.certificate("ml-kem-768"),
        &KeyEncapsulation::new(MlKem::MlKem1024),
        &[1; 16],
        &mut draw,
    );
    assert_eq!(other, Err(CmsError::Algorithm));
}

#[test]
fn keys_on_lattices_sign_or_are_encrypted_to_and_know_their_certificate() {
    for name in ["ml-dsa-65", "ml-dsa-87"] {
        assert_eq!(usage::may_sign(&VECTORS.certificate(name)), Ok(()), "{name}");
        assert!(usage::may_encipher(&VECTORS.certificate(name)).is_err(), "{name}");
        assert!(VECTORS.key(name).fits(VECTORS.certificate(name).public_key()), "{name}");
    }
    for (name, _) in SETS {
        assert!(usage::may_sign(&VECTORS.certificate(name)).is_err(), "{name}");
        assert_eq!(usage::may_encipher(&VECTORS.certificate(name)), Ok(()), "{name}");
        assert!(VECTORS.key(name).fits(VECTORS.certificate(name).public_key()), "{name}");
    }
    assert!(!VECTORS.key("ml-dsa-65").fits(VECTORS.certificate("ml-dsa-87").public_key()));
}
