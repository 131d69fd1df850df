//! Which names an authority may issue certificates for (RFC 5280, section
//! 4.2.1.10; RFC 9598, section 6).
//!
//! Judged are mail addresses and directory names. A constraint on another form
//! of name is one that cannot be judged, and so is a certificate below that has a
//! name of that form.

use const_oid::db::rfc5280::{ID_CE_NAME_CONSTRAINTS, ID_CE_SUBJECT_ALT_NAME};
use der::asn1::AnyRef;
use der::{Decode, Reader as _, SliceReader, Tag, Tagged};

use super::Certificate;
use super::distinguished_name::DistinguishedName;
use super::general_name::{self, GeneralName};
use crate::budget::Budget;
use crate::error::CertificateError;
use crate::mime::address::{normal_domain, same_domain, same_mailbox};

/// The constraints of one authority.
///
/// ```text
/// NameConstraints ::= SEQUENCE {
///   permittedSubtrees [0] GeneralSubtrees OPTIONAL,
///   excludedSubtrees  [1] GeneralSubtrees OPTIONAL }
/// GeneralSubtrees ::= SEQUENCE SIZE (1..MAX) OF GeneralSubtree
/// GeneralSubtree ::= SEQUENCE {
///   base    GeneralName,
///   minimum [0] BaseDistance DEFAULT 0,
///   maximum [1] BaseDistance OPTIONAL }
/// ```
pub struct NameConstraints<'a> {
    permitted: Vec<GeneralName<'a>>,
    excluded: Vec<GeneralName<'a>>,
}

impl<'a> NameConstraints<'a> {
    /// The constraints in a certificate, critical or not; none if it has none.
    ///
    /// # Errors
    /// [`CertificateError::Malformed`] if they do not parse;
    /// [`CertificateError::Unjudged`] if there are distances in them, which RFC
    /// 5280 has no use for.
    pub fn of(certificate: &'a Certificate) -> Result<Option<Self>, CertificateError> {
        certificate.extension_of(ID_CE_NAME_CONSTRAINTS).map(|e| Self::read(e.extn_value.as_bytes())).transpose()
    }

    fn read(encoded: &'a [u8]) -> Result<Self, CertificateError> {
        let whole = AnyRef::from_der(encoded).map_err(|_| CertificateError::Malformed)?;
        whole.tag().assert_eq(Tag::Sequence).map_err(|_| CertificateError::Malformed)?;
        let mut constraints = Self { permitted: Vec::new(), excluded: Vec::new() };
        let mut reader = SliceReader::new(whole.value()).map_err(|_| CertificateError::Malformed)?;
        while !reader.is_finished() {
            let trees = AnyRef::decode(&mut reader).map_err(|_| CertificateError::Malformed)?;
            match general_name::context_number(&trees) {
                Some(0) => constraints.permitted.extend(subtrees(trees.value())?),
                Some(1) => constraints.excluded.extend(subtrees(trees.value())?),
                _ => return Err(CertificateError::Malformed),
            }
        }
        Ok(constraints)
    }

    /// Whether `certificate`, which is below the authority, has no names but such
    /// as these allow. Each comparison is taken from `budget`.
    ///
    /// # Errors
    /// [`CertificateError::NameConstraints`] if it has another;
    /// [`CertificateError::Unjudged`] if that cannot be told; a limit.
    pub fn check(&self, certificate: &Certificate, budget: &mut Budget) -> Result<(), CertificateError> {
        let malformed = |_| CertificateError::Malformed;
        let subject = DistinguishedName::from_der(certificate.subject_der()).map_err(malformed)?;
        let alternative = match certificate.extension_of(ID_CE_SUBJECT_ALT_NAME) {
            Some(extension) => general_name::sequence(extension.extn_value.as_bytes()).map_err(malformed)?,
            None => Vec::new(),
        };
        // The address in a subject is a name of its own: more is constrained than
        // RFC 5280 asks, where there are alternatives too.
        let addresses = subject.addresses();
        let mut names: Vec<GeneralName<'_>> = addresses.into_iter().map(GeneralName::Mailbox).collect();
        if !subject.is_empty() {
            names.push(GeneralName::Directory(subject));
        }
        names.extend(alternative);
        names.iter().try_for_each(|name| self.check_name(name, budget))
    }

