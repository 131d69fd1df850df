//! Whom certificates name (T17, T19; RFC 8550, section 3; RFC 9598).

use smime::x509::address::{mailboxes, names};

use crate::certificate;

#[test]
fn t19_any_listed_address_matches() {
    let two = certificate("san-two");
    assert_eq!(mailboxes(&two), ["first@peer.example", "Alice@Peer.Example"]);
    assert!(names(&two, "first@peer.example") && names(&two, "Alice@peer.example"));
    let both = certificate("san-and-subject");
    assert_eq!(mailboxes(&both), ["alice@peer.example", "subject@peer.example"]);
    assert!(names(&certificate("subject-only"), "alice@peer.example"));
}

#[test]
fn t19_no_address_or_a_common_name_is_none() {
    for name in ["no-address", "cn-only", "san-other"] {
        let certificate = certificate(name);
        assert_eq!(mailboxes(&certificate), [""; 0], "{name}");
        assert!(!names(&certificate, "alice@peer.example"), "{name}");
    }
}

#[test]
fn t17_domains_compare_without_case_local_parts_with() {
    let alice = certificate("alice");
    assert!(names(&alice, "alice@peer.example") && names(&alice, "alice@PEER.Example"));
    for other in ["Alice@peer.example", "alice@peer.example.", "alice@evil.peer.example", "alice", "@peer.example", ""]
    {
        assert!(!names(&alice, other), "{other}");
    }
}

#[test]
fn t17_white_space_in_a_certificate_address_is_no_match() {
    let spaced = certificate("san-space");
    assert_eq!(mailboxes(&spaced), [""; 0]);
    for address in ["alice@peer.example", "alice@peer.example ", "al ice@peer.example"] {
        assert!(!names(&spaced, address), "{address:?}");
    }
}

#[test]
fn t17_international_mailbox() {
    let certificate = certificate("san-utf8");
    assert!(names(&certificate, "有希@peer.example") && names(&certificate, "有希@Peer.Example"));
    assert!(!names(&certificate, "有紀@peer.example"));
}

#[test]
fn t17_a_labels_and_u_labels_are_one_domain() {
    let labels = certificate("san-labels");
    assert_eq!(mailboxes(&labels), ["alice@xn--r8jz45g.xn--zckzah"]);
    assert!(names(&labels, "alice@例え.テスト") && names(&labels, "alice@XN--R8JZ45G.xn--zckzah"));
    assert!(!names(&labels, "alice@例.テスト"));
}
