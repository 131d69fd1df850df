//! Dovecot: mailboxes, filled by LMTP and read by IMAP, and the logins.

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::client::PASSWORD;
use super::daemon::Daemon;
use super::imap::Mailbox;
use super::ports;

/// A server of its own, below a folder.
pub struct Dovecot {
    dir: PathBuf,
    imap: u16,
    lmtp: u16,
    _daemon: Daemon,
}

impl Dovecot {
    /// Starts it, and waits until it listens.
    pub fn start(dir: &Path) -> Self {
        let dir = dir.join("dovecot");
        let (imap, lmtp) = (ports::free(), ports::free());
        for folder in ["run", "mail"] {
            fs::create_dir_all(dir.join(folder)).expect("a folder");
        }
        chown(dir.join("mail"), Some(NOBODY), Some(NOBODY)).expect("to be root");
        fs::write(dir.join("dovecot.conf"), configuration(&dir, imap, lmtp)).expect("its configuration");
        let log = dir.join("log");
        let mut command = Command::new("dovecot");
        let mut daemon = Daemon::start("dovecot", command.arg("-F").arg("-c").arg(dir.join("dovecot.conf")), &log);
        daemon.listens(imap);
        daemon.listens(lmtp);
        Self { dir, imap, lmtp, _daemon: daemon }
    }

    /// The port that takes mail by LMTP.
    pub fn lmtp(&self) -> u16 {
        self.lmtp
    }

    /// The socket that a mail server asks whether a login is right.
    pub fn logins(&self) -> PathBuf {
        self.dir.join("run/logins")
    }

    /// Where the mailboxes are: a Maildir for each address.
    pub fn mailboxes(&self) -> PathBuf {
        self.dir.join("mail")
    }

    /// The mailbox of a user.
    pub fn mailbox(&self, user: &str) -> Mailbox {
        Mailbox::new(self.imap, user)
    }
}

/// The owner of the mailboxes.
pub const NOBODY: u32 = 65534;

fn configuration(dir: &Path, imap: u16, lmtp: u16) -> String {
    let dir = dir.display();
    format!(
        "base_dir = {dir}/run
state_dir = {dir}/run
instance_name = {dir}
log_path = /dev/stderr
protocols = imap lmtp
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_username_chars =
mail_location = maildir:{dir}/mail/%u
mail_fsync = never
first_valid_uid = 1
passdb {{
  driver = static
  args = password={PASSWORD}
}}
userdb {{
  driver = static
  args = uid={NOBODY} gid={NOBODY} home={dir}/mail/%u allow_all_users=yes
}}
service auth {{
  unix_listener logins {{
    mode = 0666
  }}
}}
service imap-login {{
  inet_listener imap {{
    address = 127.0.0.1
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
"
    )
}
