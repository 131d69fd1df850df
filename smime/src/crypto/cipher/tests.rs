//! Known answers, and what must not decrypt.

use super::*;
use hex_literal::hex;

#[test]
fn cbc_gives_the_answers_of_nist_sp_800_38a() {
    // F.2.1, F.2.3 and F.2.5: the first block.
    let iv = hex!("000102030405060708090a0b0c0d0e0f");
    let block = hex!("6bc1bee22e409f96e93d7e117393172a");
    for (key, expected) in [
        (&hex!("2b7e151628aed2a6abf7158809cf4f3c")[..], hex!("7649abac8119b246cee98e9b12e9197d")),
        (&hex!("8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b")[..], hex!("4f021db243bc633d7178183a9fa071e8")),
        (
            &hex!("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")[..],
            hex!("f58c4c04d6e5f1ba779eabfb5f7bfbd6"),
        ),
    ] {
        let encrypted = aes_cbc_encrypt(key, &iv, block.to_vec());
        assert_eq!(encrypted.len(), 32);
        assert_eq!(encrypted.first_chunk(), Some(&expected));
        assert_eq!(aes_cbc_decrypt(key, &iv, encrypted).as_deref(), Some(&block[..]));
    }
}

#[test]
fn gcm_gives_the_answers_of_its_specification() {
    // McGrew and Viega, test cases 4, 10 and 16.
    let nonce = hex!("cafebabefacedbaddecaf888");
    let aad = hex!("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    let plaintext = hex!(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
    );
    let key = hex!("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
    for (len, tag) in [
        (16, hex!("5bc94fbc3221a5db94fae95ae7121a47")),
        (24, hex!("2519498e80f1478f37ba55bd6d27618c")),
        (32, hex!("76fc6ece0f4e1768cddf8853bb2d551b")),
    ] {
        let key = &key[..len];
        let sealed = aes_gcm_seal(key, &nonce, &aad, plaintext.to_vec());
        assert_eq!(sealed.last_chunk(), Some(&tag));
        assert_eq!(aes_gcm_open(key, &nonce, &aad, sealed.clone(), 16).as_deref(), Some(&plaintext[..]));
        assert_eq!(aes_gcm_open(key, &nonce, b"", sealed.clone(), 16), None);
        for shorter in 12..16 {
            let cut = sealed[..plaintext.len() + shorter].to_vec();
            assert_eq!(aes_gcm_open(key, &nonce, &aad, cut, shorter).as_deref(), Some(&plaintext[..]));
        }
        for refused in [0, 1, 4, 8, 11, 17] {
            let cut = sealed[..(plaintext.len() + refused).min(sealed.len())].to_vec();
            assert_eq!(aes_gcm_open(key, &nonce, &aad, cut, refused), None);
        }
    }
}

#[test]
fn t15_every_padding_but_the_right_ones_is_refused() {
    let right = |block: &[u8; 16]| {
        let n = usize::from(block[15]);
        (1..=16).contains(&n) && block[16 - n..].iter().all(|octet| usize::from(*octet) == n)
    };
    for last in 0..=255u8 {
        for filler in [0, 1, 2, 15, 16, last] {
            for damaged in 0..16 {
                let mut block = [filler; 16];
                block[15] = last;
                block[damaged] = block[damaged].wrapping_add(u8::from(damaged != 15));
                assert_eq!(padding_len(&block), right(&block).then_some(usize::from(last)), "{block:?}");
            }
        }
    }
}

#[test]
fn wrong_lengths_yield_nothing() {
    assert_eq!(aes_cbc_encrypt(&[0; 15], &[0; 16], vec![1]), b"");
    assert_eq!(aes_cbc_encrypt(&[0; 16], &[0; 12], vec![1]), b"");
    assert_eq!(aes_gcm_seal(&[0; 16], &[0; 16], b"", vec![1]), b"");
    assert_eq!(aes_gcm_seal(&[0; 33], &[0; 12], b"", vec![1]), b"");
    for len in [0, 1, 15, 17, 31] {
        assert_eq!(aes_cbc_decrypt(&[0; 16], &[0; 16], vec![0; len]), None);
        assert_eq!(aes_gcm_open(&[0; 16], &[0; 12], b"", vec![0; len], 16), None);
    }
    assert_eq!(aes_cbc_decrypt(&[0; 17], &[0; 16], vec![0; 32]), None);
}

#[test]
fn encryption_stays_in_its_buffer() {
    let mut plaintext = Vec::with_capacity(48);
    plaintext.extend_from_slice(&[7; 30]);
    let at = plaintext.as_ptr();
    let encrypted = aes_cbc_encrypt(&[1; 16], &[2; 16], plaintext);
    assert_eq!(encrypted.as_ptr(), at);
    assert_eq!(aes_cbc_decrypt(&[1; 16], &[2; 16], encrypted).map(|p| p.as_ptr()), Some(at));
}

#[test]
fn chacha20_poly1305_gives_the_answer_of_rfc_8439() {
    // Section 2.8.2.
    let key = hex!("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f");
    let (nonce, aad) = (hex!("070000004041424344454647"), hex!("50515253c0c1c2c3c4c5c6c7"));
    let text = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.";
    let sealed = chacha20_poly1305_seal(&key, &nonce, &aad, text.to_vec());
    assert_eq!(sealed[..16], hex!("d31a8d34648e60db7b86afbc53ef7ec2"));
    assert_eq!(sealed[sealed.len() - 16..], hex!("1ae10b594f09e26a7e902ecbd0600691"));
    assert_eq!(chacha20_poly1305_open(&key, &nonce, &aad, sealed.clone()).as_deref(), Some(&text[..]));
    assert_eq!(chacha20_poly1305_open(&key, &nonce, b"other", sealed.clone()), None);
    assert_eq!(chacha20_poly1305_open(&key[1..], &nonce, &aad, sealed.clone()), None);
    assert_eq!(chacha20_poly1305_open(&key, &nonce, &aad, sealed[..15].to_vec()), None);
    assert!(chacha20_poly1305_seal(&key, &nonce[1..], &aad, text.to_vec()).is_empty());
}

#[test]
fn r10_what_fails_leaves_no_plaintext_in_the_buffer() {
    // Padding that is wrong: the last block is a whole one of text.
    let mut buffer = [7; 48];
    let mut iv = [2; 16];
    cbc::Encryptor::<Aes256>::new_from_slices(&[1; 32], &iv)
        .unwrap()
        .encrypt_padded::<NoPadding>(&mut buffer, 48)
        .unwrap();
    assert_eq!(cbc_decrypt_in_place::<Aes256>(&[1; 32], &iv, &mut buffer.clone()), Some(41), "seven octets of 7");
    iv[0] ^= 1;
    buffer[31] ^= 1;
    assert_eq!(cbc_decrypt_in_place::<Aes256>(&[1; 32], &iv, &mut buffer), None);
    assert_eq!(buffer, [0; 48]);
    // A tag that is wrong: nothing was decrypted in the first place.
    let sealed = aes_gcm_seal(&[1; 32], &[2; 12], b"", vec![7; 48]);
    for at in 0..sealed.len() {
        let mut altered = sealed.clone();
        altered[at] ^= 1;
        let mut buffer = altered.clone();
        assert_eq!(open_in_place::<AesGcm<Aes256, U12, U16>>(&[1; 32], &[2; 12], b"", &mut buffer), None);
        assert_eq!(buffer, altered);
    }
    let mut altered = chacha20_poly1305_seal(&[1; 32], &[2; 12], b"", vec![7; 48]);
    altered[0] ^= 1;
    let mut buffer = altered.clone();
    assert_eq!(open_in_place::<ChaCha20Poly1305>(&[1; 32], &[2; 12], b"", &mut buffer), None);
    assert_eq!(buffer, altered);
}
