//! What is re-encoded, what is left alone, and that nothing else changes.

use proptest::prelude::*;

use super::*;
use crate::budget::Limit;
use crate::error::MimeError;
use crate::mime::TransferEncoding;

fn budget(raw: &[u8]) -> Budget {
    Budget::for_message(raw.len())
}

fn parse(raw: &[u8]) -> Entity<'_> {
    Entity::parse(raw, &mut budget(raw)).unwrap()
}

fn converted(raw: &[u8]) -> Result<Cow<'_, [u8]>, MessageError> {
    seven_bit(&parse(raw), &mut budget(raw))
}

#[track_caller]
fn assert_borrowed(raw: &[u8]) {
    assert!(matches!(converted(raw).unwrap(), Cow::Borrowed(same) if same == raw), "{}", raw.escape_ascii());
}

#[track_caller]
fn assert_becomes(raw: &[u8], expected: &[u8]) {
    let out = converted(raw).unwrap();
    assert_eq!(out.escape_ascii().to_string(), expected.escape_ascii().to_string());
    let Cow::Owned(out) = out else { panic!("borrowed") };
    assert_eq!(out.len(), out.capacity());
    assert_borrowed(&out);
}

#[test]
fn seven_bit_is_ascii_in_short_lines_that_end_in_crlf() {
    let line = |len| [vec![b'x'; len], b"\r\n".to_vec()].concat();
    for entity in [&b""[..], b"\r\n", b"a", b"a\r\nb", &line(998), &vec![b'x'; 998]] {
        assert!(is_seven_bit(entity), "{}", entity.escape_ascii());
    }
    for entity in [&b"\xc3\xa4"[..], b"a\0", b"a\nb", b"a\rb", b"a\r", &line(999), &vec![b'x'; 999]] {
        assert!(!is_seven_bit(entity), "{}", entity.escape_ascii());
    }
}

#[test]
fn e2b_what_is_seven_bit_is_borrowed() {
    assert_borrowed(b"Content-Type: text/plain\r\nContent-Transfer-Encoding: 7bit\r\n\r\nhello\r\n");
    assert_borrowed(b"Content-Type: text/plain\r\n\r\ntrailing \t\r\nFrom me\r\n.\r\n");
    assert_borrowed(b"Content-Transfer-Encoding: base64\r\n\r\njunk!\r\n");
    assert_borrowed(b"\r\n");
    assert_borrowed(b"");
    // Not understood, and nobody's business.
    assert_borrowed(b"Content-Type: multipart/mixed; boundary=b\r\n\r\nno delimiter\r\n");
    assert_borrowed(b"Content-Type: text\r\nContent-Type: text\r\n\r\n\r\n");
    assert_borrowed(b"Content-Transfer-Encoding: x-uuencode\r\n\r\nbegin\r\n");
    assert_borrowed(b"Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: base64\r\n\r\nLS1i\r\n");
    assert_borrowed(b"Content-Type: message/rfc822\r\n\r\nFrom mbox line\r\n");
}

#[test]
fn e2b_text_becomes_quoted_printable_and_its_label_follows() {
    assert_becomes(
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8BIT\r\nContent-ID: <x>\r\n\r\nViele Grüße an alle\r\n".as_bytes(),
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\nContent-ID: <x>\r\n\r\nViele Gr=C3=BC=C3=9Fe an alle\r\n",
    );
    assert_becomes(
        "Content-Type: text/plain; charset=utf-8\r\nContent-ID: <x>\r\n\r\nViele Grüße an alle\r\n".as_bytes(),
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\nContent-ID: <x>\r\n\r\nViele Gr=C3=BC=C3=9Fe an alle\r\n",
    );
    assert_becomes(
        "\r\nViele Grüße an alle".as_bytes(),
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\nViele Gr=C3=BC=C3=9Fe an alle=\r\n",
    );
    // A label that asks relays to convert what needs no conversion.
    assert_becomes(b"Content-Transfer-Encoding: binary\r\n\r\na\r\n", b"Content-Transfer-Encoding: 7bit\r\n\r\na\r\n");
}

#[test]
fn e2b_dense_content_becomes_base64() {
    let japanese = "日本語の本文です。\r\n".repeat(3);
    let raw = format!("Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{japanese}");
    let out = converted(raw.as_bytes()).unwrap();
    let entity = parse(&out);
    assert_eq!(entity.transfer_encoding(), Ok(TransferEncoding::Base64));
    assert_eq!(entity.decoded_body(&mut budget(&out)).unwrap().as_ref(), japanese.as_bytes());
    assert_borrowed(&out);
}

