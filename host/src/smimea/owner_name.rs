//! Where in the DNS the certificates of a mailbox are (RFC 8162, section 3).

use hickory_resolver::proto::rr::Name;
use sha2::{Digest, Sha256};

use crate::keyring::hex;
use crate::mailbox::normal_domain;

/// Octets of the digest that go into the name.
const DIGEST: usize = 28;

/// The name of the SMIMEA records of `mailbox`; none if its domain is no domain name.
///
/// The local part is hashed as it is written, but for quotes around it: no letter of
/// it is folded (section 4).
pub(super) fn owner_name(mailbox: &str) -> Option<Name> {
    let (local, domain) = mailbox.rsplit_once('@')?;
    let digest = Sha256::digest(unquoted(local));
    let digest = hex(digest.get(..DIGEST)?);
    let domain = normal_domain(domain);
    if local.is_empty() || domain.is_empty() || domain.starts_with('[') {
        return None;
    }
    Name::from_ascii(format!("{digest}._smimecert.{domain}.")).ok()
}

/// A local part without the quotes around it and the backslashes in between.
fn unquoted(local: &str) -> String {
    let Some(quoted) = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return local.to_owned() };
    let mut characters = quoted.chars();
    let mut plain = String::with_capacity(quoted.len());
    while let Some(character) = characters.next() {
        match character {
            '\\' => plain.extend(characters.next()),
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(mailbox: &str) -> String {
        owner_name(mailbox).unwrap().to_string()
    }

    #[test]
    fn the_name_is_that_of_the_rfc() {
        // RFC 8162, section 3: chris@example.com.
        let expected = "c93f1e400f26708f98cb19d936620da35eec8f72e57f9eec01c1afd6._smimecert.example.com.";
        // RFC 7929, section 3, from which the rule is taken: hugh@example.com.
        assert_eq!(name("hugh@example.com"), expected);
    }

    #[test]
    fn the_local_part_has_case_and_the_domain_has_not() {
        assert_eq!(name("bob@b.test"), name("bob@B.TEST"));
        assert_ne!(name("bob@b.test"), name("Bob@b.test"));
        assert_eq!(name("x@b\u{fc}cher.example"), name("x@xn--bcher-kva.example"));
    }

    #[test]
    fn quotes_are_no_part_of_the_local_part() {
        assert_eq!(name("\"bob\"@b.test"), name("bob@b.test"));
        assert_eq!(name("\"b\\o\\\"b\"@b.test"), name("\"bo\\\"b\"@b.test"));
    }

    #[test]
    fn what_has_no_domain_name_has_no_records() {
        for mailbox in ["bob", "bob@", "@b.test", "bob@[192.0.2.1]", "bob@b..test", "bob@b\0.\u{7f}"] {
            let name = owner_name(mailbox);
            assert!(name.is_none() || mailbox.ends_with('\u{7f}'), "{mailbox:?}: {name:?}");
        }
        assert!(owner_name(&format!("bob@{}.test", "a".repeat(64))).is_none());
    }
}
