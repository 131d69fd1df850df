//! The mail server of an organisation: what it is told, and which one it is.

use std::path::{Path, PathBuf};

use super::exim::Exim;
use super::opensmtpd::OpenSmtpd;
use super::places::Ports;
use super::postfix::Postfix;
use super::sendmail::Sendmail;

/// A mail server that runs.
pub enum Server {
    Postfix(Postfix),
    Sendmail(Sendmail),
    Exim(Exim),
    OpenSmtpd(OpenSmtpd),
}

/// Which mail server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Postfix,
    Sendmail,
    Exim,
    OpenSmtpd,
}

/// Where a filter stands in the way of mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// Nowhere.
    Open,
    /// A milter, before the queue.
    Milter(u16),
    /// A milter among others: its port, and all of them as Postfix calls them.
    Milters(u16, &'static str),
    /// After the queue, by SMTP (`content_filter` of Postfix).
    Smtp(u16),
    /// After the queue, by LMTP.
    Lmtp(u16),
    /// Within the dialogue, by SMTP (`smtpd_proxy_filter` of Postfix).
    Proxy(u16),
    /// Before the server: it is the filter that the Internet talks to.
    Front(u16),
    /// A pipe through `wasmime process`.
    Pipe,
}

/// What a server is told.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Where it listens.
    pub ports: Ports,
    /// Its domain.
    pub domain: &'static str,
    /// The addresses it has mailboxes for.
    pub mailboxes: Vec<String>,
    /// Where the mailboxes take mail, by LMTP.
    pub boxes: u16,
    /// The socket that knows the logins.
    pub logins: Option<PathBuf>,
    /// The domain of the other organisation.
    pub correspondent: &'static str,
    /// The wire that leads there.
    pub wire: u16,
    /// In the way of what users send.
    pub outbound: Hook,
    /// In the way of what arrives.
    pub inbound: Hook,
    /// Where the gateway has its configuration.
    pub gateway: PathBuf,
    /// Further lines of its configuration, for Postfix `main.cf`; those of the same name
    /// give way.
    pub main: String,
    /// Further services of `master.cf`; those of the same name give way.
    pub master: String,
}

impl Hook {
    /// The port of the filter.
    pub fn port(self) -> Option<u16> {
        match self {
            Self::Open | Self::Pipe => None,
            Self::Milter(port)
            | Self::Milters(port, _)
            | Self::Smtp(port)
            | Self::Lmtp(port)
            | Self::Proxy(port)
            | Self::Front(port) => Some(port),
        }
    }
}

impl Kind {
    /// The programs that it needs.
    pub fn programs(self) -> Vec<String> {
        match self {
            Self::Postfix => vec!["postfix".to_owned()],
            Self::Sendmail => vec!["m4".to_owned(), "unshare".to_owned(), unpacked("usr/libexec/sendmail/sendmail")],
            Self::Exim => vec![unpacked("usr/sbin/exim4")],
            Self::OpenSmtpd => vec!["unshare".to_owned(), unpacked("usr/sbin/smtpd")],
        }
    }

    /// Starts one below a folder, and waits until it listens.
    pub fn start(self, dir: &Path, setup: &Setup) -> Server {
        match self {
            Self::Postfix => Server::Postfix(Postfix::start(dir, setup)),
            Self::Sendmail => Server::Sendmail(Sendmail::start(dir, setup)),
            Self::Exim => Server::Exim(Exim::start(dir, setup)),
            Self::OpenSmtpd => Server::OpenSmtpd(OpenSmtpd::start(dir, setup)),
        }
    }
}

/// A file of a mail server that is not installed, but unpacked (`tools/mail-servers`).
pub fn unpacked(file: &str) -> String {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("a target folder");
    target.join("mail-servers").join(file).display().to_string()
}
