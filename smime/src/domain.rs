//! Keys of whole domains (RFC 3183): a gateway's, with which it signs for those
//! of its users who have no key, and decrypts what others encrypt to it for them.

use crate::mime::address::same_domain;
use crate::x509::{Certificate, address, subject};

/// What a domain's certificate is for: its common name, and the local part of
/// its mail address (RFC 3183, section 3.1.1 and 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authority {
    /// Signatures.
    Signing,
    /// Encryption.
    Confidentiality,
}

impl Authority {
    fn name(self) -> &'static str {
        match self {
            Self::Signing => "domain-signing-authority",
            Self::Confidentiality => "domain-confidentiality-authority",
        }
    }

    /// The mailbox under which the key of the domain of `mailbox` is filed.
    pub fn mailbox(self, mailbox: &str) -> Option<String> {
        let (local, domain) = mailbox.rsplit_once('@')?;
        // It speaks for others, and not through another.
        (local != self.name()).then(|| format!("{}@{domain}", self.name()))
    }

    /// Whether `mailbox` is that of an authority.
    pub fn is_named_by(mailbox: &str) -> bool {
        let local = mailbox.rsplit_once('@').map(|(local, _)| local);
        [Self::Signing, Self::Confidentiality].iter().any(|authority| local == Some(authority.name()))
    }

    /// Whether `certificate` is one of a domain that `mailbox` is in: its one
    /// common name is that of the authority, and it names the mailbox of that
    /// name in the same domain, or in one above it.
    ///
    /// RFC 3183 can do without the mailbox, by comparing distinguished names; but
    /// then nothing a mail server knows would bind the certificate to a domain.
    pub fn speaks_for(self, certificate: &Certificate, mailbox: &str) -> bool {
        let Some((_, domain)) = mailbox.rsplit_once('@') else { return false };
        subject::common_names(certificate) == [self.name()]
            && address::mailboxes(certificate).iter().any(|own| {
                own.rsplit_once('@').is_some_and(|(local, of)| local == self.name() && is_within(domain, of))
            })
    }
}

/// Whether `domain` is `parent`, or below it, by whole labels.
fn is_within(domain: &str, parent: &str) -> bool {
    let mut rest = domain;
    loop {
        if same_domain(rest, parent) {
            return true;
        }
        match rest.split_once('.') {
            // A top-level domain speaks for nobody.
            Some((_, above)) if above.contains('.') => rest = above,
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g2_domains_are_compared_by_whole_labels() {
        for (domain, parent, within) in [
            ("lan.example", "lan.example", true),
            ("sales.lan.example", "LAN.example", true),
            ("evillan.example", "lan.example", false),
            ("lan.example.evil", "lan.example", false),
            ("lan.example", "sales.lan.example", false),
            ("lan.example", "example", false),
        ] {
            assert_eq!(is_within(domain, parent), within, "{domain} in {parent}");
        }
    }

    #[test]
    fn an_authority_has_none_above_itself() {
        assert_eq!(Authority::Signing.mailbox("a@b.example").as_deref(), Some("domain-signing-authority@b.example"));
        assert_eq!(Authority::Signing.mailbox("domain-signing-authority@b.example"), None);
    }
}
