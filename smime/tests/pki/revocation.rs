//! Revocation lists (T30; RFC 5280, section 6.3).

use smime::budget::{Budget, Limit};
use smime::error::CertificateError;
use smime::x509::revocation;

use crate::{NOW, trust, trust_file};

const REVOKED: Result<(), CertificateError> = Err(CertificateError::Revoked);
const UNKNOWN: Result<(), CertificateError> = Err(CertificateError::RevocationUnknown);

/// What lists of `other` say of a certificate that it issued.
fn check(certificate: &str, lists: &[&str]) -> Result<(), CertificateError> {
    let lists: Vec<Vec<u8>> = lists.iter().map(|name| trust_file(&format!("{name}.crl"))).collect();
    revocation::check(&trust(certificate), &trust("other"), &lists, NOW, &mut Budget::for_message(0))
}

#[test]
fn r7_what_a_list_has_is_revoked_and_what_it_has_not_is_not() {
    assert_eq!(check("revoked", &["other"]), REVOKED);
    assert_eq!(check("good", &["other"]), Ok(()));
    assert_eq!(check("lesser", &["other"]), Ok(()));
    assert_eq!(check("lesser", &["other-lesser"]), REVOKED);
    // One good list is enough, and one that has it counts whatever others say.
    assert_eq!(check("revoked", &["other-before", "other"]), REVOKED);
    assert_eq!(check("revoked", &["other-before"]), Ok(()));
}

#[test]
fn r7_no_lists_are_no_answer_and_bad_ones_are_none_either() {
    assert_eq!(check("revoked", &[]), Ok(()));
    for bad in ["other-stale", "other-forged", "other-strange", "other-sha1", "other-delta", "root"] {
        for certificate in ["good", "revoked"] {
            assert_eq!(check(certificate, &[bad]), UNKNOWN, "{bad}");
        }
        assert_eq!(check("good", &[bad, "other"]), Ok(()), "{bad}");
    }
}

#[test]
fn r7_a_list_counts_for_what_it_is_about() {
    assert_eq!(check("revoked", &["other-users"]), REVOKED);
    assert_eq!(check("good", &["other-users"]), Ok(()));
    assert_eq!(check("lesser", &["other-users"]), UNKNOWN);
    assert_eq!(check("good", &["other-authorities"]), UNKNOWN);
    assert_eq!(check("lesser", &["other-authorities"]), Ok(()));
    // Of some reasons alone: who is on it is revoked, and nobody cleared.
    assert_eq!(check("revoked", &["other-reasons"]), REVOKED);
    assert_eq!(check("good", &["other-reasons"]), UNKNOWN);
    // Of one distribution point: for certificates that have it.
    assert_eq!(check("pointed", &["other-point"]), Ok(()));
    assert_eq!(check("good", &["other-point"]), UNKNOWN);
    // Indirect: what names no other issuer is the list's own.
    assert_eq!(check("revoked", &["other-indirect"]), REVOKED);
    assert_eq!(check("good", &["other-indirect"]), Ok(()));
}

#[test]
fn t40_lists_that_are_cut_off_or_flipped_clear_nobody() {
    let list = trust_file("other.crl");
    let check = |list: Vec<u8>| {
        revocation::check(&trust("revoked"), &trust("other"), &[list], NOW, &mut Budget::for_message(0))
    };
    for len in 0..list.len() {
        assert_eq!(check(list[..len].to_vec()), UNKNOWN, "{len}");
    }
    for at in 0..list.len() {
        let mut flipped = list.clone();
        flipped[at] ^= 1 << (at % 8);
        assert_eq!(check(flipped), UNKNOWN, "{at}");
    }
}

#[test]
fn t41_many_lists_cost_a_bounded_amount_of_work() {
    let lists = vec![trust_file("other-before.crl"); 1_000];
    let found = revocation::check(&trust("good"), &trust("other"), &lists, NOW, &mut Budget::for_message(0));
    assert_eq!(found, Err(CertificateError::Limit(Limit::PathSteps)));
}
