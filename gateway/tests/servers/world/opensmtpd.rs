//! OpenSMTPD, below a folder.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use super::daemon::Daemon;
use super::server::{Hook, Setup, unpacked};

/// A running instance.
pub struct OpenSmtpd {
    _daemon: Daemon,
}

impl OpenSmtpd {
    /// Starts it, and waits until it listens.
    pub fn start(dir: &Path, setup: &Setup) -> Self {
        let dir = dir.join("opensmtpd");
        for folder in ["", "spool", "run", "root", "root/empty"] {
            fs::create_dir(dir.join(folder)).expect("a folder");
        }
        fs::set_permissions(dir.join("spool"), Permissions::from_mode(0o711)).expect("a mode");
        let file = dir.join("smtpd.conf");
        fs::write(&file, configuration(setup)).expect("its configuration");
        // In a name space of its own: its folders are compiled into it.
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", MOUNTS]).arg(&dir);
        command.arg(unpacked("usr/sbin/smtpd")).arg("-d").arg("-f").arg(&file);
        let mut daemon = Daemon::start("opensmtpd", &mut command, &dir.join("log"));
        for port in [setup.ports.submission, setup.ports.mx, setup.ports.reinjection] {
            daemon.listens(port);
        }
        Self { _daemon: daemon }
    }
}

/// Puts folders of the test where OpenSMTPD looks for its own.
const MOUNTS: &str = "set -e
mkdir -p /var/spool/smtpd /var/lib/opensmtpd
mount --bind \"$0/spool\" /var/spool/smtpd
mount --bind \"$0/root\" /var/lib/opensmtpd
mount --bind \"$0/run\" /run
exec \"$@\"
";

fn configuration(setup: &Setup) -> String {
    let Setup { ports, domain, boxes, wire, .. } = setup;
    let (submission, mx, reinjection) = (ports.submission, ports.mx, ports.reinjection);
    let filter = match setup.outbound {
        Hook::Smtp(port) => format!("smtp://127.0.0.1:{port}"),
        Hook::Lmtp(port) => format!("lmtp://127.0.0.1:{port}"),
        other => panic!("OpenSMTPD has no {other:?}"),
    };
    format!(
        "listen on 127.0.0.1 port {submission} hostname mx.{domain} tag users
listen on 127.0.0.1 port {mx} hostname mx.{domain} tag internet
listen on 127.0.0.1 port {reinjection} hostname mx.{domain} tag filtered
smtp max-message-size 50M
action \"gateway\" relay host \"{filter}\"
action \"wire\" relay host \"smtp://127.0.0.1:{wire}\"
action \"boxes\" relay host \"lmtp://127.0.0.1:{boxes}\"
match tag users from any for any action \"gateway\"
match tag filtered from any for domain \"{domain}\" action \"boxes\"
match tag filtered from any for any action \"wire\"
match tag internet from any for domain \"{domain}\" action \"boxes\"
"
    )
}
