//! Replies: what is said, and how it is written.

use host::Reply;

/// A reply with an enhanced status code (RFC 2034): its class is the first digit
/// of `code`.
pub fn reply(code: u16, (subject, detail): (u16, u16), text: impl Into<String>) -> Reply {
    Reply { code, subject, detail, text: text.into() }
}

/// `reply` as lines: as many as its text has, none longer than SMTP allows
/// (RFC 5321, section 4.5.3.1.5). Controls cannot be written; what is not ASCII
/// only to a client that asked for SMTPUTF8 (RFC 6531, section 3.7.4.2).
pub fn encode(reply: &Reply, international: bool) -> String {
    let class = reply.code / 100;
    let status = format!("{class}.{}.{} ", reply.subject, reply.detail);
    write(reply.code, &status, &reply.text, international)
}

/// A reply that carries no enhanced status code: the greeting, and those to EHLO,
/// HELO, LHLO and DATA (RFC 2034, section 3).
pub fn encode_bare(code: u16, text: &str) -> String {
    write(code, "", text, false)
}

fn write(code: u16, status: &str, text: &str, international: bool) -> String {
    let lines: Vec<String> = text.lines().take(MOST_LINES).flat_map(|line| fold(line, international)).collect();
    let Some((last, before)) = lines.split_last() else { return format!("{code} {status}\r\n") };
    let mut written = String::new();
    for line in before {
        written.push_str(&format!("{code}-{status}{line}\r\n"));
    }
    written.push_str(&format!("{code} {status}{last}\r\n"));
    written
}

/// One line of text as some that are short enough.
fn fold(line: &str, international: bool) -> Vec<String> {
    let mut folded = vec![String::new()];
    for character in line.chars() {
        let character = match character {
            _ if character.is_control() => ' ',
            _ if !international && !character.is_ascii() => '?',
            _ => character,
        };
        if folded.last().is_some_and(|line| line.len().saturating_add(character.len_utf8()) > LONGEST) {
            folded.push(String::new());
        }
        if let Some(last) = folded.last_mut() {
            last.push(character);
        }
    }
    folded
}

/// Octets of text in one line: 512 with code, status and line end.
const LONGEST: usize = 480;

/// Lines that a next hop may have said and a client is told.
const MOST_LINES: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_lines_of_smtp_whatever_their_text() {
        let refused = |text: &str| encode(&reply(550, (7, 1), text), false);
        assert_eq!(refused("No"), "550 5.7.1 No\r\n");
        assert_eq!(refused(""), "550 5.7.1 \r\n");
        assert_eq!(refused("a\nb"), "550-5.7.1 a\r\n550 5.7.1 b\r\n");
        assert_eq!(refused("a\r\n250 Ok\rb\0é"), "550-5.7.1 a\r\n550 5.7.1 250 Ok b ?\r\n");
        assert_eq!(encode(&reply(250, (1, 5), "é"), true), "250 2.1.5 é\r\n");
        assert_eq!(encode_bare(354, "Go ahead"), "354 Go ahead\r\n");
        let long = refused(&"x".repeat(1000));
        assert!(long.lines().all(|line| line.len() <= 510) && long.lines().count() == 3);
    }
}
