//! Structures altered on their way, or put together to deceive: what is wrong is
//! seen, and before a key is used wherever that is possible.

use const_oid::db::rfc5911::{ID_DATA, ID_SIGNED_DATA};
use hex_literal::hex;
use smime::PrivateKey;
use smime::cms::recipient::{KeyTransport, key_transport};
use smime::cms::signed_data::{self, Signer};
use smime::cms::{Cipher, ContentInfo, Encrypted, attributes, signature_algorithm};
use smime::crypto::{Bulk, Software};
use smime::error::{CmsError, MessageError};
use smime::x509::Certificate;

use crate::round_trip::{NOW, encrypt};
use crate::support::{certificate, decrypt, draw, key, parse, signed, vector, verify};

/// What somebody who trusts `trusted` and nobody else learns from `encoded`:
/// content with a signature on it, or nothing.
fn learned(encoded: &[u8], detached: Option<&[u8]>, trusted: &Certificate) -> Option<Vec<u8>> {
    let Ok(ContentInfo::Signed(data)) = parse(encoded) else { return None };
    let content = match (data.content(), detached) {
        (Some(content), None) => content.join(encoded).into_owned(),
        (None, Some(content)) => content.to_vec(),
        _ => return None,
    };
    let is_good = |signer: &smime::cms::SignerInfo| {
        let digest = Software.digest(signer.digest_algorithm()?, &content);
        signer.verify(data.content_type(), &digest, &content, trusted, &Software)
    };
    let good = !data.signers().is_empty() && data.signers().iter().all(|signer| is_good(signer).is_ok());
    good.then_some(content)
}

#[test]
fn t01_bit_flip_in_a_signature() {
    let alice = certificate("alice");
    let content = vector("content.txt");
    for (name, detached) in [
        ("opaque", None),
        ("detached", Some(content.as_slice())),
        ("noattr-opaque", None),
        ("pss-sha512-opaque", None),
        ("stream-opaque", None),
        ("cades-opaque", None),
        ("keyid-detached", Some(&content)),
    ] {
        let encoded = vector(&format!("signed/{name}.der"));
        assert_eq!(learned(&encoded, detached, &alice).as_ref(), Some(&content), "{name}");
        let mut altered = encoded.clone();
        // Each bit of one, and of the others one bit of each octet.
        let each = if name == "opaque" { 0..8 } else { 0..1 };
        for at in 0..encoded.len() {
            for bit in each.clone().map(|bit| (bit + at) % 8) {
                altered[at] ^= 1 << bit;
                let found = learned(&altered, detached, &alice);
                assert!(found.is_none_or(|found| found == content), "{name}: octet {at}, bit {bit}");
                altered[at] = encoded[at];
            }
        }
    }
}

#[test]
fn t01_bit_flip_in_detached_content() {
    let (encoded, content) = (vector("signed/detached.der"), vector("content.txt"));
    let mut altered = content.clone();
    for at in 0..content.len() {
        altered[at] ^= 1;
        assert_eq!(verify(&encoded, Some(&altered), &[]).1, [Err(CmsError::Altered)]);
        altered[at] = content[at];
    }
}

#[test]
fn t01_bit_flip_in_an_authenticated_ciphertext() {
    let (carol, content) = (certificate("carol"), vector("content.txt"));
    let encoded = vector("enveloped/aes-256-gcm.der");
    let mut altered = encoded.clone();
    let mut key = key("carol");
    for at in 0..encoded.len() {
        altered[at] ^= 0x10;
        // What is named wrongly is no key of carol's, or no cipher.
        if let Ok(found) = decrypt_any(&altered, &carol, &mut key) {
            assert_eq!(found, content, "octet {at}");
        }
        altered[at] = encoded[at];
    }
}

fn decrypt_any(encoded: &[u8], certificate: &Certificate, key: &mut impl PrivateKey) -> Result<Vec<u8>, CmsError> {
    match parse(encoded) {
        Ok(ContentInfo::Enveloped(_) | ContentInfo::AuthEnveloped(_)) => decrypt(encoded, certificate, key),
        _ => Err(CmsError::Malformed),
    }
}

