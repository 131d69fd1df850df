//! The answer of `process`: the verdict of all tenants together, as JSON.

use std::path::PathBuf;

use host::{Content, Delivery, Event, EventField, FieldValue, Outcome, Reply, Severity, Verdict};
use serde_json::{Map, Value, json};

use crate::exit;

/// What becomes of the message.
pub struct Answer {
    /// The verdict; recipients are places on the command line.
    pub verdict: Verdict,
    /// Where the deliveries were written, if they were.
    pub files: Vec<PathBuf>,
    events: Vec<Event>,
    private_key_operations: u64,
}

impl Default for Answer {
    /// Nothing to deliver yet.
    fn default() -> Self {
        Self { verdict: Verdict::Deliver(Vec::new()), files: Vec::new(), events: Vec::new(), private_key_operations: 0 }
    }
}

impl Answer {
    /// A message that is not for this gateway to pass on.
    pub fn refused(text: &str) -> Self {
        let reply = Reply { code: 550, subject: 7, detail: 1, text: text.to_owned() };
        Self { verdict: Verdict::Reject(reply), ..Self::default() }
    }

    /// Adds what came of the message for one tenant, whose recipients are at
    /// these places. A rejection goes before a deferral, and that before
    /// deliveries: it is one message, and has one answer.
    pub fn add(&mut self, outcome: Outcome, places: &[usize]) {
        self.events.extend(outcome.events);
        self.private_key_operations += outcome.private_key_operations;
        match (&mut self.verdict, outcome.verdict) {
            (Verdict::Deliver(all), Verdict::Deliver(deliveries)) => {
                all.extend(deliveries.into_iter().map(|delivery| at_places(delivery, places)));
            }
            (Verdict::Reject(_), _) | (_, Verdict::Deliver(_)) | (Verdict::Defer(_), Verdict::Defer(_)) => {}
            (verdict, refusal) => *verdict = refusal,
        }
    }

    /// Defers the message because its deliveries have nowhere to go.
    pub fn out_of_space(&mut self, cause: String) {
        let field = EventField { name: "cause".into(), value: FieldValue::Text(cause) };
        self.events.push(Event { severity: Severity::Error, name: "output-failed".into(), fields: vec![field] });
        let text = "The message cannot be stored now; try again later".to_owned();
        self.verdict = Verdict::Defer(Reply { code: 452, subject: 3, detail: 1, text });
        self.files.clear();
    }

    /// The exit status a mail server understands.
    pub fn status(&self) -> u8 {
        match self.verdict {
            Verdict::Deliver(_) => 0,
            Verdict::Reject(_) => exit::NOPERM,
            Verdict::Defer(_) => exit::TEMPFAIL,
        }
    }

    /// The answer as one JSON object; `recipients` are those of the command line.
    pub fn json(&self, recipients: &[String]) -> Value {
        let mut object = Map::new();
        match &self.verdict {
            Verdict::Deliver(deliveries) => {
                object.insert("verdict".into(), "deliver".into());
                let deliveries = deliveries.iter().enumerate();
                let deliveries = deliveries.map(|(index, delivery)| self.delivery(index, delivery, recipients));
                object.insert("deliveries".into(), deliveries.collect());
            }
            Verdict::Reject(reply) => {
                object.insert("verdict".into(), "reject".into());
                object.insert("reply".into(), reply_json(reply));
            }
            Verdict::Defer(reply) => {
                object.insert("verdict".into(), "defer".into());
                object.insert("reply".into(), reply_json(reply));
            }
        }
        object.insert("events".into(), self.events.iter().map(event_json).collect());
        object.insert("private-key-operations".into(), self.private_key_operations.into());
        Value::Object(object)
    }

