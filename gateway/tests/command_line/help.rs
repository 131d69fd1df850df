//! What the program says of itself.

use super::bench::Bench;

#[test]
fn help_is_an_answer_and_wrong_usage_is_64() {
    let bench = Bench::new("");
    let help = bench.call(&["--help"], b"").good();
    for command in ["demo", "process", "keys", "check", "status", "completion", "manual"] {
        assert!(help.text().contains(command), "{}", help.text());
        assert!(!bench.call(&[command, "--help"], b"").good().out.is_empty());
    }
    assert!(bench.call(&["--version"], b"").good().text().starts_with("wasmime "));
    bench.call(&[], b"").bad(64, "Usage: wasmime");
    bench.call(&["proces"], b"").bad(64, "process");
    bench.call(&["process", "--direction", "sideways"], b"").bad(64, "inbound, outbound");
    bench.call(&["process", "--direction", "inbound", "--mail-from", "a@b.c"], b"").bad(64, "--rcpt-to");
    bench.call(&["keys", "export", "--address", "a@b.c", "--private-key"], b"").bad(64, "--password-file");
    bench.process("inbound", "a@b.c", &["x@y.z"], &["--at", "yesterday"], b"").bad(64, "2026-11-22T12:00:00Z");
}

#[test]
fn a_wrong_configuration_is_78_and_said_with_its_line() {
    let bench = Bench::new("[tenant.nec]\ndomains = [\"nec.co.jp\"]\nkeyrng = \"x\"\n");
    let done = bench.process("inbound", "a@b.c", &["taro@nec.co.jp"], &[], b"From: a@b.c\n\nx\n");
    done.bad(78, "wasmime.toml:3: unknown key `keyrng`; did you mean `keyring`?");
    bench.call(&["check", "--config", "wasmime.toml"], b"").bad(78, "did you mean");
    bench.call(&["check", "--config", "nowhere.toml"], b"").bad(78, "nowhere.toml cannot be read");
    bench.write("wasmime.toml", b"[tenant.nec]\ndomains = [\"nec.co.jp\"]\nanchors = [\"missing.pem\"]\n");
    let done = bench.process("inbound", "a@b.c", &["taro@nec.co.jp"], &[], b"From: a@b.c\n\nx\n");
    done.bad(78, "missing.pem cannot be read");
}
