//! Address lists (RFC 5322, section 3.4, with the UTF-8 of RFC 6532): the strict
//! grammar. Of the obsolete one it knows the dot in a display name, which mail
//! has, and neither routes nor white space inside a dot-atom.

use mail_parser::parsers::MessageStream;

use super::address::canonical_domain;
use super::header::unfold;
use super::lexer::Lexer;

/// One element of an address list.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Address {
    Mailbox(Mailbox),
    /// A named group of mailboxes, perhaps of none.
    Group(Vec<Mailbox>),
}

/// A mailbox as it stands in a field.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mailbox {
    /// The display name, decoded, if there is one.
    pub(super) display: Option<String>,
    /// The addr-spec without comments and white space, quoted where it must be.
    pub(super) address: String,
}

/// Reads a whole address list of at most `most` mailboxes. None for anything
/// else: what two readers might read as two lists is no list.
pub(super) fn parse(value: &[u8], most: usize) -> Option<Vec<Address>> {
    if value.len() > LONGEST_LIST {
        return None;
    }
    let value = unfold(value);
    // Old mail has display names in charsets of its own. They say whatever their
    // writer likes; in an address such an octet is refused.
    let text = String::from_utf8_lossy(&value);
    if text.chars().any(|c| c != '\t' && is_invisible(c)) {
        return None;
    }
    let mut parser = Parser { lexer: Lexer::new(text.as_bytes()), left: most };
    let mut list = Vec::new();
    loop {
        list.push(parser.address()?);
        parser.lexer.skip_cfws()?;
        match parser.lexer.next() {
            None => return Some(list),
            Some(b',') => {}
            Some(_) => return None,
        }
    }
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    /// How many more mailboxes may come.
    left: usize,
}

impl Parser<'_> {
    fn address(&mut self) -> Option<Address> {
        let words = Words::parse(&mut self.lexer)?;
        if self.lexer.peek() == Some(b':') {
            words.display()?;
            self.lexer.next();
            return self.group();
        }
        self.mailbox(words).map(Address::Mailbox)
    }

    /// ```text
    /// group = display-name ":" [group-list] ";" [CFWS]
    /// ```
    fn group(&mut self) -> Option<Address> {
        let mut members = Vec::new();
        self.lexer.skip_cfws()?;
        if self.lexer.eat(b';') {
            return Some(Address::Group(members));
        }
        loop {
            let words = Words::parse(&mut self.lexer)?;
            members.push(self.mailbox(words)?);
            self.lexer.skip_cfws()?;
            match self.lexer.next()? {
                b';' => return Some(Address::Group(members)),
                b',' => {}
                _ => return None,
            }
        }
    }

    /// ```text
    /// mailbox    = name-addr / addr-spec
    /// name-addr  = [display-name] angle-addr
    /// angle-addr = [CFWS] "<" addr-spec ">" [CFWS]
    /// ```
    fn mailbox(&mut self, words: Words) -> Option<Mailbox> {
        self.left = self.left.checked_sub(1)?;
        if !self.lexer.eat(b'<') {
            return Some(Mailbox { display: None, address: self.addr_spec(&words)? });
        }
        let display = if words.0.is_empty() { None } else { Some(words.display()?) };
        let local = Words::parse(&mut self.lexer)?;
        let address = self.addr_spec(&local)?;
        self.lexer.skip_cfws()?;
        if self.lexer.eat(b'>') { Some(Mailbox { display, address }) } else { None }
    }

    /// ```text
    /// addr-spec  = local-part "@" domain
    /// local-part = dot-atom / quoted-string
    /// domain     = dot-atom / domain-literal
    /// ```
    fn addr_spec(&mut self, local: &Words) -> Option<String> {
        let mut address = local.local_part()?;
        if !self.lexer.eat(b'@') {
            return None;
        }
        address.push('@');
        self.lexer.skip_cfws()?;
        if self.lexer.eat(b'[') {
            let literal = self.lexer.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, b'.' | b':' | b'-'));
            if literal.is_empty() || !self.lexer.eat(b']') {
                return None;
            }
            address.push('[');
            address.push_str(str::from_utf8(literal).ok()?);
            address.push(']');
        } else {
            let domain = self.lexer.take_while(|c| is_atom(c) || c == b'.');
            let domain = str::from_utf8(domain).ok()?;
            // A host name, and in Unicode a name that has its A-label.
            canonical_domain(domain)?;
            address.push_str(domain);
        }
        if address.len() > LONGEST { None } else { Some(address) }
    }
}

