use host::{Assumption, Demand, HeaderProtection, Order, Policies as _, SignatureForm};

use super::*;

const FULL: &str = r#"
[tenant.nec]
domains = ["nec.co.jp", "NEC.com"]
keyring = "keys/nec.keyring"
anchors = ["anchors.pem"]
intermediates = ["/etc/ssl/ca.pem"]
revocation-lists = ["*.crl"]
component = "other.wasm"
limits = { message-size = "35MiB", time = "1m", memory = "256MiB", messages = 4 }
[tenant.nec.outbound]
sign = "opportunistic"
encrypt = "never"
order = "triple-wrap"
unknown-peer = "modern"
header = "shown"
form = "opaque"
[tenant.nec.inbound]
decrypt = "required"
verify = "required"
accept-unauthenticated = true
keep-signature = true
authserv-id = "mail.nec.co.jp"
[[tenant.nec.rule]]
recipient = "*@partner.example"
outbound = { encrypt = "required", order = "sign-then-encrypt" }
[[tenant.nec.rule]]
recipient = "*@*.example"
inbound = { verify = "never" }
[tenant.abc]
domains = ["abc.com"]
"#;

fn parse(text: &str) -> Result<Configuration, ConfigurationError> {
    Configuration::parse(Path::new("/etc/wasmime/wasmime.toml"), text)
}

fn complaint(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

#[test]
fn every_key_is_read() {
    let configuration = parse(FULL).unwrap();
    let nec = configuration.tenant(Some("nec")).unwrap();
    assert_eq!(nec.domains, ["nec.co.jp", "nec.com"]);
    assert_eq!(nec.keyring, Path::new("/etc/wasmime/keys/nec.keyring"));
    assert_eq!(nec.anchors, [Path::new("/etc/wasmime/anchors.pem")]);
    assert_eq!(nec.intermediates, [Path::new("/etc/ssl/ca.pem")]);
    assert_eq!(nec.revocation_lists, [Path::new("/etc/wasmime/*.crl")]);
    assert_eq!(nec.component.as_deref(), Some(Path::new("/etc/wasmime/other.wasm")));
    let limits = &nec.limits.message;
    assert_eq!((limits.message_size, limits.time.as_secs(), limits.memory), (35 << 20, 60, 256 << 20));
    assert_eq!(nec.limits.messages, 4);
    let outbound = nec.outbound("alice@abc.com");
    assert_eq!((outbound.sign, outbound.encrypt), (Demand::Opportunistic, Demand::Never));
    assert_eq!((outbound.order, outbound.unknown_peer), (Order::TripleWrap, Assumption::Modern));
    assert_eq!((outbound.header, outbound.form), (HeaderProtection::Shown, SignatureForm::Opaque));
    let inbound = nec.inbound("taro@nec.co.jp");
    assert_eq!((inbound.decrypt, inbound.verify), (Demand::Required, Demand::Required));
    assert!(inbound.accept_unauthenticated && inbound.keep_signature);
    assert_eq!(inbound.authserv_id, "mail.nec.co.jp");
}

#[test]
fn what_is_left_out_is_safe() {
    let configuration = parse(FULL).unwrap();
    let abc = configuration.tenant(Some("abc")).unwrap();
    assert_eq!(abc.keyring, Path::new("/etc/wasmime/abc.keyring"));
    assert_eq!((&abc.limits.message, abc.limits.messages), (&host::Limits::default(), 16));
    let outbound = abc.outbound("taro@nec.co.jp");
    assert_eq!((outbound.sign, outbound.encrypt), (Demand::Required, Demand::Required));
    assert_eq!(outbound.order, Order::EncryptThenSign);
    let inbound = abc.inbound("alice@abc.com");
    assert_eq!((inbound.decrypt, inbound.verify), (Demand::Opportunistic, Demand::Opportunistic));
    assert!(!inbound.accept_unauthenticated && !inbound.keep_signature);
    assert_eq!(inbound.authserv_id, "abc.com");
}

#[test]
fn the_first_rule_that_matches_wins_and_changes_only_what_it_names() {
    let configuration = parse(FULL).unwrap();
    let nec = configuration.tenant(Some("nec")).unwrap();
    let outbound = nec.outbound("x@Partner.Example");
    assert_eq!((outbound.encrypt, outbound.order), (Demand::Required, Order::SignThenEncrypt));
    assert_eq!((outbound.sign, outbound.form), (Demand::Opportunistic, SignatureForm::Opaque));
    assert_eq!(nec.inbound("x@sub.example").verify, Demand::Never);
    assert_eq!(nec.outbound("x@sub.example").encrypt, Demand::Never);
}

#[test]
fn what_is_wrong_is_said_with_its_line_and_a_hint() {
    let base = "[tenant.a]\ndomains = [\"a.b\"]\n";
    for (text, says) in [
        (format!("{base}keyrng = \"x\"\n"), "wasmime.toml:3: unknown key `keyrng`; did you mean `keyring`?"),
        (format!("{base}revocation_lists = []\n"), "did you mean `revocation-lists`?"),
        (
            format!("{base}[tenant.a.outbound]\nencript = \"required\"\n"),
            ":4: unknown key `encript`; did you mean `encrypt`?",
        ),
        (
            format!("{base}[tenant.a.outbound]\nsign = \"always\"\n"),
            ":4: unknown value `always`; there is `never`, `opportunistic`, `required`",
        ),
        (format!("{base}[tenant.a.inbound]\nverify = true\n"), ":4: "),
        (
            format!("{base}[[tenant.a.rule]]\nrecipient = \"partner.example\"\n"),
            ":4: `partner.example` matches no address",
        ),
        (format!("{base}[[tenant.a.rule]]\noutbound = {{}}\n"), "missing field `recipient`"),
        (format!("{base}[tenants.b]\n"), "did you mean `tenant`?"),
        ("[tenant.a]\n".to_owned(), "missing field `domains`"),
        ("[tenant.a]\ndomains = []\n".to_owned(), ":2: a tenant needs at least one domain"),
        ("[tenant.a]\ndomains = [\"*.a.b\"]\n".to_owned(), ":2: `*.a.b` is not a domain"),
        ("[tenant.a]\ndomains = [\"a.b.\"]\n".to_owned(), "is not a domain"),
        (
            "[tenant.a]\ndomains = [\"a.b\"]\n[tenant.b]\ndomains = [\"A.B\"]\n".to_owned(),
            ":4: the domain `a.b` is that of tenant `a`",
        ),
        (String::new(), "has no tenant"),
        ("[tenant.a\n".to_owned(), "wasmime.toml:1: "),
    ] {
        let complaint = complaint(&text);
        assert!(complaint.contains(says), "{complaint}\n does not say {says}");
    }
}

#[test]
fn a_tenant_is_found_by_name_or_by_being_the_only_one() {
    let both = parse(FULL).unwrap();
    assert!(both.tenant(None).unwrap_err().to_string().contains("abc, nec"));
    assert!(both.tenant(Some("xyz")).unwrap_err().to_string().contains("has no tenant `xyz`"));
    let one = parse("[tenant.a]\ndomains = [\"a.b\"]\n").unwrap();
    assert_eq!(one.tenant(None).unwrap().name, "a");
}
