//! From the types of the contract to those of the logic, which mirror them, and
//! back.

use smime::host::{
    Assumption, Demand, Entry, Field, FieldValue, HeaderProtection, InboundPolicy, KeyError, Order, OutboundPolicy,
    Refusal, Severity, SignatureForm,
};
use smime::{Content, Delivery, Direction, Envelope, Reply, Verdict};

use crate::bindings::wasmime::filter::{audit, keys, policy, types};

pub(crate) fn envelope(envelope: types::Envelope) -> Envelope {
    Envelope {
        direction: match envelope.direction {
            types::Direction::Inbound => Direction::Inbound,
            types::Direction::Outbound => Direction::Outbound,
        },
        submitter: envelope.submitter,
        sender: envelope.sender,
        recipients: envelope.recipients,
    }
}

pub(crate) fn verdict(verdict: Verdict) -> types::Verdict {
    match verdict {
        Verdict::Deliver(deliveries) => types::Verdict::Deliver(deliveries.into_iter().map(delivery).collect()),
        Verdict::Reject(refused) => types::Verdict::Reject(reply(refused)),
        Verdict::Defer(deferred) => types::Verdict::Defer(reply(deferred)),
    }
}

fn delivery(delivery: Delivery) -> types::Delivery {
    types::Delivery {
        recipients: delivery.recipients,
        content: match delivery.content {
            Content::Unchanged => types::Content::Unchanged,
            Content::Rewritten(message) => types::Content::Rewritten(message),
        },
    }
}

fn reply(reply: Reply) -> types::Reply {
    types::Reply { code: reply.code, subject: reply.subject, detail: reply.detail, text: reply.text }
}

pub(crate) fn refusal(refusal: types::Refusal) -> Refusal {
    match refusal {
        types::Refusal::Unavailable(text) => Refusal::Unavailable(text),
        types::Refusal::Denied => Refusal::Denied,
    }
}

pub(crate) fn key_error(error: keys::KeyError) -> KeyError {
    match error {
        keys::KeyError::Unsupported => KeyError::Unsupported,
        keys::KeyError::Malformed => KeyError::Malformed,
        keys::KeyError::Refused(refused) => KeyError::Refused(refusal(refused)),
    }
}

pub(crate) fn entry(entry: keys::Entry) -> Entry {
    Entry { certificate: entry.certificate, pinned: entry.pinned, capabilities: entry.capabilities }
}

pub(crate) fn outbound_policy(policy: policy::OutboundPolicy) -> OutboundPolicy {
    OutboundPolicy {
        sign: demand(policy.sign),
        encrypt: demand(policy.encrypt),
        order: match policy.order {
            policy::Order::EncryptThenSign => Order::EncryptThenSign,
            policy::Order::SignThenEncrypt => Order::SignThenEncrypt,
            policy::Order::TripleWrap => Order::TripleWrap,
        },
        unknown_peer: match policy.unknown_peer {
            policy::Assumption::Compatible => Assumption::Compatible,
            policy::Assumption::Modern => Assumption::Modern,
        },
        header: match policy.header {
            policy::HeaderProtection::None => HeaderProtection::None,
            policy::HeaderProtection::Shown => HeaderProtection::Shown,
            policy::HeaderProtection::Hidden => HeaderProtection::Hidden,
        },
        form: match policy.form {
            policy::SignatureForm::Detached => SignatureForm::Detached,
            policy::SignatureForm::Opaque => SignatureForm::Opaque,
        },
    }
}

pub(crate) fn inbound_policy(policy: policy::InboundPolicy) -> InboundPolicy {
    InboundPolicy {
        decrypt: demand(policy.decrypt),
        verify: demand(policy.verify),
        accept_unauthenticated: policy.accept_unauthenticated,
        keep_signature: policy.keep_signature,
        authserv_id: policy.authserv_id,
    }
}

fn demand(demand: policy::Demand) -> Demand {
    match demand {
        policy::Demand::Never => Demand::Never,
        policy::Demand::Opportunistic => Demand::Opportunistic,
        policy::Demand::Required => Demand::Required,
    }
}

pub(crate) fn severity(severity: Severity) -> audit::Severity {
    match severity {
        Severity::Info => audit::Severity::Info,
        Severity::Warning => audit::Severity::Warning,
        Severity::Error => audit::Severity::Error,
    }
}

pub(crate) fn field(field: &Field) -> audit::Field {
    audit::Field {
        name: field.name.to_owned(),
        value: match &field.value {
            FieldValue::Text(text) => audit::FieldValue::Text(text.clone()),
            FieldValue::Number(number) => audit::FieldValue::Number(*number),
            FieldValue::Octets(octets) => audit::FieldValue::Octets(octets.clone()),
        },
    }
}
