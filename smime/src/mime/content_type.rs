//! What an entity says it is: `Content-Type` (RFC 2045, section 5) and
//! `Content-Disposition` (RFC 2183).

use std::borrow::Cow;

use super::header::unfold;
use super::lexer::Lexer;
use super::parameters::{self, LONGEST_FIELD, Parameters};
use crate::error::MimeError;

/// A media type with its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentType {
    essence: String,
    parameters: Parameters,
}

impl ContentType {
    /// Reads the value of a `Content-Type` field, folded or not.
    ///
    /// # Errors
    /// [`MimeError::ContentType`] for a value that does not parse, and for a
    /// parameter that stands twice or in two spellings.
    pub fn parse(value: &[u8]) -> Result<Self, MimeError> {
        let value = unfolded(value)?;
        let mut lexer = Lexer::new(&value);
        let essence = essence(&mut lexer).ok_or(MimeError::ContentType)?;
        Ok(Self { essence, parameters: parameters::parse(&mut lexer)? })
    }

    /// A media type without parameters, given as `type/subtype` in lower case.
    pub(super) fn of(essence: &str) -> Self {
        Self { essence: essence.to_owned(), parameters: Vec::new() }
    }

    /// `type/subtype`, in lower case.
    pub fn essence(&self) -> &str {
        &self.essence
    }

    /// Whether it is this type and subtype, given in lower case.
    pub fn is(&self, kind: &str, subtype: &str) -> bool {
        self.essence.split_once('/') == Some((kind, subtype))
    }

    /// Whether it is of this type, given in lower case: `multipart`, `text` …
    pub fn is_type(&self, kind: &str) -> bool {
        self.essence.split_once('/').is_some_and(|(of, _)| of == kind)
    }

    /// The value of a parameter, its name given in lower case. Pieces are joined
    /// and character sets decoded (RFC 2231).
    pub fn parameter(&self, name: &str) -> Option<&str> {
        find(&self.parameters, name)
    }
}

impl Default for ContentType {
    /// What an entity without `Content-Type` is: `text/plain` (RFC 2045,
    /// section 5.2).
    fn default() -> Self {
        Self::of("text/plain")
    }
}

/// How an entity wants to be shown, and what its file is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disposition {
    kind: String,
    parameters: Parameters,
}

impl Disposition {
    /// Reads the value of a `Content-Disposition` field, folded or not.
    ///
    /// # Errors
    /// As [`ContentType::parse`].
    pub fn parse(value: &[u8]) -> Result<Self, MimeError> {
        let value = unfolded(value)?;
        let mut lexer = Lexer::new(&value);
        lexer.skip_cfws().ok_or(MimeError::ContentType)?;
        let kind = lexer.token().and_then(lower).ok_or(MimeError::ContentType)?;
        Ok(Self { kind, parameters: parameters::parse(&mut lexer)? })
    }

    /// `inline`, `attachment` or another word, in lower case.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The value of a parameter, its name given in lower case.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        find(&self.parameters, name)
    }
}

fn unfolded(value: &[u8]) -> Result<Cow<'_, [u8]>, MimeError> {
    if value.len() > LONGEST_FIELD { Err(MimeError::ContentType) } else { Ok(unfold(value)) }
}

fn essence(lexer: &mut Lexer<'_>) -> Option<String> {
    lexer.skip_cfws()?;
    let mut essence = lower(lexer.token()?)?;
    lexer.skip_cfws()?;
    if !lexer.eat(b'/') {
        return None;
    }
    lexer.skip_cfws()?;
    essence.push('/');
    essence.push_str(&lower(lexer.token()?)?);
    Some(essence)
}

fn lower(token: &[u8]) -> Option<String> {
    Some(str::from_utf8(token).ok()?.to_ascii_lowercase())
}

