//! What messages of various sizes cost: time, memory and instructions, on the way
//! out and on the way in.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use host::memory::MemoryKeys;
use host::{Certificates, Content, Direction, Envelope, Identity, Outcome, Runtime, SoftwareKey, Tenant, Verdict};

use crate::script::{Script, envelope};
use crate::variants;

/// The sizes that are measured, in octets.
pub const SIZES: [usize; 4] = [4 << 10, 256 << 10, 1 << 20, 25 << 20];

/// The goal for memory: three times the message, and 4 MiB.
pub fn goal(message: usize) -> usize {
    message.saturating_mul(3).saturating_add(4 << 20)
}

/// A message of about `size` octets from alice to carol, with a text and an
/// attachment, as mail clients write them.
pub fn message(size: usize) -> Vec<u8> {
    let mut message = Vec::with_capacity(size + 1024);
    message.extend_from_slice(
        b"From: Alice <alice@peer.example>\r\nTo: Carol <carol@lan.example>\r\nSubject: The figures\r\n\
          Date: Fri, 01 Jan 2027 00:00:00 +0000\r\nMessage-ID: <1@peer.example>\r\nMIME-Version: 1.0\r\n\
          Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\n\
          --b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHere they are.\r\n\
          --b\r\nContent-Type: application/octet-stream; name=\"figures\"\r\nContent-Transfer-Encoding: base64\r\n\r\n",
    );
    let mut word: u32 = 1;
    while message.len() < size {
        for _ in 0..76 {
            // Any digits of base64 will do; that they repeat does not matter.
            word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            message.push(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[(word >> 26) as usize]);
        }
        message.extend_from_slice(b"\r\n");
    }
    message.extend_from_slice(b"--b--\r\n");
    message
}

/// The people of [`message`] and their keys, for comparisons.
pub fn script() -> Script {
    let mut script = Script::with_keys_of(&["alice", "carol"]);
    script.limits.time = Duration::from_secs(120);
    script
}

/// The same with keys as a real host holds them.
pub fn tenant() -> Tenant {
    let script = script();
    let mut keys = MemoryKeys::default();
    for (owner, entry) in &script.certificates {
        keys.add_certificate(owner, entry.clone());
    }
    for (owner, key) in &script.keys {
        let software = SoftwareKey::from_pkcs8(&key.pkcs8).expect("the keys of the people load");
        let (certificate, chain) = (key.certificate.clone(), key.chain.clone());
        keys.add_identity(owner, Identity { certificate, chain, key: Arc::new(software), retired: false });
    }
    let keys = Arc::new(keys);
    let (tenant, _) = script.tenant();
    let entropy = Arc::new(host::services::SystemEntropy);
    Tenant { certificates: Arc::clone(&keys) as Arc<dyn Certificates>, private_keys: keys, entropy, ..tenant }
}

/// The envelope of [`message`] on its way out, and on its way in.
pub fn envelopes() -> (Envelope, Envelope) {
    (envelope(Direction::Outbound, "alice", &["carol"]), envelope(Direction::Inbound, "alice", &["carol"]))
}

/// Sends a message of `size` octets out and takes it in again. Gives both
/// outcomes, each with the size of the message that went in.
pub fn there_and_back(runtime: &Runtime, size: usize) -> Result<[(usize, Outcome); 2], String> {
    let (tenant, message, (out, back)) = (tenant(), message(size), envelopes());
    let sent = runtime.run(&tenant, &out, &message);
    let on_the_wire = delivered(&sent)?.to_vec();
    let received = runtime.run(&tenant, &back, &on_the_wire);
    delivered(&received)?;
    Ok([(message.len(), sent), (on_the_wire.len(), received)])
}

/// The rewritten octets of the first delivery.
pub fn delivered(outcome: &Outcome) -> Result<&[u8], String> {
    match &outcome.verdict {
        Verdict::Deliver(deliveries) => match deliveries.first().map(|delivery| &delivery.content) {
            Some(Content::Rewritten(message)) => Ok(message),
            _ => Err("it was not rewritten".to_owned()),
        },
        refused => Err(format!("{}; {:?}", crate::compare::name(refused), outcome.events)),
    }
}

/// How long it takes to start with a component that was compiled before, and to
/// answer a message with which there is nothing to do, as text.
pub fn start(component: Option<PathBuf>) -> Result<String, String> {
    let (tenant, (_, back)) = (tenant(), envelopes());
    let runtime = variants::runtime(component.clone()).map_err(|e| e.to_string())?;
    let smallest = |_| runtime.run(&tenant, &back, b"From: alice@peer.example\r\n\r\n").statistics.elapsed;
    let answered = (0..100).map(smallest).min().unwrap_or_default();
    let starts = (0..10).map(|_| {
        let started = Instant::now();
        variants::runtime(component.clone()).map(|_| started.elapsed()).map_err(|e| e.to_string())
    });
    let started = starts.collect::<Result<Vec<_>, _>>()?.into_iter().min().unwrap_or_default();
    Ok(format!("start {started:.1?}, a fresh instance and the smallest message {answered:.1?}"))
}

/// The table of what messages of all sizes cost, as text.
pub fn table(runtime: &Runtime) -> Result<String, String> {
    let mut table = format!(
        "{:>10} {:<9} {:>11} {:>11} {:>11} {:>6} {:>15}\n",
        "octets", "direction", "time", "memory", "goal", "", "fuel"
    );
    for size in SIZES {
        for (direction, (len, outcome)) in ["outbound", "inbound"].iter().zip(there_and_back(runtime, size)?) {
            let statistics = &outcome.statistics;
            table.push_str(&format!(
                "{len:>10} {direction:<9} {:>8.2} ms {:>7} KiB {:>7} KiB {:>6} {:>15}\n",
                statistics.elapsed.as_secs_f64() * 1e3,
                statistics.memory_peak / 1024,
                goal(len) / 1024,
                if statistics.memory_peak <= goal(len) { "met" } else { "MISSED" },
                statistics.fuel.map_or_else(String::new, |fuel| fuel.to_string()),
            ));
        }
    }
    Ok(table)
}
