//! The page to look at: plain HTML, everything in it escaped.

use maud::{DOCTYPE, Markup, html};

use super::survey::{Expiry, Findings};
use super::{Health, Monitor, Reloads};
use crate::config::{Configuration, Listener, ListenerDirection};
use crate::serve::ledger::{Ledger, Refusal, Totals};
use crate::time;

/// The page, as of now.
pub fn render(monitor: &Monitor) -> Markup {
    let site = monitor.gate.site();
    let configuration = &site.configuration;
    let survey = monitor.survey.load();
    let health = monitor.health();
    let reloads = monitor.reloads.lock().map_or_else(|broken| broken.into_inner().clone(), |reloads| reloads.clone());
    let ledger = monitor.gate.ledger();
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="refresh" content="30";
                title { "Wasmime on " (configuration.gateway.hostname) }
                link rel="stylesheet" href="style.css";
            }
            body {
                header {
                    h1 { "Wasmime " small { "on " (configuration.gateway.hostname) } }
                    (state(&health))
                }
                main {
                    (process(monitor, configuration, &reloads))
                    (traffic(configuration, ledger))
                    (refusals(&ledger.refusals()))
                    (services(&survey.tenants))
                    (certificates(&survey.tenants))
                    (listeners(&configuration.listeners))
                }
                footer {
                    p {
                        "As of " (time::format(time::now())) "; keys and certificates as of " (time::format(survey.at)) ". "
                        a href="metrics" { "Metrics" } ", " a href="healthz" { "health" } "."
                    }
                }
            }
        }
    }
}

fn state(health: &Health) -> Markup {
    let (class, text) = match health {
        Health::Serving => ("good", "serving"),
        Health::Starting => ("", "starting"),
        Health::Draining => ("bad", "draining"),
        Health::Impaired(_) => ("bad", "impaired"),
        Health::Unable(_) => ("bad", "unable"),
    };
    html! {
        p.state.(class) id="health" { (text) }
        @if let Health::Impaired(reasons) | Health::Unable(reasons) = health {
            ul.bad { @for reason in reasons { li { (reason) } } }
        }
    }
}

fn process(monitor: &Monitor, configuration: &Configuration, reloads: &Reloads) -> Markup {
    let gateway = &configuration.gateway;
    html! {
        section {
            h2 { "Process" }
            dl {
                dt { "Version" } dd { (env!("CARGO_PKG_VERSION")) }
                dt { "Up" } dd { (span(time::now().saturating_sub(monitor.began))) ", since " (time::format(monitor.began)) }
                dt { "Configuration" } dd { (configuration.path.display()) ", read " (time::format(reloads.taken)) }
                @if let Some((at, why)) = &reloads.refused {
                    dt.bad { "Refused" } dd.bad { "one that was read " (time::format(*at)) ": " (why) }
                }
                dt { "Connections" } dd { (monitor.gate.connected()) " of " (gateway.connections) }
                dt { "Mail held" } dd { (octets(monitor.gate.held() as u64)) " of " (octets(gateway.memory as u64)) }
                dt { "Confined" } dd { (monitor.confined) }
            }
        }
    }
}

