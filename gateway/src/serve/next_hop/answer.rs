//! Answers of the next hop, read strictly: on them depends whether mail is lost.

use host::Reply;
use smtp_proto::response::parser::ResponseReceiver;

use super::super::smtp::lines::Lines;
use super::super::smtp::reply::reply;
use super::fault::Fault;

/// A complete answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The reply code: 200 to 599.
    pub code: u16,
    /// Subject and detail of the enhanced status, where its class is that of the
    /// code (RFC 2034).
    pub status: Option<(u16, u16)>,
    /// The text; its lines end with LF.
    pub text: String,
}

impl Answer {
    /// Reads the next answer. All lines must have the same code (RFC 5321,
    /// section 4.2.1): an answer that says both yes and no says nothing.
    pub async fn read(lines: &mut Lines) -> Result<Self, Fault> {
        let mut code = None;
        let mut text = Vec::new();
        for _ in 0..MOST_LINES {
            let head = lines.head(LONGEST_LINE).await?.ok_or(Fault::Lost)?;
            let (digits, rest) = head.octets.split_at_checked(3).ok_or(Fault::Garbled)?;
            let this = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse::<u16>().ok());
            let this = this.filter(|code| (200..600).contains(code)).ok_or(Fault::Garbled)?;
            if *code.get_or_insert(this) != this {
                return Err(Fault::Garbled);
            }
            if text.len().saturating_add(head.octets.len()) < LONGEST_TEXT {
                text.extend_from_slice(&head.octets);
                text.extend_from_slice(b"\r\n");
            }
            match rest.first() {
                Some(b' ') | None => return Self::parse(this, text),
                Some(b'-') => {}
                Some(_) => return Err(Fault::Garbled),
            }
        }
        Err(Fault::Garbled)
    }

    /// Takes apart lines that are known to be sound.
    fn parse(code: u16, mut lines: Vec<u8>) -> Result<Self, Fault> {
        // The last line that is kept ends the answer, though more may have come.
        let last = memchr::memmem::rfind(lines.strip_suffix(b"\r\n").unwrap_or(&lines), b"\r\n");
        if let Some(separator) = lines.get_mut(last.map_or(3, |end| end.saturating_add(5))) {
            *separator = if *separator == b'-' { b' ' } else { *separator };
        }
        let parsed = ResponseReceiver::default().parse(&mut lines.iter()).map_err(|_| Fault::Garbled)?;
        let [class, subject, detail] = parsed.esc.map(u16::from);
        Ok(Self {
            code,
            status: (class == code / 100).then_some((subject, detail)),
            text: parsed.message.replace('\r', "").trim_end().to_owned(),
        })
    }

    /// Whether it says yes.
    pub fn is_positive(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// Yes is nothing; no is what the client is told, in the next hop's words;
    /// anything else is no answer.
    pub fn accepted(self) -> Result<(), Fault> {
        match self.code {
            200..300 => Ok(()),
            // The session that ends is the next hop's, and not the client's.
            421 => Err(Fault::Closing(self.into_reply(451))),
            code @ 400..600 => Err(Fault::Refused(self.into_reply(code))),
            _ => Err(Fault::Garbled),
        }
    }

    fn into_reply(self, code: u16) -> Reply {
        reply(code, self.status.unwrap_or_default(), self.text)
    }
}

/// Octets of a line that are looked at, and of a text that are kept.
const LONGEST_LINE: usize = 1024;
const LONGEST_TEXT: usize = 3 * 1024;

const MOST_LINES: usize = 200;

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    async fn read(octets: &[u8]) -> Result<Answer, Fault> {
        let (mut peer, ours) = tokio::io::duplex(octets.len().max(1));
        peer.write_all(octets).await.unwrap();
        drop(peer);
        Answer::read(&mut Lines::new(Box::new(ours))).await
    }

    async fn told(octets: &[u8]) -> (u16, Option<(u16, u16)>, String) {
        let Answer { code, status, text } = read(octets).await.unwrap();
        (code, status, text)
    }

    #[tokio::test]
    async fn answers_are_read_with_their_status() {
        assert_eq!(told(b"250 2.1.5 Ok\r\n").await, (250, Some((1, 5)), "Ok".into()));
        assert_eq!(told(b"250 Ok\r\n").await, (250, None, "Ok".into()));
        assert_eq!(told(b"250\r\n").await, (250, None, String::new()));
        assert_eq!(told(b"550-5.7.1 One\r\n550 5.7.1 Two\r\n").await, (550, Some((7, 1)), "One\nTwo".into()));
        assert_eq!(told(b"450 5.7.1 Drifted\r\n").await, (450, None, "Drifted".into()));
        assert_eq!(told(b"250-mx\r\n250-SIZE 100\r\n250 8BITMIME\r\n").await.2, "mx\nSIZE 100\n8BITMIME");
        assert_eq!(told(b"250 caf\xe9\r\n").await.0, 250, "Latin-1 is still an answer");
    }

    #[tokio::test]
    async fn what_is_no_answer_is_never_taken_for_yes() {
        for octets in [
            b"250-yes\r\n550 no\r\n".as_slice(),
            b"250_yes\r\n",
            b"25 yes\r\n",
            b"2500 yes\r\n",
            b"+250 yes\r\n",
            b"150 yes\r\n",
            b"999 yes\r\n",
            b"\r\n",
            b"HTTP/1.1 200 OK\r\n",
            b"\xff\xff\xff yes\r\n",
        ] {
            let answer = read(octets).await;
            assert!(matches!(answer, Err(Fault::Garbled)), "{octets:?}: {answer:?}");
        }
        for octets in [b"250 ye".as_slice(), b"250 yes\n", b"250-yes\r\n", b""] {
            let answer = read(octets).await;
            assert!(matches!(answer, Err(Fault::Lost)), "{octets:?}: {answer:?}");
        }
    }

    #[tokio::test]
    async fn a_long_answer_is_read_to_its_end_and_kept_in_part() {
        let mut octets = b"250 2.0.0 ".to_vec();
        octets.extend(std::iter::repeat_n(b'x', 100_000));
        octets.extend_from_slice(b"\r\n");
        let (code, status, text) = told(&octets).await;
        assert_eq!((code, status), (250, Some((0, 0))));
        assert!(text.len() < LONGEST_LINE);
        let mut octets = b"550-5.1.1 again and again\r\n".repeat(150);
        octets.extend_from_slice(b"550 5.1.1 done\r\n");
        let (code, status, text) = told(&octets).await;
        assert_eq!((code, status), (550, Some((1, 1))));
        assert!(text.len() < LONGEST_TEXT && text.starts_with("again and again\n"));
        assert!(matches!(read(&b"250-more\r\n".repeat(1000)).await, Err(Fault::Garbled)));
    }
}