#[test]
fn t08_a_tag_of_another_length_is_seen_before_a_key_is_used() {
    let encoded = encrypt(&["carol"], KeyTransport::OaepSha256, Cipher::Aes256Gcm, &[7; 50]);
    let mac_header = encoded.len() - 18;
    assert_eq!(encoded[mac_header..mac_header + 2], [0x04, 16]);
    for len in [0, 1, 4, 11, 12, 15] {
        let mut cut = encoded[..mac_header].to_vec();
        cut.extend([0x04, len as u8]);
        cut.extend(&encoded[mac_header + 2..mac_header + 2 + len]);
        let cut = indefinite(&cut, b"");
        assert!(matches!(parse(&cut), Err(MessageError::Cms(CmsError::Altered))), "{len}");
    }
}

/// The same with the three outermost lengths indefinite, whatever they were, and
/// with `end` at the end of the third.
fn indefinite(encoded: &[u8], end: &[u8]) -> Vec<u8> {
    let oid = 1 + length_len(encoded[1]);
    let explicit = oid + 2 + usize::from(encoded[oid + 1]);
    let sequence = explicit + 1 + length_len(encoded[explicit + 1]);
    let inner = sequence + 1 + length_len(encoded[sequence + 1]);
    [&[0x30, 0x80], &encoded[oid..explicit], &[0xA0, 0x80, 0x30, 0x80], &encoded[inner..], end, &[0; 6]].concat()
}

/// The same with the length of the encrypted content info indefinite too.
fn in_segments(encoded: &[u8]) -> Vec<u8> {
    let oid_of_data = [6, 9, 42, 134, 72, 134, 247, 13, 1, 7, 1];
    let content_type = encoded.windows(oid_of_data.len()).position(|w| w == oid_of_data).unwrap();
    let header = encoded[..content_type].iter().rposition(|octet| *octet == 0x30).unwrap();
    indefinite(&[&encoded[..header], &[0x30, 0x80], &encoded[content_type..]].concat(), &[0, 0])
}

fn length_len(first: u8) -> usize {
    if first < 0x80 { 1 } else { 1 + usize::from(first & 0x7F) }
}

#[test]
fn t08_gcm_under_the_name_of_cbc_is_closed_before_a_key_is_used() {
    // The octets of an identifier tell CBC (42) from GCM (46) with 256 bits.
    let encoded = vector("enveloped/aes-256-gcm.der");
    let gcm = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2E];
    let at = encoded.windows(9).position(|w| w == gcm).unwrap() + 8;
    let mut relabelled = encoded.clone();
    relabelled[at] = 0x2A;
    let Ok(ContentInfo::AuthEnveloped(data)) = parse(&relabelled) else { panic!() };
    assert_eq!(data.key_len(), Err(CmsError::Algorithm));

    let encoded = vector("enveloped/aes256.der");
    let cbc = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2A];
    let at = encoded.windows(9).position(|w| w == cbc).unwrap() + 8;
    let mut relabelled = encoded.clone();
    relabelled[at] = 0x2E;
    let Ok(ContentInfo::Enveloped(data)) = parse(&relabelled) else { panic!() };
    assert_eq!(data.key_len(), Err(CmsError::Algorithm));
}

#[test]
fn t15_every_failure_of_a_ciphertext_is_the_same() {
    let (carol, mut key) = (certificate("carol"), key("carol"));
    let encoded = encrypt(&["carol"], KeyTransport::Pkcs1v15, Cipher::Aes128Cbc, &[b'x'; 100]);
    let mut altered = encoded.clone();
    let before_last_block = encoded.len() - 17;
    for value in 0..=255 {
        altered[before_last_block] = value;
        match decrypt(&altered, &carol, &mut key) {
            Err(e) => assert_eq!(e, CmsError::Undecipherable),
            Ok(content) => assert!(value == encoded[before_last_block] || content != [b'x'; 100], "{value}"),
        }
    }
    // Content that is no whole number of blocks needs no key to be refused.
    let encoded = encrypt(&["carol"], KeyTransport::Pkcs1v15, Cipher::Aes128Cbc, b"");
    let at = encoded.len() - 18;
    assert_eq!(encoded[at..at + 2], [0x80, 16]);
    for len in [0, 1, 15] {
        let segment = [&[0xA0, 0x80, 4, len as u8], &[7; 16][..len], &[0, 0]].concat();
        let cut = in_segments(&[&encoded[..at], &segment].concat());
        assert!(matches!(parse(&cut), Err(MessageError::Cms(CmsError::Malformed))), "{len}");
    }
    let segment = [&[0xA0, 0x80, 4, 16][..], &encoded[at + 2..], &[0, 0]].concat();
    let whole = in_segments(&[&encoded[..at], &segment].concat());
    assert_eq!(decrypt(&whole, &carol, &mut key), Ok(Vec::new()));
}

