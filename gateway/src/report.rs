//! The JSON object that `wasmime process` prints.

use std::path::{Path, PathBuf};

use host::{Content, Event, Reply, Verdict};
use serde::Serialize;

use crate::event::EventReport;

/// What became of a message.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Report<'a> {
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    deliveries: Option<Vec<DeliveryReport<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply: Option<ReplyReport<'a>>,
    events: Vec<EventReport<'a>>,
    private_key_operations: u64,
}

#[derive(Serialize)]
struct DeliveryReport<'a> {
    recipients: Vec<&'a str>,
    content: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<PathBuf>,
}

#[derive(Serialize)]
struct ReplyReport<'a> {
    code: u16,
    status: String,
    text: &'a str,
}

impl<'a> Report<'a> {
    /// The report of a verdict on a message for `recipients`, whose deliveries
    /// were written to `output`.
    pub fn new(
        verdict: &'a Verdict,
        events: &'a [Event],
        private_key_operations: u64,
        recipients: &'a [String],
        output: Option<&Path>,
    ) -> Self {
        let (name, deliveries, reply) = match verdict {
            Verdict::Deliver(deliveries) => {
                let deliveries = deliveries.iter().enumerate().map(|(at, delivery)| DeliveryReport {
                    // The host has checked that the indices are in range.
                    recipients: delivery
                        .recipients
                        .iter()
                        .filter_map(|&index| recipients.get(usize::try_from(index).ok()?))
                        .map(String::as_str)
                        .collect(),
                    content: match delivery.content {
                        Content::Unchanged => "unchanged",
                        Content::Rewritten(_) => "rewritten",
                    },
                    file: output.map(|folder| file(folder, at)),
                });
                ("deliver", Some(deliveries.collect()), None)
            }
            Verdict::Reject(reply) => ("reject", None, Some(reply)),
            Verdict::Defer(reply) => ("defer", None, Some(reply)),
        };
        let reply =
            reply.map(|reply: &Reply| ReplyReport { code: reply.code, status: status(reply), text: &reply.text });
        Self {
            verdict: name,
            deliveries,
            reply,
            events: events.iter().map(EventReport::from).collect(),
            private_key_operations,
        }
    }
}

/// Where delivery number `at` is written.
pub fn file(folder: &Path, at: usize) -> PathBuf {
    folder.join(format!("{at}.eml"))
}

/// The enhanced status code of a reply (RFC 3463): its class is the first digit
/// of the reply code.
pub fn status(reply: &Reply) -> String {
    format!("{}.{}.{}", reply.code / 100, reply.subject, reply.detail)
}

#[cfg(test)]
mod tests {
    use host::{Delivery, EventField, FieldValue, Severity};

    use super::*;

    fn json(verdict: &Verdict, events: &[Event], output: Option<&Path>) -> String {
        let recipients = ["a@abc.com".to_owned(), "b@abc.com".to_owned()];
        serde_json::to_string(&Report::new(verdict, events, 2, &recipients, output)).unwrap()
    }

    #[test]
    fn a_delivery_is_told_in_this_form() {
        let verdict = Verdict::Deliver(vec![
            Delivery { recipients: vec![1], content: Content::Unchanged },
            Delivery { recipients: vec![0], content: Content::Rewritten(vec![1]) },
        ]);
        let field = |name: &str, value| EventField { name: name.into(), value };
        let fields = vec![
            field("signer", FieldValue::Text("x@y.z".into())),
            field("count", FieldValue::Number(3)),
            field("fingerprint", FieldValue::Octets(vec![0, 255])),
        ];
        let events = [Event { severity: Severity::Info, name: "signature-verified".into(), fields }];
        assert_eq!(
            json(&verdict, &events, Some(Path::new("out"))),
            r#"{"verdict":"deliver","deliveries":[{"recipients":["b@abc.com"],"content":"unchanged","file":"out/0.eml"},{"recipients":["a@abc.com"],"content":"rewritten","file":"out/1.eml"}],"events":[{"severity":"info","event":"signature-verified","fields":{"signer":"x@y.z","count":3,"fingerprint":"00ff"}}],"private-key-operations":2}"#
        );
    }

    #[test]
    fn a_refusal_is_told_in_this_form() {
        let reply = Reply { code: 550, subject: 7, detail: 7, text: "The message was altered".into() };
        assert_eq!(
            json(&Verdict::Reject(reply.clone()), &[], None),
            r#"{"verdict":"reject","reply":{"code":550,"status":"5.7.7","text":"The message was altered"},"events":[],"private-key-operations":2}"#
        );
        assert!(json(&Verdict::Defer(reply), &[], None).starts_with(r#"{"verdict":"defer","reply":"#));
    }
}
