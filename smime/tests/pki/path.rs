//! Paths to a trust anchor (T19, T30; RFC 5280, section 6).

use smime::budget::{Budget, Limit};
use smime::error::CertificateError;
use smime::x509::{Certificate, path};

use crate::{NOW, certificate, certificates};

type Found = Result<Vec<Certificate>, CertificateError>;

fn validate_at(now: u64, leaf: &str, pool: &[&str], anchors: &[&str]) -> Found {
    let (leaf, pool, anchors) = (certificate(leaf), certificates(pool), certificates(anchors));
    path::validate(&leaf, &pool, &anchors, now, &mut Budget::for_message(0)).map(|path| path.issuers)
}

fn validate(leaf: &str, pool: &[&str], anchors: &[&str]) -> Found {
    validate_at(NOW, leaf, pool, anchors)
}

#[track_caller]
fn refused(leaf: &str, pool: &[&str], error: CertificateError) {
    assert_eq!(validate(leaf, pool, &["root"]), Err(error), "{leaf}");
}

#[test]
fn a_path_names_the_issuers_without_the_anchor() {
    assert_eq!(validate("alice", &["intermediate"], &["root"]), Ok(certificates(&["intermediate"])));
    assert_eq!(validate("eku-none", &[], &["root"]), Ok(vec![]));
    // Order, strangers and the rest of the chain in the pool do not matter.
    let pool = ["mallory-self", "root", "alice", "by-loop", "intermediate", "other-root", "intermediate"];
    assert_eq!(validate("alice", &pool, &["other-root", "root"]), Ok(certificates(&["intermediate"])));
}

#[test]
fn an_intermediate_can_be_the_anchor() {
    assert_eq!(validate("alice", &[], &["intermediate"]), Ok(vec![]));
    assert_eq!(validate("alice", &["root", "intermediate"], &["intermediate"]), Ok(vec![]));
}

#[test]
fn a_leaf_that_is_an_anchor_is_trusted_while_it_is_valid() {
    assert_eq!(validate("alice", &[], &["alice"]), Ok(vec![]));
    assert_eq!(validate("mallory-self", &[], &["mallory-self"]), Ok(vec![]));
    // Even one whose own signature would not be good enough: nobody looks at it.
    assert_eq!(validate("sha1", &[], &["sha1"]), Ok(vec![]));
    assert_eq!(validate("expired", &[], &["expired"]), Err(CertificateError::Expired));
    assert_eq!(validate("strange-leaf", &[], &["strange-leaf"]), Err(CertificateError::Unjudged));
}

#[test]
fn t30_an_anchor_that_is_no_authority_issues_nothing() {
    assert_eq!(validate("by-alice", &[], &["alice"]), Err(CertificateError::Issuer));
}

#[test]
fn t30_no_path_without_the_intermediate_or_the_anchor() {
    refused("alice", &[], CertificateError::NoPath);
    refused("by-other-root", &["other-root"], CertificateError::NoPath);
    assert_eq!(validate("alice", &["intermediate", "root"], &[]), Err(CertificateError::NoPath));
}

#[test]
fn t30_an_embedded_self_signed_certificate_is_not_trusted() {
    refused("mallory-self", &["mallory-self"], CertificateError::NoPath);
    // A forged intermediate under the name of ours did not sign alice's.
    refused("alice", &["mallory-intermediate"], CertificateError::Signature);
    // And does not stand in the way of the real one.
    let found = validate("alice", &["mallory-intermediate", "intermediate"], &["root"]);
    assert_eq!(found, Ok(certificates(&["intermediate"])));
}

#[test]
fn t30_an_issuer_must_be_an_authority() {
    refused("by-not-ca", &["not-ca"], CertificateError::Issuer);
    refused("by-alice", &["alice", "intermediate"], CertificateError::Issuer);
    refused("by-no-cert-sign", &["no-cert-sign"], CertificateError::Issuer);
}

#[test]
fn t30_path_length_is_kept() {
    refused("by-below-pathlen", &["below-pathlen", "intermediate"], CertificateError::Issuer);
    // The constraint of an anchor counts too.
    let found = validate("by-below-pathlen", &["below-pathlen"], &["intermediate"]);
    assert_eq!(found, Err(CertificateError::Issuer));
}

#[test]
fn an_authority_that_changed_its_key_does_not_lengthen_the_path() {
    let found = validate("by-rolled", &["rolled-old", "rolled-new"], &["root"]);
    assert_eq!(found, Ok(certificates(&["rolled-new", "rolled-old"])));
}

#[test]
fn t30_an_authority_for_servers_only_issues_no_mail_certificates() {
    refused("by-server-authority", &["server-authority"], CertificateError::Usage);
    assert_eq!(validate("by-mail-authority", &["mail-authority"], &["root"]), Ok(certificates(&["mail-authority"])));
}

#[test]
fn t30_name_constraints_are_judged_critical_or_not() {
    assert_eq!(validate("by-named", &["named"], &["root"]), Ok(certificates(&["named"])));
    assert_eq!(validate("by-named-softly", &["named-softly"], &["root"]), Ok(certificates(&["named-softly"])));
    assert_eq!(validate("by-named-softly", &[], &["named-softly"]), Ok(vec![]));
}

