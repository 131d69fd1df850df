//! From what is written, over what holds where nothing is, to policies.

use host::{Assumption, Demand, HeaderProtection, InboundPolicy, Order, OutboundPolicy, Policies, SignatureForm};

use super::{Tenant, raw};

/// What is done to mail that leaves, where the configuration is silent.
pub const OUTBOUND: OutboundPolicy = OutboundPolicy {
    sign: Demand::Required,
    encrypt: Demand::Required,
    order: Order::EncryptThenSign,
    unknown_peer: Assumption::Compatible,
    header: HeaderProtection::Shown,
    form: SignatureForm::Detached,
};

/// What is done to mail that arrives, where the configuration is silent. Results
/// are reported in the name of the tenant's first domain.
pub fn inbound(domain: &str) -> InboundPolicy {
    InboundPolicy {
        decrypt: Demand::Opportunistic,
        verify: Demand::Opportunistic,
        accept_unauthenticated: false,
        keep_signature: false,
        authserv_id: domain.to_owned(),
    }
}

impl raw::Outbound {
    /// `base` with what is written here in its place.
    pub fn over(self, base: OutboundPolicy) -> OutboundPolicy {
        OutboundPolicy {
            sign: self.sign.map_or(base.sign, Into::into),
            encrypt: self.encrypt.map_or(base.encrypt, Into::into),
            order: self.order.map_or(base.order, |order| match order {
                raw::Order::EncryptThenSign => Order::EncryptThenSign,
                raw::Order::SignThenEncrypt => Order::SignThenEncrypt,
                raw::Order::TripleWrap => Order::TripleWrap,
            }),
            unknown_peer: self.unknown_peer.map_or(base.unknown_peer, |assumption| match assumption {
                raw::Assumption::Compatible => Assumption::Compatible,
                raw::Assumption::Modern => Assumption::Modern,
            }),
            header: self.header.map_or(base.header, |header| match header {
                raw::Header::None => HeaderProtection::None,
                raw::Header::Shown => HeaderProtection::Shown,
                raw::Header::Hidden => HeaderProtection::Hidden,
            }),
            form: self.form.map_or(base.form, |form| match form {
                raw::Form::Detached => SignatureForm::Detached,
                raw::Form::Opaque => SignatureForm::Opaque,
            }),
        }
    }
}

impl raw::Inbound {
    /// `base` with what is written here in its place.
    pub fn over(self, base: InboundPolicy) -> InboundPolicy {
        InboundPolicy {
            decrypt: self.decrypt.map_or(base.decrypt, Into::into),
            verify: self.verify.map_or(base.verify, Into::into),
            accept_unauthenticated: self.accept_unauthenticated.unwrap_or(base.accept_unauthenticated),
            keep_signature: self.keep_signature.unwrap_or(base.keep_signature),
            authserv_id: self.authserv_id.map_or(base.authserv_id, |name| name.into_inner()),
        }
    }
}

impl From<raw::Demand> for Demand {
    fn from(demand: raw::Demand) -> Self {
        match demand {
            raw::Demand::Never => Self::Never,
            raw::Demand::Opportunistic => Self::Opportunistic,
            raw::Demand::Required => Self::Required,
        }
    }
}

impl Policies for Tenant {
    fn outbound(&self, recipient: &str) -> OutboundPolicy {
        self.rules.iter().find(|rule| rule.recipient.matches(recipient)).map_or(self.outbound, |rule| rule.outbound)
    }

    fn inbound(&self, recipient: &str) -> InboundPolicy {
        let rule = self.rules.iter().find(|rule| rule.recipient.matches(recipient));
        rule.map_or(&self.inbound, |rule| &rule.inbound).clone()
    }

    fn waits(&self) -> bool {
        false
    }
}
