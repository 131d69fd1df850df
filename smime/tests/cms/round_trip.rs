//! What is written is read again: any content, every algorithm and form.

use const_oid::db::rfc5911::ID_DATA;
use proptest::prelude::*;
use smime::cms::recipient::{KeyTransport, key_transport, key_transport_by_key_identifier};
use smime::cms::{Cipher, auth_enveloped_data, enveloped_data, signed_data};
use smime::crypto::Software;
use smime::error::CmsError;

use crate::support::{NOW, certificate, decrypt, draw, key, seal, sign, signed, signer, verify};

/// `content`, encrypted to the people named.
pub fn encrypt(names: &[&str], transport: KeyTransport, cipher: Cipher, content: &[u8]) -> Vec<u8> {
    let content_key = draw(cipher.key_len() as u32);
    let recipients: Vec<_> = names
        .iter()
        .map(|name| key_transport(&certificate(name), transport, &content_key, &mut draw).unwrap())
        .collect();
    seal(&recipients, cipher, &content_key, content).unwrap()
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
    let signers = [signer("bob", &bob, b"content"), signer("alice", &alice, b"content")];
    let encoded = signed_data::write(None, &signers, &[bob.encoded(), alice.encoded(), alice.encoded()]);
    assert_eq!(verify(&encoded, Some(b"content"), &[]).1, [Ok(()), Ok(())]);
    assert_eq!(signed(&encoded).certificates().len(), 2);
}

#[test]
fn a_recipient_is_named_by_its_key_as_well() {
    let (carol, content_key) = (certificate("carol"), draw(32));
    let recipient = key_transport_by_key_identifier(&carol, KeyTransport::OaepSha256, &content_key, &mut draw);
    for cipher in [Cipher::Aes256Cbc, Cipher::Aes256Gcm] {
        let encoded = seal(&[recipient.clone().unwrap()], cipher, &content_key, b"content").unwrap();
        assert_eq!(decrypt(&encoded, &carol, &mut key("carol")).as_deref(), Ok(&b"content"[..]));
        assert_eq!(decrypt(&encoded, &certificate("bob"), &mut key("bob")), Err(CmsError::NoCertificate));
    }
}

#[test]
fn mistakes_write_nothing() {
    let recipient = [key_transport(&certificate("carol"), KeyTransport::Pkcs1v15, &[1; 32], &mut draw).unwrap()];
    for cipher in Cipher::ALL {
        let wrong_key = seal(&recipient, cipher, &vec![1; cipher.key_len() - 1], &[1]);
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