#[test]
fn t42_long_lines_and_odd_line_ends_keep_their_octets() {
    let long = [&[b'x'; 1500][..], b"\r\n"].concat();
    for body in [&long[..], b"bare\nline\rends\r\n", b"nul\0"] {
        for label in ["7bit", "8bit", "binary"] {
            let raw = [format!("Content-Transfer-Encoding: {label}\r\n\r\n").as_bytes(), body].concat();
            let out = converted(&raw).unwrap();
            assert!(is_seven_bit(&out));
            assert_eq!(parse(&out).transfer_encoding(), Ok(TransferEncoding::QuotedPrintable));
            assert_eq!(parse(&out).decoded_body(&mut budget(&raw)).unwrap().as_ref(), body);
        }
    }
    // Encoded already, in lines that are too long.
    for (label, body) in [("base64", "QUJD".repeat(500)), ("quoted-printable", "=41".repeat(500))] {
        let raw = format!("Content-Transfer-Encoding: {label}\r\n\r\n{body}\r\n");
        let out = converted(raw.as_bytes()).unwrap();
        assert!(is_seven_bit(&out));
        let (before, after) = (parse(raw.as_bytes()), parse(&out));
        assert_eq!(before.transfer_encoding(), after.transfer_encoding());
        assert_eq!(
            before.decoded_body(&mut budget(raw.as_bytes())).unwrap(),
            after.decoded_body(&mut budget(&out)).unwrap()
        );
    }
}

#[test]
fn e2b_multiparts_are_walked_through_and_relabelled() {
    let raw = "Content-Type: multipart/mixed; boundary=o\r\nContent-Transfer-Encoding: 8bit\r\n\r\npreamble\r\n--o\r\n\
         Content-Type: multipart/alternative; boundary=oo\r\nContent-Transfer-Encoding: binary\r\n\r\n--oo\r\n\r\nä\r\n--oo\r\n\r\nb\r\n--oo--\r\n\
         --o\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\0\u{ff}\u{fe}\r\n--o--\r\nepilogue\r\n";
    let expected = "Content-Type: multipart/mixed; boundary=o\r\nContent-Transfer-Encoding: 7bit\r\n\r\npreamble\r\n--o\r\n\
         Content-Type: multipart/alternative; boundary=oo\r\nContent-Transfer-Encoding: 7bit\r\n\r\n--oo\r\n\
         Content-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A4\r\n--oo\r\n\r\nb\r\n--oo--\r\n\
         --o\r\nContent-Transfer-Encoding: base64\r\n\r\nAMO/w74=\r\n--o--\r\nepilogue\r\n";
    assert_becomes(raw.as_bytes(), expected.as_bytes());
}

#[test]
fn e2b_messages_inside_are_walked_through() {
    assert_becomes(
        "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\nFrom: a@b\r\n\r\nä\r\n".as_bytes(),
        b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 7bit\r\n\r\nFrom: a@b\r\nMIME-Version: 1.0\r\n\
          Content-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A4\r\n",
    );
    assert_becomes(
        "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nMIME-Version: 1.0\r\n\r\nä\r\n--b--\r\n"
            .as_bytes(),
        b"Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nMIME-Version: 1.0\r\n\
          Content-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A4\r\n--b--\r\n",
    );
}

#[test]
fn what_must_not_be_re_encoded_stays_and_shows() {
    for raw in [
        "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\nä\r\n--b\r\n\r\n\r\n--b--\r\n",
        "Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: binary\r\n\r\nä",
        "Content-Type: message/delivery-status\r\n\r\nä: ä\r\n",
        "Content-Type: text/plain; name=\"ä\"\r\n\r\nhello\r\n",
        "Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 8bit\r\n\r\nä\r\n--b\r\n\r\n\r\n--b--\r\n",
    ] {
        assert_borrowed(raw.as_bytes());
        assert!(!is_seven_bit(raw.as_bytes()));
    }
    // Its neighbour changes, and the label of what is around both stays true.
    let raw = "Content-Type: multipart/mixed; boundary=o\r\nContent-Transfer-Encoding: 8bit\r\n\r\n--o\r\n\r\nä\r\n--o\r\n\
         Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: binary\r\n\r\nä\r\n--o--\r\n";
    let out = converted(raw.as_bytes()).unwrap();
    let expected = raw.replacen("\r\n\r\nä", "\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A4", 1);
    assert_eq!(out.escape_ascii().to_string(), expected.as_bytes().escape_ascii().to_string());
}

#[test]
fn what_is_neither_understood_nor_seven_bit_is_refused() {
    for (raw, error) in [
        ("Content-Type: text\r\n\r\nä", MimeError::ContentType),
        ("Content-Transfer-Encoding: x-uuencode\r\n\r\nä", MimeError::TransferEncoding),
        ("Content-Transfer-Encoding: base64\r\n\r\nä", MimeError::EncodedBody),
        ("Content-Transfer-Encoding: quoted-printable\r\n\r\nä", MimeError::EncodedBody),
        ("Content-Type: multipart/mixed\r\n\r\nä", MimeError::Multipart),
        ("Content-Type: multipart/mixed; boundary=b\r\n\r\nä", MimeError::Multipart),
        ("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nno field ä\r\n--b--\r\n", MimeError::HeaderField),
    ] {
        assert_eq!(converted(raw.as_bytes()), Err(error.into()), "{raw}");
    }
}

