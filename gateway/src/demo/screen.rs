//! What the demonstration shows: steps, mail abridged, colour where there is a
//! terminal.

use std::io::{self, Write};

use mail_parser::{MessageParser, MimeHeaders};

/// Where the demonstration is shown.
pub struct Screen<'a> {
    out: &'a mut dyn Write,
    colour: bool,
}

/// How a text is shown.
#[derive(Clone, Copy)]
pub enum Tone {
    /// A step of the seed's figures.
    Step,
    /// What went as it should.
    Good,
    /// What was refused.
    Refused,
    /// Octets on the wire.
    Wire,
}

impl<'a> Screen<'a> {
    /// Shows on `out`, in colour or not.
    pub fn new(out: &'a mut dyn Write, colour: bool) -> Self {
        Self { out, colour }
    }

    /// A heading.
    pub fn heading(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "\n{}", self.paint(Tone::Step, &format!("== {text}")))
    }

    /// A step, by the number the seed gives it.
    pub fn step(&mut self, number: &str, text: &str) -> io::Result<()> {
        writeln!(self.out, "\n{}  {text}", self.paint(Tone::Step, &format!("{number:<3}")))
    }

    /// A line that belongs to the last step.
    pub fn line(&mut self, tone: Option<Tone>, text: &str) -> io::Result<()> {
        let text = tone.map_or_else(|| text.to_owned(), |tone| self.paint(tone, text));
        writeln!(self.out, "     {text}")
    }

    /// Octets as they are on the wire: the first lines of the header and of the
    /// body, cut in length and in number.
    pub fn wire(&mut self, octets: &[u8]) -> io::Result<()> {
        let text = String::from_utf8_lossy(octets);
        let lines: Vec<&str> = text.lines().collect();
        let body = lines.iter().position(|line| line.is_empty()).unwrap_or(lines.len());
        let shown = (body + WIRE_BODY).min(lines.len());
        for line in lines.iter().take(shown) {
            let line: String = line.chars().take(WIRE_WIDTH).map(|c| if c.is_control() { '·' } else { c }).collect();
            let line = self.paint(Tone::Wire, &line);
            writeln!(self.out, "     | {line}")?;
        }
        if shown < lines.len() {
            writeln!(self.out, "     | … {} more lines, {} octets in all", lines.len() - shown, octets.len())?;
        }
        Ok(())
    }

    /// A message as a mail client shows it.
    pub fn mail(&mut self, octets: &[u8]) -> io::Result<()> {
        let Some(message) = MessageParser::default().parse(octets) else {
            return self.line(Some(Tone::Refused), "(no message)");
        };
        let mailbox = |address: Option<&mail_parser::Address<'_>>| {
            let first = address.and_then(|address| address.first());
            let name = first.and_then(|first| first.name()).unwrap_or_default();
            let address = first.and_then(|first| first.address()).unwrap_or_default();
            format!("{name} <{address}>").trim().to_owned()
        };
        let mut lines = Vec::new();
        for field in message.headers_raw().filter(|(name, _)| name.eq_ignore_ascii_case("Authentication-Results")) {
            let value: Vec<&str> = field.1.split_whitespace().collect();
            lines.push(format!("{}: {}", field.0, value.join(" ")));
        }
        lines.push(format!("From:    {}", mailbox(message.from())));
        lines.push(format!("To:      {}", mailbox(message.to())));
        lines.push(format!("Subject: {}", message.subject().unwrap_or_default()));
        lines.push(String::new());
        lines.extend(message.body_text(0).unwrap_or_default().lines().map(str::to_owned));
        if message.html_body_count() > 0 {
            lines.push("[HTML alternative]".to_owned());
        }
        for attachment in message.attachments() {
            let name = attachment.attachment_name().unwrap_or("unnamed");
            lines.push(format!("[attachment {name}, {} octets]", attachment.contents().len()));
        }
        for line in lines {
            writeln!(self.out, "     | {line}")?;
        }
        Ok(())
    }

    fn paint(&self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Step => "1;36",
            Tone::Good => "32",
            Tone::Refused => "1;31",
            Tone::Wire => "2",
        };
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// Lines of a body that are shown of what is on the wire.
const WIRE_BODY: usize = 14;
/// Characters of a line that are shown of it.
const WIRE_WIDTH: usize = 76;
