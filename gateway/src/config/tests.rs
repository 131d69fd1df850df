//! Configurations, good and bad.

use std::path::Path;

use host::{Demand, HeaderProtection, Order, Policies};

use super::*;

fn parse(text: &str) -> Result<Config, String> {
    Config::parse(text, Path::new("/nowhere/wasmime.toml")).map_err(|e| e.to_string())
}

#[test]
fn a_tenant_needs_nothing_but_its_domains() {
    let config = parse("[tenant.nec]\ndomains = [\"NEC.co.jp\"]\n").unwrap();
    let tenant = config.tenant(None).unwrap();
    assert_eq!(tenant.keyring, Path::new("/nowhere/nec.keyring"));
    let (outbound, inbound) = (tenant.policies.outbound("a@b.c"), tenant.policies.inbound("a@b.c"));
    assert_eq!(
        (outbound.sign, outbound.encrypt, outbound.order),
        (Demand::Required, Demand::Required, Order::EncryptThenSign)
    );
    assert_eq!(outbound.header, HeaderProtection::Shown);
    assert_eq!((inbound.decrypt, inbound.verify), (Demand::Opportunistic, Demand::Opportunistic));
    assert_eq!(inbound.authserv_id, "mail.nec.co.jp");
}

#[test]
fn the_first_rule_that_covers_a_recipient_counts() {
    let config = parse(
        "[tenant.nec]\ndomains = [\"nec.co.jp\"]\n[tenant.nec.outbound]\nsign = \"never\"\n\
         [[tenant.nec.rule]]\nrecipient = \"boss@partner.example\"\noutbound = { encrypt = \"never\" }\n\
         [[tenant.nec.rule]]\nrecipient = \"*@partner.example\"\n\
         outbound = { encrypt = \"opportunistic\", order = \"sign-then-encrypt\" }\ninbound = { verify = \"required\" }\n",
    )
    .unwrap();
    let policies = &config.tenant(Some("nec")).unwrap().policies;
    assert_eq!(policies.outbound("boss@partner.example").encrypt, Demand::Never);
    assert_eq!(policies.outbound("a@partner.example").encrypt, Demand::Opportunistic);
    assert_eq!(policies.outbound("a@partner.example").sign, Demand::Never);
    assert_eq!(policies.inbound("a@partner.example").verify, Demand::Required);
    assert_eq!(policies.outbound("a@other.example").encrypt, Demand::Required);
}

#[test]
fn t36_a_domain_is_matched_whole() {
    let config = parse("[tenant.lan]\ndomains = [\"lan.example\"]\n").unwrap();
    assert!(config.tenant_of("a@LAN.example").is_some());
    for other in ["a@lan.example.evil", "a@evillan.example", "a@sub.lan.example", "a@lan.example.", "lan.example", "a@"]
    {
        assert!(config.tenant_of(other).is_none(), "{other}");
    }
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (text, what) in [
        ("", "names no tenant"),
        ("[tenant.a]\n", "missing field `domains`"),
        ("[tenant.a]\ndomains = []\n", "domains is empty"),
        ("[tenant.a]\ndomains = [\"a b\"]\n", "is no mail domain"),
        ("[tenant.a]\ndomains = [\"a.b\"]\nkeyrign = \"x\"\n", "unknown field `keyrign`"),
        (
            "[tenant.a]\ndomains = [\"a.b\"]\n[tenant.a.outbound]\nsign = \"always\"\n",
            "\"always\" is not one of \"never\"",
        ),
        ("[tenant.a]\ndomains = [\"a.b\"]\nanchors = [\"missing.pem\"]\n", "there is no file /nowhere/missing.pem"),
        ("[tenant.a]\ndomains = [\"a.b\"]\n[tenant.b]\ndomains = [\"A.b\"]\n", "both have the domain a.b"),
        ("[tenant.a]\ndomains = [\"a.b\"]\n[[tenant.a.rule]]\nrecipient = \"b.c\"\n", "is no pattern of mailboxes"),
        ("[tenant.a]\ndomains = [\"a.b\"]\n[tenant.a.inbound]\nauthserv-id = \"a;b\"\n", "is no host name"),
        ("tenant = 1", "line 1"),
    ] {
        let error = parse(text).unwrap_err();
        assert!(error.contains(what) && error.contains("/nowhere/wasmime.toml"), "{error}");
    }
}
