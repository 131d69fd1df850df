//! Postfix that takes mail by way of one filter, and discards it from its queue.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use crate::daemon::{Daemon, within};
use crate::ports;
use crate::support::must;

/// A running instance.
pub struct Postfix {
    dir: PathBuf,
    port: u16,
    _daemon: Daemon,
}

impl Postfix {
    /// Starts it with the milter on this port of 127.0.0.1, or without one.
    pub fn start(dir: &Path, milter: Option<u16>) -> Self {
        let etc = dir.join("etc");
        for folder in [&etc, &dir.join("spool"), &dir.join("data")] {
            fs::create_dir_all(folder).expect("a folder");
        }
        must("chown", &["postfix", &dir.join("data").display().to_string()], b"");
        let port = ports::free();
        write_old(&etc.join("main.cf"), &main_cf(dir));
        write_old(&etc.join("master.cf"), &master_cf(port, milter));
        // It makes the folders of the queue.
        must("postfix", &["-c", &etc.display().to_string(), "check"], b"");
        let mut command = Command::new("/usr/lib/postfix/sbin/master");
        command.arg("-c").arg(&etc).arg("-s");
        let mut daemon = Daemon::start("postfix", &mut command, &dir.join("output"));
        daemon.listens(port);
        Self { dir: dir.to_owned(), port, _daemon: daemon }
    }

    /// Where it takes mail, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The end of its log.
    pub fn log(&self) -> String {
        let log = fs::read_to_string(self.dir.join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// Waits until nothing is queued.
    pub fn drain(&self) {
        let etc = self.dir.join("etc").display().to_string();
        within(Duration::from_secs(600), "an empty queue", || {
            must("postqueue", &["-c", &etc, "-j"], b"").is_empty().then_some(())
        });
    }
}

/// Writes a file that seems a minute old: Postfix waits for two seconds before it
/// reads one that somebody may still be writing.
fn write_old(path: &Path, text: &str) {
    fs::write(path, text).expect("a file");
    let file = File::options().write(true).open(path).expect("the file");
    file.set_modified(SystemTime::now() - Duration::from_secs(60)).expect("a time");
}

fn main_cf(dir: &Path) -> String {
    let dir = dir.display();
    format!(
        "compatibility_level = 3.6
config_directory = {dir}/etc
queue_directory = {dir}/spool
data_directory = {dir}/data
daemon_directory = /usr/lib/postfix/sbin
command_directory = /usr/sbin
maillog_file = {dir}/log
maillog_file_prefixes = {dir}
myhostname = mx.load.example
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
local_recipient_maps =
smtp_dns_support_level = disabled
smtpd_peername_lookup = no
smtpd_client_connection_count_limit = 0
smtpd_relay_restrictions = permit_mynetworks, reject
default_transport = discard:
relay_transport = discard:
milter_protocol = 6
milter_default_action = tempfail
in_flow_delay = 0s
"
    )
}

fn master_cf(port: u16, milter: Option<u16>) -> String {
    let milter = milter.map(|port| format!("\n  -o smtpd_milters=inet:127.0.0.1:{port}")).unwrap_or_default();
    format!(
        "127.0.0.1:{port} inet n - n - - smtpd{milter}
cleanup   unix n - n - 0 cleanup
qmgr      unix n - n 300 1 qmgr
rewrite   unix - - n - - trivial-rewrite
bounce    unix - - n - 0 bounce
defer     unix - - n - 0 bounce
trace     unix - - n - 0 bounce
proxymap  unix - - n - - proxymap
showq     unix n - n - - showq
error     unix - - n - - error
retry     unix - - n - - error
discard   unix - - n - - discard
anvil     unix - - n - 1 anvil
postlog   unix-dgram n - n - 1 postlogd
"
    )
}
