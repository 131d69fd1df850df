//! Who wrote a message, and to whom: the one reader of addresses that every
//! decision rests on.

use std::borrow::Cow;

use super::header::Header;
use super::mailbox::{self, Address, Mailbox};
use crate::error::MimeError;

/// The author of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// The mailbox, as `local-part@domain`: without comments, quoted only where
    /// it must be, its case as it came.
    pub mailbox: String,
    /// The display name, decoded. It says whatever its writer likes.
    pub display: Option<String>,
    /// Whether `Sender` told who of several in `From` it was.
    pub is_sender: bool,
}

/// Reads the author: the one mailbox in `From`; where there are several, the
/// one in `Sender` (RFC 5322, section 3.6.2).
///
/// # Errors
/// [`MimeError::Author`] if there is not exactly one `From` field, if it names no
/// mailbox, a group, or several without exactly one `Sender` of one mailbox, and
/// for everything that is not strictly an address list, routes among it.
pub fn author(header: &Header<'_>) -> Result<Author, MimeError> {
    let mut from = mailboxes(header, "From")?;
    if let (Some(mailbox), true) = (from.pop(), from.is_empty()) {
        return Ok(Author { mailbox: mailbox.address, display: mailbox.display, is_sender: false });
    }
    let mut sender = mailboxes(header, "Sender")?;
    match (sender.pop(), sender.is_empty()) {
        (Some(mailbox), true) => Ok(Author { mailbox: mailbox.address, display: mailbox.display, is_sender: true }),
        _ => Err(MimeError::Author),
    }
}

/// The mailboxes in a field that stands once and has no groups.
fn mailboxes(header: &Header<'_>, name: &str) -> Result<Vec<Mailbox>, MimeError> {
    let field = header.unique(name).ok().flatten().ok_or(MimeError::Author)?;
    let list = mailbox::parse(field.value(), MOST_AUTHORS).ok_or(MimeError::Author)?;
    list.into_iter()
        .map(|address| match address {
            Address::Mailbox(mailbox) => Ok(mailbox),
            Address::Group(_) => Err(MimeError::Author),
        })
        .collect()
}

/// All mailboxes in the fields of a name, such as `To`, `Cc` or `Bcc`, those in
/// groups included, as [`Author::mailbox`]. A field without any is no error.
///
/// # Errors
/// [`MimeError::HeaderField`] for a field that is not strictly an address list,
/// and for too many addresses.
pub fn addresses_in(header: &Header<'_>, name: &str) -> Result<Vec<String>, MimeError> {
    let mut addresses = Vec::new();
    for field in header.all(name) {
        if field.value().trim_ascii().is_empty() {
            continue;
        }
        let left = MOST_ADDRESSES - addresses.len();
        for address in mailbox::parse(field.value(), left).ok_or(MimeError::HeaderField)? {
            match address {
                Address::Mailbox(mailbox) => addresses.push(mailbox.address),
                Address::Group(members) => addresses.extend(members.into_iter().map(|member| member.address)),
            }
        }
    }
    Ok(addresses)
}

/// Whether two addresses are one mailbox: the local part as it is, the domain as
/// [`same_domain`]. Nothing is trimmed, and what is no address equals nothing.
pub fn same_mailbox(a: &str, b: &str) -> bool {
    let (Some((local_a, domain_a)), Some((local_b, domain_b))) = (a.rsplit_once('@'), b.rsplit_once('@')) else {
        return false;
    };
    !local_a.is_empty() && local_a == local_b && same_domain(domain_a, domain_b)
}

/// Whether two domains are one: whole, without case, A-labels and U-labels alike
/// (RFC 5890). A name that only looks like another is not it.
pub fn same_domain(a: &str, b: &str) -> bool {
    let literal = |domain: &str| domain.starts_with('[') && domain.ends_with(']');
    match (canonical_domain(a), canonical_domain(b)) {
        (Some(a), Some(b)) => a.eq_ignore_ascii_case(&b),
        _ => literal(a) && a.eq_ignore_ascii_case(b),
    }
}

/// A domain in the form in which it is filed and looked up: its A-labels in lower
/// case. What is no host name stays as it is, in lower case.
pub fn normal_domain(domain: &str) -> String {
    canonical_domain(domain).unwrap_or(Cow::Borrowed(domain)).to_lowercase()
}

/// Whether a reader might take `name` for `domain`, though the two are not one by
/// [`same_domain`]: with a dot at the end, or with characters that no host name
/// has outside of ASCII, some of which nobody sees.
pub(crate) fn passes_for_domain(name: &str, domain: &str) -> bool {
    let [name, domain] = [name, domain].map(|domain| domain.trim_end_matches('.'));
    name.eq_ignore_ascii_case(domain)
        || same_domain(name, domain)
        || (!name.is_ascii() && canonical_domain(name).is_none())
}

/// A domain as it is compared, without case: its A-labels. None for what is no host
/// name: empty labels, a dot at the end, characters that no label has, and
/// Unicode that is not the U-label of its own A-label.
pub(super) fn canonical_domain(domain: &str) -> Option<Cow<'_, str>> {
    if domain.is_empty() || domain.len() > LONGEST_DOMAIN {
        return None;
    }
    let is_name = domain.split('.').all(|label| {
        !label.is_empty()
            && label.bytes().all(|c| c.is_ascii_alphanumeric() || !c.is_ascii() || matches!(c, b'-' | b'_'))
    });
    if !is_name {
        return None;
    }
    if domain.is_ascii() {
        return Some(Cow::Borrowed(domain));
    }
    let lower = domain.to_lowercase();
    let ascii = idna::domain_to_ascii(&lower).ok()?;
    // The mapping before comparison makes full-width letters and the like equal
    // to plain ones. In an address they are a disguise.
    let (unicode, result) = idna::domain_to_unicode(&ascii);
    let is_same = lower.split('.').count() == unicode.split('.').count()
        && lower
            .split('.')
            .zip(unicode.split('.'))
            .all(|(given, unicode)| given == unicode || given.is_ascii() && given.starts_with("xn--"));
    if result.is_ok() && is_same { Some(Cow::Owned(ascii)) } else { None }
}

/// Mailboxes that a From or Sender may have.
const MOST_AUTHORS: usize = 100;
/// Mailboxes that the fields of a name may have, all together.
const MOST_ADDRESSES: usize = 10_000;
/// Octets in a domain, U-labels included.
const LONGEST_DOMAIN: usize = 255;

#[cfg(test)]
mod tests;
