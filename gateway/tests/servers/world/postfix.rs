//! Postfix: an instance of its own, below a folder.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use super::accounts::{group, id};
use super::daemon::{Daemon, eventually, tell};
use super::dovecot::NOBODY;
use super::places::Ports;
use super::server::{Hook, Setup};
use crate::support::{attempt, must};

/// A running instance.
pub struct Postfix {
    dir: PathBuf,
    ports: Ports,
    daemon: Daemon,
}

impl Postfix {
    /// Starts it, and waits until it listens.
    pub fn start(dir: &Path, setup: &Setup) -> Self {
        let dir = dir.join("postfix");
        folders(&dir);
        write_old(&dir.join("etc/main.cf"), &with(main_cf(&dir, setup), &setup.main));
        write_old(&dir.join("etc/master.cf"), &with_services(master_cf(setup), &setup.master));
        // What `postfix start-fg` does once it has looked at every folder, which takes it seconds.
        let mut command = Command::new("/usr/lib/postfix/sbin/master");
        command.arg("-c").arg(dir.join("etc")).arg("-s");
        let daemon = Daemon::start("postfix", &mut command, &dir.join("output"));
        let mut postfix = Self { dir, ports: setup.ports, daemon };
        for port in [setup.ports.submission, setup.ports.mx, setup.ports.reinjection] {
            postfix.daemon.listens(port);
        }
        postfix
    }

    /// Where it listens.
    pub fn ports(&self) -> Ports {
        self.ports
    }

    /// What it logged.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.dir.join("log")).unwrap_or_default()).into_owned()
    }

    /// Waits until a line of the log has each of `words`.
    #[track_caller]
    pub fn logs(&self, words: &[&str]) -> String {
        eventually(&format!("{words:?} in the log of Postfix"), || {
            self.log().lines().find(|line| words.iter().all(|word| line.contains(word))).map(str::to_owned)
        })
    }

    /// A local user submits a message with `sendmail(1)`; what that says if it is not taken.
    pub fn sendmail(&self, user: &str, from: &str, to: &str, message: &[u8]) -> Result<(), String> {
        // In a name space of its own: sendmail takes no other configuration from those who are not root.
        let script = "mount --bind \"$0\" /etc/postfix
exec setpriv --reuid \"$1\" --regid nogroup --clear-groups sendmail -i -f \"$2\" -- \"$3\"";
        let etc = self.dir.join("etc").display().to_string();
        let lines: Vec<u8> = message.iter().copied().filter(|&octet| octet != b'\r').collect();
        attempt("unshare", &["--mount", "sh", "-ec", script, &etc, user, from, to], &lines).map(drop)
    }

    /// Tries to deliver what is queued, now.
    pub fn flush(&self) {
        must("postqueue", &["-c", &self.dir.join("etc").display().to_string(), "-f"], b"");
    }

    /// How many messages are queued.
    pub fn queued(&self) -> usize {
        let listed = must("postqueue", &["-c", &self.dir.join("etc").display().to_string(), "-j"], b"");
        listed.iter().filter(|&&b| b == b'\n').count()
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        self.daemon.stop();
        tell("postfix", &self.log());
    }
}

/// The folders of an instance, as `postfix-files` of Postfix lists them.
fn folders(dir: &Path) {
    let (owner, group) = (id("postfix"), group("postdrop"));
    for folder in ["etc", "spool/pid"] {
        fs::create_dir_all(dir.join(folder)).expect("a folder");
    }
    let own =
        ["active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved", "trace"];
    for (folder, mode) in own.map(|name| (name, 0o700)).into_iter().chain([("maildrop", 0o730), ("public", 0o710)]) {
        let folder = dir.join("spool").join(folder);
        fs::create_dir(&folder).expect("a folder");
        chown(&folder, Some(owner), Some(group)).expect("to be root");
        fs::set_permissions(&folder, Permissions::from_mode(mode)).expect("a mode");
    }
    fs::create_dir(dir.join("data")).expect("a folder");
    chown(dir.join("data"), Some(owner), None).expect("to be root");
}

/// Writes a file that seems a minute old: Postfix waits for two seconds before it
/// reads one that somebody may still be writing.
fn write_old(path: &Path, text: &str) {
    fs::write(path, text).expect("a file");
    let file = File::options().write(true).open(path).expect("the file");
    file.set_modified(SystemTime::now() - Duration::from_secs(60)).expect("a time");
}

fn main_cf(dir: &Path, setup: &Setup) -> String {
    let (domain, owner) = (&setup.domain, NOBODY);
    let logins = match &setup.logins {
        Some(socket) => {
            format!("smtpd_sasl_auth_enable = yes\nsmtpd_sasl_type = dovecot\nsmtpd_sasl_path = {}\n", socket.display())
        }
        None => String::new(),
    };
    let mailboxes = inline(setup.mailboxes.iter().map(|mailbox| (mailbox.as_str(), format!("{mailbox}/"))));
    let routes = inline([(setup.correspondent, format!("smtp:[127.0.0.1]:{}", setup.wire))].into_iter());
    let (boxes, dir) = (setup.boxes, dir.display());
    format!(
        "compatibility_level = 3.6
config_directory = {dir}/etc
queue_directory = {dir}/spool
data_directory = {dir}/data
daemon_directory = /usr/lib/postfix/sbin
command_directory = /usr/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = {dir}/log
maillog_file_prefixes = {dir}
myhostname = mx.{domain}
mydomain = {domain}
myorigin = {domain}
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
local_recipient_maps =
local_transport = error:no local mail
biff = no
smtp_host_lookup = native
smtp_dns_support_level = disabled
smtp_tls_security_level = none
smtpd_peername_lookup = no
virtual_mailbox_domains = {domain}
virtual_mailbox_maps = {mailboxes}
virtual_mailbox_base = {dir}/../dovecot/mail
virtual_uid_maps = static:{owner}
virtual_gid_maps = static:{owner}
virtual_minimum_uid = 100
virtual_mailbox_limit = 0
virtual_transport = lmtp:inet:127.0.0.1:{boxes}
transport_maps = {routes}
message_size_limit = 52428800
milter_protocol = 6
milter_default_action = tempfail
milter_connect_timeout = 30s
milter_content_timeout = 300s
minimal_backoff_time = 1s
maximal_backoff_time = 2s
queue_run_delay = 1s
in_flow_delay = 0s
smtpd_forbid_bare_newline = yes
smtpd_client_connection_count_limit = 0
smtpd_relay_restrictions = permit_mynetworks, reject
{logins}"
    )
}

