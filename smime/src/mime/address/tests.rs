//! T17: ways to write an author so that two readers see two.

use proptest::prelude::*;

use super::*;
use crate::budget::Budget;

/// The author of a message with these header lines.
fn read(header: &str) -> Result<Author, MimeError> {
    let message = format!("{header}\r\n\r\n");
    let (header, _) = Header::parse(message.as_bytes(), &mut Budget::for_message(0)).unwrap();
    author(&header)
}

fn mailbox_of(from: &str) -> Result<String, MimeError> {
    read(&format!("From: {from}")).map(|author| author.mailbox)
}

#[track_caller]
fn assert_author(from: &str, mailbox: &str) {
    assert_eq!(mailbox_of(from).as_deref(), Ok(mailbox), "{from}");
}

#[track_caller]
fn assert_none(from: &str) {
    assert_eq!(mailbox_of(from), Err(MimeError::Author), "{from}");
}

#[test]
fn t17_there_is_one_from_field() {
    for header in [
        "From: alice@peer.example\r\nFrom: m@evil.example",
        "From: alice@peer.example\r\nfrom: alice@peer.example",
        "Subject: nobody",
        "Sender: alice@peer.example",
        "Resent-From: alice@peer.example",
        "X-From: alice@peer.example",
    ] {
        assert_eq!(read(header), Err(MimeError::Author), "{header}");
    }
    assert_eq!(read("FROM: alice@peer.example").unwrap().mailbox, "alice@peer.example");
}

#[test]
fn t17_it_names_a_mailbox_and_no_group() {
    for from in [
        "",
        " ",
        "<>",
        "()",
        "alice",
        "Alice",
        "\"alice@peer.example\"",
        "a: alice@peer.example;",
        "nobody:;",
        ",",
        "@",
        "alice@",
        "@peer.example",
    ] {
        assert_none(from);
    }
}

#[test]
fn t17_several_mailboxes_need_one_sender() {
    let several = "From: alice@peer.example, bob@peer.example";
    for sender in [
        "",
        "\r\nSender: a: carol@peer.example;",
        "\r\nSender: carol@peer.example, dave@peer.example",
        "\r\nSender: carol@peer.example\r\nSender: carol@peer.example",
        "\r\nSender:",
        "\r\nSender: <>",
    ] {
        assert_eq!(read(&format!("{several}{sender}")), Err(MimeError::Author), "{sender}");
    }
    let author = read(&format!("{several}\r\nSender: Carol <carol@peer.example>")).unwrap();
    assert_eq!(author, Author { mailbox: "carol@peer.example".into(), display: Some("Carol".into()), is_sender: true });
    // With one mailbox in From the Sender has no say.
    let author = read("From: alice@peer.example\r\nSender: m@evil.example\r\nSender: x").unwrap();
    assert_eq!((author.mailbox.as_str(), author.is_sender), ("alice@peer.example", false));
    // All of From must be readable, Sender or not.
    assert!(read("From: alice@peer.example, b@\r\nSender: carol@peer.example").is_err());
    assert!(read("From: a: alice@peer.example;, b@x.example\r\nSender: carol@peer.example").is_err());
}

#[test]
fn t17_the_addr_spec_decides_and_never_the_display_name() {
    assert_author("\"alice@peer.example\" <m@evil.example>", "m@evil.example");
    assert_author("\"<alice@peer.example>\" <m@evil.example>", "m@evil.example");
    assert_author("\"Alice\\\" <alice@peer.example>\" <m@evil.example>", "m@evil.example");
    assert_author("alice.peer.example <m@evil.example>", "m@evil.example");
    for from in [
        "alice@peer.example<m@evil.example>",
        "alice@peer.example <m@evil.example>",
        "<alice@peer.example> <m@evil.example>",
        "<alice@peer.example><m@evil.example>",
        "<alice@peer.example> m@evil.example",
        "<m@evil.example> Alice",
        "<<m@evil.example>>",
        "<m@evil.example",
        "m@evil.example>",
        "\"Alice <m@evil.example>",
        "alice@peer.example m@evil.example",
        "alice@peer.example; m@evil.example",
        "alice@peer.example@evil.example",
        ". <m@evil.example>",
    ] {
        assert_none(from);
    }
}

