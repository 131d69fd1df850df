//! The filter of a search, with a mailbox in it (RFC 4515).

use ldap3::asn1::{ASNTag, write};

/// A filter with a place for the mailbox that is looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter(String);

/// What stands for the mailbox.
const ADDRESS: &str = "{address}";

impl Filter {
    /// Reads a filter as it is configured, such as `(mail={address})`. The error says
    /// what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if !text.contains(ADDRESS) {
            return Err(format!("`{text}` finds the same entries for everyone; write it with {ADDRESS} in it"));
        }
        let filter = Self(text.to_owned());
        match filter.encode("user@example.com") {
            Some(_) => Ok(filter),
            None => Err(format!("`{text}` is not a filter (RFC 4515); write it as (mail={ADDRESS})")),
        }
    }

    /// The encoded filter for `mailbox`, which is escaped: whatever is in it, it is one
    /// value. None if the outcome is no filter.
    pub(super) fn encode(&self, mailbox: &str) -> Option<Vec<u8>> {
        let text = self.0.replace(ADDRESS, &ldap3::ldap_escape(mailbox));
        let filter = ldap3::parse_filter(&text).ok()?;
        let mut encoded = Default::default();
        write::encode_into(&mut encoded, filter.into_structure()).ok()?;
        Some(encoded.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(mailbox: &str) -> Vec<u8> {
        Filter::parse("(mail={address})").unwrap().encode(mailbox).unwrap()
    }

    fn equality(value: &[u8]) -> Vec<u8> {
        let length = u8::try_from(value.len()).unwrap();
        [&[0xA3, length + 8, 0x04, 4][..], b"mail", &[0x04, length], value].concat()
    }

    #[test]
    fn a_mailbox_is_one_value() {
        assert_eq!(mail("bob@b.test"), equality(b"bob@b.test"));
        let umlaut = "b\u{f6}b@b\u{fc}cher.example";
        assert_eq!(mail(umlaut), equality(umlaut.as_bytes()));
    }

    #[test]
    fn no_mailbox_reaches_beyond_its_place() {
        for hostile in ["*", "*)(uid=*", "a)(|(cn=*))", "a\\2a@b", "a\0b", "(", ")", "\\", "\\zz"] {
            assert_eq!(mail(hostile), equality(hostile.as_bytes()), "{hostile:?}");
        }
    }

    #[test]
    fn a_filter_can_have_the_mailbox_in_several_places() {
        let filter =
            Filter::parse("(&(objectClass=person)(|(mail={address})(proxyAddresses=smtp:{address})))").unwrap();
        let encoded = filter.encode("bob@b.test").unwrap();
        assert_eq!(encoded.windows(10).filter(|window| window == b"bob@b.test").count(), 2);
    }

    #[test]
    fn what_is_no_filter_is_said() {
        assert!(Filter::parse("(mail=*)").unwrap_err().contains("{address}"));
        for wrong in ["(mail={address}", "(mail={address}))", "({address})", "(&(mail={address})"] {
            assert!(Filter::parse(wrong).unwrap_err().contains("is not a filter"), "{wrong}");
        }
    }
}
