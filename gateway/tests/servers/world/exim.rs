//! Exim, below a folder.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;
use std::process::Command;

use super::accounts;
use super::daemon::Daemon;
use super::server::{Hook, Setup, unpacked};

/// A running instance.
pub struct Exim {
    _daemon: Daemon,
}

impl Exim {
    /// Starts it, and waits until it listens.
    pub fn start(dir: &Path, setup: &Setup) -> Self {
        let dir = dir.join("exim");
        let owner = accounts::id("Debian-exim");
        for folder in ["", "spool", "log"] {
            fs::create_dir(dir.join(folder)).expect("a folder");
            chown(dir.join(folder), Some(owner), None).expect("to be root");
        }
        let file = dir.join("exim.conf");
        fs::write(&file, configuration(&dir, setup)).expect("its configuration");
        let script = dir.join("filter");
        fs::write(&script, pipe(&file, setup)).expect("a script");
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("a mode");
        let mut command = Command::new(unpacked("usr/sbin/exim4"));
        command.arg("-C").arg(&file).args(["-bdf", "-q1s"]);
        let mut daemon = Daemon::start("exim", &mut command, &dir.join("log/mainlog"));
        for port in [setup.ports.submission, setup.ports.mx, setup.ports.reinjection] {
            daemon.listens(port);
        }
        Self { _daemon: daemon }
    }
}

fn configuration(dir: &Path, setup: &Setup) -> String {
    let Setup { ports, domain, boxes, wire, .. } = setup;
    let (submission, mx, reinjection) = (ports.submission, ports.mx, ports.reinjection);
    let (program, dir) = (unpacked("usr/sbin/exim4"), dir.display());
    let (transport, options) = match setup.outbound {
        Hook::Smtp(port) => ("filter_smtp", format!("driver = smtp\n  port = {port}\n  allow_localhost")),
        Hook::Lmtp(port) => {
            ("filter_lmtp", format!("driver = smtp\n  protocol = lmtp\n  port = {port}\n  allow_localhost"))
        }
        Hook::Pipe => (
            "filter_pipe",
            format!(
                "driver = pipe\n  command = {dir}/filter\n  batch_max = 1\n  temp_errors = 75\n  return_fail_output"
            ),
        ),
        other => panic!("Exim has no {other:?}"),
    };
    format!(
        "exim_path = {program}
exim_user = Debian-exim
exim_group = Debian-exim
never_users =
# Nothing here needs to be root, and Exim would not be with a configuration of a test.
deliver_drop_privilege = true
spool_directory = {dir}/spool
log_file_path = {dir}/log/%slog
pid_file_path = {dir}/spool/pid
primary_hostname = mx.{domain}
qualify_domain = {domain}
local_interfaces = 127.0.0.1
daemon_smtp_ports = {submission} : {mx} : {reinjection}
host_lookup =
tls_advertise_hosts =
keep_environment =
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
fn pipe(file: &Path, setup: &Setup) -> String {
    let (wasmime, exim) = (env!("CARGO_BIN_EXE_wasmime"), unpacked("usr/sbin/exim4"));
    let (gateway, file) = (setup.gateway.display(), file.display());
    format!(
        "#!/bin/sh
out=$(mktemp) || exit 75
trap 'rm -f \"$out\"' EXIT
{wasmime} process --config {gateway}/wasmime.toml --cache {cache}/wasmime --direction outbound \\
    --mail-from \"$SENDER\" --rcpt-to \"$RECIPIENT\" --format message > \"$out\" || exit $?
{exim} -C {file} -oMr filtered -i -f \"$SENDER\" -- \"$RECIPIENT\" < \"$out\" || exit 75
",
        cache = env!("CARGO_TARGET_TMPDIR"),
    )
}
