//! Takes out what a sender put into a body for readers that do not know of
//! protected headers: the hidden fields once more, as text (RFC 9788, section
//! 5.2.2 and following). Here they stand in the header again.

use std::borrow::Cow;
use std::ops::Range;

use super::content_type::ContentType;
use super::entity::Entity;
use super::multipart;
use super::rewrite::{Body, Replacement, Rewrite};
use crate::budget::Budget;
use crate::error::{MessageError, MimeError};

/// The entity without the legacy display elements of its main body parts; the
/// same octets if there are none. A part that does not parse has none.
///
/// # Errors
/// A limit that is passed.
pub(super) fn removed<'a>(entity: &Entity<'a>, budget: &mut Budget) -> Result<Cow<'a, [u8]>, MessageError> {
    let mut rewrite = Rewrite::new(entity.raw());
    match main_parts(&mut rewrite, entity, 0, Budget::MIME_DEPTH, budget) {
        Ok(()) | Err(MessageError::Mime(_)) => rewrite.apply(budget),
        Err(e) => Err(e),
    }
}

/// Walks to the main body parts: every alternative, and else the first part
/// (RFC 9788, section 1.1). The entity stands `at` this octet of the source.
fn main_parts<'a>(
    rewrite: &mut Rewrite<'a>,
    entity: &Entity<'a>,
    at: usize,
    depth: u32,
    budget: &mut Budget,
) -> Result<(), MessageError> {
    let content_type = entity.content_type()?;
    let body_at = at.saturating_add(entity.raw().len().saturating_sub(entity.body().len()));
    if content_type.is_type("multipart") {
        let boundary = content_type.parameter("boundary").ok_or(MimeError::Multipart)?;
        let parts = multipart::ranges(entity.body(), boundary, budget)?.parts;
        let count = if content_type.is("multipart", "alternative") { parts.len() } else { 1 };
        let Some(depth) = depth.checked_sub(1) else { return Ok(()) };
        for part in parts.iter().take(count) {
            let raw = entity.body().get(part.clone()).unwrap_or_default();
            let inner = Entity::parse(raw, budget)?;
            main_parts(rewrite, &inner, body_at.saturating_add(part.start), depth, budget)?;
        }
        return Ok(());
    }
    if content_type.parameter("hp-legacy-display") != Some("1") {
        return Ok(());
    }
    let encoding = entity.transfer_encoding()?;
    let content = entity.decoded_body(budget)?;
    let Some(element) = element(&content_type, &content) else { return Ok(()) };
    let range = body_at..body_at.saturating_add(entity.body().len());
    if encoding.is_identity() {
        let element = body_at.saturating_add(element.start)..body_at.saturating_add(element.end);
        rewrite.replace(element, Replacement::Text(String::new()));
        return Ok(());
    }
    let is_last = range.end == rewrite.source().len();
    let rest = [content.get(..element.start), content.get(element.end..)].map(Option::unwrap_or_default).concat();
    rewrite.replace(range, Replacement::Body(Body::new(Cow::Owned(rest), encoding, is_last)));
    Ok(())
}

/// Where in a content the element stands.
fn element(content_type: &ContentType, content: &[u8]) -> Option<Range<usize>> {
    if content_type.is("text", "plain") {
        // Fields, and the empty line behind them.
        return memchr::memmem::find(content, b"\r\n\r\n").map(|at| 0..at.saturating_add(4));
    }
    if content_type.is("text", "html") {
        let start = memchr::memmem::find(content, HTML)?;
        let inside = content.get(start.saturating_add(HTML.len())..)?;
        let end = memchr::memmem::find(inside, b"</div>")?;
        // Another division inside: it is not of the form that is written there.
        if memchr::memmem::find(inside.get(..end)?, b"<div").is_some() {
            return None;
        }
        let end = start.saturating_add(HTML.len()).saturating_add(end).saturating_add(b"</div>".len());
        return Some(start..end);
    }
    None
}

/// How the element begins in HTML (RFC 9788, section 5.2.3).
const HTML: &[u8] = b"<div class=\"header-protection-legacy-display\">";

#[cfg(test)]
mod tests {
    use super::*;

    fn without(raw: &str) -> String {
        let mut budget = Budget::for_message(raw.len());
        let entity = Entity::parse(raw.as_bytes(), &mut budget).unwrap();
        String::from_utf8(removed(&entity, &mut budget).unwrap().into_owned()).unwrap()
    }

    const TEXT: &str = "Content-Type: text/plain; hp-legacy-display=\"1\"\r\n\r\nSubject: Hidden\r\n\r\nHello.\r\n";
    const HTML_PART: &str = "Content-Type: text/html; hp-legacy-display=1\r\n\r\n<body><div \
         class=\"header-protection-legacy-display\">\r\n<pre>Subject: Hidden</pre></div><p>Hello.</p></body>\r\n";

    #[test]
    fn text_loses_the_fields_before_its_first_empty_line() {
        assert!(without(TEXT).ends_with("\r\n\r\nHello.\r\n") && !without(TEXT).contains("Hidden"));
        let unmarked = TEXT.replace("; hp-legacy-display=\"1\"", "");
        assert_eq!(without(&unmarked), unmarked);
    }

    #[test]
    fn html_loses_the_division() {
        assert!(without(HTML_PART).contains("<body><p>Hello.</p></body>"));
        let nested = HTML_PART.replace("<pre>", "<div><pre>");
        assert_eq!(without(&nested), nested, "of another form");
    }

    #[test]
    fn encoded_text_is_encoded_again() {
        let raw = "Content-Type: text/plain; hp-legacy-display=1\r\nContent-Transfer-Encoding: base64\r\n\r\n\
                   U3ViamVjdDogSGlkZGVuDQoNCkhlbGxvLg0K\r\n";
        assert!(without(raw).ends_with("\r\n\r\nSGVsbG8uDQo=\r\n"), "{}", without(raw));
    }

    #[test]
    fn every_alternative_and_no_attachment() {
        let mail = format!(
            "Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n\
             --a\r\n{TEXT}\r\n--a\r\n{HTML_PART}\r\n--a--\r\n\r\n--m\r\n{}\r\n--m--\r\n",
            TEXT.replace("Hidden", "Attached")
        );
        let rest = without(&mail);
        assert!(!rest.contains("Hidden") && rest.contains("Subject: Attached"), "{rest}");
        assert_eq!(rest.matches("Hello.").count(), 3);
    }
}