/// The words and dots before an `@`, a `<` or a `:`.
struct Words(Vec<Word>);

struct Word {
    kind: Kind,
    text: String,
    /// White space or a comment stands before it, and it is not the first.
    is_apart: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Atom,
    Dot,
    Quoted,
}

impl Words {
    fn parse(lexer: &mut Lexer<'_>) -> Option<Self> {
        let mut words = Vec::new();
        loop {
            let is_apart = lexer.skip_cfws()? && !words.is_empty();
            let (kind, octets) = match lexer.peek() {
                Some(b'"') => (Kind::Quoted, lexer.quoted_string()?),
                Some(b'.') => (Kind::Dot, vec![lexer.next()?]),
                Some(octet) if is_atom(octet) => (Kind::Atom, lexer.take_while(is_atom).to_vec()),
                _ => return Some(Self(words)),
            };
            if words.len() == MOST_WORDS {
                return None;
            }
            words.push(Word { kind, text: String::from_utf8(octets).ok()?, is_apart });
        }
    }

    /// The words as a local part: a quoted string, or atoms with a dot between
    /// every two.
    fn local_part(&self) -> Option<String> {
        if self.0.iter().any(|word| word.text.contains(char::REPLACEMENT_CHARACTER)) {
            return None;
        }
        if let [Word { kind: Kind::Quoted, text, .. }] = self.0.as_slice() {
            return Some(quote(text));
        }
        let mut local = String::new();
        for (i, word) in self.0.iter().enumerate() {
            let due = if i % 2 == 0 { Kind::Atom } else { Kind::Dot };
            if word.kind != due || word.is_apart {
                return None;
            }
            local.push_str(&word.text);
        }
        if self.0.len() % 2 == 1 { Some(local) } else { None }
    }

    /// The words as a display name, which begins with no dot, decoded
    /// (RFC 2047).
    fn display(&self) -> Option<String> {
        if self.0.first().is_none_or(|first| first.kind == Kind::Dot) {
            return None;
        }
        let mut phrase = String::new();
        for word in &self.0 {
            if word.is_apart {
                phrase.push(' ');
            }
            phrase.push_str(&word.text);
        }
        if !phrase.contains("=?") {
            return Some(phrase);
        }
        phrase.push('\n');
        let decoded = MessageStream::new(phrase.as_bytes()).parse_unstructured().into_text();
        Some(decoded.map_or_else(|| phrase.trim_end().to_owned(), |text| text.into_owned()))
    }
}

/// A local part in its simplest form: bare if it is a dot-atom, else quoted.
fn quote(content: &str) -> String {
    if content.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atom)) {
        return content.to_owned();
    }
    let mut quoted = String::from('"');
    for c in content.chars() {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

/// ```text
/// atext = ALPHA / DIGIT / "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" /
///         "/" / "=" / "?" / "^" / "_" / "`" / "{" / "|" / "}" / "~" / UTF8-non-ascii
/// ```
fn is_atom(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || !octet.is_ascii() || b"!#$%&'*+-/=?^_`{|}~".contains(&octet)
}

/// Characters that nobody sees: controls, and what orders or joins others. They
/// make one address look like another.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// More octets than a path of SMTP may have (RFC 5321, section 4.5.3.1).
const LONGEST: usize = 512;
/// Octets in a list: ten thousand addresses of a hundred.
const LONGEST_LIST: usize = 1 << 20;
/// Words and dots in a name.
const MOST_WORDS: usize = 200;
