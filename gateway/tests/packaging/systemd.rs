//! The service of systemd.

use super::support::{attempt, have};
use super::{packaging, text};

/// How exposed the service may be, in tenths, as `systemd-analyze security` counts:
/// 0 is not at all, 100 is a service without any hardening.
const EXPOSURE: &str = "12";

#[test]
fn the_service_is_as_hardened_as_a_proxy_can_be() {
    if !have("the_service_is_as_hardened_as_a_proxy_can_be", &["systemd-analyze"]) {
        return;
    }
    let unit = packaging("systemd/wasmime.service").display().to_string();
    let threshold = format!("--threshold={EXPOSURE}");
    let verdict = attempt("systemd-analyze", &["security", "--offline=true", "--no-pager", &threshold, &unit], b"");
    assert!(verdict.is_ok(), "{verdict:?}");
}

#[test]
fn the_service_does_what_the_program_offers() {
    let unit = text("systemd/wasmime.service");
    for line in [
        "Type=notify",
        "ExecStart=/usr/bin/wasmime serve --config /etc/wasmime/wasmime.toml",
        "ExecReload=/bin/kill -HUP $MAINPID",
        "RestartPreventExitStatus=78",
        "StateDirectory=wasmime",
        "CacheDirectory=wasmime",
        "RuntimeDirectory=wasmime",
        "LimitCORE=0",
    ] {
        assert!(unit.lines().any(|found| found == line), "no line {line}");
    }
    // Without these the process cannot confine itself.
    for call in ["landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"] {
        assert!(unit.contains(call), "{call} is filtered out");
    }
}

/// The timer does what the program offers, and its service may use nothing else.
#[test]
fn the_timer_renews_what_the_tenants_authorities_issued() {
    let service = text("systemd/wasmime-keys.service");
    assert!(service.contains("ExecStart=/usr/bin/wasmime keys renew --within 30d --config /etc/wasmime/wasmime.toml"));
    assert!(text("systemd/wasmime-keys.timer").contains("OnCalendar=daily"));
    if !have("the_timer_renews_what_the_tenants_authorities_issued", &["systemd-analyze"]) {
        return;
    }
    let unit = packaging("systemd/wasmime-keys.service").display().to_string();
    let verdict =
        attempt("systemd-analyze", &["security", "--offline=true", "--no-pager", "--threshold=25", &unit], b"");
    assert!(verdict.is_ok(), "{verdict:?}");
}