    fn delivery(&self, index: usize, delivery: &Delivery, recipients: &[String]) -> Value {
        let places = delivery.recipients.iter();
        let names: Vec<&str> = places.filter_map(|&place| recipients.get(place as usize)).map(String::as_str).collect();
        let content = match delivery.content {
            Content::Unchanged => "unchanged",
            Content::Rewritten(_) => "rewritten",
        };
        let mut object = Map::new();
        object.insert("recipients".into(), names.into());
        object.insert("content".into(), content.into());
        if let Some(file) = self.files.get(index) {
            object.insert("file".into(), file.to_string_lossy().into());
        }
        Value::Object(object)
    }
}

/// A reply as one line of SMTP.
pub fn line(reply: &Reply) -> String {
    format!("{} {} {}", reply.code, status(reply), reply.text)
}

fn at_places(mut delivery: Delivery, places: &[usize]) -> Delivery {
    for recipient in &mut delivery.recipients {
        // The verdict was checked: each index is that of a place.
        let place = places.get(*recipient as usize).and_then(|&place| u32::try_from(place).ok());
        *recipient = place.unwrap_or(u32::MAX);
    }
    delivery
}

fn reply_json(reply: &Reply) -> Value {
    json!({ "code": reply.code, "status": status(reply), "text": reply.text })
}

/// The enhanced status code; its class is the first digit of the code.
fn status(reply: &Reply) -> String {
    format!("{}.{}.{}", reply.code / 100, reply.subject, reply.detail)
}

fn event_json(event: &Event) -> Value {
    let severity = match event.severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Error => "error",
    };
    let value = |value: &FieldValue| -> Value {
        match value {
            FieldValue::Text(text) => text.as_str().into(),
            FieldValue::Number(number) => (*number).into(),
            FieldValue::Octets(octets) => octets.iter().map(|octet| format!("{octet:02x}")).collect::<String>().into(),
        }
    };
    let fields: Map<String, Value> =
        event.fields.iter().map(|field| (field.name.clone(), value(&field.value))).collect();
    json!({ "event": event.name, "severity": severity, "fields": fields })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(verdict: Verdict) -> Outcome {
        Outcome { verdict, events: Vec::new(), private_key_operations: 1, statistics: Default::default() }
    }

    fn delivery(recipients: &[u32]) -> Delivery {
        Delivery { recipients: recipients.to_vec(), content: Content::Unchanged }
    }

    fn reply(code: u16) -> Reply {
        Reply { code, subject: 7, detail: 5, text: "Later".into() }
    }

    #[test]
    fn deliveries_name_the_recipients_of_the_command_line() {
        let mut answer = Answer::default();
        answer.add(outcome(Verdict::Deliver(vec![delivery(&[1])])), &[0, 2]);
        answer.add(outcome(Verdict::Deliver(vec![delivery(&[0])])), &[1]);
        let recipients = ["a@x".to_owned(), "b@y".to_owned(), "c@x".to_owned()];
        let json = answer.json(&recipients);
        assert_eq!(json["deliveries"][0]["recipients"], json!(["c@x"]));
        assert_eq!(json["deliveries"][1]["recipients"], json!(["b@y"]));
        assert_eq!(json["private-key-operations"], 2);
        assert_eq!(answer.status(), 0);
    }

    #[test]
    fn one_refusal_is_the_answer_for_all() {
        let mut answer = Answer::default();
        answer.add(outcome(Verdict::Deliver(vec![delivery(&[0])])), &[0]);
        answer.add(outcome(Verdict::Defer(reply(451))), &[1]);
        assert_eq!(answer.status(), 75);
        answer.add(outcome(Verdict::Reject(reply(550))), &[2]);
        answer.add(outcome(Verdict::Deliver(vec![delivery(&[0])])), &[3]);
        assert_eq!(answer.status(), 77);
        assert_eq!(answer.json(&[])["reply"], json!({ "code": 550, "status": "5.7.5", "text": "Later" }));
        let Verdict::Reject(reply) = &answer.verdict else { panic!("not a rejection") };
        assert_eq!(line(reply), "550 5.7.5 Later");
    }
}
