//! What the operator sees: metrics, health and the status page, after real
//! traffic; and what the process gave up.

mod browser;
mod confined;
mod http;

use std::fs;
use std::os::unix::net::UnixStream;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::daemon::eventually;
use crate::gateway::Gateway;
use crate::milter::mta::Mta;
use crate::ports;
use crate::support::{TEXT, message, pki, run, wasmime};
use http::get;

/// A gateway with a tenant `lan.example` (carol), a milter for each direction and a
/// status socket.
struct Watched {
    gateway: Gateway,
    outbound: u16,
    inbound: u16,
    status: u16,
    dir: TempDir,
}

impl Watched {
    fn start() -> Self {
        let dir = TempDir::new().expect("a temporary folder");
        let [outbound, inbound, status] = [ports::free(), ports::free(), ports::free()];
        let text = configuration(outbound, inbound, status);
        let mut gateway = Gateway::new(dir.path(), &text, vec![outbound, inbound, status]);
        gateway.keys("lan", &["carol"], &["alice"]);
        gateway.start();
        Self { gateway, outbound, inbound, status, dir }
    }

    /// Carol's offer leaves; then it arrives as it was sent, and once more with a
    /// letter changed, under this name in the queue.
    fn traffic(&self, queue: &str) {
        let offer = message("carol@lan.example", "alice@peer.example", TEXT);
        let mut mta = Mta::connect(self.outbound, "10.0.0.7");
        mta.envelope("carol@lan.example", None, &["alice@peer.example"]);
        let mut signed = mta.message(&offer).applied(&offer);
        let mut mta = Mta::connect(self.inbound, "192.0.2.7");
        mta.envelope("carol@lan.example", None, &["carol@lan.example"]);
        mta.message(&signed).applied(&signed);
        let at = memchr::memmem::find(&signed, b"offer stands").expect("the text in clear");
        signed[at] = b'O';
        mta.envelope("carol@lan.example", None, &["carol@lan.example"]);
        mta.named(queue).message(&signed).answer.begins("550 5.7.7");
    }

    /// Changes the configuration, and has it read.
    fn reload(&self, from: &str, to: &str) {
        let file = self.dir.path().join("wasmime.toml");
        let text = fs::read_to_string(&file).expect("the configuration");
        assert!(text.contains(from), "{text}");
        fs::write(&file, text.replace(from, to)).expect("the configuration");
        self.gateway.process().signal(Signal::HUP);
    }

    /// Waits until a line of the log has `words`, and returns it.
    #[track_caller]
    fn logs(&self, words: &[&str]) -> String {
        eventually(&format!("{words:?} in the log"), || {
            let log = self.gateway.log();
            log.lines().find(|line| words.iter().all(|word| line.contains(word))).map(str::to_owned)
        })
    }

    /// Waits until `/healthz` answers so.
    #[track_caller]
    fn becomes(&self, code: u16, says: &str) {
        eventually(&format!("{code} {says}"), || {
            let answer = get(self.status, "/healthz");
            (answer.code == code && answer.body.contains(says)).then_some(())
        });
    }

