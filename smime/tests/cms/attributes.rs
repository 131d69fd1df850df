//! Signed attributes: those that have to be there, once, and say what is true.

use const_oid::db::rfc5911::{ID_DATA, ID_SIGNED_DATA};
use hex_literal::hex;
use smime::PrivateKey;
use smime::cms::signed_data::{self, Signer};
use smime::cms::{attributes, signature_algorithm};
use smime::crypto::{Bulk, Software};
use smime::error::CmsError;

use crate::support::{NOW, certificate, key, signed, verify};

/// A signature by alice over `attributes`, whatever they are.
fn sign_attributes(content: Option<&[u8]>, attributes: Vec<u8>) -> Vec<u8> {
    let alice = certificate("alice");
    let (algorithm, digest, _) = signature_algorithm(&alice).unwrap();
    let signature = key("alice").sign(&algorithm, &digest, &attributes).unwrap();
    let signer = Signer { certificate: &alice, digest, algorithm, attributes, signature };
    signed_data::write(content, &[signer], &[alice.encoded()])
}

pub fn right_attributes(content: &[u8]) -> Vec<Vec<u8>> {
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

pub fn set(members: &[Vec<u8>]) -> Vec<u8> {
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

        // The same attribute with two values, in either order and not sorted.
        let mut several = right.clone();
        several[at] = with_two_values(&right[at]);
        let results = verify(&sign_attributes(Some(content), set(&several)), None, &[]).1;
        assert_eq!(results, [Err(CmsError::Altered)], "{oid}");

        let mut doubled = right.clone();
        doubled.insert(at, right[at].clone());
        let results = verify(&sign_attributes(Some(content), set(&doubled)), None, &[]).1;
        assert_eq!(results, [Err(CmsError::Altered)], "{oid}");
    }
    // Which we do not write: an issuer and serial number to encrypt to.
    let preference = attribute(const_oid::db::rfc5911::ID_AA_ENCRYP_KEY_PREF, &hex!("a000"));
    for (times, expected) in [(1, Ok(())), (2, Err(CmsError::Altered))] {
        let attributes = [right.clone(), vec![preference.clone(); times]].concat();
        assert_eq!(verify(&sign_attributes(Some(content), set(&attributes)), None, &[]).1, [expected], "{times}");
    }
}

/// An attribute whose one value stands in it twice.
fn with_two_values(attribute: &[u8]) -> Vec<u8> {
    let parts: Vec<der::Any> = der::Decode::from_der(attribute).unwrap();
    let [kind, values] = parts.as_slice() else { panic!() };
    let encoded = |any: &der::Any| der::Encode::to_der(any).unwrap();
    sequence(&[&encoded(kind), &set(&[values.value().to_vec(), values.value().to_vec()])])
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
