//! SIGHUP.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};

use super::{Answer, Mta, Site, configuration, send_carols};
use crate::ports;
use crate::support::pki;

/// A listener comes, then the first one goes; the session that was open meanwhile
/// ends its message, and only then its connection.
#[test]
fn a_reload_costs_no_session() {
    // A confined process may not listen elsewhere than where it began.
    let mut site = Site::start("landlock = false", "");
    let mut session = site.connect();
    session.envelope("carol@lan.example", None, &["alice@peer.example"]);

    let second = ports::free();
    site.gateway.configure(&configuration("", &[site.port, second], ""));
    assert!(site.gateway.reload().contains("was read again"));
    assert_eq!(send_carols(&mut Mta::connect(second, "10.0.0.7")), Answer::Continue);
    assert_eq!(send_carols(&mut site.connect()), Answer::Continue);

    let mut idle = site.connect();
    site.gateway.configure(&configuration("", &[second], ""));
    assert!(site.gateway.reload().contains("was read again"));
    assert!(!site.answers());
    assert_eq!(idle.receive(), None, "a session with nothing to do ends");
    assert_eq!(session.message(&super::carols()).answer, Answer::Continue);
    assert_eq!(session.receive(), None);
    site.gateway.stop();
}

/// What the new configuration says of tenants holds for the next message, also in
/// a session that was open before.
#[test]
fn a_tenant_that_is_taken_out_is_served_no_more() {
    let site = Site::start("", "");
    let mut session = site.connect();
    assert_eq!(send_carols(&mut session), Answer::Continue);
    let configured = configuration("", &[site.port], "").replace("lan.example", "other.example");
    site.gateway.configure(&configured);
    assert!(site.gateway.reload().contains("was read again"));
    session.mail("carol@lan.example", None).begins("550 5.7.1 ");
}

/// Whatever is wrong with the new one, the old one stays, wholly; the log says
/// what is wrong.
#[test]
fn a_wrong_configuration_is_refused() {
    let site = Site::start("landlock = false", "");
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let taken = taken.local_addr().expect("an address").port();
    let (free, port) = (ports::free(), site.port);
    fs::write(site.path().join("not.wasm"), "no component").expect("a file");
    for (wrong, says) in [
        ("[gateway\n".to_owned(), "wasmime.toml:1: "),
        (configuration("mesages = 1", &[port], ""), "wasmime.toml:2: unknown key `mesages`; did you mean `messages`?"),
        (configuration("", &[], ""), "has no listener"),
        (configuration("", &[port, free, taken], ""), "cannot be opened on 127.0.0.1:"),
        (configuration("", &[free], "keyring = \"nobodys.keyring\""), "nobodys.keyring"),
        (configuration("", &[free], "").replace(&pki("ca.pem"), "nothing.pem"), "nothing.pem"),
        (configuration("component = \"not.wasm\"", &[free], ""), "the component cannot be compiled"),
        (configuration("audit = \"no/such/audit.jsonl\"", &[free], ""), "no/such/audit.jsonl cannot be opened"),
    ] {
        site.gateway.configure(&wrong);
        let told = site.gateway.reload();
        assert!(told.contains("stays as it was") && told.contains(says), "{told}\n does not say: {says}");
        assert_eq!(send_carols(&mut site.connect()), Answer::Continue, "{says}");
        assert!(TcpListener::bind((Ipv4Addr::LOCALHOST, free)).is_ok(), "nothing of it was taken over");
    }
}
