//! Certificate policies on a path (RFC 5280, section 6.1), for a verifier that
//! accepts any policy, as this one does: what counts is whether a path on which
//! one is required has one that all of its authorities stand by.
//!
//! The tree of the RFC is nil as soon as its lowest level is empty, and what is
//! below a node depends on nothing but the policies that are expected there. So
//! each level is kept as a set, and a tree that doubles with each certificate
//! costs no more than another.

use std::collections::BTreeSet;

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5280::{ANY_POLICY, ID_CE_CERTIFICATE_POLICIES};
use const_oid::db::rfc5912::{ID_QT_CPS, ID_QT_UNOTICE};
use x509_cert::ext::pkix::{CertificatePolicies, InhibitAnyPolicy, PolicyConstraints, PolicyMappings};

use super::Certificate;
use crate::error::CertificateError;

/// Whether the policies on a path hold: from a leaf upwards over its issuers, which
/// an `anchor` issued. An anchor's own policies bind nobody, but its constraints do
/// (RFC 5937).
///
/// [`CertificateError::Policies`] if not; [`CertificateError::Malformed`] or
/// [`CertificateError::Unjudged`] for what cannot be read.
pub(super) fn check(path: &[&Certificate], anchor: &Certificate) -> Result<(), CertificateError> {
    let mut state = State::new(path.len());
    state.constrain(&Policies::of(anchor)?);
    let (leaf, issuers) = path.split_first().ok_or(CertificateError::NoPath)?;
    for issuer in issuers.iter().rev() {
        let policies = Policies::of(issuer)?;
        state.enter(&policies, issuer.is_self_issued())?;
        state.map(&policies.mappings)?;
        if !issuer.is_self_issued() {
            state.count_down();
        }
        state.constrain(&policies);
    }
    let policies = Policies::of(leaf)?;
    state.enter(&policies, false)?;
    state.explicit_policy = state.explicit_policy.saturating_sub(1);
    if policies.require_explicit_policy == Some(0) {
        state.explicit_policy = 0;
    }
    state.hold()
}

/// Most policies, and most mappings, of a certificate.
const MOST: usize = 256;

/// What a certificate says of policies.
#[derive(Clone, Debug, Default)]
struct Policies {
    /// Its policies but anyPolicy; none if it does not say.
    named: Option<BTreeSet<ObjectIdentifier>>,
    /// anyPolicy is among them.
    any: bool,
    /// From a policy of the issuer's domain to one of the subject's.
    mappings: Vec<(ObjectIdentifier, ObjectIdentifier)>,
    require_explicit_policy: Option<u32>,
    inhibit_policy_mapping: Option<u32>,
    inhibit_any_policy: Option<u32>,
}

impl Policies {
    fn of(certificate: &Certificate) -> Result<Self, CertificateError> {
        let mut policies = Self::default();
        if let Some(CertificatePolicies(list)) = certificate.extension()? {
            let critical = certificate.extension_of(ID_CE_CERTIFICATE_POLICIES).is_some_and(|e| e.critical);
            let mut qualifiers = list.iter().flat_map(|policy| policy.policy_qualifiers.iter().flatten());
            let is_strange = qualifiers.any(|q| ![ID_QT_CPS, ID_QT_UNOTICE].contains(&q.policy_qualifier_id));
            if list.len() > MOST || (critical && is_strange) {
                return Err(CertificateError::Unjudged);
            }
            let mut named: BTreeSet<_> = list.iter().map(|policy| policy.policy_identifier).collect();
            policies.any = named.remove(&ANY_POLICY);
            policies.named = Some(named);
        }
        if let Some(PolicyMappings(list)) = certificate.extension()? {
            if list.len() > MOST {
                return Err(CertificateError::Unjudged);
            }
            policies.mappings = list.iter().map(|m| (m.issuer_domain_policy, m.subject_domain_policy)).collect();
        }
        if let Some(constraints) = certificate.extension::<PolicyConstraints>()? {
            policies.require_explicit_policy = constraints.require_explicit_policy;
            policies.inhibit_policy_mapping = constraints.inhibit_policy_mapping;
        }
        policies.inhibit_any_policy = certificate.extension()?.map(|InhibitAnyPolicy(skipped)| skipped);
        Ok(policies)
    }
}