fn traffic(configuration: &Configuration, ledger: &Ledger) -> Markup {
    let totals = ledger.totals();
    let of = |tenant: &str, direction| totals.get(&(tenant.to_owned(), direction)).copied().unwrap_or_default();
    html! {
        section {
            h2 { "Traffic" }
            table id="traffic" {
                thead {
                    tr {
                        th { "Tenant" } th { "Direction" } th.number { "Delivered" } th.number { "Rejected" }
                        th.number { "Deferred" } th.number { "Octets" }
                    }
                }
                tbody {
                    @for tenant in &configuration.tenants {
                        @for direction in ["outbound", "inbound"] {
                            @let Totals { delivered, rejected, deferred, octets: all } = of(&tenant.name, direction);
                            tr {
                                td data-label="Tenant" { b { (tenant.name) } " " small { (tenant.domains.join(", ")) } }
                                td data-label="Direction" { (direction) }
                                td.number data-label="Delivered" { (delivered) }
                                td.number data-label="Rejected" { (rejected) }
                                td.number data-label="Deferred" { (deferred) }
                                td.number data-label="Octets" { (octets(all)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn refusals(refusals: &[Refusal]) -> Markup {
    html! {
        section {
            h2 { "Refusals" }
            @if refusals.is_empty() { p { "None since the process began." } } @else {
                table id="refusals" {
                    thead {
                        tr {
                            th { "Time" } th { "Tenant" } th { "Way" } th { "Reason" } th { "Reply" } th { "In the log" }
                        }
                    }
                    tbody {
                        @for refusal in refusals {
                            tr {
                                td data-label="Time" { (time::format(refusal.time)) }
                                td data-label="Tenant" { (refusal.tenant) }
                                td data-label="Way" { (refusal.direction) ", " (refusal.listener) }
                                td data-label="Reason" { (refusal.reason) }
                                td data-label="Reply" { (reply(refusal)) }
                                td data-label="In the log" { code { (refusal.id) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn services(tenants: &[Findings]) -> Markup {
    html! {
        section {
            h2 { "Key services" }
            table id="services" {
                thead { tr { th { "Tenant" } th { "Service" } th { "State" } } }
                tbody {
                    @for findings in tenants {
                        @for (service, state) in &findings.services {
                            tr {
                                td data-label="Tenant" { (findings.tenant) }
                                td data-label="Service" { (service) }
                                @match state {
                                    Ok(()) => td.good data-label="State" { "up" },
                                    Err(why) => td.bad data-label="State" { (why) },
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn certificates(tenants: &[Findings]) -> Markup {
    let due = |expiry: &Expiry| !expiry.due.is_empty();
    html! {
        section {
            h2 { "Certificates" }
            @if tenants.iter().any(|findings| findings.expiries().into_iter().any(|(_, expiry)| due(expiry))) {
                table id="certificates" {
                    thead { tr { th { "Tenant" } th { "Whose" } th { "Owner" } th { "Valid until" } } }
                    tbody {
                        @for findings in tenants {
                            @for (kind, expiry) in findings.expiries() {
                                @for (owner, until) in &expiry.due {
                                    tr {
                                        td data-label="Tenant" { (findings.tenant) }
                                        td data-label="Whose" { (kind) }
                                        td data-label="Owner" { (owner) }
                                        td.bad data-label="Valid until" { (time::day(*until)) }
                                    }
                                }
                            }
                        }
                    }
                }
            } @else { p { "None has expired, none expires within 30 days." } }
            @if tenants.iter().any(|findings| !findings.revocation_lists.is_empty()) {
                table id="lists" {
                    thead { tr { th { "Tenant" } th { "Revocation list of" } th { "In force until" } } }
                    tbody {
                        @for findings in tenants {
                            @for list in &findings.revocation_lists {
                                tr {
                                    td data-label="Tenant" { (findings.tenant) }
                                    td data-label="Revocation list of" { (list.issuer) }
                                    @let class = if list.until < time::now() { "bad" } else { "good" };
                                    td.(class) data-label="In force until" { (time::format(list.until)) }
                                }
                            }
                        }
                    }
                }
            }
            table id="counts" {
                thead {
                    tr { th { "Tenant" } th { "Whose" } th.number { "Valid" } th.number { "Expiring" } th.number { "Expired" } }
                }
                tbody {
                    @for findings in tenants {
                        @for (kind, expiry) in findings.expiries() {
                            tr {
                                td data-label="Tenant" { (findings.tenant) }
                                td data-label="Whose" { (kind) }
                                td.number data-label="Valid" { (expiry.valid) }
                                td.number data-label="Expiring" { (expiry.expiring) }
                                td.number data-label="Expired" { (expiry.expired) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn listeners(listeners: &[Listener]) -> Markup {
    html! {
        section {
            h2 { "Listeners" }
            table id="listeners" {
                thead { tr { th { "Name" } th { "Protocol" } th { "Address" } th { "Direction" } th { "Next hop" } } }
                tbody {
                    @for listener in listeners {
                        tr {
                            td data-label="Name" { (listener.name) }
                            td data-label="Protocol" { (listener.protocol.name()) }
                            td data-label="Address" { (listener.address) }
                            td data-label="Direction" { (direction(&listener.direction)) }
                            td data-label="Next hop" {
                                @match &listener.next_hop {
                                    Some(hop) => { (hop.address) },
                                    None => { "none" },
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn direction(direction: &ListenerDirection) -> &'static str {
    match direction {
        ListenerDirection::Inbound => "inbound",
        ListenerDirection::Outbound => "outbound",
        ListenerDirection::ByClient { .. } => "by client",
    }
}

fn reply(Refusal { reply, .. }: &Refusal) -> String {
    format!("{} {}.{}.{} {}", reply.code, reply.code / 100, reply.subject, reply.detail, reply.text)
}

fn octets(octets: u64) -> String {
    bytesize::ByteSize(octets).to_string()
}

/// A time in seconds, without more than two units.
fn span(seconds: u64) -> String {
    let coarse = match seconds {
        0..3600 => seconds,
        3600..time::DAY => seconds.saturating_sub(seconds % 60),
        _ => seconds.saturating_sub(seconds % 3600),
    };
    humantime::format_duration(std::time::Duration::from_secs(coarse)).to_string()
}