#[test]
fn t41_depth_and_parts_are_bounded() {
    let nested = |depth: usize| {
        let mut raw = String::new();
        for i in 0..depth {
            raw.push_str(&format!("Content-Type: multipart/mixed; boundary=b{i}\r\n\r\n--b{i}\r\n"));
        }
        raw + "\r\nx"
    };
    assert!(converted(nested(Budget::MIME_DEPTH as usize).as_bytes()).is_ok());
    assert_eq!(converted(nested(Budget::MIME_DEPTH as usize + 1).as_bytes()), Err(Limit::Parts.into()));
    let messages = "Content-Type: message/rfc822\r\n\r\n".repeat(1000);
    assert_eq!(converted(messages.as_bytes()), Err(Limit::Parts.into()));
    let parts = format!("Content-Type: multipart/mixed; boundary=b\r\n\r\n{}", "--b\r\n\r\n".repeat(100_000));
    assert_eq!(converted(parts.as_bytes()), Err(Limit::Parts.into()));
}

#[test]
fn the_entity_of_a_message_is_its_content_fields_and_body() {
    let raw = b"From: a@b\r\nMIME-Version: 1.0\r\nContent-Type: text/plain;\r\n charset=utf-8\r\nSubject: x\r\n\
        content-language: de\r\nContent: no\r\n\r\nbody\r\n";
    let out = take_entity(&parse(raw));
    assert_eq!(out, b"Content-Type: text/plain;\r\n charset=utf-8\r\ncontent-language: de\r\n\r\nbody\r\n");
    assert_eq!(take_entity(&parse(b"From: a@b\r\n\r\nbody")), b"\r\nbody");
    assert_eq!(take_entity(&parse(b"Content-Type: text/plain")), b"Content-Type: text/plain\r\n\r\n");
    assert_eq!(take_entity(&parse(b"")), b"\r\n");
}

/// Every leaf's content, with the types on the way to it.
fn leaves(raw: &[u8], path: &str, out: &mut Vec<(String, Vec<u8>)>) {
    let entity = parse(raw);
    let path = format!("{path}/{}", entity.content_type().unwrap().essence());
    if entity.content_type().unwrap().is_type("multipart") {
        for part in entity.multipart(&mut budget(raw)).unwrap().parts {
            leaves(part, &path, out);
        }
    } else if entity.content_type().unwrap().is("message", "rfc822") {
        leaves(entity.body(), &path, out);
    } else {
        out.push((path, entity.decoded_body(&mut budget(raw)).unwrap().into_owned()));
    }
}

/// A leaf: a header and a body whose octets hold no delimiter.
fn leaf() -> impl Strategy<Value = Vec<u8>> {
    let alphabet = prop::sample::select(&b"aF rom.=\t\r\n\0\xe3\x81\xff"[..]);
    let header = prop::sample::select(vec![
        "",
        "Content-Type: text/plain; charset=utf-8\r\n",
        "Content-Type: image/png\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <x>\r\n",
        "Content-Transfer-Encoding: 8bit\r\nContent-Type: text/html\r\n",
    ]);
    let body = prop_oneof![prop::collection::vec(alphabet, 0..80), prop::collection::vec(Just(b'x'), 990..1010)];
    (header, body).prop_map(|(header, body)| [header.as_bytes(), b"\r\n", &body].concat())
}

/// Multiparts and messages around leaves, each with a boundary of its own.
fn nested() -> impl Strategy<Value = Vec<u8>> {
    let tree = leaf().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            (
                prop::collection::vec(inner.clone(), 1..4),
                prop::sample::select(vec!["", "8bit", "binary", "7bit"]),
                any::<u64>()
            )
                .prop_map(|(parts, label, id)| {
                    let mut raw = format!("Content-Type: multipart/mixed; boundary=\"={id}\"\r\n").into_bytes();
                    if !label.is_empty() {
                        raw.extend_from_slice(format!("Content-Transfer-Encoding: {label}\r\n").as_bytes());
                    }
                    raw.extend_from_slice(b"\r\npreamble");
                    for part in parts {
                        raw.extend_from_slice(format!("\r\n--={id}\r\n").as_bytes());
                        raw.extend_from_slice(&part);
                    }
                    raw.extend_from_slice(format!("\r\n--={id}--\r\n").as_bytes());
                    raw
                }),
            inner.prop_map(|message| [&b"Content-Type: message/rfc822\r\n\r\nSubject: x\r\n"[..], &message].concat()),
        ]
    });
    tree.prop_map(|raw| raw)
}

proptest! {
    #[test]
    fn e2b_every_leaf_keeps_its_octets_and_place(raw in nested()) {
        let out = converted(&raw).unwrap();
        prop_assert!(is_seven_bit(&out), "{}", out.escape_ascii());
        prop_assert!(matches!(converted(&out).unwrap(), Cow::Borrowed(_)), "{}", out.escape_ascii());
        let (mut before, mut after) = (Vec::new(), Vec::new());
        leaves(&raw, "", &mut before);
        leaves(&out, "", &mut after);
        prop_assert_eq!(before, after);
        if let Cow::Owned(out) = out {
            prop_assert_eq!(out.len(), out.capacity());
        }
    }
}
