//! Exim, below a folder.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::accounts;
use super::daemon::{Daemon, eventually, tell};
use super::places::Ports;
use super::server::{Hook, Setup, unpacked};
use crate::support::must;

/// A running instance.
pub struct Exim {
    log: PathBuf,
    file: PathBuf,
    daemon: Daemon,
}

impl Exim {
    /// Starts it, and waits until it listens.
    pub fn start(dir: &Path, setup: &Setup) -> Self {
        Self::configured(dir, setup.ports, |dir| {
            let script = dir.join("filter");
            fs::write(&script, pipe(dir, setup)).expect("a script");
            fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("a mode");
            if setup.outbound == Hook::Pipe {
                // The pipe runs with the rights of Exim, which has to be able to read the keyring.
                must("chown", &["-R", "Debian-exim", &setup.gateway.display().to_string()], b"");
            }
            configuration(dir, setup)
        })
    }

    /// Starts it with the configuration for its folder, and waits until it listens.
    pub fn configured(dir: &Path, ports: Ports, configuration: impl FnOnce(&Path) -> String) -> Self {
        let dir = dir.join("exim");
        let owner = accounts::id("Debian-exim");
        for folder in ["", "spool", "log", "cache"] {
            fs::create_dir(dir.join(folder)).expect("a folder");
            chown(dir.join(folder), Some(owner), None).expect("to be root");
        }
        let file = dir.join(CONFIGURATION);
        fs::write(&file, main(&dir) + &configuration(&dir)).expect("its configuration");
        let mut command = Command::new(unpacked("usr/sbin/exim4"));
        command.arg("-C").arg(&file).args(["-bdf", "-q1s"]);
        let mut daemon = Daemon::start("exim", &mut command, &dir.join("output"));
        for port in [ports.submission, ports.mx, ports.reinjection] {
            daemon.listens(port);
        }
        Self { log: dir.join("log/mainlog"), file, daemon }
    }

    /// A local user whom Exim trusts submits a message.
    pub fn sendmail(&self, from: &str, to: &str, message: &[u8]) {
        let file = self.file.display().to_string();
        must(&unpacked("usr/sbin/exim4"), &["-C", &file, "-i", "-f", from, "--", to], message);
    }

    /// What it logged.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Waits until a line of the log has each of `words`.
    #[track_caller]
    pub fn logs(&self, words: &[&str]) -> String {
        eventually(&format!("{words:?} in the log of Exim"), || {
            self.log().lines().find(|line| words.iter().all(|word| line.contains(word))).map(str::to_owned)
        })
    }
}

impl Drop for Exim {
    fn drop(&mut self) {
        self.daemon.stop();
        tell("exim", &self.log());
    }
}

const CONFIGURATION: &str = "exim.conf";

/// What any configuration begins with.
fn main(dir: &Path) -> String {
    let (program, dir) = (unpacked("usr/sbin/exim4"), dir.display());
    format!(
        "exim_path = {program}
exim_user = Debian-exim
exim_group = Debian-exim
never_users =
# Nothing here needs to be root, and Exim would not be with a configuration of a test.
deliver_drop_privilege = true
log_selector = -queue_run
spool_directory = {dir}/spool
log_file_path = {dir}/log/%slog
pid_file_path = {dir}/spool/pid
host_lookup =
keep_environment =
"
    )
}

fn configuration(dir: &Path, setup: &Setup) -> String {
    let Setup { ports, domain, boxes, wire, .. } = setup;
    let (submission, mx, reinjection) = (ports.submission, ports.mx, ports.reinjection);
    let dir = dir.display();
    let (transport, options) = match setup.outbound {
        Hook::Smtp(port) => ("filter_smtp", format!("driver = smtp\n  port = {port}\n  allow_localhost")),
        Hook::Lmtp(port) => {
            ("filter_lmtp", format!("driver = smtp\n  protocol = lmtp\n  port = {port}\n  allow_localhost"))
        }
        Hook::Pipe => (
            "filter_pipe",
            format!(
                "driver = pipe\n  command = {dir}/filter\n  batch_max = 1\n  temp_errors = 75\n  return_fail_output\n  message_prefix =\n  message_suffix ="
            ),
        ),
        other => panic!("Exim has no {other:?}"),
    };
    format!(
        "primary_hostname = mx.{domain}
qualify_domain = {domain}
local_interfaces = 127.0.0.1
daemon_smtp_ports = {submission} : {mx} : {reinjection}
tls_advertise_hosts =
message_size_limit = 50M
acl_smtp_rcpt = recipient
begin acl
recipient:
  accept condition = ${{if !eq{{$received_port}}{{{mx}}}}}
  accept domains = {domain}
  deny
begin routers
filter:
  driver = {driver}
  condition = ${{if eq{{$received_port}}{{{submission}}}}}
  {route}
  transport = {transport}
boxes:
  driver = manualroute
  domains = {domain}
  route_list = * 127.0.0.1
  self = send
  transport = boxes
wire:
  driver = manualroute
  route_list = * 127.0.0.1
  self = send
  transport = wire
begin transports
{transport}:
  {options}
boxes:
  driver = smtp
  protocol = lmtp
  port = {boxes}
  allow_localhost
wire:
  driver = smtp
  port = {wire}
  allow_localhost
begin retry
* * F,1h,1s
",
        driver = if setup.outbound == Hook::Pipe { "accept" } else { "manualroute" },
        route = if setup.outbound == Hook::Pipe { "" } else { "route_list = * 127.0.0.1\n  self = send" },
    )
}

/// The pipe: Exim hands the message and, in its environment, the envelope; what
/// comes out goes back to Exim. Exit statuses are those of `sysexits.h`.
fn pipe(dir: &Path, setup: &Setup) -> String {
    let (wasmime, exim) = (env!("CARGO_BIN_EXE_wasmime"), unpacked("usr/sbin/exim4"));
    let (gateway, file) = (setup.gateway.display(), dir.join(CONFIGURATION).display().to_string());
    format!(
        "#!/bin/sh
out=$(mktemp) || exit 75
trap 'rm -f \"$out\"' EXIT
{wasmime} process --config {gateway}/wasmime.toml --cache {cache} --direction outbound \\
    --mail-from \"$SENDER\" --rcpt-to \"$RECIPIENT\" --format message > \"$out\" || exit $?
{exim} -C {file} -oMr filtered -i -f \"$SENDER\" -- \"$RECIPIENT\" < \"$out\" || exit 75
",
        cache = dir.join("cache").display(),
    )
}