    fn check_name(&self, name: &GeneralName<'_>, budget: &mut Budget) -> Result<(), CertificateError> {
        let form = name.form();
        for tree in self.excluded.iter().filter(|tree| tree.form() == form) {
            budget.name_comparison()?;
            if within(name, tree)? {
                return Err(CertificateError::NameConstraints);
            }
        }
        let mut constrained = false;
        for tree in self.permitted.iter().filter(|tree| tree.form() == form) {
            budget.name_comparison()?;
            if within(name, tree)? {
                return Ok(());
            }
            constrained = true;
        }
        if constrained { Err(CertificateError::NameConstraints) } else { Ok(()) }
    }
}

/// Whether `name` lies in the subtree of `base`, which is of the same form.
fn within(name: &GeneralName<'_>, base: &GeneralName<'_>) -> Result<bool, CertificateError> {
    match (name, base) {
        (GeneralName::Mailbox(mailbox), GeneralName::Mailbox(constraint)) => mailbox_within(mailbox, constraint),
        // Constraints of mail addresses hold for these as well, but no such
        // address is one that has ASCII alone (RFC 9598, section 6).
        (GeneralName::Utf8Mailbox(mailbox), GeneralName::Mailbox(constraint)) => match constraint.contains('@') {
            true => Ok(false),
            false => mailbox_within(mailbox, constraint),
        },
        (GeneralName::Directory(name), GeneralName::Directory(base)) => Ok(base.is_above(name)),
        _ => Err(CertificateError::Unjudged),
    }
}

/// A constraint is a mailbox, a host (all mailboxes at it), or a domain with a
/// dot before it (all hosts below it).
fn mailbox_within(mailbox: &str, constraint: &str) -> Result<bool, CertificateError> {
    let (local, domain) = mailbox.rsplit_once('@').ok_or(CertificateError::Unjudged)?;
    if local.is_empty() || domain.is_empty() {
        return Err(CertificateError::Unjudged);
    }
    if constraint.contains('@') {
        return Ok(same_mailbox(mailbox, constraint));
    }
    match constraint.strip_prefix('.') {
        Some(parent) => {
            let suffix = format!(".{}", normal_domain(parent));
            Ok(normal_domain(domain).strip_suffix(&suffix).is_some_and(|host| !host.is_empty()))
        }
        // No host: what some write to exclude all mailboxes, or to permit any.
        None if constraint.is_empty() => Ok(true),
        None => Ok(same_domain(domain, constraint)),
    }
}

