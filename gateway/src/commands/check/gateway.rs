//! `[gateway]`: whether what all tenants share is there, and is enough.

use std::fs::{self, OpenOptions};
use std::path::Path;

use bytesize::ByteSize;

use super::findings::Findings;
use crate::config::{Configuration, Gateway};

/// Checks what all tenants share.
pub fn check(configuration: &Configuration, findings: &mut Findings) {
    let Configuration { gateway, listeners, .. } = configuration;
    if listeners.is_empty() {
        findings.note("there is no [[listener]]: `wasmime serve` has nothing to do");
    }
    memory(configuration, findings);
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
