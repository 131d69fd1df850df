//! The logic without a sandbox, over the same services: what a component must
//! agree with.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use host::{Event, Outcome, Scope, Statistics, Tenant};
use smime::Host;
use smime::host::{
    Assumption, Demand, Der, Entry, Field, FieldValue, HeaderProtection, Identity, InboundPolicy, KeyError, Order,
    OutboundPolicy, PrivateKey, Refusal, Severity, SignatureForm,
};

/// Decides what becomes of `message`, as [`host::Runtime::run`] does, but within
/// this process and without limits.
pub fn run(tenant: &Tenant, envelope: &host::Envelope, message: &[u8]) -> Outcome {
    let started = Instant::now();
    let mut native = Native {
        tenant: tenant.clone(),
        scope: Scope::new(envelope, Arc::clone(&tenant.authorise)),
        now: tenant.clock.now(),
        events: Vec::new(),
        operations: Arc::default(),
    };
    let verdict = smime::process(&mut native, &envelope_from_contract(envelope), message.to_vec());
    Outcome {
        verdict: verdict_to_contract(verdict),
        events: native.events,
        private_key_operations: native.operations.load(Ordering::Relaxed),
        statistics: Statistics { elapsed: started.elapsed(), ..Statistics::default() },
    }
}

struct Native {
    tenant: Tenant,
    scope: Scope,
    now: u64,
    events: Vec<Event>,
    operations: Arc<AtomicU64>,
}

impl Host for Native {
    type Key = NativeKey;

    fn certificates(&mut self, owner: &str) -> Result<Vec<Entry>, Refusal> {
        let entries = self.tenant.certificates.certificates(owner).map_err(refusal_from_contract)?;
        let entry = |entry: host::Entry| Entry {
            certificate: entry.certificate,
            pinned: entry.pinned,
            capabilities: entry.capabilities,
        };
        Ok(entries.into_iter().map(entry).collect())
    }

    fn identities(&mut self, owner: &str) -> Result<Vec<Identity<NativeKey>>, Refusal> {
        if !self.scope.opens(owner) {
            // As the host tells it.
            let operation = field_to_contract(&Field::text("operation", "identities"));
            let owner = field_to_contract(&Field::text("owner", owner));
            let fields = vec![operation, owner];
            self.events.push(Event { severity: host::Severity::Warning, name: "key-denied".to_owned(), fields });
            return Err(Refusal::Denied);
        }
        let identities = self.tenant.private_keys.identities(owner).map_err(refusal_from_contract)?;
        let identity = |identity: host::Identity| Identity {
            certificate: identity.certificate,
            chain: identity.chain,
            key: NativeKey { key: identity.key, scope: self.scope.clone(), operations: Arc::clone(&self.operations) },
        };
        let signs = self.scope.may_sign();
        Ok(identities.into_iter().filter(|identity| !(signs && identity.retired)).map(identity).collect())
    }

    fn anchors(&mut self) -> Result<Vec<Der>, Refusal> {
        self.tenant.trust.anchors().map_err(refusal_from_contract)
    }

    fn intermediates(&mut self) -> Result<Vec<Der>, Refusal> {
        self.tenant.trust.intermediates().map_err(refusal_from_contract)
    }

    fn revocation_lists(&mut self, issuer: &[u8]) -> Result<Vec<Der>, Refusal> {
        self.tenant.trust.revocation_lists(issuer).map_err(refusal_from_contract)
    }

    fn outbound_policy(&mut self, recipient: &str) -> OutboundPolicy {
        let policy = self.tenant.policies.outbound(recipient);
        OutboundPolicy {
            sign: demand(policy.sign),
            encrypt: demand(policy.encrypt),
            order: match policy.order {
                host::Order::EncryptThenSign => Order::EncryptThenSign,
                host::Order::SignThenEncrypt => Order::SignThenEncrypt,
                host::Order::TripleWrap => Order::TripleWrap,
            },
            unknown_peer: match policy.unknown_peer {
                host::Assumption::Compatible => Assumption::Compatible,
                host::Assumption::Modern => Assumption::Modern,
            },
            header: match policy.header {
                host::HeaderProtection::None => HeaderProtection::None,
                host::HeaderProtection::Shown => HeaderProtection::Shown,
                host::HeaderProtection::Hidden => HeaderProtection::Hidden,
            },
            form: match policy.form {
                host::SignatureForm::Detached => SignatureForm::Detached,
                host::SignatureForm::Opaque => SignatureForm::Opaque,
            },
        }
    }

    fn inbound_policy(&mut self, recipient: &str) -> InboundPolicy {
        let policy = self.tenant.policies.inbound(recipient);
        InboundPolicy {
            decrypt: demand(policy.decrypt),
            verify: demand(policy.verify),
            accept_unauthenticated: policy.accept_unauthenticated,
            keep_signature: policy.keep_signature,
            authserv_id: policy.authserv_id,
        }
    }

