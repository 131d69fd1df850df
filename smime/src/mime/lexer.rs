//! The tokens of structured header fields (RFC 5322, section 3.2; RFC 2045,
//! section 5.1), over an unfolded value.

/// A place in an unfolded value. Every reader leaves it behind what it read, and
/// gives none where the value has something else.
#[derive(Clone)]
pub(crate) struct Lexer<'a> {
    rest: &'a [u8],
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(unfolded: &'a [u8]) -> Self {
        Self { rest: unfolded }
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    pub(crate) fn next(&mut self) -> Option<u8> {
        let (&octet, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(octet)
    }

    /// Reads this octet, if it is next.
    pub(crate) fn eat(&mut self, octet: u8) -> bool {
        let found = self.peek() == Some(octet);
        if found {
            self.next();
        }
        found
    }

    /// Reads as many octets as fit, perhaps none.
    pub(crate) fn take_while(&mut self, fits: impl Fn(u8) -> bool) -> &'a [u8] {
        let len = self.rest.iter().position(|&octet| !fits(octet)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at_checked(len).unwrap_or((self.rest, &[]));
        self.rest = rest;
        taken
    }

    /// Skips white space and comments, and says whether there were any. None if
    /// a comment does not end.
    pub(crate) fn skip_cfws(&mut self) -> Option<bool> {
        let mut skipped = false;
        loop {
            match self.peek() {
                Some(b' ' | b'\t') => {
                    self.next();
                }
                Some(b'(') => self.comment()?,
                _ => return Some(skipped),
            }
            skipped = true;
        }
    }

    /// A comment; they nest.
    fn comment(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.next()? {
                b'(' => depth += 1,
                b')' => depth -= 1,
                b'\\' => {
                    self.next()?;
                }
                _ => {}
            }
            if depth == 0 {
                return Some(());
            }
        }
    }

    /// What a quoted string says, without quotes and backslashes.
    pub(crate) fn quoted_string(&mut self) -> Option<Vec<u8>> {
        if !self.eat(b'"') {
            return None;
        }
        let mut content = Vec::new();
        loop {
            match self.next()? {
                b'"' => return Some(content),
                b'\\' => content.push(self.next()?),
                octet => content.push(octet),
            }
        }
    }

    /// A token of RFC 2045: one or more octets that need no quotes.
    pub(crate) fn token(&mut self) -> Option<&'a [u8]> {
        let token = self.take_while(is_token);
        if token.is_empty() { None } else { Some(token) }
    }

    /// Whether nothing but white space and comments is left.
    pub(crate) fn is_at_end(&mut self) -> bool {
        self.skip_cfws().is_some() && self.rest.is_empty()
    }
}

/// ```text
/// token := 1*<any (US-ASCII) CHAR except SPACE, CTLs, or tspecials>
/// tspecials := "(" / ")" / "<" / ">" / "@" / "," / ";" / ":" / "\" /
///              <"> / "/" / "[" / "]" / "?" / "="
/// ```
/// RFC 2045, section 5.1.
pub(crate) fn is_token(octet: u8) -> bool {
    octet.is_ascii_graphic()
        && !matches!(
            octet,
            b'(' | b')' | b'<' | b'>' | b'@' | b',' | b';' | b':' | b'\\' | b'"' | b'/' | b'[' | b']' | b'?' | b'='
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_nest_and_quote() {
        let mut lexer = Lexer::new(b" (a (b) \\) c) \tx(open");
        assert_eq!(lexer.skip_cfws(), Some(true));
        assert_eq!(lexer.token(), Some(&b"x"[..]));
        assert_eq!(lexer.skip_cfws(), None);
    }

    #[test]
    fn quoted_strings_end() {
        assert_eq!(Lexer::new(br#""a \"b\\ c""#).quoted_string().unwrap(), br#"a "b\ c"#);
        assert!(Lexer::new(br#""a"#).quoted_string().is_none());
        assert!(Lexer::new(br#""a\"#).quoted_string().is_none());
        assert!(Lexer::new(b"a").quoted_string().is_none());
    }
}
