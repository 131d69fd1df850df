//! Paths: the addresses of an envelope, kept as they are written.

use std::net::{Ipv4Addr, Ipv6Addr};

/// What is between `<` and `>` of MAIL and RCPT, and what follows.
///
/// ```text
/// Reverse-path = Path / "<>"
/// Path         = "<" [ A-d-l ":" ] Mailbox ">"
/// Mailbox      = Local-part "@" ( Domain / address-literal )
/// ```
/// RFC 5321, section 4.1.2; with UTF-8 where RFC 6531, section 3.3, allows it.
#[derive(Debug, PartialEq, Eq)]
pub struct Path<'a> {
    /// The mailbox as written, without its source route (RFC 5321, appendix C);
    /// empty for `<>`.
    pub mailbox: &'a str,
    /// What follows `>`: the parameters.
    pub rest: &'a str,
}

impl<'a> Path<'a> {
    /// Reads a path at the beginning of `text`. None: it is no path.
    pub fn read(text: &'a str) -> Option<Self> {
        Self::read_with(text, is_mailbox)
    }

    /// The same, where `postmaster` alone may stand for that of this host (RFC 5321,
    /// section 4.5.1), as in RCPT.
    pub fn read_forward(text: &'a str) -> Option<Self> {
        Self::read_with(text, |mailbox| is_mailbox(mailbox) || is_postmaster(mailbox))
    }

    fn read_with(text: &'a str, is_mailbox: impl Fn(&str) -> bool) -> Option<Self> {
        let text = text.strip_prefix('<')?;
        let end = closing(text)?;
        let (inside, rest) = text.split_at_checked(end)?;
        let rest = rest.strip_prefix('>')?;
        let mailbox = without_route(inside)?;
        let sound = mailbox.is_empty() && inside.is_empty() || is_mailbox(mailbox);
        (sound && inside.len() <= LONGEST).then_some(Self { mailbox, rest })
    }
}

/// Whether a mailbox as [`Path::read`] gives it needs SMTPUTF8 (RFC 6531).
pub fn is_international(mailbox: &str) -> bool {
    !mailbox.is_ascii()
}

/// The place of the `>` that ends a path, which is none within quotes.
fn closing(text: &str) -> Option<usize> {
    let mut quoted = false;
    let mut octets = text.bytes().enumerate();
    while let Some((place, octet)) = octets.next() {
        match octet {
            b'>' if !quoted => return Some(place),
            b'"' => quoted = !quoted,
            b'\\' if quoted => {
                octets.next();
            }
            _ => {}
        }
    }
    None
}

/// Receivers must accept a source route and should ignore it.
fn without_route(inside: &str) -> Option<&str> {
    if !inside.starts_with('@') {
        return Some(inside);
    }
    let (route, mailbox) = inside.split_once(':')?;
    let hops = route.split(',').all(|hop| hop.strip_prefix('@').is_some_and(is_domain));
    (hops && !mailbox.is_empty()).then_some(mailbox)
}

/// Whether this is `postmaster` alone.
pub fn is_postmaster(mailbox: &str) -> bool {
    mailbox.eq_ignore_ascii_case(POSTMASTER)
}

/// Whom every host has (RFC 5321, section 4.5.1).
pub const POSTMASTER: &str = "postmaster";

fn is_mailbox(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let local_is_sound = match local.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"').is_some_and(is_quoted_text),
        None => local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atext)),
    };
    let literal = domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    local_is_sound && literal.map_or_else(|| is_domain(domain), is_address_literal)
}

/// `*QcontentSMTP`, without the quotes around it.
fn is_quoted_text(text: &str) -> bool {
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let sound = match character {
            '"' => false,
            '\\' => characters.next().is_some_and(|escaped| matches!(escaped, ' '..='~')),
            ' '..='~' => true,
            _ => !character.is_ascii(),
        };
        if !sound {
            return false;
        }
    }
    true
}

fn is_atext(character: char) -> bool {
    !character.is_ascii() || character.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(character)
}

/// Labels of letters, digits and hyphens; an underscore, which hosts must not
/// have and yet do, changes nothing for us.
fn is_domain(text: &str) -> bool {
    text.len() <= 255
        && text.split('.').all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| !c.is_ascii() || c.is_ascii_alphanumeric() || c == '-' || c == '_')
        })
}

fn is_address_literal(text: &str) -> bool {
    match text.get(..5).filter(|tag| tag.eq_ignore_ascii_case("IPv6:")) {
        Some(_) => text.get(5..).is_some_and(|address| address.parse::<Ipv6Addr>().is_ok()),
        None => text.parse::<Ipv4Addr>().is_ok(),
    }
}

/// Octets of a path (RFC 5321, section 4.5.3.1.3).
const LONGEST: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_kept_as_written() {
        for (text, mailbox, rest) in [
            ("<>", "", ""),
            ("<a@b.example>", "a@b.example", ""),
            ("<a@b.example> SIZE=10", "a@b.example", " SIZE=10"),
            ("<\"a > b\\\"@\"@b.example> X", "\"a > b\\\"@\"@b.example", " X"),
            ("<a@[127.0.0.1]>", "a@[127.0.0.1]", ""),
            ("<a@[IPv6:::1]>", "a@[IPv6:::1]", ""),
            ("<@one.example,@two.example:a@b.example>", "a@b.example", ""),
            ("<ёж@пример.example>", "ёж@пример.example", ""),
            ("<a+b=c@B.Example>", "a+b=c@B.Example", ""),
        ] {
            assert_eq!(Path::read(text), Some(Path { mailbox, rest }), "{text}");
        }
    }

    #[test]
    fn the_postmaster_needs_no_domain_where_mail_goes_to_him() {
        for text in ["<postmaster> X", "<PostMaster> X"] {
            assert_eq!(Path::read_forward(text).map(|path| path.rest), Some(" X"), "{text}");
            assert_eq!(Path::read(text), None, "{text}");
        }
        assert_eq!(Path::read_forward("<a@b.example>").map(|path| path.mailbox), Some("a@b.example"));
        assert_eq!(Path::read_forward("<abuse>"), None);
    }

    #[test]
    fn what_is_no_path_is_refused() {
        let long = format!("<{}@b.example>", "a".repeat(250));
        for text in [
            "",
            "<",
            "a@b.example",
            "<a@b.example",
            "<a>",
            "<postmaster>",
            "<@b.example>",
            "<a@>",
            "<a@b@c.example>",
            "<a b@c.example>",
            "<.a@b.example>",
            "<a..b@c.example>",
            "<\"a\"b@c.example>",
            "<\"a\\\"@b.example>",
            "<a@b..example>",
            "<a@b.example.>",
            "<a@-b.example>",
            "<a@b.example,c@d.example>",
            "<@one.example:>",
            "<a@[127.0.0.1>",
            "<a@[example]>",
            "<a\t@b.example>",
            "<<a@b.example>>",
            &long,
        ] {
            assert_eq!(Path::read(text), None, "{text}");
        }
    }
}