fn find<'a>(parameters: &'a Parameters, name: &str) -> Option<&'a str> {
    parameters.iter().find(|(of, _)| of == name).map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameter(value: &str, name: &str) -> Option<String> {
        ContentType::parse(value.as_bytes()).unwrap().parameter(name).map(str::to_owned)
    }

    #[test]
    fn case_comments_folding_and_quotes_do_not_matter() {
        for value in [
            "multipart/signed; boundary=\"b 1\"; micalg=sha-256",
            " MULTIPART / Signed (a comment);\r\n\tBoundary = \"b\\ 1\" (x; y=z) ; MICALG=sha-256;",
            "Multipart/SIGNED;;boundary*=us-ascii'en'b%201;micalg*0=sha;micalg*1=\"-256\"",
        ] {
            let content_type = ContentType::parse(value.as_bytes()).unwrap();
            assert_eq!(content_type.essence(), "multipart/signed", "{value}");
            assert!(content_type.is("multipart", "signed") && content_type.is_type("multipart"));
            assert_eq!(content_type.parameter("boundary"), Some("b 1"), "{value}");
            assert_eq!(content_type.parameter("micalg"), Some("sha-256"), "{value}");
        }
    }

    #[test]
    fn parameters_in_pieces_and_character_sets_are_read() {
        let title = "application/x; name*1*=%EF%BC%91; name*0*=utf-8'ja'%e6%97%a5; name*2=\"%41\"";
        assert_eq!(parameter(title, "name").unwrap(), "日１%41");
        assert_eq!(parameter("a/b; name*=iso-8859-1''%e4.txt", "name").unwrap(), "ä.txt");
        assert_eq!(parameter("a/b; name=\"=?x?=\"; name*=utf-8''%c3%a4", "name").unwrap(), "ä");
        assert_eq!(parameter("a/b; name=日.txt", "name").unwrap(), "日.txt");
        assert_eq!(
            parameter("a/b; protocol=application/pkcs7-signature", "protocol").unwrap(),
            "application/pkcs7-signature"
        );
        assert_eq!(parameter("a/b; boundary=----=_Part_1", "boundary").unwrap(), "----=_Part_1");
    }

    #[test]
    fn what_readers_may_see_differently_is_refused() {
        for value in [
            "",
            "text",
            "text/",
            "/plain",
            "text plain",
            "text/plain charset=utf-8",
            "text/plain; charset",
            "text/plain; charset=",
            "text/plain; =utf-8",
            "text/plain; charset=\"utf-8",
            "text/plain; charset=utf-8 (open",
            "text/plain; charset=utf-8 us-ascii",
            "text/plain, text/html",
            "multipart/mixed; boundary=a; boundary=a",
            "multipart/mixed; boundary=a; BOUNDARY=b",
            "multipart/mixed; boundary=a; boundary*=us-ascii''b",
            "multipart/mixed; boundary=a; boundary*0=a",
            "multipart/mixed; boundary*0=a; boundary*0=b",
            "multipart/mixed; boundary*0=a; boundary*2=b",
            "multipart/mixed; boundary*1=a",
            "multipart/mixed; boundary*00=a",
            "multipart/mixed; boundary*+0=a",
            "multipart/mixed; boundary*=a",
            "multipart/mixed; boundary*=us-ascii''%4",
            "multipart/mixed; boundary*=us-ascii''a%0d%0ab",
            "a/b; *=x''y",
        ] {
            assert_eq!(ContentType::parse(value.as_bytes()).unwrap_err(), MimeError::ContentType, "{value}");
        }
        let many = format!("a/b{}", "; x=y".repeat(10_000));
        assert_eq!(ContentType::parse(many.as_bytes()).unwrap_err(), MimeError::ContentType);
        let long = format!("a/b; x=\"{}\"", "y".repeat(LONGEST_FIELD));
        assert_eq!(ContentType::parse(long.as_bytes()).unwrap_err(), MimeError::ContentType);
    }

    #[test]
    fn dispositions_name_files() {
        let disposition = Disposition::parse(b" Attachment; filename=\"smime.p7m\"").unwrap();
        assert_eq!((disposition.kind(), disposition.parameter("filename")), ("attachment", Some("smime.p7m")));
        assert!(Disposition::parse(b"").is_err());
    }
}
