//! Private keys are not in the sandbox: its memory is searched for them while it has
//! mail in its hands, after the keys were used.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use host::keyring::{Bundle, ImportOptions, Keyring, KeyringServices};
use host::memory::{FixedClock, FixedPolicies, MemoryTrust, tenant};
use host::services::SystemEntropy;
use host::{
    Clock, Direction, Entropy, Envelope, Harvest, Order, Outcome, Refusal, Runtime, RuntimeOptions, Tenant, Verdict,
};

use crate::memory::Needle;
use crate::story::{ALICE, CAROL, from_alice, to_alice};
use crate::support::*;

/// What stands in the clear text of every message of these stories.
const CLEAR: &[u8] = b"The offer stands until Friday.";

/// Looks into the sandbox whenever that asks for something and waits.
struct Watch {
    key: Needle,
    clear: Needle,
    /// How often there was clear text, and a private key.
    seen: Mutex<(usize, usize)>,
}

impl Watch {
    fn look(&self) {
        let mut seen = self.seen.lock().expect("nobody panicked");
        seen.0 += self.clear.places_in_sandboxes().len();
        seen.1 += self.key.places_in_sandboxes().len();
    }
}

/// Asked as the guest encrypts, with the inner signature made.
impl Entropy for Watch {
    fn draw(&self, len: u32) -> Result<Vec<u8>, Refusal> {
        self.look();
        SystemEntropy.draw(len)
    }
}

/// Asked when the guest has decrypted, and verified what is inside.
impl Harvest for Watch {
    fn offer(&self, _: &str, _: &[u8], _: &[Vec<u8>], _: Option<&[u8]>) {
        self.look();
    }
}

#[test]
fn no_private_key_is_in_the_memory_of_the_sandbox_nor_in_the_keyring() {
    let test = "no_private_key_is_in_the_memory_of_the_sandbox_nor_in_the_keyring";
    if !have(test, &["openssl"]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let p8 = folder.path().join("carol.p8");
    let written = p8.display().to_string();
    must(
        "openssl",
        &["pkcs8", "-topk8", "-nocrypt", "-in", &pki("carol.key"), "-outform", "DER", "-out", &written],
        b"",
    );
    let watch = Arc::new(Watch { key: Needle::of(&p8), clear: Needle::new(CLEAR), seen: Mutex::default() });
    fs::remove_file(&p8).expect("the file goes");
    let keyring = filled(&folder.path().join("lan.keyring"));
    let runtime = Runtime::new(RuntimeOptions { instances: 1, ..RuntimeOptions::default() }).expect("a sandbox");
    let tenant = watched(&watch, &keyring);

    let envelope = |direction, from: &str, to: &str| Envelope {
        direction,
        submitter: (direction == Direction::Outbound).then(|| from.to_owned()),
        sender: Some(from.to_owned()),
        recipients: vec![to.to_owned()],
    };
    for (message, envelope) in [
        (to_alice(), envelope(Direction::Outbound, CAROL, ALICE)),
        (from_alice(), envelope(Direction::Inbound, ALICE, CAROL)),
    ] {
        *watch.seen.lock().expect("nobody panicked") = (0, 0);
        let outcome: Outcome = runtime.run(&tenant, &envelope, &message);
        assert!(matches!(outcome.verdict, Verdict::Deliver(_)), "{outcome:?}");
        assert!(outcome.private_key_operations > 0, "no key was used");
        let (clear, keys) = *watch.seen.lock().expect("nobody panicked");
        assert!(clear > 0, "this is not where the sandbox has its memory");
        assert_eq!(keys, 0, "a private key is in the sandbox");
    }
    // It is in the host, or it was not sought well; and in no file.
    assert!(!watch.key.places().is_empty(), "the host has no such key");
    for file in fs::read_dir(folder.path()).expect("the folder").flatten() {
        let octets = fs::read(file.path()).expect("a file");
        assert!(!watch.key.is_in(&octets), "{:?} has the private key", file.path());
    }
}

/// A keyring with carol's identity and alice's certificate.
fn filled(path: &Path) -> Arc<Keyring> {
    let keyring = Keyring::open_or_create(path).expect("a keyring");
    for files in [&["carol.pem", "carol.key"][..], &["alice.pem"]] {
        let mut bundle = Bundle::default();
        for file in files {
            bundle.read(file, &fs::read(pki(file)).expect("a file"), None).expect("keys");
        }
        keyring.import(bundle, &ImportOptions::default()).expect("filed");
    }
    Arc::new(keyring)
}

/// A tenant that signs inside and outside of what it encrypts, and is watched.
fn watched(watch: &Arc<Watch>, keyring: &Arc<Keyring>) -> Tenant {
    let clock: Arc<dyn Clock> = Arc::new(FixedClock(1_795_348_800)); // 2026-11-22T12:00:00Z
    let keys = Arc::new(KeyringServices::new(Arc::clone(keyring), Arc::clone(&clock)));
    let mut policies = FixedPolicies::default();
    policies.outbound.order = Order::TripleWrap;
    let ca = must("openssl", &["x509", "-in", &pki("ca.pem"), "-outform", "DER"], b"");
    Tenant {
        certificates: Arc::clone(&keys) as _,
        private_keys: keys,
        trust: Arc::new(MemoryTrust { anchors: vec![ca], intermediates: Vec::new() }),
        policies: Arc::new(policies),
        harvest: Arc::clone(watch) as _,
        entropy: Arc::clone(watch) as _,
        clock,
        ..tenant(Default::default())
    }
}