/// Lines of `main.cf`, and those that take the place of some. Not both: postlogd,
/// which would warn of it, may wait for itself when it has much to say at its start.
fn with(lines: String, others: &str) -> String {
    let name = |line: &str| line.split('=').next().unwrap_or_default().trim().to_owned();
    let replaced: Vec<String> = others.lines().map(name).collect();
    let kept = lines.lines().filter(|line| !replaced.contains(&name(line)));
    kept.chain(others.lines()).flat_map(|line| [line, "\n"]).collect()
}

/// Services of `master.cf`, and those that take the place of some.
fn with_services(services: String, others: &str) -> String {
    let name = |service: &str| service.split_whitespace().take(2).map(str::to_owned).collect::<Vec<_>>();
    let others = entries(others);
    let replaced: Vec<Vec<String>> = others.iter().map(|service| name(service)).collect();
    let kept = entries(&services).into_iter().filter(|service| !replaced.contains(&name(service)));
    kept.chain(others.iter().cloned()).collect()
}

/// The services of `master.cf`, each with the lines of its options.
fn entries(text: &str) -> Vec<String> {
    let mut entries: Vec<String> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match entries.last_mut() {
            Some(entry) if line.starts_with(' ') => *entry = format!("{entry}{line}\n"),
            _ => entries.push(format!("{line}\n")),
        }
    }
    entries
}

/// A table of Postfix within its configuration.
fn inline<'a>(entries: impl Iterator<Item = (&'a str, String)>) -> String {
    let entries: Vec<String> = entries.map(|(key, value)| format!("{{ {key} = {value} }}")).collect();
    format!("inline:{{ {} }}", entries.join(", "))
}

fn master_cf(setup: &Setup) -> String {
    let Ports { submission, mx, reinjection } = setup.ports;
    let (outbound, inbound) = (options(setup.outbound), options(setup.inbound));
    format!(
        "127.0.0.1:{submission} inet n - n - - smtpd
  -o syslog_name=submission
  -o milter_macro_daemon_name=ORIGINATING{outbound}
127.0.0.1:{mx} inet n - n - - smtpd
  -o syslog_name=mx
  -o smtpd_relay_restrictions=reject_unauth_destination{inbound}
127.0.0.1:{reinjection} inet n - n - - smtpd
  -o syslog_name=reinjection
  -o receive_override_options=no_unknown_recipient_checks,no_header_body_checks,no_milters
  -o smtpd_authorized_xforward_hosts=127.0.0.0/8
filter-smtp unix - - n - 4 smtp
  -o smtp_send_xforward_command=yes
  -o disable_mime_output_conversion=yes
filter-lmtp unix - - n - 4 lmtp
  -o lmtp_send_xforward_command=yes
  -o disable_mime_output_conversion=yes
pickup    unix n - n 60 1 pickup
cleanup   unix n - n - 0 cleanup
qmgr      unix n - n 300 1 qmgr
rewrite   unix - - n - - trivial-rewrite
bounce    unix - - n - 0 bounce
defer     unix - - n - 0 bounce
trace     unix - - n - 0 bounce
verify    unix - - n - 1 verify
flush     unix n - n 1000? 0 flush
proxymap  unix - - n - - proxymap
smtp      unix - - n - - smtp
relay     unix - - n - - smtp
showq     unix n - n - - showq
error     unix - - n - - error
retry     unix - - n - - error
discard   unix - - n - - discard
virtual   unix - n n - - virtual
lmtp      unix - - n - - lmtp
anvil     unix - - n - 1 anvil
scache    unix - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
tlsmgr    unix - - n 1000? 1 tlsmgr
"
    )
}

/// What a filter in the way of mail adds to a service of `master.cf`.
fn options(hook: Hook) -> String {
    match hook {
        Hook::Open | Hook::Front(_) => String::new(),
        Hook::Milter(port) => format!("\n  -o smtpd_milters=inet:127.0.0.1:{port}"),
        Hook::Milters(_, all) => format!("\n  -o {{ smtpd_milters = {all} }}"),
        Hook::Smtp(port) => format!("\n  -o content_filter=filter-smtp:[127.0.0.1]:{port}"),
        Hook::Lmtp(port) => format!("\n  -o content_filter=filter-lmtp:inet:127.0.0.1:{port}"),
        Hook::Proxy(port) => format!("\n  -o smtpd_proxy_filter=127.0.0.1:{port}"),
        Hook::Pipe => panic!("Postfix has a content filter, and needs no pipe"),
    }
}