/// A signature by alice over `attributes`, whatever they are.
fn sign_attributes(content: Option<&[u8]>, attributes: Vec<u8>) -> Vec<u8> {
    let alice = certificate("alice");
    let (algorithm, digest, _) = signature_algorithm(&alice).unwrap();
    let signature = key("alice").sign(&algorithm, &digest, &attributes).unwrap();
    let signer = Signer { certificate: &alice, digest, algorithm, attributes, signature };
    signed_data::write(content, &[signer], &[alice.encoded()])
}

fn right_attributes(content: &[u8]) -> Vec<Vec<u8>> {
    let alice = certificate("alice");
    let (_, _, digest) = signature_algorithm(&alice).unwrap();
    let set = attributes::signed_attributes(ID_DATA, &Software.digest(digest, content), NOW, &alice, digest);
    members(&set)
}

/// The values within a `SET OF` in DER.
fn members(set: &[u8]) -> Vec<Vec<u8>> {
    use der::{Decode, Encode};
    let any: der::asn1::SetOfVec<der::Any> = Decode::from_der(set).unwrap();
    any.iter().map(|value| value.to_der().unwrap()).collect()
}

fn set(members: &[Vec<u8>]) -> Vec<u8> {
    use der::Encode;
    let any = der::Any::new(der::Tag::Set, members.concat()).unwrap();
    any.to_der().unwrap()
}

fn position(members: &[Vec<u8>], oid: &const_oid::ObjectIdentifier) -> usize {
    members.iter().position(|member| member.windows(oid.as_bytes().len()).any(|w| w == oid.as_bytes())).unwrap()
}

#[test]
fn t20_attributes_missing_doubled_or_with_several_values_are_refused() {
    use const_oid::db::rfc5911::{ID_AA_SIGNING_CERTIFICATE_V_2, ID_CONTENT_TYPE, ID_MESSAGE_DIGEST, ID_SIGNING_TIME};
    let content = b"content";
    let right = right_attributes(content);
    assert_eq!(verify(&sign_attributes(Some(content), set(&right)), None, &[]).1, [Ok(())]);

    for (oid, needed) in [
        (ID_CONTENT_TYPE, true),
        (ID_MESSAGE_DIGEST, true),
        (ID_SIGNING_TIME, false),
        (ID_AA_SIGNING_CERTIFICATE_V_2, false),
        (const_oid::db::rfc5911::SMIME_CAPABILITIES, false),
    ] {
        let at = position(&right, &oid);
        let mut missing = right.clone();
        missing.remove(at);
        let expected = if needed { Err(CmsError::Altered) } else { Ok(()) };
        assert_eq!(verify(&sign_attributes(Some(content), set(&missing)), None, &[]).1, [expected], "{oid}");

        let mut doubled = right.clone();
        doubled.insert(at, right[at].clone());
        let results = verify(&sign_attributes(Some(content), set(&doubled)), None, &[]).1;
        assert_eq!(results, [Err(CmsError::Altered)], "{oid}");
    }
}

/// An attribute with one value.
fn attribute(kind: const_oid::ObjectIdentifier, value: &[u8]) -> Vec<u8> {
    sequence(&[&der::Encode::to_der(&kind).unwrap(), &set(&[value.to_vec()])])
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    der::Encode::to_der(&der::Any::new(der::Tag::Sequence, parts.concat()).unwrap()).unwrap()
}

