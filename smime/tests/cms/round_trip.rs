//! What is written is read again: any content, every algorithm and form.

use proptest::prelude::*;
use smime::PrivateKey;
use smime::cms::recipient::{KeyTransport, key_transport, key_transport_by_key_identifier};
use smime::cms::signed_data::{self, Signer};
use smime::cms::{Cipher, attributes, auth_enveloped_data, enveloped_data, signature_algorithm};
use smime::crypto::{Bulk, Software};
use smime::error::CmsError;
use smime::x509::Certificate;

use const_oid::db::rfc5911::ID_DATA;

use crate::support::{certificate, decrypt, draw, key, signed, verify};

/// 2026-11-22T12:00:00Z
pub const NOW: u64 = 1_795_348_800;

/// A signature by `name` over `content`, which is in it or not.
pub fn sign(name: &str, content: &[u8], detached: bool) -> Vec<u8> {
    let certificate = certificate(name);
    let signature = signature(name, &certificate, content);
    let content = (!detached).then_some(content);
    signed_data::write(content, &[signature], &[certificate.encoded()])
}

fn signature<'a>(name: &str, certificate: &'a Certificate, content: &[u8]) -> Signer<'a> {
    let (algorithm, digest, digest_algorithm) = signature_algorithm(certificate).unwrap();
    let content_digest = Software.digest(digest_algorithm, content);
    let attributes = attributes::signed_attributes(ID_DATA, &content_digest, NOW, certificate, digest_algorithm);
    let signature = key(name).sign(&algorithm, &digest, &attributes).unwrap();
    Signer { certificate, digest, algorithm, attributes, signature }
}

/// `content`, encrypted to the people named.
pub fn encrypt(names: &[&str], transport: KeyTransport, cipher: Cipher, content: &[u8]) -> Vec<u8> {
    let content_key = draw(cipher.key_len() as u32);
    let recipients: Vec<_> = names
        .iter()
        .map(|name| key_transport(&certificate(name), transport, &content_key, &mut draw).unwrap())
        .collect();
    write(&recipients, cipher, &content_key, content.to_vec()).unwrap()
}

fn write(recipients: &[Vec<u8>], cipher: Cipher, key: &[u8], content: Vec<u8>) -> Result<Vec<u8>, CmsError> {
    let iv = draw(cipher.iv_len() as u32);
    if cipher.is_authenticated() {
        auth_enveloped_data::write(recipients, cipher, key, &iv, content, &Software)
    } else {
        enveloped_data::write(recipients, cipher, key, &iv, content, &Software)
    }
}

const TRANSPORTS: [KeyTransport; 5] = [
    KeyTransport::Pkcs1v15,
    KeyTransport::OaepSha1,
    KeyTransport::OaepSha256,
    KeyTransport::OaepSha384,
    KeyTransport::OaepSha512,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_content_is_signed_and_verified(content in prop::collection::vec(any::<u8>(), 0..3000), detached: bool) {
        let encoded = sign("alice", &content, detached);
        let beside = detached.then_some(content.as_slice());
        prop_assert_eq!(verify(&encoded, beside, &[]), (content.clone(), vec![Ok(())]));
    }

    #[test]
    fn any_content_is_encrypted_and_decrypted(
        content in prop::collection::vec(any::<u8>(), 0..3000),
        cipher in prop::sample::select(Cipher::ALL.to_vec()),
        transport in prop::sample::select(TRANSPORTS.to_vec()),
    ) {
        let encoded = encrypt(&["bob", "carol"], transport, cipher, &content);
        for name in ["bob", "carol"] {
            let decrypted = decrypt(&encoded, &certificate(name), &mut key(name));
            prop_assert_eq!(decrypted.as_ref(), Ok(&content));
        }
    }
}

#[test]
fn what_is_signed_says_what_it_has_to() {
    let encoded = sign("alice", b"content", false);
    let data = signed(&encoded);
    let signer = &data.signers()[0];
    assert_eq!(data.content_type(), ID_DATA);
    assert_eq!(signer.signing_time(), Some(NOW));
    assert_eq!(signer.capabilities(), Some(smime::cms::capabilities::ours()));
    assert!(signer.identifies(&certificate("alice")) && !signer.identifies(&certificate("bob")));
    assert_eq!(data.certificates(), [certificate("alice").encoded()]);
}

#[test]
fn keys_bound_to_pss_sign_with_it() {
    for name in ["pss", "pss384"] {
        let encoded = sign(name, b"content", true);
        assert_eq!(verify(&encoded, Some(b"content"), &[]).1, [Ok(())], "{name}");
    }
}

#[test]
fn several_sign_the_same_content() {
    let (alice, bob) = (certificate("alice"), certificate("bob"));
    let signers = [signature("bob", &bob, b"content"), signature("alice", &alice, b"content")];
    let encoded = signed_data::write(None, &signers, &[bob.encoded(), alice.encoded(), alice.encoded()]);
    assert_eq!(verify(&encoded, Some(b"content"), &[]).1, [Ok(()), Ok(())]);
    assert_eq!(signed(&encoded).certificates().len(), 2);
}

#[test]
fn a_recipient_is_named_by_its_key_as_well() {
    let (carol, content_key) = (certificate("carol"), draw(32));
    let recipient = key_transport_by_key_identifier(&carol, KeyTransport::OaepSha256, &content_key, &mut draw);
    for cipher in [Cipher::Aes256Cbc, Cipher::Aes256Gcm] {
        let encoded = write(&[recipient.clone().unwrap()], cipher, &content_key, b"content".to_vec()).unwrap();
        assert_eq!(decrypt(&encoded, &carol, &mut key("carol")).as_deref(), Ok(&b"content"[..]));
        assert_eq!(decrypt(&encoded, &certificate("bob"), &mut key("bob")), Err(CmsError::NoCertificate));
    }
}

#[test]
fn mistakes_write_nothing() {
    let recipient = [key_transport(&certificate("carol"), KeyTransport::Pkcs1v15, &[1; 32], &mut draw).unwrap()];
    for cipher in Cipher::ALL {
        let wrong_key = write(&recipient, cipher, &vec![1; cipher.key_len() - 1], vec![1]);
        assert_eq!(wrong_key, Err(CmsError::Algorithm));
        let (key, iv) = (vec![1; cipher.key_len()], vec![1; cipher.iv_len()]);
        let other_form = if cipher.is_authenticated() {
            enveloped_data::write(&recipient, cipher, &key, &iv, vec![1], &Software)
        } else {
            auth_enveloped_data::write(&recipient, cipher, &key, &iv, vec![1], &Software)
        };
        assert_eq!(other_form, Err(CmsError::Algorithm));
    }
    let no_randomness = &mut |_: u32| Vec::new();
    for transport in TRANSPORTS {
        let starved = key_transport(&certificate("carol"), transport, &[1; 32], no_randomness);
        assert_eq!(starved, Err(CmsError::Algorithm));
        let not_rsa = key_transport(&certificate("ec"), transport, &[1; 32], &mut draw);
        assert_eq!(not_rsa, Err(CmsError::Algorithm));
    }
}
