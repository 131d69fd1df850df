//! The DNS, asked on threads of its own, with an end in time.

use std::net::SocketAddr;
use std::sync::LazyLock;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::dnssec::{Proof, TrustAnchors};
use hickory_resolver::proto::rr::{Name, RecordType};
use hickory_resolver::system_conf::read_system_conf;
use tokio::runtime::{Builder, Runtime};

use super::SmimeaOptions;
use super::error::SmimeaError;

/// A resolver that validates for itself (RFC 4035, section 5): what others say of
/// their validation is not believed.
pub(super) struct Resolver {
    resolver: TokioResolver,
    timeout: Duration,
}

impl Resolver {
    /// The resolver of `options`.
    pub(super) fn new(options: &SmimeaOptions) -> Result<Self, SmimeaError> {
        Self::asking(options, &options.resolvers)
    }

    /// One for each of the servers of `options`, to see about them one by one.
    pub(super) fn each(options: &SmimeaOptions) -> Result<Vec<(SocketAddr, Self)>, SmimeaError> {
        options.resolvers.iter().map(|one| Ok((*one, Self::asking(options, &[*one])?))).collect()
    }

    /// Of no servers, those of the system.
    fn asking(options: &SmimeaOptions, servers: &[SocketAddr]) -> Result<Self, SmimeaError> {
        let wrong = |reason: String| SmimeaError::Configuration(reason);
        let config = if servers.is_empty() {
            let (system, _) =
                read_system_conf().map_err(|error| wrong(format!("the resolvers of the system: {error}")))?;
            ResolverConfig::from_name_servers(system.name_servers().to_vec())
        } else {
            ResolverConfig::from_name_servers(servers.iter().map(name_server).collect())
        };
        let anchors = match &options.anchor {
            None => TrustAnchors::default(),
            Some(path) => TrustAnchors::from_file(path)
                .map_err(|error| wrong(format!("the trust anchor {}: {error}", path.display())))?,
        };
        if anchors.is_empty() {
            return Err(wrong("the trust anchor has no DNSKEY of the root".to_owned()));
        }
        let provider = TokioRuntimeProvider::default();
        let resolver = TokioResolver::builder_with_config(config, provider)
            .with_options(resolver_options(options.timeout))
            .with_trust_anchor(anchors.into())
            .build()
            .map_err(|error| wrong(error.to_string()))?;
        Ok(Self { resolver, timeout: options.timeout })
    }

    /// The records of a name, of all that is signed as it ought to be; none where
    /// there are none.
    pub(super) fn records(&self, name: Name, kind: RecordType) -> Result<Option<Lookup>, SmimeaError> {
        let resolver = self.resolver.clone();
        match within(self.timeout, async move { resolver.lookup(name, kind).await })? {
            Ok(lookup) => Ok(Some(lookup)),
            Err(NetError::Dns(DnsError::NoRecordsFound(_))) => Ok(None),
            // A zone that is not signed says so, and cannot say that it has none.
            Err(NetError::Dns(DnsError::Nsec { proof: Proof::Insecure, .. })) => Ok(None),
            Err(NetError::Dns(DnsError::Nsec { .. } | DnsError::DnssecBogus)) => Err(SmimeaError::Bogus),
            Err(NetError::Timeout) => Err(SmimeaError::Silent),
            Err(error) => Err(SmimeaError::Failed(crate::event::clean(&error.to_string(), 200))),
        }
    }
}

fn name_server(address: &SocketAddr) -> NameServerConfig {
    let mut server = NameServerConfig::udp_and_tcp(address.ip());
    for connection in &mut server.connections {
        connection.port = address.port();
    }
    server
}

fn resolver_options(timeout: Duration) -> ResolverOpts {
    let mut options = ResolverOpts::default();
    options.validate = true;
    // One question in the time of a look-up, and a second over TCP.
    options.timeout = timeout / 2;
    options.attempts = 1;
    options.try_tcp_on_error = true;
    options.use_hosts_file = ResolveHosts::Never;
    // Keys of zones; what is found is remembered elsewhere.
    options.cache_size = 1024;
    options.positive_max_ttl = Some(Duration::from_secs(3600));
    options
}

/// What `question` comes to, if it does in time. The thread that asks is free again
/// when the time is up, whatever became of the question.
fn within<T: Send + 'static>(
    time: Duration,
    question: impl Future<Output = T> + Send + 'static,
) -> Result<T, SmimeaError> {
    let runtime = RUNTIME.as_ref().map_err(|error| SmimeaError::Failed(error.clone()))?;
    let (answer, answered) = sync_channel(1);
    runtime.spawn(async move {
        if let Ok(value) = tokio::time::timeout(time, question).await {
            // Nobody waits any more: then it is of no use.
            let _ = answer.send(value);
        }
    });
    answered.recv_timeout(time.saturating_add(GRACE)).map_err(|_| SmimeaError::Silent)
}

/// How much later than its time a question is given up whose thread is not even told.
const GRACE: Duration = Duration::from_millis(500);

/// Where questions to the DNS are asked, of all tenants.
static RUNTIME: LazyLock<Result<Runtime, String>> = LazyLock::new(|| {
    Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("wasmime-dns")
        .enable_all()
        .build()
        .map_err(|error| error.to_string())
});