#[test]
fn r7b_either_version_of_the_signing_certificate_is_held_against_the_certificate() {
    use const_oid::db::rfc5911::{ID_AA_SIGNING_CERTIFICATE, ID_AA_SIGNING_CERTIFICATE_V_2};
    use smime::crypto::DigestAlgorithm::{Sha1, Sha256, Sha384, Sha512};
    let mut others = right_attributes(b"content");
    others.remove(position(&others, &ID_AA_SIGNING_CERTIFICATE_V_2));
    for (kind, digest, algorithm) in [
        (ID_AA_SIGNING_CERTIFICATE, Sha1, Vec::new()),
        (ID_AA_SIGNING_CERTIFICATE_V_2, Sha256, Vec::new()),
        (ID_AA_SIGNING_CERTIFICATE_V_2, Sha384, smime::cms::algorithm::digest_identifier(Sha384)),
        (ID_AA_SIGNING_CERTIFICATE_V_2, Sha512, smime::cms::algorithm::digest_identifier(Sha512)),
    ] {
        for (owner, expected) in [("alice", Ok(())), ("bob", Err(CmsError::Altered))] {
            let hash = digest.compute(certificate(owner).encoded());
            let hash = [&[4, hash.len() as u8], &hash[..]].concat();
            let value = sequence(&[&sequence(&[&sequence(&[&algorithm, &hash])])]);
            let attributes = [others.clone(), vec![attribute(kind, &value)]].concat();
            let results = verify(&sign_attributes(Some(b"content"), set(&attributes)), None, &[]).1;
            assert_eq!(results, [expected], "{digest:?} {owner}");
        }
    }
}

#[test]
fn g3_what_has_to_be_signed_counts_nowhere_else() {
    use const_oid::db::rfc5911::{ID_COUNTERSIGNATURE, ID_SIGNING_TIME, SMIME_CAPABILITIES};
    // id-aa-signatureType: the domain's.
    let signature_type = const_oid::ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.28");
    let signed = sign_attributes(None, set(&right_attributes(b"content")));
    assert_eq!(verify(&signed, Some(b"content"), &[]).1, [Ok(())]);
    for (kind, counts) in
        [(signature_type, false), (ID_SIGNING_TIME, false), (SMIME_CAPABILITIES, false), (ID_COUNTERSIGNATURE, true)]
    {
        let unsigned = attribute(kind, &hex!("0500"));
        let unsigned = [&[0xA1, unsigned.len() as u8], &unsigned[..]].concat();
        let expected = if counts { Ok(()) } else { Err(CmsError::Altered) };
        assert_eq!(verify(&appended_to_signer(&signed, &unsigned), Some(b"content"), &[]).1, [expected], "{kind}");
    }
}

/// `encoded`, which ends with its one signer, with `more` at the end of that: the lengths of all around it grow. Each of
/// those has two octets.
fn appended_to_signer(encoded: &[u8], more: &[u8]) -> Vec<u8> {
    let len_at = |encoded: &[u8], at: usize| usize::from(u16::from_be_bytes([encoded[at + 2], encoded[at + 3]]));
    let is_signers =
        |at: &usize| encoded[*at..].starts_with(&[0x31, 0x82]) && at + 4 + len_at(encoded, *at) == encoded.len();
    let signers = (0..encoded.len() - 4).find(is_signers).unwrap();
    let mut longer = [encoded, more].concat();
    // ContentInfo, its [0], SignedData, the set of signers, and the signer.
    for at in [0, 15, 19, signers, signers + 4] {
        let len = len_at(&longer, at) + more.len();
        longer[at + 2..at + 4].copy_from_slice(&(len as u16).to_be_bytes());
    }
    longer
}

#[test]
fn t20_attributes_for_other_content_are_refused() {
    let alice = certificate("alice");
    let (_, _, digest) = signature_algorithm(&alice).unwrap();
    let content_digest = Software.digest(digest, b"content");
    // A content-type unlike the eContentType, which is id-data.
    let other = attributes::signed_attributes(ID_SIGNED_DATA, &content_digest, NOW, &alice, digest);
    assert_eq!(verify(&sign_attributes(Some(b"content"), other), None, &[]).1, [Err(CmsError::Altered)]);
    // The certificate of somebody else.
    let other = attributes::signed_attributes(ID_DATA, &content_digest, NOW, &certificate("bob"), digest);
    assert_eq!(verify(&sign_attributes(Some(b"content"), other), None, &[]).1, [Err(CmsError::Altered)]);
    // The digest of other content.
    let other = set(&right_attributes(b"other"));
    assert_eq!(verify(&sign_attributes(Some(b"content"), other), None, &[]).1, [Err(CmsError::Altered)]);
}

