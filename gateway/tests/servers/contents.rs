//! What is in a message: a large attachment, octets beyond ASCII, addresses beyond ASCII.

use mail_parser::{MessageParser, MimeHeaders as _};

use crate::support::{base64, contains, fields, openssl};
use crate::world::client::Client;
use crate::world::{Side, World};

/// An attachment of 25 MiB arrives octet for octet.
#[test]
fn an_attachment_of_25_mib() {
    const LARGE: &str = "[tenant.NAME.limits]\nmessage-size = \"64MiB\"\nmemory = \"1GiB\"\ntime = \"5m\"\n";
    let side = || Side::milter().policy(LARGE).main("message_size_limit = 104857600");
    let Some(world) = World::start("an_attachment_of_25_mib", side(), side()) else { return };

    let film = noise(25 * 1024 * 1024);
    let head = b"MIME-Version: 1.0\r\nContent-Type: application/octet-stream; name=film.bin\r\n\
        Content-Disposition: attachment; filename=film.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n";
    let letter = [fields("alice@peer.example", "carol@lan.example"), head.to_vec(), base64(&film)].concat();
    world.peer.sends("alice", &["carol@lan.example"], &letter).accepted();
    let read = world.lan.mailbox("carol").waits_for("filename=film.bin");
    let read = MessageParser::default().parse(&read).expect("a message");
    let attachment = read.attachment(0).expect("an attachment");
    assert_eq!(attachment.attachment_name(), Some("film.bin"));
    assert!(attachment.contents() == film, "the attachment is not what was sent");
    let crossed = world.to_lan.transmissions();
    assert!(!contains(&crossed[0].message, "film.bin"));
}

/// Text of eight bits, in the header and in the body, reads as it was written.
#[test]
fn eight_bit_text() {
    let Some(world) = World::start("eight_bit_text", Side::milter(), Side::milter()) else { return };

    let letter = "From: alice@peer.example\r\nTo: carol@lan.example\r\nSubject: =?utf-8?B?6KaL56mN5pu4?=\r\n\
                  Date: Sun, 22 Nov 2026 12:00:00 +0000\r\nMIME-Version: 1.0\r\n\
                  Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\
                  見積書を送ります。金曜日まで有効です。\r\n\r\nGrüße\r\n";
    world.peer.sends("alice", &["carol@lan.example"], letter.as_bytes()).accepted();
    let read = world.lan.mailbox("carol").waits_for("Subject:");
    let read = MessageParser::default().parse(&read).expect("a message");
    assert_eq!(read.subject(), Some("見積書"));
    let text = read.body_text(0).expect("text").replace("\r\n", "\n");
    assert_eq!(text.trim_end(), "見積書を送ります。金曜日まで有効です。\n\nGrüße");

    // What crossed is seven-bit throughout: no relay has a reason to touch it.
    let crossed = world.to_lan.transmissions();
    assert!(crossed[0].message.is_ascii());
    let (_, inside) = openssl::peel("carol", &crossed[0].message);
    assert!(inside.is_ascii());
}

/// Jürgen writes to чарли: addresses, and a header, in UTF-8 (RFC 6531, RFC 6532).
/// Their keys are made by the program, and each organisation is given the
/// other's certificate.
#[test]
fn addresses_and_headers_in_utf_8() {
    // Dovecot 2.3 knows no SMTPUTF8; Postfix puts such mail into the mailbox itself.
    let side = || Side::milter().main("virtual_transport = virtual\nvirtual_mailbox_maps = static:чарли@lan.example/");
    let Some(mut world) = World::start("addresses_and_headers_in_utf_8", side(), side()) else { return };
    let (juergen, charlie) = ("jürgen@peer.example", "чарли@lan.example");
    for (here, there, own) in [("peer", "lan", juergen), ("lan", "peer", charlie)] {
        let certificate = world.of(here).gateway().path().join("certificate.pem").display().to_string();
        world.of(here).gateway().call(&[
            "keys",
            "generate",
            "--tenant",
            here,
            "--address",
            own,
            "--algorithm",
            "rsa2048",
        ]);
        world.of(here).gateway().call(&[
            "keys",
            "export",
            "--tenant",
            here,
            "--address",
            own,
            "--output",
            &certificate,
        ]);
        world.of(there).gateway().call(&["keys", "import", "--tenant", there, "--address", own, "--pin", &certificate]);
    }

    let letter = format!(
        "From: Jürgen <{juergen}>\r\nTo: Чарли <{charlie}>\r\nSubject: Grüße\r\n\
         Date: Sun, 22 Nov 2026 12:00:00 +0000\r\n\r\nBis Freitag.\r\n"
    );
    let mut client = Client::connect(world.peer.ports().submission).expect("a server");
    assert!(client.login(juergen).expect("a reply").starts_with("235"));
    for command in [format!("MAIL FROM:<{juergen}> SMTPUTF8 BODY=8BITMIME"), format!("RCPT TO:<{charlie}>")] {
        let reply = client.says(&command).expect("a reply");
        assert!(reply.starts_with("250"), "{command}: {reply}");
    }
    let reply = client.data(letter.as_bytes()).expect("a reply");
    assert!(reply.starts_with("250"), "{reply}");

    let read = world.lan.dovecot.mailbox(charlie).waits_for("Bis Freitag.");
    let header = String::from_utf8_lossy(&read).into_owned();
    assert!(header.contains(&format!("From: Jürgen <{juergen}>\r\n")), "{header}");
    assert!(header.contains("Subject: Grüße\r\n"), "{header}");
    assert!(header.contains("smime=pass"), "{header}");
    let crossed = world.to_lan.transmissions();
    assert!(crossed[0].mail.contains("SMTPUTF8"), "{}", crossed[0].mail);
    assert!(!contains(&crossed[0].message, "Freitag"));
}

/// Octets without a pattern, the same every time (xorshift).
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut octets = Vec::with_capacity(length + 8);
    while octets.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        octets.extend_from_slice(&state.to_le_bytes());
    }
    octets.truncate(length);
    octets
}
