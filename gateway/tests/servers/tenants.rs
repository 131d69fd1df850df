//! Two organisations on the gateway of one provider.

use tempfile::TempDir;

use crate::letters::both_ways;
use crate::support::{TEXT, message};
use crate::world::gateway::Gateway;
use crate::world::organisation::provider;
use crate::world::server::Hook;
use crate::world::{Side, World, ports};

/// Alice and carol write to each other through the same gateway, in which each
/// organisation is a tenant with keys of its own. On the wire between the two
/// there is only ciphertext all the same.
#[test]
fn two_tenants_of_one_gateway_write_to_each_other() {
    let Some((world, _gateway, _dir)) = hosted("two_tenants_of_one_gateway_write_to_each_other") else { return };
    both_ways(Some(world));
}

/// Carol, who logs in at her own organisation, writes a letter that says it is
/// from alice. The key of alice is on the same gateway; carol does not get to use it.
#[test]
fn nobody_writes_in_the_name_of_another_tenant() {
    let Some((world, _gateway, _dir)) = hosted("nobody_writes_in_the_name_of_another_tenant") else { return };

    let forged = message("alice@peer.example", "bob@peer.example", TEXT);
    world.lan.sends("carol", &["bob@peer.example"], &forged).refused("550 5.7.1");
    // Nor with her reverse-path.
    world.lan.submits("alice@peer.example", "carol", &["bob@peer.example"], &forged).refused("550 5.7.1");
    assert!(world.to_peer.transmissions().is_empty());
}

/// Both organisations, and the gateway that they share, which runs as long as it is held.
fn hosted(story: &str) -> Option<(World, Gateway, TempDir)> {
    let (outbound, inbound) = (Hook::Milter(ports::free()), Hook::Milter(ports::free()));
    let side = || Side::hooked(outbound, inbound).elsewhere();
    let dir = TempDir::new().expect("a temporary folder");
    let world = World::start(story, side(), side())?;
    let mut gateway = provider(dir.path(), outbound, inbound);
    gateway.start();
    Some((world, gateway, dir))
}
