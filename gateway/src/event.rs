//! Events of the audit log: those that the program itself adds, and the form in
//! which all are told.

use host::{Event, EventField, FieldValue, Severity};
use serde::{Serialize, Serializer};

/// An event of the program's own about a message that is not delivered.
pub fn refusal(name: &str, fields: &[(&str, &str)]) -> Event {
    let field = |&(name, value): &(&str, &str)| EventField { name: name.into(), value: FieldValue::Text(value.into()) };
    Event { severity: Severity::Error, name: name.to_owned(), fields: fields.iter().map(field).collect() }
}

/// A field of an event that is a text.
pub fn text<'a>(event: &'a Event, name: &str) -> Option<&'a str> {
    event.fields.iter().find(|field| field.name == name).and_then(|field| match &field.value {
        FieldValue::Text(text) => Some(text.as_str()),
        FieldValue::Number(_) | FieldValue::Octets(_) => None,
    })
}

/// An event in JSON.
#[derive(Serialize)]
pub struct EventReport<'a> {
    severity: &'static str,
    event: &'a str,
    #[serde(serialize_with = "as_object")]
    fields: Vec<(&'a str, Value<'a>)>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Value<'a> {
    Text(&'a str),
    Number(u64),
    Hexadecimal(String),
}

impl<'a> From<&'a Event> for EventReport<'a> {
    fn from(event: &'a Event) -> Self {
        let value = |value| match value {
            &FieldValue::Number(number) => Value::Number(number),
            FieldValue::Text(text) => Value::Text(text),
            FieldValue::Octets(octets) => {
                Value::Hexadecimal(octets.iter().map(|octet| format!("{octet:02x}")).collect())
            }
        };
        Self {
            severity: match event.severity {
                Severity::Info => "info",
                Severity::Warning => "warning",
                Severity::Error => "error",
            },
            event: &event.name,
            fields: event.fields.iter().map(|field| (field.name.as_str(), value(&field.value))).collect(),
        }
    }
}

fn as_object<S: Serializer>(fields: &[(&str, Value<'_>)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(fields.iter().map(|(name, value)| (name, value)))
}
