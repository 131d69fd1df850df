//! Who may ask for which private key in this message: the one place where the
//! envelope, not the guest, decides (T33).

use std::sync::Arc;

use smime::domain::Authority;

use crate::services::Authorise;
use crate::{Direction, Envelope, mailbox};

/// What the envelope of one message opens.
#[derive(Clone)]
pub struct Scope {
    envelope: Arc<Envelope>,
    authorise: Arc<dyn Authorise>,
}

impl Scope {
    /// The scope of a message with this envelope.
    pub fn new(envelope: &Envelope, authorise: Arc<dyn Authorise>) -> Self {
        Self { envelope: Arc::new(envelope.clone()), authorise }
    }

    /// Whether the identities of `owner` may be looked up: on the way out those
    /// of whom the submitter may act for, and without a submitter nobody's; on
    /// the way in those of a recipient. Either way also those of the authority
    /// that signs or decrypts for the domain of such an owner (RFC 3183).
    pub fn opens(&self, owner: &str) -> bool {
        let is = |authority: Authority, mailbox: &str| {
            authority.mailbox(mailbox).is_some_and(|authority| mailbox::same(&authority, owner))
        };
        match self.envelope.direction {
            Direction::Outbound => self.envelope.submitter.as_ref().is_some_and(|submitter| {
                self.authorise.may_act_for(submitter, owner) || is(Authority::Signing, submitter)
            }),
            Direction::Inbound => self
                .envelope
                .recipients
                .iter()
                .any(|recipient| mailbox::same(recipient, owner) || is(Authority::Confidentiality, recipient)),
        }
    }

    /// Whether keys may sign: nothing that arrives needs that.
    pub fn may_sign(&self) -> bool {
        self.envelope.direction == Direction::Outbound
    }

    /// Whether keys may unwrap: nothing that leaves needs that.
    pub fn may_unwrap(&self) -> bool {
        self.envelope.direction == Direction::Inbound
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::SameMailbox;

    fn scope(direction: Direction, submitter: Option<&str>, recipients: &[&str]) -> Scope {
        let envelope = Envelope {
            direction,
            submitter: submitter.map(Into::into),
            sender: None,
            recipients: recipients.iter().map(|&r| r.into()).collect(),
        };
        Scope::new(&envelope, Arc::new(SameMailbox))
    }

    #[test]
    fn t33_outbound_opens_the_submitter_alone() {
        let scope = scope(Direction::Outbound, Some("taro@nec.co.jp"), &["alice@abc.com"]);
        assert!(scope.opens("taro@nec.co.jp"));
        assert!(scope.opens("taro@NEC.CO.JP"));
        assert!(!scope.opens("hanako@nec.co.jp"));
        assert!(!scope.opens("alice@abc.com"));
        assert!(scope.may_sign() && !scope.may_unwrap());
    }

    #[test]
    fn t33_a_domain_signs_for_its_own_and_decrypts_for_its_own() {
        let (signs, decrypts) = ("domain-signing-authority@nec.co.jp", "domain-confidentiality-authority@nec.co.jp");
        let out = scope(Direction::Outbound, Some("taro@nec.co.jp"), &["alice@abc.com"]);
        assert!(out.opens(signs) && !out.opens(decrypts) && !out.opens("domain-signing-authority@abc.com"));
        let inbound = scope(Direction::Inbound, None, &["taro@nec.co.jp"]);
        assert!(inbound.opens(decrypts) && !inbound.opens(signs));
        assert!(!inbound.opens("domain-confidentiality-authority@abc.com"));
        assert!(!scope(Direction::Outbound, None, &["taro@nec.co.jp"]).opens(signs));
    }

    #[test]
    fn t33_without_a_submitter_nothing_opens() {
        let scope = scope(Direction::Outbound, None, &["alice@abc.com"]);
        assert!(!scope.opens("taro@nec.co.jp"));
        assert!(!scope.opens(""));
    }

    #[test]
    fn t33_inbound_opens_recipients_alone() {
        let scope = scope(Direction::Inbound, Some("root@nec.co.jp"), &["taro@nec.co.jp", "jiro@nec.co.jp"]);
        assert!(scope.opens("jiro@NEC.co.jp"));
        assert!(!scope.opens("hanako@nec.co.jp"));
        assert!(!scope.opens("root@nec.co.jp"));
        assert!(scope.may_unwrap() && !scope.may_sign());
    }
}