#[test]
fn t30_unknown_critical_extensions_are_refused() {
    refused("strange-leaf", &[], CertificateError::Unjudged);
    refused("by-strange", &["strange"], CertificateError::Unjudged);
    refused("by-policy-bound", &["policy-bound"], CertificateError::Policies);
    assert_eq!(validate("strange-softly", &[], &["root"]), Ok(vec![]));
    assert_eq!(validate("by-policies", &["policies"], &["root"]), Ok(certificates(&["policies"])));
}

#[test]
fn t30_validity_of_leaf_issuer_and_anchor() {
    refused("expired", &[], CertificateError::Expired);
    refused("future", &[], CertificateError::NotYetValid);
    refused("by-expired-authority", &["expired-authority"], CertificateError::Expired);
    let found = validate("by-expired-authority", &[], &["expired-authority"]);
    assert_eq!(found, Err(CertificateError::Expired));
    // 2020-07-01 and 2095-01-01.
    assert_eq!(validate_at(1_593_561_600, "expired", &[], &["root"]), Err(CertificateError::NotYetValid));
    assert_eq!(validate_at(3_944_678_400, "future", &[], &["root"]), Ok(vec![]));
}

#[test]
fn validity_ends_with_its_last_second() {
    // 2099-12-31T23:59:59Z.
    const LAST: u64 = 4_102_444_799;
    assert_eq!(validate_at(LAST, "alice", &["intermediate"], &["root"]), Ok(certificates(&["intermediate"])));
    assert_eq!(validate_at(LAST + 1, "alice", &["intermediate"], &["root"]), Err(CertificateError::Expired));
}

#[test]
fn t30_weak_digests_are_refused() {
    refused("sha1", &[], CertificateError::Algorithm);
    refused("md5", &[], CertificateError::Algorithm);
    refused("pss-sha1", &[], CertificateError::Algorithm);
    refused("by-sha1-authority", &["sha1-authority"], CertificateError::Algorithm);
    for good in ["sha384", "sha512"] {
        assert_eq!(validate(good, &[], &["root"]), Ok(vec![]), "{good}");
    }
}

#[test]
fn t30_issuers_with_keys_too_small_or_too_large_are_refused() {
    refused("by-weak-authority", &["weak-authority"], CertificateError::Key);
    refused("by-rsa-16384", &["rsa-16384"], CertificateError::Key);
}

#[test]
fn an_authority_on_an_elliptic_curve_issues() {
    assert_eq!(validate("by-ec-authority", &["ec-authority"], &["root"]), Ok(vec![certificate("ec-authority")]));
}

#[test]
fn signatures_with_pss_verify() {
    assert_eq!(validate("pss", &[], &["root"]), Ok(vec![]));
    assert_eq!(validate("pss-sha384", &[], &["root"]), Ok(vec![]));
    assert_eq!(validate("by-pss-authority", &["pss-authority"], &["root"]), Ok(certificates(&["pss-authority"])));
}

#[test]
fn a_root_of_the_first_version_is_an_anchor_but_no_intermediate() {
    assert_eq!(validate("by-root-v1", &[], &["root-v1"]), Ok(vec![]));
    refused("by-root-v1", &["root-v1"], CertificateError::Issuer);
}

#[test]
fn t30_authorities_that_issue_each_other_end() {
    refused("by-loop", &["loop-a", "loop-b"], CertificateError::NoPath);
    let found = validate("by-loop", &["loop-a", "loop-b", "loop-b-by-root"], &["root"]);
    assert_eq!(found, Ok(certificates(&["loop-a", "loop-b-by-root"])));
}

#[test]
fn t30_a_bomb_of_certificates_costs_bounded_work() {
    // A thousand certificates with the name and the key of the intermediate:
    // each issued alice's, and none was issued by the root.
    let (intermediate, alice) = (certificate("intermediate"), certificate("alice"));
    let at = intermediate.encoded().windows(20).position(|w| w == intermediate.serial()).unwrap();
    let pool: Vec<_> = (0..1000u32)
        .map(|n| {
            let mut encoded = intermediate.encoded().to_vec();
            encoded[at + 16..at + 20].copy_from_slice(&n.to_be_bytes());
            Certificate::from_der(&encoded).unwrap()
        })
        .collect();
    let started = std::time::Instant::now();
    let found = path::validate(&alice, &pool, &certificates(&["root"]), NOW, &mut Budget::for_message(0));
    assert_eq!(found, Err(CertificateError::Limit(Limit::PathSteps)));
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());

    // Copies of one cost no more than one.
    let copies = vec![certificate("mallory-intermediate"); 1000];
    let mut budget = Budget::for_message(0);
    let found = path::validate(&alice, &copies, &certificates(&["root"]), NOW, &mut budget);
    assert_eq!(found, Err(CertificateError::Signature));
    assert_eq!((0..).take_while(|_| budget.path_step().is_ok()).count(), 99);
}

#[test]
fn a_spent_budget_is_an_error_of_its_own() {
    let mut budget = Budget::for_message(0);
    while budget.path_step().is_ok() {}
    let found = path::validate(&certificate("sha384"), &[], &certificates(&["root"]), NOW, &mut budget);
    assert_eq!(found, Err(CertificateError::Limit(Limit::PathSteps)));
}
