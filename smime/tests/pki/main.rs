//! Certificates, paths and RSA against what OpenSSL made (`vectors/pki`), and
//! against certificates of other projects where they are at hand.

mod address;
mod certificate;
mod constraints;
mod corpora;
#[path = "../support/corpora.rs"]
mod foreign;
mod hostile;
mod path;
mod policies;
mod revocation;
mod rsa;
mod usage;

use std::path::PathBuf;

use smime::x509::Certificate;

/// 2027-01-15T08:00:00Z.
const NOW: u64 = 1_800_000_000;

fn vector(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/pki").join(name);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// A file of `vectors/trust`.
fn trust_file(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/trust").join(name);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// A certificate of `vectors/trust`.
fn trust(name: &str) -> Certificate {
    Certificate::from_der(&trust_file(&format!("{name}.cer"))).unwrap_or_else(|e| panic!("{name}: {e:?}"))
}

fn certificate(name: &str) -> Certificate {
    Certificate::from_der(&vector(&format!("{name}.cer"))).unwrap_or_else(|e| panic!("{name}: {e:?}"))
}

fn certificates(names: &[&str]) -> Vec<Certificate> {
    names.iter().map(|name| certificate(name)).collect()
}

/// Octets that look random and are the same each time (xorshift64*).
struct Octets(u64);

impl Octets {
    fn number(&mut self, below: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % below
    }

    fn draw(&mut self, len: u32) -> Vec<u8> {
        (0..len).map(|_| self.number(256) as u8).collect()
    }
}
