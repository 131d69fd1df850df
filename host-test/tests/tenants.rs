//! Tenants that do nothing cost next to nothing. A program of its own, so that no
//! other test's memory is counted.

use std::fs;
use std::sync::Arc;

use host::keyring::{GenerateOptions, KeyAlgorithm, Keyring, KeyringServices};
use host::services::SystemClock;
use host::{Certificates, Runtime, Tenant};
use host_test::script::{NOW, Script};
use host_test::variants;

const TENANTS: usize = 250;

/// Octets a tenant may take: 1,000 of them stay under 64 MiB.
const EACH: usize = (64 << 20) / 1000;

#[test]
fn a_thousand_idle_tenants_take_less_than_64_mib() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = folder.path().join("0.keyring");
    let keyring = Keyring::open_or_create(&pattern).unwrap();
    let address = "alice@peer.example".to_owned();
    keyring.generate(&GenerateOptions { address, algorithm: KeyAlgorithm::EcP256, days: 1000, now: NOW }).unwrap();
    drop(keyring);
    let runtime = variants::runtime(None).unwrap();
    let (like, _) = Script::with_keys_of(&["alice"]).tenant();
    // Each with a keyring of its own, looked into once.
    let tenant = |number: usize| -> (Tenant, Runtime) {
        let path = folder.path().join(format!("{number}.keyring"));
        if number > 0 {
            fs::copy(&pattern, &path).unwrap();
            fs::copy(pattern.with_extension("keyring.key"), path.with_extension("keyring.key")).unwrap();
        }
        let services = KeyringServices::new(Arc::new(Keyring::open(&path).unwrap()), Arc::new(SystemClock));
        assert_eq!(services.certificates("alice@peer.example").unwrap().len(), 1);
        let services = Arc::new(services);
        let tenant = Tenant {
            certificates: Arc::clone(&services) as Arc<dyn Certificates>,
            private_keys: services,
            ..like.clone()
        };
        (tenant, runtime.with_own_services(64))
    };
    let first: Vec<_> = (0..10).map(tenant).collect();
    let before = resident();
    let others: Vec<_> = (10..10 + TENANTS).map(tenant).collect();
    let each = resident().saturating_sub(before) / TENANTS;
    variants::say(&format!("{each} octets for each idle tenant"));
    assert!(each < EACH, "{each} octets for each idle tenant, not {EACH}");
    drop((first, others));
}

/// Octets of this process in memory.
fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}
