//! `[gateway]`: whether what all tenants share is there, and is enough.

use std::fs::{self, OpenOptions};
use std::path::Path;

use bytesize::ByteSize;

use super::findings::Findings;
use crate::config::{Configuration, Gateway, Tenant};

/// Checks what all tenants share.
pub fn check(configuration: &Configuration, findings: &mut Findings) {
    let Configuration { gateway, listeners, .. } = configuration;
    if listeners.is_empty() {
        findings.note("there is no [[listener]]: `wasmime serve` has nothing to do");
    }
    memory(configuration, findings);
    sandboxes(configuration, machine(), findings);
    places(configuration, findings);
    if let Some(path) = &gateway.audit {
        audit(path, findings);
    }
    if let Some(path) = &gateway.component
        && let Err(error) = fs::File::open(path)
    {
        findings.wrong(format!("the component {} cannot be read: {error}", path.display()));
    }
    state(gateway, listeners.iter().any(|listener| listener.next_hop.is_some()), findings);
}

/// A message is held as it came, and as it is handed on.
fn memory(configuration: &Configuration, findings: &mut Findings) {
    let memory = configuration.gateway.memory;
    for tenant in &configuration.tenants {
        let size = tenant.limits.message.message_size;
        if size.saturating_mul(3) > memory {
            let (memory, size, name) = (ByteSize(memory as u64), ByteSize(size as u64), &tenant.name);
            findings.wrong(format!(
                "memory = \"{memory}\" does not hold a message of {size}, which tenant {name} accepts, and what is \
                 made of it; give three times the largest message-size, or more"
            ));
        }
    }
}

/// Messages made to cost what they may all come at once: together with the mail that is
/// held they are to fit into the machine, or the kernel ends the gateway.
fn sandboxes(configuration: &Configuration, machine: Option<u64>, findings: &mut Findings) {
    let Configuration { gateway, tenants, .. } = configuration;
    let each = |tenant: &Tenant| (tenant.limits.message.memory as u64, tenant.limits.messages as u64);
    let mut largest_first: Vec<(u64, u64)> = tenants.iter().map(each).collect();
    largest_first.sort_unstable_by(|a, b| b.cmp(a));
    let (mut places, mut most) = (gateway.messages as u64, gateway.memory as u64);
    for (memory, messages) in largest_first {
        let messages = messages.min(places);
        places -= messages;
        most = most.saturating_add(memory.saturating_mul(messages));
    }
    if let Some(machine) = machine.filter(|&machine| most > machine) {
        findings.note(format!(
            "the mail that is held and the sandboxes may take {} at the most, and this machine has {}: lower \
             `messages` or the limits.memory of tenants, or see that mail is not as large",
            ByteSize(most),
            ByteSize(machine)
        ));
    }
}

/// The memory of this machine, in octets.
fn machine() -> Option<u64> {
    let told = fs::read_to_string("/proc/meminfo").ok()?;
    let kib = told.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    kib.trim().trim_end_matches(" kB").parse::<u64>().ok()?.checked_mul(1024)
}

/// With all places in the hands of one tenant, another waits for it.
fn places(configuration: &Configuration, findings: &mut Findings) {
    let all = configuration.gateway.messages;
    let greedy = configuration.tenants.iter().find(|tenant| tenant.limits.messages >= all);
    if let Some(tenant) = greedy.filter(|_| configuration.tenants.len() > 1) {
        findings.note(format!(
            "tenant {} may have all {all} places for messages, and make others wait; lower its limits.messages",
            tenant.name
        ));
    }
}

fn audit(path: &Path, findings: &mut Findings) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let opened = match path.exists() {
        true => OpenOptions::new().append(true).open(path).map(drop),
        false => fs::read_dir(folder).map(drop),
    };
    if let Err(error) = opened {
        findings.wrong(format!("the audit file {} cannot be written: {error}", path.display()));
    }
}

fn state(gateway: &Gateway, hands_on: bool, findings: &mut Findings) {
    match &gateway.state {
        Some(path) if !path.is_dir() => {
            findings
                .wrong(format!("state: there is no folder {}; make it, for the gateway's user alone", path.display()));
        }
        None if hands_on => findings.note(
            "there is no `state`: a restart forgets which parts of a deferred message were handed on, and they may \
             be delivered twice",
        ),
        Some(_) | None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sandboxes_that_do_not_fit_into_the_machine_are_told() {
        let text = "[gateway]\nmessages = 4\nmemory = \"1GiB\"\n\
                    [tenant.nec]\ndomains = [\"nec.co.jp\"]\nlimits = { messages = 3, memory = \"512MiB\" }\n\
                    [tenant.abc]\ndomains = [\"abc.com\"]\nlimits = { messages = 3, memory = \"1GiB\" }\n";
        let configuration = Configuration::parse(Path::new("w.toml"), text).expect("a configuration");
        let told = |machine: u64| {
            let mut findings = Findings::new("gateway");
            sandboxes(&configuration, Some(machine), &mut findings);
            findings.to_string()
        };
        // 1 GiB of mail, three places at 1 GiB, the fourth at half of it.
        let most = (4 << 30) + (512 << 20);
        assert!(!told(most).contains("note"));
        assert!(told(most - 1).contains("may take 4.5 GiB at the most, and this machine has 4.5 GiB"));
    }
}
