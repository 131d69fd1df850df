//! Certificates on demand, in a gateway that runs and is confined to its files.

use super::{Answer, Site};
use crate::milter::mta::Mta;
use crate::support::{TEXT, message};

fn send(mta: &mut Mta, from: &str) -> Answer {
    mta.envelope(from, None, &["alice@peer.example"]);
    mta.message(&message(from, "alice@peer.example", TEXT)).answer
}

/// Who sends and has no key is issued one, as many as the tenant wants within a day;
/// then mail waits, and clear text does not go out.
#[test]
fn who_sends_is_issued_a_certificate_until_the_day_is_full() {
    let authority = "[tenant.lan.authority]\nalgorithm = \"ec-p256\"\nauthority-algorithm = \"ec-p256\"\n\
                     on-demand = true\nper-day = 1";
    let site = Site::start("audit = \"audit.jsonl\"", authority);
    let mut mta = site.connect();
    assert_eq!(send(&mut mta, "dave@lan.example"), Answer::Continue);
    assert_eq!(send(&mut mta, "dave@lan.example"), Answer::Continue);
    send(&mut mta, "erin@lan.example").begins("451 4.7.5");
    let audit = std::fs::read_to_string(site.path().join("audit.jsonl")).expect("the audit file");
    assert_eq!(audit.matches("\"certificate-issued\"").count(), 1, "{audit}");
    assert!(audit.contains("\"certificate-not-issued\"") && audit.contains("per-day"), "{audit}");
}
