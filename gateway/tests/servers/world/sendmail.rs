//! Sendmail, below a folder.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::daemon::Daemon;
use super::places::Ports;
use super::server::{Hook, Setup, unpacked};
use crate::support::must;

/// A running instance.
pub struct Sendmail {
    _daemon: Daemon,
}

impl Sendmail {
    /// Starts it, and waits until it listens.
    pub fn start(dir: &Path, setup: &Setup) -> Self {
        let Ports { submission, mx, reinjection } = setup.ports;
        let (users, internet) = (daemon(setup.outbound, "outbound"), daemon(setup.inbound, "inbound"));
        let filters = [milter(setup.outbound, "outbound"), milter(setup.inbound, "inbound")].concat();
        let lines = format!(
            "{filters}DAEMON_OPTIONS(`Addr=127.0.0.1, Port={submission}, Name=users{users}')
DAEMON_OPTIONS(`Addr=127.0.0.1, Port={mx}, Name=mx{internet}')
DAEMON_OPTIONS(`Addr=127.0.0.1, Port={reinjection}, Name=reinjection')
"
        );
        Self::configured(
            dir,
            setup.ports,
            &Surroundings { domain: setup.domain, boxes: setup.boxes, wire: setup.wire },
            &lines,
        )
    }

    /// Starts it with these lines about filters and ports, and waits until it listens.
    pub fn configured(dir: &Path, ports: Ports, around: &Surroundings, lines: &str) -> Self {
        let dir = dir.join("sendmail");
        fs::create_dir_all(dir.join("queue")).expect("a folder");
        fs::write(dir.join("sendmail.mc"), configuration(&dir, around, lines)).expect("its configuration");
        let macros = format!("-D_CF_DIR_={}/", unpacked("usr/share/sendmail/cf"));
        let compiled = must("m4", &[macros, dir.join("sendmail.mc").display().to_string()], b"");
        fs::write(dir.join("sendmail.cf"), compiled).expect("a file");
        // In a name space of its own: where the name of the host has no dot, Sendmail sleeps for a minute first.
        let mut command = Command::new("unshare");
        command.args(["--uts", "sh", "-c", "hostname \"$0\" && exec \"$@\""]).arg(format!("mx.{}", around.domain));
        command.arg(unpacked("usr/libexec/sendmail/sendmail")).arg("-C").arg(dir.join("sendmail.cf"));
        command.args(["-bD", "-q1s"]);
        let mut daemon = Daemon::start("sendmail", &mut command, &dir.join("log"));
        for port in [ports.submission, ports.mx, ports.reinjection] {
            daemon.listens(port);
        }
        Self { _daemon: daemon }
    }
}

/// What is around it.
pub struct Surroundings {
    /// Its domain.
    pub domain: &'static str,
    /// The port of the mailboxes, by LMTP.
    pub boxes: u16,
    /// The port of everybody else.
    pub wire: u16,
}

fn configuration(dir: &Path, around: &Surroundings, lines: &str) -> String {
    let Surroundings { domain, boxes, wire } = around;
    let (cf, dir) = (unpacked("usr/share/sendmail/cf/m4/cf.m4"), dir.display());
    format!(
        "divert(-1)
include(`{cf}')
divert(0)
OSTYPE(`linux')
define(`confDOMAIN_NAME',`mx.{domain}')
define(`confPID_FILE',`{dir}/pid')
define(`QUEUE_DIR',`{dir}/queue')
define(`ALIAS_FILE',`')
define(`STATUS_FILE',`{dir}/statistics')
define(`confTO_IDENT',`0')
define(`confRUN_AS_USER',`root')
define(`confPRIVACY_FLAGS',`authwarnings,noreceipts')
define(`confINPUT_MAIL_FILTERS',`')
define(`confDONT_BLAME_SENDMAIL',`GroupWritableDirPathSafe')
FEATURE(`no_default_msa')
FEATURE(`promiscuous_relay')
FEATURE(`accept_unqualified_senders')
FEATURE(`accept_unresolvable_domains')
FEATURE(`nocanonify')
{lines}MAILER(`smtp')
MAILER_DEFINITIONS
Mwire,\tP=[IPC], F=mDFMuXa8, S=EnvFromSMTP/HdrFromSMTP, R=EnvToSMTP, E=\\r\\n, L=990,
\tT=DNS/RFC822/SMTP,
\tA=TCP $h {wire}
Mboxes,\tP=[IPC], F=mDFMuXa8z, S=EnvFromSMTP/HdrFromSMTP, R=EnvToSMTP, E=\\r\\n, L=990,
\tT=DNS/RFC822/SMTP,
\tA=TCP $h {boxes}
LOCAL_RULE_0
R$* < @ {domain} . > $*\t$#boxes $@ [127.0.0.1] $: $1 < @ {domain} . > $2
R$* < @ {domain} > $*\t$#boxes $@ [127.0.0.1] $: $1 < @ {domain} > $2
R$* < @ $* > $*\t$#wire $@ [127.0.0.1] $: $1 < @ $2 > $3
"
    )
}

/// The filter of a daemon: that of one is not that of another.
fn daemon(hook: Hook, name: &str) -> String {
    hook.port().map(|_| format!(", InputMailFilters={name}")).unwrap_or_default()
}

fn milter(hook: Hook, name: &str) -> String {
    match hook {
        Hook::Milter(port) => {
            format!("MAIL_FILTER(`{name}',`S=inet:{port}@127.0.0.1, F=T, T=C:30s;S:60s;R:3m;E:5m')\n")
        }
        Hook::Open => String::new(),
        other => panic!("Sendmail has no {other:?}"),
    }
}