#[test]
fn t20_attributes_passed_off_as_content_are_refused() {
    // alice has signed these attributes. Mallory drops them from the signer and
    // makes them the content: the signature is over the same octets.
    let attributes = set(&right_attributes(b"content"));
    let alice = certificate("alice");
    let (algorithm, digest, _) = signature_algorithm(&alice).unwrap();
    let signature = key("alice").sign(&algorithm, &digest, &attributes).unwrap();
    let signer = Signer { certificate: &alice, digest, algorithm, attributes: Vec::new(), signature };
    let forged = signed_data::write(Some(&attributes), std::slice::from_ref(&signer), &[alice.encoded()]);
    assert!(!signed(&forged).signers()[0].has_signed_attributes());
    assert_eq!(verify(&forged, None, &[]).1, [Err(CmsError::Altered)]);

    // Content without attributes that is nothing of the kind does verify.
    let signature = key("alice").sign(&signer.algorithm, &signer.digest, b"1 mail").unwrap();
    let honest = signed_data::write(Some(b"1 mail"), &[Signer { signature, ..signer }], &[]);
    assert_eq!(verify(&honest, None, &[certificate("alice")]).1, [Ok(())]);
}

/// An attribute that says with which algorithms it was signed (RFC 6211).
fn algorithm_protection(digest: &[u8], algorithm: &[u8]) -> Vec<u8> {
    let mut tagged = algorithm.to_vec();
    tagged[0] = 0xA1;
    attribute(const_oid::db::rfc6211::ID_AA_CMS_ALGORITHM_PROTECT, &sequence(&[digest, &tagged]))
}

#[test]
fn algorithms_that_the_signer_has_signed_are_compared() {
    let (algorithm, digest, _) = signature_algorithm(&certificate("alice")).unwrap();
    let pss = signature_algorithm(&certificate("pss")).unwrap().0;
    let sha512 = smime::cms::algorithm::digest_identifier(smime::crypto::DigestAlgorithm::Sha512);
    for (digest, algorithm, expected) in [
        (&digest, &algorithm, Ok(())),
        (&digest, &pss, Err(CmsError::Altered)),
        (&sha512, &algorithm, Err(CmsError::Altered)),
    ] {
        let mut attributes = right_attributes(b"content");
        attributes.push(algorithm_protection(digest, algorithm));
        assert_eq!(verify(&sign_attributes(Some(b"content"), set(&attributes)), None, &[]).1, [expected]);
    }
}

#[test]
fn e01_content_of_another_type_is_no_message() {
    // What was signed or encrypted for another purpose: the type alone differs.
    let data = [6, 9, 42, 134, 72, 134, 247, 13, 1, 7, 1];
    for name in ["signed/noattr-opaque", "enveloped/aes128", "enveloped/aes-128-gcm"] {
        let mut encoded = vector(&format!("{name}.der"));
        let at = encoded.windows(data.len()).rposition(|w| w == data).unwrap();
        encoded[at + data.len() - 1] = 2;
        match parse(&encoded) {
            Ok(ContentInfo::Signed(_)) => assert_eq!(verify(&encoded, None, &[]).1, [Err(CmsError::ContentType)]),
            Ok(ContentInfo::Enveloped(data)) => assert_eq!(data.cipher(), Err(CmsError::ContentType)),
            Ok(ContentInfo::AuthEnveloped(data)) => assert_eq!(data.cipher(), Err(CmsError::ContentType)),
            other => panic!("{name}: {other:?}"),
        }
    }
}

/// `parts` in a value with an indefinite length.
fn value(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    [&[tag, 0x80], &parts.concat()[..], &[0, 0]].concat()
}