    fn offer(&mut self, owner: &str, certificate: &[u8], chain: &[Der], capabilities: Option<&[u8]>) {
        self.tenant.harvest.offer(owner, certificate, chain, capabilities);
    }

    fn now(&mut self) -> u64 {
        self.now
    }

    fn draw(&mut self, len: u32) -> Vec<u8> {
        // Nothing can stand in for it: the component would be stopped.
        self.tenant.entropy.draw(len).expect("the scripted generator does not fail")
    }

    fn report(&mut self, severity: Severity, event: &str, fields: &[Field]) {
        self.events.push(Event {
            severity: match severity {
                Severity::Info => host::Severity::Info,
                Severity::Warning => host::Severity::Warning,
                Severity::Error => host::Severity::Error,
            },
            name: event.to_owned(),
            fields: fields.iter().map(field_to_contract).collect(),
        });
    }
}

struct NativeKey {
    key: Arc<dyn host::PrivateKey>,
    scope: Scope,
    operations: Arc<AtomicU64>,
}

impl PrivateKey for NativeKey {
    fn sign(&mut self, algorithm: &[u8], digest: &[u8], message: &[u8]) -> Result<Vec<u8>, KeyError> {
        if !self.scope.may_sign() {
            return Err(KeyError::Refused(Refusal::Denied));
        }
        self.operations.fetch_add(1, Ordering::Relaxed);
        self.key.sign(algorithm, digest, message).map_err(key_error_from_contract)
    }

    fn unwrap_key(&mut self, recipient_info: &[u8], length: u32) -> Result<Vec<u8>, KeyError> {
        if !self.scope.may_unwrap() {
            return Err(KeyError::Refused(Refusal::Denied));
        }
        self.operations.fetch_add(1, Ordering::Relaxed);
        self.key.unwrap_key(recipient_info, length).map_err(key_error_from_contract)
    }
}

fn envelope_from_contract(envelope: &host::Envelope) -> smime::Envelope {
    smime::Envelope {
        direction: match envelope.direction {
            host::Direction::Inbound => smime::Direction::Inbound,
            host::Direction::Outbound => smime::Direction::Outbound,
        },
        submitter: envelope.submitter.clone(),
        sender: envelope.sender.clone(),
        recipients: envelope.recipients.clone(),
    }
}

fn verdict_to_contract(verdict: smime::Verdict) -> host::Verdict {
    let reply = |reply: smime::Reply| host::Reply {
        code: reply.code,
        subject: reply.subject,
        detail: reply.detail,
        text: reply.text,
    };
    let delivery = |delivery: smime::Delivery| host::Delivery {
        recipients: delivery.recipients,
        content: match delivery.content {
            smime::Content::Unchanged => host::Content::Unchanged,
            smime::Content::Rewritten(message) => host::Content::Rewritten(message),
        },
    };
    match verdict {
        smime::Verdict::Deliver(deliveries) => host::Verdict::Deliver(deliveries.into_iter().map(delivery).collect()),
        smime::Verdict::Reject(refused) => host::Verdict::Reject(reply(refused)),
        smime::Verdict::Defer(deferred) => host::Verdict::Defer(reply(deferred)),
    }
}

fn field_to_contract(field: &Field) -> host::EventField {
    host::EventField {
        name: field.name.to_owned(),
        value: match &field.value {
            FieldValue::Text(text) => host::FieldValue::Text(text.clone()),
            FieldValue::Number(number) => host::FieldValue::Number(*number),
            FieldValue::Octets(octets) => host::FieldValue::Octets(octets.clone()),
        },
    }
}

fn demand(demand: host::Demand) -> Demand {
    match demand {
        host::Demand::Never => Demand::Never,
        host::Demand::Opportunistic => Demand::Opportunistic,
        host::Demand::Required => Demand::Required,
    }
}

fn refusal_from_contract(refusal: host::Refusal) -> Refusal {
    match refusal {
        host::Refusal::Unavailable(text) => Refusal::Unavailable(text),
        host::Refusal::Denied => Refusal::Denied,
    }
}

fn key_error_from_contract(error: host::KeyError) -> KeyError {
    match error {
        host::KeyError::Unsupported => KeyError::Unsupported,
        host::KeyError::Malformed => KeyError::Malformed,
        host::KeyError::Refused(refusal) => KeyError::Refused(refusal_from_contract(refusal)),
    }
}

pub(crate) fn key_error_to_contract(error: KeyError) -> host::KeyError {
    match error {
        KeyError::Unsupported => host::KeyError::Unsupported,
        KeyError::Malformed => host::KeyError::Malformed,
        KeyError::Refused(Refusal::Unavailable(text)) => host::KeyError::Refused(host::Refusal::Unavailable(text)),
        KeyError::Refused(Refusal::Denied) => host::KeyError::Refused(host::Refusal::Denied),
    }
}
