//! HAProxy, in front of replicas of the gateway.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::daemon::Daemon;
use super::ports;

/// A running instance.
pub struct HaProxy {
    port: u16,
    _daemon: Daemon,
}

impl HaProxy {
    /// Starts one that shares connections out among `replicas`, ports of 127.0.0.1.
    pub fn start(dir: &Path, replicas: &[u16]) -> Self {
        let port = ports::free();
        let servers: String = replicas
            .iter()
            .map(|replica| format!("  server replica-{replica} 127.0.0.1:{replica} check inter 200 fall 1 rise 1\n"))
            .collect();
        let configuration = format!(
            "global
  maxconn 500
defaults
  mode tcp
  timeout connect 1s
  timeout client 5m
  timeout server 5m
  option redispatch
  retries 3
frontend milter
  bind 127.0.0.1:{port}
  default_backend replicas
backend replicas
  balance leastconn
{servers}"
        );
        fs::write(dir.join("haproxy.cfg"), configuration).expect("its configuration");
        let mut command = Command::new("haproxy");
        command.arg("-db").arg("-f").arg(dir.join("haproxy.cfg"));
        let mut daemon = Daemon::start("haproxy", &mut command, &dir.join("haproxy.log"));
        daemon.listens(port);
        Self { port, _daemon: daemon }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }
}