#[test]
fn e13_authenticated_attributes_are_authenticated() {
    let (carol, mut key) = (certificate("carol"), key("carol"));
    let attributes = right_attributes(b"content");
    let mut reversed = attributes.clone();
    reversed.reverse();
    let sealed = Software.aes_gcm_seal(&[1; 16], &[2; 12], &set(&attributes), b"content".to_vec());
    let (ciphertext, mac) = sealed.split_at(7);
    let ktri = key_transport(&carol, KeyTransport::Pkcs1v15, &[1; 16], &mut draw).unwrap();
    let algorithm = [&hex!("301e 0609608648016503040106 3011 040c")[..], &[2; 12], &[2, 1, 16]].concat();
    let encrypted = |segment: &[u8]| value(0xA0, &[&[4, segment.len() as u8], segment]);
    let build = |attributes: &[Vec<u8>]| {
        let info = value(0x30, &[&hex!("06092a864886f70d010701"), &algorithm, &encrypted(ciphertext)]);
        let parts =
            [&[2, 1, 0], &value(0x31, &[&ktri])[..], &info, &value(0xA1, &[&attributes.concat()]), &[4, 16], mac];
        let oid = hex!("060b2a864886f70d0109100117");
        value(0x30, &[&oid, &value(0xA0, &[&value(0x30, &parts)])])
    };
    // In whatever order and encoding they come, it is their DER that counts.
    for attributes in [&attributes, &reversed] {
        assert_eq!(decrypt(&build(attributes), &carol, &mut key).as_deref(), Ok(&b"content"[..]));
    }
    for attributes in [&attributes[1..], &right_attributes(b"other")] {
        assert_eq!(decrypt(&build(attributes), &carol, &mut key), Err(CmsError::Undecipherable));
    }
}

#[test]
fn e13_authenticated_content_is_of_version_0_alone() {
    let encoded = encrypt(&["carol"], KeyTransport::Pkcs1v15, Cipher::Aes256Gcm, b"content");
    // What is first in the structure, after three headers of four octets and the content type.
    assert_eq!(encoded[25..28], hex!("020100"));
    for version in 1..5 {
        let mut other = encoded.clone();
        other[27] = version;
        assert!(matches!(parse(&other), Err(MessageError::Cms(CmsError::Malformed))), "{version}");
    }
}

#[test]
fn e18_a_signer_by_issuer_and_serial_number_is_of_version_1() {
    let encoded = sign_attributes(Some(b"content"), set(&right_attributes(b"content")));
    let issuer = certificate("alice").issuer_der().to_vec();
    // The last is the signer's. Before it: the version, and the header of issuerAndSerialNumber.
    let at = encoded.windows(issuer.len()).rposition(|w| w == issuer).unwrap() - 5;
    assert_eq!(encoded[at..at + 4], hex!("020101 30"));
}

#[test]
fn attributes_in_another_order_verify_however_the_signer_hashed_them() {
    let sorted = right_attributes(b"content");
    let mut reversed = sorted.clone();
    reversed.reverse();
    // Hashed as they stand.
    let encoded = sign_attributes(Some(b"content"), set(&reversed));
    assert_eq!(verify(&encoded, None, &[]).1, [Ok(())]);
    // Hashed sorted, sent as they stood.
    let alice = certificate("alice");
    let (algorithm, digest, _) = signature_algorithm(&alice).unwrap();
    let signature = key("alice").sign(&algorithm, &digest, &set(&sorted)).unwrap();
    let signer = Signer { certificate: &alice, digest, algorithm, attributes: set(&reversed), signature };
    let encoded = signed_data::write(Some(b"content"), &[signer], &[alice.encoded()]);
    assert_eq!(verify(&encoded, None, &[]).1, [Ok(())]);
}

#[test]
fn t20_one_bad_signer_among_good_ones_is_told() {
    let content = vector("content.txt");
    let encoded = vector("signed/two-signers-detached.der");
    // Within the last signature value.
    let mut altered = encoded.clone();
    let last = altered.len() - 1;
    altered[last] ^= 1;
    let mut results = verify(&altered, Some(&content), &[]).1;
    results.sort_by_key(|result| result.is_err());
    assert_eq!(results, [Ok(()), Err(CmsError::Altered)]);
}