fn subtrees(content: &[u8]) -> Result<Vec<GeneralName<'_>>, CertificateError> {
    let mut reader = SliceReader::new(content).map_err(|_| CertificateError::Malformed)?;
    let mut found = Vec::new();
    while !reader.is_finished() {
        let tree = AnyRef::decode(&mut reader).map_err(|_| CertificateError::Malformed)?;
        tree.tag().assert_eq(Tag::Sequence).map_err(|_| CertificateError::Malformed)?;
        let mut fields = SliceReader::new(tree.value()).map_err(|_| CertificateError::Malformed)?;
        let base = AnyRef::decode(&mut fields).map_err(|_| CertificateError::Malformed)?;
        if !fields.is_finished() {
            return Err(CertificateError::Unjudged);
        }
        found.push(GeneralName::read(&base).map_err(|_| CertificateError::Malformed)?);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x509::general_name::Form;

    fn constraints<'a>(permitted: &[&'a str], excluded: &[&'a str]) -> NameConstraints<'a> {
        let mailboxes = |names: &[&'a str]| names.iter().map(|name| GeneralName::Mailbox(name)).collect();
        NameConstraints { permitted: mailboxes(permitted), excluded: mailboxes(excluded) }
    }

    fn check(constraints: &NameConstraints<'_>, mailbox: &str) -> Result<(), CertificateError> {
        constraints.check_name(&GeneralName::Mailbox(mailbox), &mut Budget::for_message(0))
    }

    const OUTSIDE: Result<(), CertificateError> = Err(CertificateError::NameConstraints);

    #[test]
    fn t30_hosts_domains_and_mailboxes_bound_addresses() {
        let host = constraints(&["peer.example"], &[]);
        assert_eq!(check(&host, "alice@peer.example"), Ok(()));
        assert_eq!(check(&host, "alice@PEER.Example"), Ok(()));
        for other in ["alice@mail.peer.example", "alice@notpeer.example", "peer.example@evil.example"] {
            assert_eq!(check(&host, other), OUTSIDE, "{other}");
        }
        let domain = constraints(&[".peer.example"], &[]);
        assert_eq!(check(&domain, "alice@mail.peer.example"), Ok(()));
        assert_eq!(check(&domain, "alice@a.mail.Peer.example"), Ok(()));
        for other in ["alice@peer.example", "alice@notpeer.example", "alice@.peer.example"] {
            assert_eq!(check(&domain, other), OUTSIDE, "{other}");
        }
        let mailbox = constraints(&["alice@peer.example"], &[]);
        assert_eq!(check(&mailbox, "alice@peer.EXAMPLE"), Ok(()));
        assert_eq!(check(&mailbox, "Alice@peer.example"), OUTSIDE);
        assert_eq!(check(&mailbox, "bob@peer.example"), OUTSIDE);
    }

    #[test]
    fn t30_what_is_excluded_is_so_though_it_is_permitted() {
        let both = constraints(&[".peer.example", "peer.example"], &["mail.peer.example", "bob@peer.example"]);
        assert_eq!(check(&both, "alice@peer.example"), Ok(()));
        assert_eq!(check(&both, "alice@sub.peer.example"), Ok(()));
        assert_eq!(check(&both, "alice@mail.peer.example"), OUTSIDE);
        assert_eq!(check(&both, "bob@peer.example"), OUTSIDE);
        // Nothing but an exclusion: all else is allowed; and all of them excluded.
        assert_eq!(check(&constraints(&[], &["evil.example"]), "alice@peer.example"), Ok(()));
        assert_eq!(check(&constraints(&[], &[""]), "alice@peer.example"), OUTSIDE);
    }

    #[test]
    fn r6_international_mailboxes_obey_the_constraints_of_hosts() {
        let utf8 = |constraints: &NameConstraints<'_>, mailbox: &str| {
            constraints.check_name(&GeneralName::Utf8Mailbox(mailbox.to_owned()), &mut Budget::for_message(0))
        };
        let labels = constraints(&["xn--r8jz45g.xn--zckzah"], &[]);
        assert_eq!(utf8(&labels, "医生@例え.テスト"), Ok(()));
        assert_eq!(utf8(&labels, "医生@peer.example"), OUTSIDE);
        assert_eq!(utf8(&constraints(&["alice@peer.example"], &[]), "alice@peer.example"), OUTSIDE);
    }

    #[test]
    fn what_is_no_mailbox_or_of_another_form_cannot_be_judged() {
        assert_eq!(check(&constraints(&["peer.example"], &[]), "nobody"), Err(CertificateError::Unjudged));
        let other = GeneralName::Other(Form::Tagged(2));
        let dns = NameConstraints { permitted: vec![other.clone()], excluded: vec![] };
        assert_eq!(dns.check_name(&other, &mut Budget::for_message(0)), Err(CertificateError::Unjudged));
        // A mail certificate has no such name, and so nothing to judge.
        assert_eq!(check(&dns, "alice@peer.example"), Ok(()));
    }

    #[test]
    fn t41_ten_thousand_constraints_cost_a_bounded_amount_of_work() {
        let hosts: Vec<String> = (0..10_000).map(|n| format!("host{n}.example")).collect();
        let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
        let many = constraints(&hosts, &hosts);
        let mut budget = Budget::for_message(0);
        let begun = std::time::Instant::now();
        let names = (0..1_000).map(|n| format!("alice@peer{n}.example"));
        let outcome = names.map(|name| many.check_name(&GeneralName::Mailbox(&name), &mut budget));
        let limit = outcome.filter(|e| matches!(e, Err(CertificateError::Limit(_)))).count();
        assert!(limit > 900, "{limit}");
        assert!(begun.elapsed() < std::time::Duration::from_secs(10));
    }
}