#[test]
fn t17_comments_are_nobody() {
    assert_author("alice@peer.example (<m@evil.example>)", "alice@peer.example");
    assert_author("(m@evil.example) alice@peer.example", "alice@peer.example");
    assert_author("m(<alice@peer.example>)@evil.example", "m@evil.example");
    assert_author("Alice (of (the) \\) peer) <(x)alice@(y)peer.example(z)>", "alice@peer.example");
    for from in ["alice@peer.example (", "alice@peer(x).example", "alice@peer.example (\\)", "alice@peer.example )"] {
        assert_none(from);
    }
}

#[test]
fn t17_routes_and_obsolete_forms_are_refused() {
    for from in [
        "<@evil.example:alice@peer.example>",
        "Alice <@a.example,@b.example:alice@peer.example>",
        "alice @peer.example@evil.example",
        "alice . b@peer.example",
        "alice b@peer.example",
        "\"alice\".b@peer.example",
        "\"a\"\"b\"@peer.example",
        "alice@peer . example",
        "alice@peer.example,",
        ", alice@peer.example",
        "alice..b@peer.example",
        ".alice@peer.example",
        "alice.@peer.example",
    ] {
        assert_none(from);
    }
}

#[test]
fn t17_local_parts_may_be_quoted() {
    assert_author("\"alice\"@peer.example", "alice@peer.example");
    assert_author("\"al\\ice.b\"@peer.example", "alice.b@peer.example");
    assert_author("\"alice smith\"@peer.example", "\"alice smith\"@peer.example");
    assert_author("\"alice@peer.example\"@evil.example", "\"alice@peer.example\"@evil.example");
    assert_author("\"a\\\"b\\\\\"@peer.example", "\"a\\\"b\\\\\"@peer.example");
    assert_author("\"\"@peer.example", "\"\"@peer.example");
    assert_author("a+b=c/d'{}@peer.example", "a+b=c/d'{}@peer.example");
}

#[test]
fn t17_folding_changes_nothing() {
    assert_author("\r\n alice@peer.example", "alice@peer.example");
    assert_author("Alice\r\n\t<alice@peer.example>\r\n ", "alice@peer.example");
    assert_author("\"Alice\r\n <x@y>\" <m@evil.example>", "m@evil.example");
    assert_none("alice@peer.\r\n example");
    assert_none("al\r\n ice@peer.example");
}

#[test]
fn t17_encoded_words_never_change_an_addr_spec() {
    let author = read("From: =?utf-8?q?alice=40peer.example?= <m@evil.example>").unwrap();
    assert_eq!(author.mailbox, "m@evil.example");
    assert_eq!(author.display.as_deref(), Some("alice@peer.example"));
    let author = read("From: =?UTF-8?B?5bGx55Sw?=\r\n =?UTF-8?B?5aSq6YOO?= <taro@nec.example>").unwrap();
    assert_eq!(author.display.as_deref(), Some("山田太郎"));
    assert_author("=?utf-8?q?alice?=@evil.example", "=?utf-8?q?alice?=@evil.example");
    for from in [
        "=?utf-8?q?alice=40peer.example?=",
        "=?utf-8?q?alice@peer.example?=",
        "=?utf-8?q?alice@peer.example_?= <m@evil.example>",
        "=?utf-8?q?=3Calice=40peer.example=3E?=",
        "<=?utf-8?q?alice=40peer.example?=>",
        "alice@=?utf-8?q?peer.example?=",
    ] {
        assert_none(from);
    }
}

