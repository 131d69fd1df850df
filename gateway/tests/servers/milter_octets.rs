//! What a milter's changes make of a message in the queue of Postfix, octet by
//! octet.

use crate::support::openssl::{Signing, encrypt};
use crate::support::{Site, TEXT, contains, crlf, find, message, split};
use crate::world::ports;
use crate::world::server::Hook;
use crate::world::swaks::Swaks;
use crate::world::{Side, World};

/// The policy of [`Site::new`].
const POLICY: &str = r#"
[tenant.NAME.outbound]
sign = "required"
encrypt = "required"
[tenant.NAME.inbound]
verify = "opportunistic"
decrypt = "opportunistic"
authserv-id = "mail.lan.example"
"#;

/// What Postfix delivers is its own trace field, and then the very message that the
/// filter made: each field in its place, none folded anew, the body as it is.
#[test]
fn postfix_delivers_what_the_filter_made() {
    let story = "postfix_delivers_what_the_filter_made";
    let side = Side::hooked(Hook::Open, Hook::Milter(ports::free())).policy(POLICY);
    let Some(world) = World::start(story, Side::clear(), side) else { return };
    let site = Site::new();

    let signed = Signing::ALICE.sign(TEXT);
    let sealed = Signing::ALICE.sign(&encrypt(&["carol"], &Signing::ALICE.sign(TEXT), "aes-256-cbc", &[]));
    let forged = b"Authentication-Results: mail.lan.example; smime=pass\r\n".as_slice();
    for (name, message) in [
        ("sealed", odd(b"", &sealed)),
        ("signed", odd(b"", &signed)),
        ("forged", odd(&forged.repeat(3), TEXT)),
        ("forged and signed", odd(forged, &signed)),
        ("clear", odd(b"", TEXT)),
    ] {
        let subject = format!("Subject: {name}\r\n");
        let message = [subject.as_bytes(), &message].concat();
        let made = site.inbound("alice@peer.example", &["carol@lan.example"], &message).delivered().bytes.clone();

        let (port, to) = (world.lan.ports().mx, ["carol@lan.example"]);
        // It ends the last line itself.
        let data = message.strip_suffix(b"\r\n").expect("a last line");
        Swaks { port, from: "alice@peer.example", to: &to, login: None, options: &[] }.send(data).accepted();
        let delivered = world.lan.mailbox("carol").waits_for(&subject);
        let at = find(&delivered, &made).unwrap_or_else(|| {
            panic!("{name}:\n{}\nwas made of\n{}", String::from_utf8_lossy(&delivered), String::from_utf8_lossy(&made))
        });
        assert_eq!(at + made.len(), delivered.len(), "{name}");
        let own = &delivered[..at];
        let trace = own.windows(9).rposition(|octets| octets == b"Received:").expect("a trace field");
        assert!(contains(&own[trace..], "by mx.lan.example (Postfix)"), "{name}");
        assert!(own[trace..].split_inclusive(|&b| b == b'\n').skip(1).all(|line| line[0] == b'\t'), "{name}");
    }
}

/// A message from alice to carol whose header has what headers have in the wild.
fn odd(more: &[u8], entity: &[u8]) -> Vec<u8> {
    let odd = b"X-Folded: a\r\n\tb\r\n  c\r\nX-Empty:\r\nX-None:x\r\nX-Latin: J\xf6rg\r\nX-Spaces:  two \r\n\
        X-Same: 1\r\nx-same: 2\r\nX-Same: 1\r\nReceived: from nowhere by nowhere; Sun, 22 Nov 2026 12:00:00 +0000\r\n";
    let message = message("alice@peer.example", "carol@lan.example", entity);
    let (header, body) = split(&message);
    let header = String::from_utf8(header.to_vec()).expect("a header").replace("Subject: The offer\r\n", "");
    crlf(&[odd, more, header.as_bytes(), b"X-Last: 3\r\n\r\n", body].concat())
}
