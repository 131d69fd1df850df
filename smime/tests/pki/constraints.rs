//! Name constraints (T30; RFC 5280, section 4.2.1.10).

use smime::budget::Budget;
use smime::error::CertificateError;
use smime::x509::path;

use crate::{NOW, trust};

fn validate(leaf: &str) -> Result<usize, CertificateError> {
    let pool = ["peer", "below-peer"].map(trust);
    let found = path::validate(&trust(leaf), &pool, &[trust("root")], NOW, &mut Budget::for_message(0));
    found.map(|path| path.issuers.len())
}

#[test]
fn t30_an_authority_issues_within_its_names() {
    for inside in ["alice", "alice-mail", "no-subject"] {
        assert_eq!(validate(inside), Ok(1), "{inside}");
    }
}

#[test]
fn t30_an_authority_issues_for_no_other_name() {
    for outside in ["alice-elsewhere", "bob", "subject-elsewhere", "other-directory", "below-peer"] {
        assert_eq!(validate(outside), Err(CertificateError::NameConstraints), "{outside}");
    }
}

#[test]
fn t30_a_name_of_a_form_that_is_constrained_and_not_judged_is_refused() {
    assert_eq!(validate("with-host"), Err(CertificateError::Unjudged));
}

#[test]
fn t30_an_anchor_is_held_to_its_names_as_well() {
    let found = |leaf| path::validate(&trust(leaf), &[], &[trust("peer")], NOW, &mut Budget::for_message(0));
    assert!(found("alice").is_ok());
    assert_eq!(found("bob"), Err(CertificateError::NameConstraints));
}
