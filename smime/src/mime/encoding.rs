//! How a body is encoded for transport: `Content-Transfer-Encoding` (RFC 2045,
//! section 6).

use super::header::unfold;
use super::lexer::Lexer;
use crate::error::MimeError;

/// How a body is encoded for transport.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TransferEncoding {
    /// Not at all: short lines of ASCII.
    #[default]
    SevenBit,
    /// Not at all: short lines.
    EightBit,
    /// Not at all: any octets.
    Binary,
    /// Mostly as it is, the rest as `=` and two hexadecimal digits.
    QuotedPrintable,
    /// Four characters for three octets.
    Base64,
}

impl TransferEncoding {
    /// Reads the value of a `Content-Transfer-Encoding` field, folded or not.
    ///
    /// # Errors
    /// [`MimeError::TransferEncoding`] for anything but one of the five.
    pub fn parse(value: &[u8]) -> Result<Self, MimeError> {
        let value = unfold(value);
        let mut lexer = Lexer::new(&value);
        let token = lexer.skip_cfws().and_then(|_| lexer.token()).ok_or(MimeError::TransferEncoding)?;
        // Some programs end it like a field with parameters.
        let _ = lexer.skip_cfws().is_some() && lexer.eat(b';');
        if !lexer.is_at_end() {
            return Err(MimeError::TransferEncoding);
        }
        ALL.into_iter()
            .find(|encoding| token.eq_ignore_ascii_case(encoding.name().as_bytes()))
            .ok_or(MimeError::TransferEncoding)
    }

    /// Its name in a header field.
    pub fn name(self) -> &'static str {
        match self {
            Self::SevenBit => "7bit",
            Self::EightBit => "8bit",
            Self::Binary => "binary",
            Self::QuotedPrintable => "quoted-printable",
            Self::Base64 => "base64",
        }
    }

    /// Whether the body is the content itself (RFC 2045, section 6.2).
    pub fn is_identity(self) -> bool {
        matches!(self, Self::SevenBit | Self::EightBit | Self::Binary)
    }
}

const ALL: [TransferEncoding; 5] = [
    TransferEncoding::SevenBit,
    TransferEncoding::EightBit,
    TransferEncoding::Binary,
    TransferEncoding::QuotedPrintable,
    TransferEncoding::Base64,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_five_are_read_and_nothing_else() {
        for encoding in ALL {
            let value = format!("\r\n (how) {} (it is)\t;", encoding.name().to_ascii_uppercase());
            assert_eq!(TransferEncoding::parse(value.as_bytes()), Ok(encoding));
        }
        for value in ["", "x-uuencode", "base64, 7bit", "base64 7bit", "7bit;;", "(7bit", "8 bit", "\"base64\""] {
            assert_eq!(TransferEncoding::parse(value.as_bytes()), Err(MimeError::TransferEncoding), "{value}");
        }
    }
}
