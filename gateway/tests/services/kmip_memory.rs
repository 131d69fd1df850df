//! Where in memory a fetched private key is, and for how long.

use std::path::Path;
use std::time::Duration;

use host::PrivateKeys;

use crate::daemon::eventually;
use crate::kmip_failures::client;
use crate::kmip_server::KmipServer;
use crate::memory::Needle;
use crate::story::signature;

/// Nobody else in this process uses the key of dave.
const DAVE: &str = "dave@lan.example";

#[test]
fn a_fetched_key_is_in_locked_memory_for_its_time_and_then_nowhere() {
    let Some(server) = KmipServer::start("a_fetched_key_is_in_locked_memory_for_its_time_and_then_nowhere") else {
        return;
    };
    server.register_identity("dave", DAVE);
    let needle = Needle::of(Path::new(&server.key("dave")));
    assert_eq!(needle.places(), []);

    let keys = client(&server, Duration::from_secs(4));
    let identities = keys.identities(DAVE).expect("an answer");
    signature(&identities[0]);
    let places = needle.places();
    assert!(!places.is_empty(), "the key is not held");
    assert!(places.iter().all(|place| place.locked), "the key is in memory that is not locked: {places:?}");

    drop(identities);
    eventually("a memory without the key", || needle.places().is_empty().then_some(()));
}
