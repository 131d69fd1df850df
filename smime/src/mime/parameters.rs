//! The parameters of structured MIME fields: `; name=value`, quoted or not, in
//! pieces and in character sets (RFC 2045, section 5.1; RFC 2231).

use mail_parser::decoders::charsets::map::charset_decoder;

use super::lexer::{Lexer, is_token};
use crate::error::MimeError;

/// Parameters by lower-case name, in their order, each name once.
pub(super) type Parameters = Vec<(String, String)>;

/// Reads the parameters up to the end of the field. A semicolon with nothing
/// after it is common, and harmless.
///
/// # Errors
/// [`MimeError::ContentType`] for what does not parse, for a name that stands
/// twice or in two spellings, and for pieces that do not join.
pub(super) fn parse(lexer: &mut Lexer<'_>) -> Result<Parameters, MimeError> {
    let mut pieces = Vec::new();
    while !lexer.is_at_end() {
        if !lexer.eat(b';') {
            return Err(MimeError::ContentType);
        }
        lexer.skip_cfws().ok_or(MimeError::ContentType)?;
        if matches!(lexer.peek(), Some(b';') | None) {
            continue;
        }
        if pieces.len() == MOST_PIECES {
            return Err(MimeError::ContentType);
        }
        pieces.push(Piece::parse(lexer).ok_or(MimeError::ContentType)?);
    }
    join(&pieces).ok_or(MimeError::ContentType)
}

/// Octets in a field with parameters: more is no description of anything.
pub(super) const LONGEST_FIELD: usize = 1 << 16;
/// Pieces are compared with each other, so there must not be many.
const MOST_PIECES: usize = 200;

/// One `name*section*=value`.
struct Piece {
    name: String,
    section: Option<usize>,
    /// The value is percent-encoded, and the first one tells its character set.
    extended: bool,
    value: Vec<u8>,
}

impl Piece {
    fn parse(lexer: &mut Lexer<'_>) -> Option<Self> {
        let name = str::from_utf8(lexer.token()?).ok()?.to_ascii_lowercase();
        lexer.skip_cfws()?;
        if !lexer.eat(b'=') {
            return None;
        }
        lexer.skip_cfws()?;
        let value =
            if lexer.peek() == Some(b'"') { lexer.quoted_string()? } else { lexer.take_while(is_unquoted).to_vec() };
        if value.is_empty() && !name.starts_with("name") && !name.starts_with("filename") {
            return None;
        }
        let (name, extended) = name.strip_suffix('*').map_or((name.as_str(), false), |name| (name, true));
        let (name, section) = match name.split_once('*') {
            Some((name, section)) => (name, Some(number(section)?)),
            None => (name, None),
        };
        if name.is_empty() { None } else { Some(Self { name: name.to_owned(), section, extended, value }) }
    }
}

/// Beyond tokens, what mail programs leave unquoted and no reader mistakes.
fn is_unquoted(octet: u8) -> bool {
    is_token(octet)
        || !octet.is_ascii()
        || matches!(octet, b'/' | b':' | b'=' | b'?' | b'@' | b'[' | b']' | b'<' | b'>')
}

/// A section number: decimal, without leading zeros.
fn number(section: &str) -> Option<usize> {
    let is_plain = section.bytes().all(|digit| digit.is_ascii_digit()) && (section == "0" || !section.starts_with('0'));
    if is_plain { section.parse().ok() } else { None }
}

/// Joins the pieces of each name.
fn join(pieces: &[Piece]) -> Option<Parameters> {
    let mut parameters: Parameters = Vec::new();
    for piece in pieces {
        if parameters.iter().any(|(name, _)| *name == piece.name) {
            continue;
        }
        let same = || pieces.iter().filter(|other| other.name == piece.name);
        let plain: Vec<&Piece> = same().filter(|p| p.section.is_none() && !p.extended).collect();
        let extended: Vec<&Piece> = same().filter(|p| p.section.is_none() && p.extended).collect();
        let mut sections: Vec<&Piece> = same().filter(|p| p.section.is_some()).collect();
        sections.sort_by_key(|p| p.section);
        let is_contiguous = sections.iter().enumerate().all(|(i, p)| p.section == Some(i));
        if plain.len() > 1 || extended.len() > 1 || !is_contiguous {
            return None;
        }
        let mut spellings = [extended, sections, plain].into_iter().filter(|pieces| !pieces.is_empty());
        let best = spellings.next()?;
        // A file name may come with an ASCII stand-in. Of anything else, two
        // readers would see two values.
        if spellings.next().is_some() && !matches!(piece.name.as_str(), "name" | "filename") {
            return None;
        }
        parameters.push((piece.name.clone(), value(&best)?));
    }
    Some(parameters)
}

/// The value of pieces in their order: decoded where they are extended.
fn value(pieces: &[&Piece]) -> Option<String> {
    let mut charset = None;
    let mut octets = Vec::new();
    for (i, piece) in pieces.iter().enumerate() {
        if !piece.extended {
            octets.extend_from_slice(&piece.value);
            continue;
        }
        let mut encoded = piece.value.as_slice();
        if i == 0 {
            // charset'language'octets
            let mut fields = encoded.splitn(3, |&octet| octet == b'\'');
            let (named, _, rest) = (fields.next()?, fields.next()?, fields.next()?);
            charset = Some(named).filter(|named| !named.is_empty());
            encoded = rest;
        }
        percent_decode(encoded, &mut octets)?;
    }
    let text = match charset.and_then(charset_decoder) {
        Some(decode) => decode(&octets),
        None => String::from_utf8_lossy(&octets).into_owned(),
    };
    if text.chars().any(|c| c.is_control() && c != '\t') { None } else { Some(text) }
}

fn percent_decode(encoded: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let mut octets = encoded.iter();
    while let Some(&octet) = octets.next() {
        if octet == b'%' {
            let high = char::from(*octets.next()?).to_digit(16)?;
            let low = char::from(*octets.next()?).to_digit(16)?;
            out.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            out.push(octet);
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_octets_of_any_character_set_are_an_answer(
            charset in prop::sample::select(&["utf-7", "utf-8", "utf-16", "utf-16le", "utf-16be", "iso-8859-8", "koi8-r", "cp1251", "x"][..]),
            octets in prop::collection::vec(any::<u8>(), 0..60),
            text in "[+a-zA-Z0-9/&-]{0,20}",
        ) {
            let encoded: String = octets.iter().map(|octet| format!("%{octet:02X}")).collect();
            let field = format!("; name*0*={charset}''{encoded}; name*1=\"{text}\"");
            if let Ok(parameters) = parse(&mut Lexer::new(field.as_bytes())) {
                prop_assert!(parameters.len() == 1 && !parameters.iter().any(|(_, value)| value.contains(['\r', '\n', '\0'])));
            }
        }
    }
}
