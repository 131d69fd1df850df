//! Correspondents' certificates in the DNS (RFC 8162).

use crate::directory::site;
use crate::name_servers::{NameServers, Record, person};
use crate::story::{ALICE, CAROL, deferred, send_receive_tamper};
use crate::support::*;

fn sent(site: &Site, to: &str) -> Outcome {
    site.outbound(CAROL, &[to], &message(CAROL, to, TEXT))
}

#[test]
fn certificates_in_the_dns_serve_as_those_in_a_keyring() {
    let test = "certificates_in_the_dns_serve_as_those_in_a_keyring";
    let Some(servers) = NameServers::start(test, &[person(ALICE, "alice")]) else { return };
    send_receive_tamper(&site(&servers.services("")));
}

#[test]
fn the_local_part_is_hashed_as_it_is_written() {
    let test = "the_local_part_is_hashed_as_it_is_written";
    let Some(servers) = NameServers::start(test, &[person(ALICE, "alice")]) else { return };
    let site = site(&servers.services(""));
    sent(&site, "alice@PEER.example").delivered();
    sent(&site, "Alice@peer.example").refused("550 5.7.5");
}

/// The domain's word finds a certificate; whether it vouches for it too is the
/// tenant's to say.
#[test]
fn a_domain_vouches_for_a_certificate_only_where_that_is_wanted() {
    let test = "a_domain_vouches_for_a_certificate_only_where_that_is_wanted";
    let others = Record { usage: 1, ..person("bob@peer.example", "bob") };
    let Some(servers) = NameServers::start(test, &[person(ALICE, "alice-untrusted"), others]) else { return };
    let by_path = site(&servers.services(""));
    let refused = sent(&by_path, ALICE);
    assert!(refused.refused("550 5.7.5").mentions("certificate-no-path"), "{}", refused.json);
    sent(&by_path, "bob@peer.example").delivered();
    let by_dnssec = site(&servers.services("trust = \"dnssec\""));
    sent(&by_dnssec, ALICE).delivered();
    sent(&by_dnssec, "bob@peer.example").delivered();
}

#[test]
fn records_that_show_no_certificate_of_the_person_are_passed_over() {
    let test = "records_that_show_no_certificate_of_the_person_are_passed_over";
    let records = [
        Record { matching: 1, ..person("digest@peer.example", "alice") },
        Record { selector: 1, ..person("key@peer.example", "alice") },
        Record { usage: 2, ..person("authority@peer.example", "ca") },
        person("other@peer.example", "alice"),
    ];
    let Some(servers) = NameServers::start(test, &records) else { return };
    let site = site(&servers.services("trust = \"dnssec\""));
    for (name, cause) in
        [("digest", "no-certificate"), ("key", "no-certificate"), ("authority", "usage"), ("other", "another-address")]
    {
        let refused = sent(&site, &format!("{name}@peer.example"));
        assert!(refused.refused("550 5.7.5").mentions(cause), "{name}: {}", refused.json);
    }
    // Nobody, as the zone proves.
    assert!(!sent(&site, "nobody@peer.example").refused("550 5.7.5").mentions("passed-over"));
}

/// R18: secure, or nothing.
#[test]
fn r18_an_answer_that_dnssec_does_not_prove_is_not_used() {
    let test = "r18_an_answer_that_dnssec_does_not_prove_is_not_used";
    let records = [person(ALICE, "alice"), person("x@open.example", "alice"), person("x@broken.example", "alice")];
    let Some(servers) = NameServers::start(test, &records) else { return };
    // Whether or not the one who is asked looks at signatures: we do.
    for resolver in [servers.resolver(), servers.name_server()] {
        let site = site(&servers.services_at(&resolver, "timeout = \"8s\""));
        let insecure = sent(&site, "x@open.example");
        assert!(insecure.refused("550 5.7.5").mentions("\"insecure\""), "{}", insecure.json);
        assert!(!sent(&site, "y@open.example").refused("550 5.7.5").mentions("insecure"));
        sent(&site, "x@broken.example").refused("451 4.7.5");
        sent(&site, ALICE).delivered();
    }
}

#[test]
fn another_trust_anchor_defers_mail() {
    let test = "another_trust_anchor_defers_mail";
    let Some(servers) = NameServers::start(test, &[person(ALICE, "alice")]) else { return };
    // That of the Internet.
    let services = servers.services("timeout = \"8s\"");
    let anchor = services.lines().find(|line| line.starts_with("anchor")).expect("an anchor");
    deferred(&site(&services.replace(anchor, "")), "DNS");
}