#[test]
fn t17_nul_and_other_invisible_characters_are_refused() {
    let nul = b"From: alice@peer.example\0.evil.example\r\n\r\n";
    assert!(Header::parse(nul, &mut Budget::for_message(0)).is_err());
    for c in ['\u{1b}', '\u{85}', '\u{200b}', '\u{202e}', '\u{2066}', '\u{feff}', '\u{ad}', '\u{e0041}'] {
        assert_none(&format!("alice{c}@peer.example"));
        assert_none(&format!("\"Alice{c}\" <alice@peer.example>"));
        assert_none(&format!("alice@peer{c}.example"));
    }
}

#[test]
fn t17_an_old_charset_may_stand_in_a_name_and_nowhere_else() {
    let read = |field: &[u8]| {
        let (header, _) = Header::parse(field, &mut Budget::for_message(0)).unwrap();
        author(&header).map(|author| author.mailbox)
    };
    assert_eq!(read(b"From: Andr\xe9 <a@peer.example>\r\n\r\n").as_deref(), Ok("a@peer.example"));
    assert_eq!(read(b"From: \"H\xe4berling, A\" <a@peer.example>\r\n\r\n").as_deref(), Ok("a@peer.example"));
    for bad in [
        &b"From: Andr\xe9@peer.example\r\n\r\n"[..],
        b"From: <a@p\xe9er.example>\r\n\r\n",
        b"From: <\"\xe9\"@x>\r\n\r\n",
    ] {
        assert_eq!(read(bad), Err(MimeError::Author));
    }
}

#[test]
fn t17_domains_are_whole() {
    for domain in [
        "peer.example.",
        ".peer.example",
        "peer..example",
        "",
        "peer_\u{ff0e}example",
        "peer。example",
        "pe er.example",
        "peer.example:25",
        "[]",
        "[1.2.3.4",
        "[1.2 .3.4]",
    ] {
        assert_none(&format!("alice@{domain}"));
    }
    assert_none(&format!("alice@{}", "a.".repeat(200) + "example"));
    assert_none(&format!("{}@peer.example", "a".repeat(600)));
    assert_author("alice@[192.0.2.1]", "alice@[192.0.2.1]");
    assert_author("alice@[IPv6:2001:db8::1]", "alice@[IPv6:2001:db8::1]");
    assert_author("alice@bücher.example", "alice@bücher.example");
    assert_author("山田@例え.テスト", "山田@例え.テスト");
}

#[test]
fn t17_a_mailbox_is_its_local_part_and_its_domain() {
    for (a, b) in [
        ("alice@peer.example", "alice@PEER.Example"),
        ("alice@bücher.example", "alice@xn--bcher-kva.example"),
        ("alice@BÜCHER.example", "alice@XN--BCHER-KVA.EXAMPLE"),
        ("alice@bücher.xn--zckzah", "alice@xn--bcher-kva.テスト"),
        ("alice@例え.テスト", "alice@xn--r8jz45g.xn--zckzah"),
        ("\"a b\"@peer.example", "\"a b\"@peer.EXAMPLE"),
        ("\"a@b\"@peer.example", "\"a@b\"@peer.example"),
        ("alice@[192.0.2.1]", "alice@[192.0.2.1]"),
        ("alice@[IPv6:2001:DB8::1]", "alice@[ipv6:2001:db8::1]"),
    ] {
        assert!(same_mailbox(a, b) && same_mailbox(b, a), "{a} {b}");
    }
    for (a, b) in [
        ("alice@peer.example", "Alice@peer.example"),
        ("alice@peer.example", "alice@peer.example."),
        ("alice@peer.example", " alice@peer.example"),
        ("alice@peer.example", "alice@peer.example "),
        ("alice@peer.example", "alice@ peer.example"),
        ("alice@peer.example", "alice@evil.peer.example"),
        ("alice@peer.example", "alice@evilpeer.example"),
        ("alice@peer.example", "alice+x@peer.example"),
        // Cyrillic, Greek, full-width, soft hyphen, ideographic full stop.
        ("alice@peer.example", "alice@p\u{435}\u{435}r.example"),
        ("alice@peer.example", "\u{430}lice@peer.example"),
        ("alice@peer.example", "alice@ｐｅｅｒ.example"),
        ("alice@peer.example", "alice@pe\u{ad}er.example"),
        ("alice@peer.example", "alice@peer\u{3002}example"),
        ("alice@strasse.example", "alice@straße.example"),
        ("alice@xn--bcher-kva.example", "alice@xn--bcher-kva\u{3002}example"),
        ("alice", "alice"),
        ("", ""),
        ("@peer.example", "@peer.example"),
        ("alice@", "alice@"),
        ("alice@peer example", "alice@peer example"),
    ] {
        assert!(!same_mailbox(a, b) && !same_mailbox(b, a), "{a} {b}");
    }
}

