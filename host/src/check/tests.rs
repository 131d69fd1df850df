use super::*;
use crate::Direction;

fn envelope(recipients: usize) -> Envelope {
    Envelope {
        direction: Direction::Inbound,
        submitter: None,
        sender: None,
        recipients: (0..recipients).map(|i| format!("r{i}@example.com")).collect(),
    }
}

fn deliver(groups: &[&[u32]]) -> Verdict {
    let delivery = |group: &&[u32]| Delivery { recipients: group.to_vec(), content: Content::Unchanged };
    Verdict::Deliver(groups.iter().map(delivery).collect())
}

fn rewritten(message: &[u8]) -> Result<(), Flaw> {
    let delivery = Delivery { recipients: vec![0], content: Content::Rewritten(message.to_vec()) };
    check(&Verdict::Deliver(vec![delivery]), &envelope(1))
}

fn reply(code: u16, subject: u16, detail: u16, text: &str) -> Reply {
    Reply { code, subject, detail, text: text.to_owned() }
}

#[test]
fn deliveries_cover_every_recipient_once() {
    let envelope = envelope(3);
    assert_eq!(check(&deliver(&[&[0, 1, 2]]), &envelope), Ok(()));
    assert_eq!(check(&deliver(&[&[2], &[0, 1]]), &envelope), Ok(()));
    assert_eq!(check(&deliver(&[]), &envelope), Err(Flaw::RecipientMissing));
    assert_eq!(check(&deliver(&[&[0, 1]]), &envelope), Err(Flaw::RecipientMissing));
    assert_eq!(check(&deliver(&[&[0, 1], &[1, 2]]), &envelope), Err(Flaw::RecipientRepeated));
    assert_eq!(check(&deliver(&[&[0, 0, 1, 2]]), &envelope), Err(Flaw::RecipientRepeated));
    assert_eq!(check(&deliver(&[&[0, 1, 2, 3]]), &envelope), Err(Flaw::RecipientOutOfRange));
    assert_eq!(check(&deliver(&[&[0, 1, u32::MAX]]), &envelope), Err(Flaw::RecipientOutOfRange));
    assert_eq!(check(&deliver(&[&[0, 1, 2], &[]]), &envelope), Err(Flaw::DeliveryForNobody));
}

#[test]
fn a_rewritten_message_has_a_header_and_an_empty_line() {
    assert_eq!(rewritten(b"From: a@example.com\r\nTo: b\r\n\tc\r\n\r\nbody"), Ok(()));
    assert_eq!(rewritten(b"Subject: \xe6\x97\xa5\r\n\r\n"), Ok(()));
    assert_eq!(rewritten(b"A: b\r\n\r\nbinary \n \r \0"), Ok(()));
    assert_eq!(rewritten(b""), Err(Flaw::EmptyMessage));
    for bad in [
        &b"\r\nbody"[..],
        b"no header at all",
        b"From: a\r\n",
        b"From: a\n\nbody",
        b"From: a\r\nTo: b\n\r\nbody",
        b"From: a\rTo: b\r\n\r\nbody",
        b"From: a\0\r\n\r\nbody",
        b" continuation first\r\n\r\nbody",
        b"no colon\r\n\r\nbody",
        b": no name\r\n\r\nbody",
        b"two words: x\r\n\r\nbody",
    ] {
        assert_eq!(rewritten(bad), Err(Flaw::Header), "{:?}", String::from_utf8_lossy(bad));
    }
}

#[test]
fn a_reply_is_of_the_class_of_its_verdict() {
    let envelope = envelope(1);
    assert_eq!(check(&Verdict::Reject(reply(550, 7, 7, "Altered")), &envelope), Ok(()));
    assert_eq!(check(&Verdict::Defer(reply(451, 7, 5, "Later")), &envelope), Ok(()));
    for code in [0, 200, 250, 354, 451, 499, 560, 599, 600, u16::MAX] {
        assert_eq!(check(&Verdict::Reject(reply(code, 7, 7, "x")), &envelope), Err(Flaw::ReplyCode), "{code}");
    }
    for code in [0, 250, 399, 421, 460, 550] {
        assert_eq!(check(&Verdict::Defer(reply(code, 7, 7, "x")), &envelope), Err(Flaw::ReplyCode), "{code}");
    }
    assert_eq!(check(&Verdict::Reject(reply(550, 1000, 7, "x")), &envelope), Err(Flaw::ReplyStatus));
    assert_eq!(check(&Verdict::Reject(reply(550, 7, 1000, "x")), &envelope), Err(Flaw::ReplyStatus));
}

#[test]
fn a_reply_is_one_printable_line() {
    let longest = "x".repeat(480);
    assert_eq!(check_reply(&reply(550, 7, 7, &longest), 500), Ok(()));
    let too_long = "x".repeat(481);
    for text in ["", "a\r\n250 2.0.0 OK", "a\nb", "tab\t", "caf\u{e9}", "\u{1b}[2J", "\u{7f}", &too_long] {
        assert_eq!(check_reply(&reply(550, 7, 7, text), 500), Err(Flaw::ReplyText), "{text:?}");
    }
}

#[test]
fn what_stands_for_an_ill_formed_verdict_is_well_formed() {
    let envelope = envelope(1);
    for bad in [Verdict::Reject(reply(1, 0, 0, "")), Verdict::Defer(reply(1, 0, 0, "")), deliver(&[])] {
        assert_eq!(check(&replacement(&bad), &envelope), Ok(()));
    }
    assert!(matches!(replacement(&Verdict::Reject(reply(1, 0, 0, ""))), Verdict::Reject(r) if r.code == 554));
    assert!(matches!(replacement(&deliver(&[])), Verdict::Defer(r) if r.code == 451));
}
