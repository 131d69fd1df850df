//! What a tenant wants done, for each recipient: its settings, overridden by the
//! first rule that covers the recipient.

use host::{Assumption, Demand, HeaderProtection, InboundPolicy, Order, OutboundPolicy, Policies, SignatureForm};
use serde::{Deserialize, Deserializer};

use super::pattern::MailboxPattern;

/// The policies of a tenant.
#[derive(Clone, Debug)]
pub struct TenantPolicies {
    outbound: OutboundPolicy,
    inbound: InboundPolicy,
    rules: Vec<(MailboxPattern, OutboundPolicy, InboundPolicy)>,
}

impl TenantPolicies {
    /// Puts together settings and rules. Results are reported as `authserv_id`
    /// where the settings do not say otherwise.
    pub fn new(
        outbound: OutboundSettings,
        inbound: InboundSettings,
        rules: Vec<Rule>,
        authserv_id: &str,
    ) -> Result<Self, String> {
        let outbound = outbound.over(OutboundPolicy {
            sign: Demand::Required,
            encrypt: Demand::Required,
            order: Order::EncryptThenSign,
            unknown_peer: Assumption::Compatible,
            header: HeaderProtection::Shown,
            form: SignatureForm::Detached,
        });
        let inbound = inbound.over(InboundPolicy {
            decrypt: Demand::Opportunistic,
            verify: Demand::Opportunistic,
            accept_unauthenticated: false,
            keep_signature: false,
            authserv_id: authserv_id.to_owned(),
        })?;
        let rules = rules
            .into_iter()
            .map(|rule| {
                let pattern = MailboxPattern::parse(&rule.recipient)?;
                Ok((pattern, rule.outbound.over(outbound), rule.inbound.over(inbound.clone())?))
            })
            .collect::<Result<_, String>>()?;
        Ok(Self { outbound, inbound, rules })
    }

    fn rule(&self, recipient: &str) -> Option<&(MailboxPattern, OutboundPolicy, InboundPolicy)> {
        self.rules.iter().find(|(pattern, _, _)| pattern.covers(recipient))
    }
}

impl Policies for TenantPolicies {
    fn outbound(&self, recipient: &str) -> OutboundPolicy {
        self.rule(recipient).map_or(self.outbound, |(_, outbound, _)| *outbound)
    }

    fn inbound(&self, recipient: &str) -> InboundPolicy {
        self.rule(recipient).map_or(&self.inbound, |(_, _, inbound)| inbound).clone()
    }
}

/// A rule: what it says goes before the settings of the tenant.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    recipient: String,
    #[serde(default)]
    outbound: OutboundSettings,
    #[serde(default)]
    inbound: InboundSettings,
}

/// `[tenant.NAME.outbound]`, or the same in a rule.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct OutboundSettings {
    #[serde(deserialize_with = "demand")]
    sign: Option<Demand>,
    #[serde(deserialize_with = "demand")]
    encrypt: Option<Demand>,
    #[serde(deserialize_with = "order")]
    order: Option<Order>,
    #[serde(deserialize_with = "assumption")]
    unknown_peer: Option<Assumption>,
    #[serde(deserialize_with = "header")]
    header: Option<HeaderProtection>,
    #[serde(deserialize_with = "form")]
    form: Option<SignatureForm>,
}

impl OutboundSettings {
    fn over(&self, base: OutboundPolicy) -> OutboundPolicy {
        OutboundPolicy {
            sign: self.sign.unwrap_or(base.sign),
            encrypt: self.encrypt.unwrap_or(base.encrypt),
            order: self.order.unwrap_or(base.order),
            unknown_peer: self.unknown_peer.unwrap_or(base.unknown_peer),
            header: self.header.unwrap_or(base.header),
            form: self.form.unwrap_or(base.form),
        }
    }
}

/// `[tenant.NAME.inbound]`, or the same in a rule.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct InboundSettings {
    #[serde(deserialize_with = "demand")]
    decrypt: Option<Demand>,
    #[serde(deserialize_with = "demand")]
    verify: Option<Demand>,
    accept_unauthenticated: Option<bool>,
    keep_signature: Option<bool>,
    authserv_id: Option<String>,
}

impl InboundSettings {
    fn over(&self, base: InboundPolicy) -> Result<InboundPolicy, String> {
        let authserv_id = self.authserv_id.clone().unwrap_or(base.authserv_id);
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
        if authserv_id.is_empty() || !authserv_id.bytes().all(plain) {
            return Err(format!("authserv-id {authserv_id:?} is no host name; write it as mail.nec.co.jp"));
        }
        Ok(InboundPolicy {
            decrypt: self.decrypt.unwrap_or(base.decrypt),
            verify: self.verify.unwrap_or(base.verify),
            accept_unauthenticated: self.accept_unauthenticated.unwrap_or(base.accept_unauthenticated),
            keep_signature: self.keep_signature.unwrap_or(base.keep_signature),
            authserv_id,
        })
    }
}

fn demand<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Demand>, D::Error> {
    let words = [("never", Demand::Never), ("opportunistic", Demand::Opportunistic), ("required", Demand::Required)];
    word(deserializer, &words)
}

fn order<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Order>, D::Error> {
    let words = [
        ("encrypt-then-sign", Order::EncryptThenSign),
        ("sign-then-encrypt", Order::SignThenEncrypt),
        ("triple-wrap", Order::TripleWrap),
    ];
    word(deserializer, &words)
}

fn assumption<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Assumption>, D::Error> {
    word(deserializer, &[("compatible", Assumption::Compatible), ("modern", Assumption::Modern)])
}

fn header<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<HeaderProtection>, D::Error> {
    let words =
        [("none", HeaderProtection::None), ("shown", HeaderProtection::Shown), ("hidden", HeaderProtection::Hidden)];
    word(deserializer, &words)
}

fn form<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SignatureForm>, D::Error> {
    word(deserializer, &[("detached", SignatureForm::Detached), ("opaque", SignatureForm::Opaque)])
}

/// Reads one of these words.
fn word<'de, D: Deserializer<'de>, T: Copy>(deserializer: D, words: &[(&str, T)]) -> Result<Option<T>, D::Error> {
    let found = String::deserialize(deserializer)?;
    match words.iter().find(|(word, _)| *word == found) {
        Some((_, value)) => Ok(Some(*value)),
        None => {
            let known: Vec<String> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
            Err(serde::de::Error::custom(format!("{found:?} is not one of {}", known.join(", "))))
        }
    }
}
