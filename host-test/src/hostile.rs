//! Guests that are broken, or in somebody else's hands (T44): a few lines of
//! WebAssembly text each, made into components of the world `gateway`.

use std::fmt::Write as _;
use std::path::Path;

use host::{Content, Reply, Verdict};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// A guest: what it imports, holds and does.
#[derive(Clone, Debug, Default)]
pub struct Hostile {
    /// Imports, as text.
    pub imports: String,
    /// Functions, globals and data, as text.
    pub items: String,
    /// The body of `process`, as text: its parameters are `$direction`,
    /// `$submitter..`, `$message` and `$message_len`; it leaves the address of a
    /// verdict.
    pub process: String,
}

impl Hostile {
    /// A guest that does just this.
    pub fn doing(process: &str) -> Self {
        Self { process: process.to_owned(), ..Self::default() }
    }

    /// A guest that answers this verdict, whatever the message.
    pub fn answering(verdict: &Verdict) -> Self {
        let mut image = Image::default();
        let address = image.verdict(verdict);
        Self { items: image.data(), process: format!("i32.const {address}"), ..Self::default() }
    }

    /// Adds imports.
    pub fn importing(mut self, imports: &str) -> Self {
        self.imports.push_str(imports);
        self
    }

    /// Adds functions, globals or data.
    pub fn with(mut self, items: &str) -> Self {
        self.items.push_str(items);
        self
    }

    /// Adds data: a string at an address below [`IMAGE`].
    pub fn with_string(self, address: u32, string: &str) -> Self {
        self.with(&format!("(data (i32.const {address}) {})", literal(string.as_bytes())))
    }

    /// The component.
    pub fn component(&self) -> Vec<u8> {
        let Self { imports, items, process } = self;
        let text = format!(
            r#"(module
  {imports}
  (memory (export "memory") 32)
  (global $heap (mut i32) (i32.const {HEAP}))
  (func $cabi_realloc (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
    (global.set $heap (i32.add (local.get $at) (local.get 3)))
    (block $fits
      (br_if $fits (i32.le_u (global.get $heap) (i32.shl (memory.size) (i32.const 16))))
      (drop (memory.grow (i32.add (i32.shr_u (local.get 3) (i32.const 16)) (i32.const 1)))))
    (local.get $at))
  {items}
  (func (export "wasmime:filter/filter@0.1.0#process")
    (param $direction i32)
    (param $submitter_is i32) (param $submitter i32) (param $submitter_len i32)
    (param $sender_is i32) (param $sender i32) (param $sender_len i32)
    (param $recipients i32) (param $recipients_len i32)
    (param $message i32) (param $message_len i32)
    (result i32)
    {process}))"#
        );
        let mut module = wat::parse_str(&text).unwrap_or_else(|e| panic!("{e}\n{text}"));
        let mut resolve = Resolve::default();
        let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit");
        let (package, _) = resolve.push_path(&wit).expect("the contract parses");
        let world = resolve.select_world(&[package], Some("gateway")).expect("the contract has its world");
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false)
            .expect("the world can be embedded");
        ComponentEncoder::default()
            .validate(true)
            .module(&module)
            .and_then(|encoder| encoder.encode())
            .unwrap_or_else(|e| panic!("{e:#}\n{text}"))
    }
}

/// Where the image of a verdict begins; data of a guest's own stays below.
pub const IMAGE: u32 = 4096;
/// Where what the host hands over begins.
const HEAP: u32 = 1 << 20;

/// Memory that is laid out before the guest starts.
#[derive(Default)]
struct Image(Vec<u8>);

impl Image {
    /// Lays out a verdict as the canonical ABI wants it, and gives its address.
    fn verdict(&mut self, verdict: &Verdict) -> u32 {
        match verdict {
            Verdict::Deliver(deliveries) => {
                let mut records = Vec::new();
                for delivery in deliveries {
                    let indices: Vec<u8> = delivery.recipients.iter().flat_map(|index| index.to_le_bytes()).collect();
                    words(&mut records, &[self.put(&indices), delivery.recipients.len() as u32]);
                    match &delivery.content {
                        Content::Unchanged => words(&mut records, &[0, 0, 0]),
                        Content::Rewritten(message) => {
                            words(&mut records, &[1, self.put(message), message.len() as u32]);
                        }
                    }
                }
                let mut record = Vec::new();
                words(&mut record, &[0, self.put(&records), deliveries.len() as u32, 0, 0]);
                self.put(&record)
            }
            Verdict::Reject(reply) => self.reply(1, reply),
            Verdict::Defer(reply) => self.reply(2, reply),
        }
    }

    fn reply(&mut self, case: u32, reply: &Reply) -> u32 {
        let text = self.put(reply.text.as_bytes());
        let mut record = case.to_le_bytes().to_vec();
        for number in [reply.code, reply.subject, reply.detail, 0] {
            record.extend(number.to_le_bytes());
        }
        words(&mut record, &[text, reply.text.len() as u32]);
        self.put(&record)
    }

    fn put(&mut self, octets: &[u8]) -> u32 {
        self.0.resize(self.0.len().next_multiple_of(8), 0);
        let address = IMAGE + self.0.len() as u32;
        self.0.extend_from_slice(octets);
        address
    }

    fn data(&self) -> String {
        assert!(self.0.len() < (HEAP - IMAGE) as usize, "the verdict fits below the heap");
        format!("(data (i32.const {IMAGE}) {})", literal(&self.0))
    }
}

fn words(record: &mut Vec<u8>, words: &[u32]) {
    record.extend(words.iter().flat_map(|word| word.to_le_bytes()));
}

fn literal(octets: &[u8]) -> String {
    let mut literal = String::from("\"");
    for octet in octets {
        let _ = write!(literal, "\\{octet:02x}");
    }
    literal.push('"');
    literal
}
