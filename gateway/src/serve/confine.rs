//! Takes from the process what it has no use for: the files and ports that its
//! configuration does not name (Landlock, Linux 5.13 and later).
//!
//! A fault in what reads hostile input, or in a sandbox, then reaches keyrings and
//! next hops and nothing else of the machine. What is given up is given up for
//! good: a reload that needs more is refused, see [`Confinement::covers`].

mod needs;

use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, LandlockStatus, NetPort, RestrictionStatus,
    Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope, make_bitflags, path_beneath_rules,
};

pub use needs::Needs;

/// What the process may still do.
#[derive(Debug)]
pub struct Confinement {
    granted: Needs,
    force: Force,
}

/// How much of it the kernel sees to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Force {
    /// Files and TCP ports.
    FilesAndPorts,
    /// Files; the kernel is older than 6.7.
    Files,
    /// TCP ports; the module of a token is native code that opens what it likes.
    Ports,
    /// Nothing: the kernel has no Landlock, or it is switched off.
    Nothing,
}

impl Confinement {
    /// Confines the calling thread, and every thread that it begins from now on, to
    /// `needs`. To be called before there are others: the kernel leaves them as they
    /// are.
    pub fn begin(needs: Needs) -> Result<Self, String> {
        let status = restrict(&needs).map_err(|error| format!("the process cannot be confined: {error}"))?;
        let force = Force::of(&status, &needs);
        Ok(Self { granted: needs, force })
    }

    /// Says in the log what is in force.
    pub fn tell(&self) {
        let Needs { read, write, bind, connect, .. } = &self.granted;
        match self.force {
            Force::Nothing => {
                tracing::warn!("not confined: this kernel has no Landlock, or it was not switched on (lsm=landlock)");
            }
            force => tracing::info!(
                force = force.name(),
                read = ?read,
                write = ?write,
                bind = ?bind,
                connect = ?connect,
                "confined by Landlock; what else a new configuration names needs a restart"
            ),
        }
    }

    /// What the kernel sees to, in words.
    pub fn force(&self) -> &'static str {
        self.force.name()
    }

    /// Whether the process may still do what another configuration needs; the error
    /// says what it may not, and what to do.
    pub fn covers(&self, needs: &Needs) -> Result<(), String> {
        let missing = match self.force {
            Force::Nothing => return Ok(()),
            Force::FilesAndPorts => self.granted.lacks(needs, true, true),
            Force::Files => self.granted.lacks(needs, true, false),
            Force::Ports => self.granted.lacks(needs, false, true),
        };
        if missing.is_empty() {
            return Ok(());
        }
        let missing = missing.join(", nor ");
        Err(format!(
            "since it started, the process is confined and may not {missing}: restart it (or set landlock = false)"
        ))
    }
}

impl Force {
    fn of(status: &RestrictionStatus, needs: &Needs) -> Self {
        let LandlockStatus::Available { effective_abi, .. } = status.landlock else { return Self::Nothing };
        match (&status.ruleset, effective_abi >= ABI::V4, needs.all_files) {
            (RulesetStatus::NotEnforced, _, _) | (_, false, true) => Self::Nothing,
            (_, true, true) => Self::Ports,
            (_, false, false) => Self::Files,
            (_, true, false) => Self::FilesAndPorts,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::FilesAndPorts => "files and ports",
            Self::Files => "files",
            Self::Ports => "ports",
            Self::Nothing => "nothing",
        }
    }
}

/// What of Landlock is asked for; an older kernel does what it can.
const WANTED: ABI = ABI::V6;

/// Reading data: not to be run.
const READ: BitFlags<AccessFs> = make_bitflags!(AccessFs::{ReadFile | ReadDir});

fn restrict(needs: &Needs) -> Result<RestrictionStatus, RulesetError> {
    let mut ruleset = Ruleset::default().set_compatibility(CompatLevel::BestEffort);
    ruleset = ruleset.handle_access(AccessNet::from_all(WANTED))?.scope(Scope::Signal)?;
    if !needs.all_files {
        ruleset = ruleset.handle_access(AccessFs::from_all(WANTED))?;
    }
    let mut ruleset = ruleset.create()?;
    if !needs.all_files {
        ruleset = ruleset
            .add_rules(path_beneath_rules(SYSTEM, READ))?
            .add_rules(path_beneath_rules(LIBRARIES, READ | AccessFs::Execute))?
            .add_rules(path_beneath_rules(DEVICES, READ | AccessFs::WriteFile))?
            .add_rules(path_beneath_rules(&needs.read, READ))?
            .add_rules(path_beneath_rules(&needs.write, writing()))?;
    }
    for (ports, access) in [(&needs.bind, AccessNet::BindTcp), (&needs.connect, AccessNet::ConnectTcp)] {
        for &port in ports {
            ruleset = ruleset.add_rule(NetPort::new(port, access))?;
        }
    }
    ruleset.restrict_self()
}

/// Making, replacing and removing files, folders and Unix sockets; no devices.
fn writing() -> BitFlags<AccessFs> {
    let devices = make_bitflags!(AccessFs::{MakeChar | MakeBlock | MakeFifo | MakeSym | IoctlDev});
    READ | (AccessFs::from_write(WANTED) & !devices)
}

/// What resolving names, verifying servers and counting processors read.
const SYSTEM: [&str; 18] = [
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/gai.conf",
    "/etc/nsswitch.conf",
    "/etc/resolv.conf",
    "/etc/services",
    "/etc/localtime",
    "/etc/ssl",
    "/etc/pki",
    "/etc/ca-certificates",
    "/run/systemd/resolve",
    "/run/NetworkManager",
    "/run/resolvconf",
    "/usr/share/ca-certificates",
    "/usr/share/zoneinfo",
    "/proc/self",
    "/sys/fs/cgroup",
    "/sys/devices/system/cpu",
];

/// What glibc loads when a name is looked up for the first time.
const LIBRARIES: [&str; 5] = ["/lib", "/lib64", "/usr/lib", "/usr/local/lib", "/etc/ld.so.cache"];

const DEVICES: [&str; 3] = ["/dev/null", "/dev/urandom", "/dev/random"];

/// Whether `path` is in `folder`, or is it.
fn is_within(path: &Path, folder: &Path) -> bool {
    path.starts_with(folder)
}

#[cfg(test)]
mod tests;