/// The state variables of RFC 5280, section 6.1.2. A counter says how many
/// certificates that did not issue themselves may follow before the rule holds.
struct State {
    /// The policies that are expected of the next certificate; those that the last
    /// one is valid for, before they are mapped.
    expected: BTreeSet<ObjectIdentifier>,
    /// anyPolicy is one of them: whatever the next certificate names is valid.
    any: bool,
    explicit_policy: u32,
    policy_mapping: u32,
    inhibit_any_policy: u32,
}

impl State {
    /// Before the first of `len` certificates.
    fn new(len: usize) -> Self {
        let never = u32::try_from(len).unwrap_or(u32::MAX).saturating_add(1);
        Self {
            expected: BTreeSet::new(),
            any: true,
            explicit_policy: never,
            policy_mapping: never,
            inhibit_any_policy: never,
        }
    }

    /// Steps (d) to (f) of section 6.1.3: what is valid of the policies of the next
    /// certificate.
    fn enter(&mut self, policies: &Policies, self_issued: bool) -> Result<(), CertificateError> {
        let named = policies.named.iter().flatten();
        let valid = named.filter(|&policy| self.any || self.expected.contains(policy));
        let mut valid: BTreeSet<_> = valid.copied().collect();
        if policies.any && (self.inhibit_any_policy > 0 || self_issued) {
            valid.append(&mut self.expected);
        } else {
            self.any = false;
        }
        self.expected = valid;
        self.hold()
    }

    /// Steps (a) and (b) of section 6.1.4: to which policies of the next domain the
    /// valid ones correspond.
    fn map(&mut self, mappings: &[(ObjectIdentifier, ObjectIdentifier)]) -> Result<(), CertificateError> {
        if mappings.iter().any(|(from, to)| [from, to].contains(&&ANY_POLICY)) {
            return Err(CertificateError::Policies);
        }
        let is_allowed = self.policy_mapping > 0;
        let mapped = mappings.iter().filter(|(from, _)| is_allowed && (self.any || self.expected.contains(from)));
        let mapped: BTreeSet<_> = mapped.map(|(_, to)| *to).collect();
        for (from, _) in mappings {
            self.expected.remove(from);
        }
        self.expected.extend(mapped);
        Ok(())
    }

    /// Step (h).
    fn count_down(&mut self) {
        for counter in [&mut self.explicit_policy, &mut self.policy_mapping, &mut self.inhibit_any_policy] {
            *counter = counter.saturating_sub(1);
        }
    }

    /// Steps (i) and (j).
    fn constrain(&mut self, policies: &Policies) {
        for (counter, constraint) in [
            (&mut self.explicit_policy, policies.require_explicit_policy),
            (&mut self.policy_mapping, policies.inhibit_policy_mapping),
            (&mut self.inhibit_any_policy, policies.inhibit_any_policy),
        ] {
            *counter = constraint.map_or(*counter, |skipped| skipped.min(*counter));
        }
    }

    /// Whether there is a valid policy, or none is required yet.
    fn hold(&self) -> Result<(), CertificateError> {
        let is_valid = self.any || !self.expected.is_empty();
        if is_valid || self.explicit_policy > 0 { Ok(()) } else { Err(CertificateError::Policies) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t41_a_tree_that_doubles_with_each_certificate_costs_no_more_than_another() {
        let oid = |n: usize| ObjectIdentifier::new_unwrap(&format!("1.2.3.{n}"));
        let named: BTreeSet<_> = (0..MOST).map(oid).collect();
        let mappings = (0..MOST).map(|n| (oid(n), oid((n + 1) % MOST))).collect();
        let policies = Policies { named: Some(named), mappings, ..Policies::default() };
        let mut state = State::new(1_000);
        for _ in 0..1_000 {
            state.enter(&policies, false).unwrap();
            state.map(&policies.mappings).unwrap();
        }
        assert_eq!(state.expected.len(), MOST);
    }
}
