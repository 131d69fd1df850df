//! The parsers over whole messages: any octets, foreign messages, large ones.

use std::borrow::Cow;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use crate::budget::Budget;
use crate::error::MessageError;

#[test]
fn t42_every_line_of_a_message_ends_in_crlf() {
    for message in [&b""[..], b"\r\n", b"a: b\r\n\r\n.\r\nno line end", b"\r\n\r\n"] {
        assert_eq!(check_line_ends(message), Ok(()), "{message:?}");
    }
    for message in [&b"\n"[..], b"\r", b"a\nb", b"a\rb", b"a\r\r\nb", b"a\r\n\nb", b"a\n.\r\n", b"a\r", b"\n\r"] {
        assert_eq!(check_line_ends(message), Err(MimeError::BareLineEnd), "{message:?}");
    }
}

#[test]
fn a_message_is_split_at_its_empty_line() {
    assert_eq!(split(b"a: b\r\nc: d\r\n\r\nbody\r\n\r\n"), Ok((&b"a: b\r\nc: d\r\n"[..], &b"body\r\n\r\n"[..])));
    assert_eq!(split(b"a: b\r\n"), Ok((&b"a: b\r\n"[..], &b""[..])));
    assert_eq!(split(b"\r\nbody"), Ok((&b""[..], &b"body"[..])));
    assert_eq!(split(b"a: b\r\nno field\r\n"), Err(MimeError::HeaderField));
}

/// Asks everything of an entity, and of the parts in it.
fn exercise(raw: &[u8], budget: &mut Budget, depth: u32) -> Result<(), MessageError> {
    let entity = Entity::parse(raw, budget)?;
    assert_eq!(split(raw), Ok((entity.header().raw(), entity.body())));
    let fields: Vec<u8> = entity.header().fields().iter().flat_map(|field| field.raw()).copied().collect();
    assert_eq!(fields, entity.header().raw());
    let _ = address::author(entity.header());
    let _ = address::addresses_in(entity.header(), "To");
    let _ = entity.file_names();
    let _ = canonical::take_entity(&entity);
    let _ = entity.decoded_body(budget);
    if let Ok(out) = canonical::seven_bit(&entity, budget) {
        Entity::parse(&out, budget)?;
    }
    if let (Ok(multipart), Some(depth)) = (entity.multipart(budget), depth.checked_sub(1)) {
        for part in multipart.parts {
            exercise(part, budget, depth)?;
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_octets_are_an_answer(raw in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = check_line_ends(&raw);
        let _ = ContentType::parse(&raw);
        let _ = Disposition::parse(&raw);
        let _ = TransferEncoding::parse(&raw);
        let _ = multipart::parse(&raw, "b", &mut Budget::for_message(0));
        let _ = base64::decode(&raw, &mut Budget::for_message(0));
        let _ = quoted_printable::decode(&raw, &mut Budget::for_message(0));
        let _ = exercise(&raw, &mut Budget::for_message(raw.len()), 3);
    }

    #[test]
    fn anything_like_mail_is_an_answer(words in prop::collection::vec(prop::sample::select(WORDS), 0..60)) {
        let raw = words.concat();
        let _ = exercise(raw.as_bytes(), &mut Budget::for_message(raw.len()), 3);
    }
}

const WORDS: &[&str] = &[
    "\r\n",
    "\r\n\r\n",
    "\r\n ",
    "--b",
    "--",
    "\r\n--b\r\n",
    "\r\n--b--\r\n",
    "From: ",
    "Sender: ",
    "To: ",
    "alice@peer.example",
    "Content-Type: ",
    "Content-Type: multipart/mixed; boundary=b\r\n",
    "Content-Type: message/rfc822\r\n",
    "text/plain",
    "; ",
    "name*0*=",
    "name*1=",
    "utf-8''%e3%81",
    "charset=\"",
    "\"",
    "(",
    ")",
    "\\",
    "Content-Transfer-Encoding: ",
    "base64\r\n",
    "quoted-printable\r\n",
    "8bit\r\n",
    "aGVsbG8=",
    "=3D",
    "=",
    "ä",
    "\0",
    "\r",
    "\n",
    "x",
    "Content-Disposition: attachment",
];

/// The contents of all leaves, by a walk that knows nothing of the one under test.
fn leaves(raw: &[u8], out: &mut Vec<Vec<u8>>) {
    let budget = &mut Budget::for_message(raw.len());
    let Ok(entity) = Entity::parse(raw, budget) else { return out.push(raw.to_vec()) };
    match entity.multipart(budget) {
        Ok(multipart) => multipart.parts.into_iter().for_each(|part| leaves(part, out)),
        Err(_) if entity.content_type().is_ok_and(|kind| kind.is("message", "rfc822")) => leaves(entity.body(), out),
        Err(_) => out.push(entity.decoded_body(budget).map_or_else(|_| entity.body().to_vec(), Cow::into_owned)),
    }
}

#[test]
fn foreign_torture_messages_parse_and_keep_their_leaves() {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpora");
    let corpora = std::env::var_os("WASMIME_CORPORA").map_or(beside, PathBuf::from);
    let folder = corpora.join("mime-torture-thunderbird");
    let Ok(files) = std::fs::read_dir(&folder) else {
        // Past the capture of the test runner.
        let _ = writeln!(std::io::stderr(), "skipped: no foreign messages in {}", folder.display());
        return;
    };
    for file in files {
        let path = file.unwrap().path();
        let text = std::fs::read(&path).unwrap();
        let message = with_crlf(&text);
        assert_eq!(check_line_ends(&message), Ok(()));
        let message = without_mbox_line(&message);
        let budget = &mut Budget::for_message(message.len());
        let outcome = Entity::parse(message, budget).and_then(|message| {
            let entity = canonical::take_entity(&message);
            let out = canonical::seven_bit(&Entity::parse(&entity, budget)?, budget)?.into_owned();
            let (mut before, mut after) = (Vec::new(), Vec::new());
            leaves(&entity, &mut before);
            leaves(&out, &mut after);
            assert!(before == after, "{}", path.display());
            Ok((before.len(), out == entity, canonical::is_seven_bit(&out)))
        });
        println!("{}: {outcome:?} (leaves, as it was, 7-bit)", path.display());
        assert!(outcome.is_ok(), "{}: {outcome:?}", path.display());
    }
}

/// Text of a file as mail.
fn with_crlf(text: &[u8]) -> Vec<u8> {
    let lines = text.split_inclusive(|&octet| octet == b'\n');
    let mail = lines.flat_map(|line| match line.strip_suffix(b"\n") {
        Some(line) => [line.strip_suffix(b"\r").unwrap_or(line), b"\r\n"],
        None => [line, b""],
    });
    mail.flatten().copied().collect()
}

/// The first line of some is a mailbox's, and no field of the message.
fn without_mbox_line(message: &[u8]) -> &[u8] {
    if !message.starts_with(b"From ") {
        return message;
    }
    assert_eq!(split(message), Err(MimeError::HeaderField));
    let end = memchr::memchr(b'\n', message).unwrap();
    &message[end + 1..]
}