    /// Calls `wasmime status`: the exit status and what it prints.
    fn asked(&self) -> (Option<i32>, String) {
        let output = run(wasmime(self.dir.path()).args(["status", "--config", "wasmime.toml"]), b"");
        (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    }
}

fn configuration(outbound: u16, inbound: u16, status: u16) -> String {
    let anchor = pki("ca.pem");
    format!(
        r#"
[gateway]
hostname = "gw.lan.example"
status = "127.0.0.1:{status}"

[[listener]]
name = "out"
protocol = "milter"
address = "127.0.0.1:{outbound}"
direction = "outbound"

[[listener]]
name = "in"
protocol = "milter"
address = "127.0.0.1:{inbound}"
direction = "inbound"

[tenant.lan]
domains = ["lan.example"]
anchors = [{anchor:?}]
outbound = {{ sign = "required", encrypt = "never" }}
inbound = {{ verify = "opportunistic" }}
"#
    )
}

/// Prometheus reads what became of three messages.
#[test]
fn messages_are_counted_by_what_became_of_them() {
    let watched = Watched::start();
    watched.traffic("4F1A");
    let metrics = get(watched.status, "/metrics");
    assert_eq!((metrics.code, metrics.header("content-type")), (200, "text/plain; version=0.0.4; charset=utf-8"));
    let sample = |name: &str, labels: &[&str]| -> f64 {
        let all: Vec<&str> = metrics.body.lines().filter(|line| line.starts_with(&format!("{name}{{"))).collect();
        let line = all.iter().find(|line| labels.iter().all(|label| line.contains(label)));
        let line = line.unwrap_or_else(|| panic!("no {name} with {labels:?}: {all:#?}"));
        line.rsplit_once(' ').and_then(|(_, value)| value.parse().ok()).expect("a number")
    };
    let messages = |labels: &[&str]| sample("wasmime_messages_total", labels);
    let (outbound, inbound) = (r#"direction="outbound""#, r#"direction="inbound""#);
    assert_eq!(messages(&[r#"tenant="lan""#, r#"listener="out""#, outbound, r#"verdict="deliver",reason="""#]), 1.0);
    assert_eq!(messages(&[r#"listener="in""#, inbound, r#"verdict="deliver",reason="""#]), 1.0);
    assert_eq!(messages(&[inbound, r#"verdict="reject",reason="altered""#]), 1.0);
    assert_eq!(sample("wasmime_private_key_operations_total", &[r#"tenant="lan""#]), 1.0);
    assert_eq!(sample("wasmime_sandbox_seconds_count", &[inbound]), 2.0);
    assert!(sample("wasmime_sandbox_memory_octets_sum", &[outbound]) > 1e6);
    assert_eq!(sample("wasmime_messages_in_progress", &[r#"tenant="lan""#]), 0.0);
    assert_eq!(sample("wasmime_connections_total", &[r#"listener="in""#, r#"result="taken""#]), 2.0);
    assert_eq!(sample("wasmime_key_service_up", &[r#"service="keyring""#]), 1.0);
    assert_eq!(sample("wasmime_certificates", &[r#"kind="own""#, r#"state="valid""#]), 1.0);
    assert!(sample("wasmime_certificate_expiry_seconds", &[r#"kind="authority""#]) > 0.0);
    assert_eq!(sample("wasmime_build_info", &[env!("CARGO_PKG_VERSION")]), 1.0);
    // Nothing of a message is in it.
    for private in ["carol@", "alice@", "The offer", "4F1A", "192.0.2.7"] {
        assert!(!metrics.body.contains(private), "{private}");
    }
}

/// A tenant that the configuration does not name any more has no state any more; what
/// it did stays counted.
#[test]
fn of_a_tenant_that_is_taken_out_no_state_is_left() {
    let watched = Watched::start();
    watched.traffic("4F1A");
    let before = get(watched.status, "/metrics").body;
    let states = ["wasmime_messages_in_progress", "wasmime_key_service_up", "wasmime_certificate"];
    let told = |text: &str, tenant: &str| {
        let of = |name: &str| text.lines().any(|line| line.starts_with(name) && line.contains(tenant));
        states.map(of)
    };
    assert_eq!(told(&before, "tenant=\"lan\""), [true; 3], "{before}");
    watched.reload("[tenant.lan]\n", "[tenant.office]\nkeyring = \"lan.keyring\"\n");
    watched.logs(&["the configuration was read again"]);
    let after = eventually("the state of the other tenant", || {
        let text = get(watched.status, "/metrics").body;
        (told(&text, "tenant=\"office\"") == [true; 3]).then_some(text)
    });
    assert_eq!(told(&after, "tenant=\"lan\""), [false; 3], "{after}");
    assert!(after.lines().any(|line| line.starts_with("wasmime_messages_total{tenant=\"lan\"")), "{after}");
}

/// A balancer is told when a process can serve nobody, why, and when it can again.
#[test]
fn a_process_that_can_serve_nobody_is_not_healthy() {
    let watched = Watched::start();
    watched.becomes(200, "serving");
    assert_eq!(watched.asked(), (Some(0), "serving\n".to_owned()));
    let (secret, away) = (watched.dir.path().join("lan.keyring.key"), watched.dir.path().join("away"));
    fs::rename(&secret, &away).expect("the secret");
    // A reload has the keyring looked at.
    watched.gateway.process().signal(Signal::HUP);
    watched.becomes(503, "unable: tenant lan: keyring:");
    let (status, told) = watched.asked();
    assert!(status == Some(1) && told.contains("lan.keyring.key"), "{status:?} {told}");
    assert!(
        get(watched.status, "/metrics").body.contains(r#"wasmime_key_service_up{tenant="lan",service="keyring"} 0"#)
    );
    fs::rename(&away, &secret).expect("the secret");
    watched.gateway.process().signal(Signal::HUP);
    watched.becomes(200, "serving");
}

/// One tenant of two lacks its keys: mail may come, and the operator is told.
#[test]
fn one_tenants_trouble_is_told_and_turns_nobody_away() {
    let watched = Watched::start();
    watched.reload("[tenant.lan]", "[tenant.other]\ndomains = [\"other.example\"]\n[tenant.lan]");
    watched.logs(&["the configuration stays as it was", "tenant other"]);
    watched.gateway.call(&["keys", "generate", "--tenant", "other", "--address", "you@other.example"]);
    watched.gateway.process().signal(Signal::HUP);
    watched.logs(&["the configuration was read again"]);
    let (secret, away) = (watched.dir.path().join("lan.keyring.key"), watched.dir.path().join("away"));
    fs::rename(&secret, &away).expect("the secret");
    watched.gateway.process().signal(Signal::HUP);
    watched.becomes(200, "impaired: tenant lan: keyring:");
    let (status, told) = watched.asked();
    assert!(status == Some(0) && told.starts_with("impaired: "), "{status:?} {told}");
    fs::rename(&away, &secret).expect("the secret");
    watched.gateway.process().signal(Signal::HUP);
    watched.becomes(200, "serving");
}

/// Prometheus and the page tell until when there is a revocation list.
#[test]
fn revocation_lists_are_watched() {
    let watched = Watched::start();
    let list = format!("[tenant.lan]\nrevocation-lists = [{:?}]", pki("outdated.crl"));
    watched.reload("[tenant.lan]", &list);
    watched.logs(&["the configuration was read again"]);
    let remaining = eventually("the metric", || {
        let metrics = get(watched.status, "/metrics").body;
        let line = metrics.lines().find(|line| line.starts_with("wasmime_revocation_list_expiry_seconds{"))?.to_owned();
        line.rsplit_once(' ').and_then(|(_, value)| value.parse::<f64>().ok())
    });
    assert!(remaining < 0.0, "{remaining}");
    let page = get(watched.status, "/").body;
    assert!(page.contains("CN=Test authority") && page.contains("2021-01-01T00:00:00Z"), "{page}");
}

/// A balancer sends nobody to a process that is about to end, while a message is
/// finished there.
#[test]
fn a_process_that_drains_says_so_and_finishes() {
    let watched = Watched::start();
    let offer = message("carol@lan.example", "alice@peer.example", TEXT);
    let mut mta = Mta::connect(watched.outbound, "10.0.0.7");
    mta.envelope("carol@lan.example", None, &["alice@peer.example"]);
    watched.gateway.process().signal(Signal::TERM);
    watched.becomes(503, "draining");
    assert!(mta.message(&offer).applied(&offer).len() > offer.len());
    watched.logs(&["stopped"]);
    let (status, told) = watched.asked();
    assert!(status == Some(1) && told.contains("nothing answers"), "{status:?} {told}");
}

/// Without a socket there is nothing to ask, which is said with what to write.
#[test]
fn a_gateway_without_a_status_socket_is_said() {
    let watched = Watched::start();
    watched.reload(&format!("status = \"127.0.0.1:{}\"\n", watched.status), "");
    watched.logs(&["the configuration was read again"]);
    let (status, told) = watched.asked();
    assert!(status == Some(78) && told.contains("write status = "), "{status:?} {told}");
    eventually("a closed socket", || http::try_get(watched.status, "/healthz").is_err().then_some(()));
    // A reload opens it again, in a file this time.
    watched.reload("[gateway]\n", "[gateway]\nstatus = \"unix:status.sock\"\n");
    eventually("a socket", || UnixStream::connect(watched.dir.path().join("status.sock")).ok());
    eventually("an answer", || (watched.asked() == (Some(0), "serving\n".to_owned())).then_some(()));
}

/// Somebody who holds on to connections keeps nobody else from looking.
#[test]
fn silent_connections_do_not_close_the_page() {
    let watched = Watched::start();
    let held: Vec<_> = (0..31).map(|_| http::connect(watched.status).expect("a connection")).collect();
    assert_eq!(get(watched.status, "/").code, 200);
    drop(held);
    assert_eq!(get(watched.status, "/elsewhere").code, 404);
    assert_eq!(http::call(watched.status, "POST", "/").expect("an answer").code, 405);
}
