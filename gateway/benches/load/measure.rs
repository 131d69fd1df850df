//! What is measured: the time of a load, the processor and memory of a process,
//! and the time of one private-key operation.

use std::fs;
use std::hint::black_box;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use host::{PrivateKey as _, SoftwareKey};

use crate::postfix::Postfix;
use crate::support::{must, pki};

/// How much is sent.
pub struct Load {
    /// How many messages.
    pub messages: u32,
    /// How large each is, in octets, before it is sealed.
    pub size: usize,
    /// Over how many sessions at a time.
    pub sessions: u32,
}

/// A message that is sent.
pub struct Message {
    /// Where it is.
    pub path: PathBuf,
    /// Its octets.
    pub size: usize,
    /// How often the gateway uses private keys for it.
    pub key_operations: u64,
}

/// What a load took.
pub struct Used {
    /// How many messages it was.
    pub messages: u32,
    /// From the first to the last 250.
    pub time: Duration,
    /// What the gateway used, where it was in the way.
    pub gateway: Option<Usage>,
}

/// What a process used since it began.
#[derive(Clone, Copy)]
pub struct Usage {
    /// Of all processors.
    pub cpu: Duration,
    /// The most octets that were resident.
    pub memory: u64,
}

impl Load {
    /// 10,000 messages of 20 kB, unless `WASMIME_BENCH_MESSAGES` says otherwise.
    pub fn from_environment() -> Self {
        let messages = std::env::var("WASMIME_BENCH_MESSAGES").ok();
        let messages = messages.map_or(10_000, |count| count.parse().expect("WASMIME_BENCH_MESSAGES: a number"));
        Self { messages, size: 20_000, sessions: 8 }
    }

    /// Sends the load. A message that is refused, or put off, ends the run.
    pub fn send(&self, postfix: &Postfix, message: &Message) -> Used {
        let mut command = Command::new("smtp-source");
        command.args(["-s", &self.sessions.to_string(), "-m", &self.messages.to_string(), "-F"]).arg(&message.path);
        command.args(["-f", "carol@lan.example", "-t", "alice@peer.example"]);
        command.arg(format!("127.0.0.1:{}", postfix.port()));
        let begun = Instant::now();
        let output = command.output().expect("smtp-source");
        let time = begun.elapsed();
        assert!(output.status.success(), "{}\n{}", String::from_utf8_lossy(&output.stderr), postfix.log());
        postfix.drain();
        Used { messages: self.messages, time, gateway: None }
    }
}

impl Used {
    /// Messages in a second.
    pub fn rate(&self) -> f64 {
        f64::from(self.messages) / self.time.as_secs_f64()
    }
}

impl Usage {
    /// What the process of this id used.
    pub fn of(process: u32) -> Self {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).expect("a process");
        // The name, which may have spaces, ends with the last parenthesis: proc(5).
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_ascii_whitespace().collect();
        let ticks: u64 = fields[11..13].iter().map(|ticks| ticks.parse::<u64>().expect("ticks")).sum();
        let status = fs::read_to_string(format!("/proc/{process}/status")).expect("a process");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("its memory");
        let kib: u64 = peak.trim().trim_end_matches(" kB").parse().expect("a number");
        Self { cpu: Duration::from_millis(ticks * 1000 / USER_HZ), memory: kib << 10 }
    }
}

/// Ticks of a second, as Linux tells them whatever its own are.
const USER_HZ: u64 = 100;

/// What one use of an RSA key of 2048 bits takes of a processor: signing and
/// decrypting are the same exponentiation.
pub struct KeyOperation {
    /// The mean of many.
    pub time: Duration,
}

impl KeyOperation {
    /// Signs for a second.
    pub fn measure() -> Self {
        let pkcs8 = must("openssl", &["pkcs8", "-topk8", "-nocrypt", "-outform", "DER", "-in", &pki("carol.key")], b"");
        let key = SoftwareKey::from_pkcs8(&pkcs8).expect("a key");
        let begun = Instant::now();
        let mut count = 0;
        while begun.elapsed() < Duration::from_secs(1) {
            black_box(key.sign(SHA256_WITH_RSA, SHA256, black_box(b"signed attributes"))).expect("a signature");
            count += 1;
        }
        Self { time: begun.elapsed() / count }
    }
}

/// DER of the `AlgorithmIdentifier` of sha256WithRSAEncryption (RFC 5754).
const SHA256_WITH_RSA: &[u8] = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00";
/// DER of the `AlgorithmIdentifier` of id-sha256.
const SHA256: &[u8] = b"\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01";