#[test]
fn recipients_are_listed_with_those_in_groups() {
    let message = "To: Bob <bob@abc.example>, team: carol@abc.example, \"D\" <dave@abc.example>;,\r\n erin@abc.example\r\n\
                   to: \r\nTo: undisclosed-recipients:;\r\nCc: x@y.example,\r\n\r\n";
    let (header, _) = Header::parse(message.as_bytes(), &mut Budget::for_message(0)).unwrap();
    let to = addresses_in(&header, "To").unwrap();
    assert_eq!(to, ["bob@abc.example", "carol@abc.example", "dave@abc.example", "erin@abc.example"]);
    assert_eq!(addresses_in(&header, "Cc"), Err(MimeError::HeaderField));
    assert_eq!(addresses_in(&header, "Bcc").unwrap(), [""; 0]);
}

#[test]
fn t41_addresses_are_counted() {
    let message = format!("To: a@b{}\r\n\r\n", ",a@b".repeat(MOST_ADDRESSES));
    let (header, _) = Header::parse(message.as_bytes(), &mut Budget::for_message(0)).unwrap();
    assert_eq!(addresses_in(&header, "To"), Err(MimeError::HeaderField));
    let message = format!("From: {}\r\n\r\n", "(".repeat(1 << 20));
    let (header, _) = Header::parse(message.as_bytes(), &mut Budget::for_message(0)).unwrap();
    assert_eq!(author(&header), Err(MimeError::Author));
}

proptest! {
    #[test]
    fn t17_whatever_is_read_is_one_mailbox(from in prop::collection::vec(prop::sample::select(WORDS), 0..12)) {
        let message = format!("From: {}\r\n\r\n", from.concat());
        let (header, _) = Header::parse(message.as_bytes(), &mut Budget::for_message(0)).unwrap();
        if let Ok(author) = author(&header) {
            // Read again on its own it is the same, and equal to itself.
            prop_assert_eq!(mailbox_of(&author.mailbox).unwrap(), author.mailbox.clone());
            prop_assert!(same_mailbox(&author.mailbox, &author.mailbox));
        }
    }

    #[test]
    fn any_octets_are_an_answer(value in prop::collection::vec(any::<u8>(), 0..200), a in "\\PC{0,40}", b in "\\PC{0,40}") {
        let _ = mailbox::parse(&value, 10);
        prop_assert_eq!(same_mailbox(&a, &b), same_mailbox(&b, &a));
        let _ = same_mailbox(&format!("a@{a}"), &format!("a@{b}"));
    }
}

const WORDS: &[&str] = &[
    "alice",
    "@",
    "peer.example",
    "<",
    ">",
    " ",
    "\"",
    "\\",
    ".",
    ",",
    ":",
    ";",
    "(",
    ")",
    "=?utf-8?q?a=40b?=",
    "bücher",
    "[",
    "]",
    "m@evil.example",
    "=?",
    "utf-8",
    "utf-7",
    "?q?",
    "?B?",
    "?=",
    "\t",
    "\r\n ",
    "山",
];
