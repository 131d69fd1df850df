//! STARTTLS on both sides: two listeners of one gateway, one the next hop of the
//! other.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::*;

/// A gateway whose listener `front` hands on to its listener `back`, which offers
/// STARTTLS and hands on to `hop`.
struct Chain {
    _gateway: Gateway,
    hop: Hop,
    front: u16,
    back: u16,
    dir: TempDir,
}

impl Chain {
    /// `front` has these further keys, and `back` offers STARTTLS or not.
    fn with(keys: &str, offered: bool) -> Self {
        let dir = TempDir::new().expect("a temporary folder");
        for name in ["gw", "other"] {
            certificate(dir.path(), name);
        }
        let (hop, [front, back]) = (Hop::smtp(), [ports::free(), ports::free()]);
        let tls = if offered { "tls = { certificate = \"gw.pem\", key = \"gw.key\" }" } else { "" };
        let listener = |name: &str, port: u16, next: u16, keys: &str| {
            format!(
                "[[listener]]\nname = {name:?}\nprotocol = \"smtp\"\naddress = \"127.0.0.1:{port}\"\n\
                 direction = \"inbound\"\nnext-hop = \"smtp://127.0.0.1:{next}\"\n{keys}\n"
            )
        };
        let configuration = format!(
            "[gateway]\nhostname = \"gw.lan.example\"\nlandlock = false\n{}{}[tenant.lan]\ndomains = [\"lan.example\"]\n\
             keyring = \"lan.keyring\"\n",
            listener("front", front, back, keys),
            listener("back", back, hop.port, tls),
        );
        let mut gateway = Gateway::new(dir.path(), &configuration, vec![front, back]);
        gateway.keys("lan", &["carol"], &[]);
        gateway.start();
        Self { _gateway: gateway, hop, front, back, dir }
    }

    /// The reply to MAIL or to the message.
    fn send(&self) -> String {
        let mut client = Client::greet(self.front, "EHLO mx.elsewhere.example");
        let reply = client.say("MAIL FROM:<someone@elsewhere.example>");
        if !reply.starts_with("250") {
            return reply;
        }
        client.expect("RSET", "250");
        client.mail("someone@elsewhere.example", &[CAROL], CLEAR)
    }

    /// Whether the one message that arrived came to `back` under TLS.
    #[track_caller]
    fn was_protected(&self) -> bool {
        let taken = self.hop.taken();
        assert_eq!(taken.len(), 1);
        let trace: String = taken[0].content.lines().take(2).collect();
        trace.contains("with ESMTPS id")
    }
}

/// A certificate for 127.0.0.1 that vouches for itself.
fn certificate(dir: &Path, name: &str) {
    let (key, file) = (dir.join(format!("{name}.key")), dir.join(format!("{name}.pem")));
    let (key, file) = (key.to_str().expect("a path"), file.to_str().expect("a path"));
    let mut args = vec!["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
    args.extend(["-subj", "/CN=gw.lan.example", "-addext", "subjectAltName=IP:127.0.0.1"]);
    args.extend(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout", key, "-out", file]);
    crate::support::must("openssl", &args, b"");
}

#[test]
fn a_next_hop_is_spoken_to_under_tls_as_configured() {
    for (keys, offered, protected) in [
        ("next-hop-tls = \"required\"\nnext-hop-ca = \"gw.pem\"", true, true),
        ("next-hop-tls = \"opportunistic\"", true, true),
        ("next-hop-tls = \"opportunistic\"", false, false),
        ("", true, false),
    ] {
        let chain = Chain::with(keys, offered);
        let reply = chain.send();
        assert!(reply.starts_with("250"), "{keys}: {reply}");
        assert_eq!(chain.was_protected(), protected, "{keys}");
    }
}

#[test]
fn where_tls_is_required_nothing_goes_without() {
    for (keys, offered) in [
        ("next-hop-tls = \"required\"\nnext-hop-ca = \"other.pem\"", true),
        ("next-hop-tls = \"required\"\nnext-hop-ca = \"gw.pem\"", false),
    ] {
        let chain = Chain::with(keys, offered);
        let reply = chain.send();
        assert!(reply.starts_with("451 4.7.5"), "{keys}: {reply}");
        assert!(chain.hop.heard().is_empty());
    }
}

/// What a stranger put before the handshake is not taken for the client's
/// (CVE-2011-0411).
#[test]
fn t42_commands_before_the_handshake_are_dropped() {
    let chain = Chain::with("", true);
    let mut client = Client::greet(chain.back, "EHLO x");
    client.send("STARTTLS\r\nMAIL FROM:<eve@elsewhere.example>\r\nRCPT TO:<carol@lan.example>\r\n");
    assert!(client.reply().starts_with("220"));
    let mut stream = shake_hands(client, &chain.dir.path().join("gw.pem"));
    let mut say = |command: &str| {
        stream.write_all(format!("{command}\r\n").as_bytes()).expect("a gateway that reads");
        let mut octets = [0; 2000];
        let read = stream.read(&mut octets).expect("a reply");
        String::from_utf8_lossy(&octets[..read]).into_owned()
    };
    assert!(say("MAIL FROM:<someone@elsewhere.example>").starts_with("503 5.5.1"), "it has to greet again");
    let reply = say("EHLO x");
    assert!(reply.starts_with("250-") && !reply.contains("STARTTLS"), "{reply}");
    assert!(say("STARTTLS").starts_with("503"));
    assert!(say("DATA").starts_with("503"));
    assert!(say("MAIL FROM:<someone@elsewhere.example>").starts_with("250"));
}

fn shake_hands(client: Client, anchor: &Path) -> StreamOwned<ClientConnection, std::net::TcpStream> {
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_slice(&fs::read(anchor).expect("a file")).expect("a certificate");
    roots.add(certificate).expect("an anchor");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("TLS");
    let config = Arc::new(builder.with_root_certificates(roots).with_no_client_auth());
    let name = ServerName::try_from("127.0.0.1").expect("a name");
    StreamOwned::new(ClientConnection::new(config, name).expect("a client"), client.into_stream())
}
