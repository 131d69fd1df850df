//! Why the host stopped a guest. The client reads `451 4.3.0` whatever it was;
//! the audit log has the cause.

use std::fmt;

/// Why the host stopped a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Its time was up.
    Time,
    /// It called the host too often.
    HostCalls,
    /// It used private keys too often.
    PrivateKeyOperations,
    /// It held too many handles on private keys.
    Handles,
    /// It drew too much from the generator.
    Entropy,
    /// The generator failed.
    NoEntropy,
    /// It gave the accelerator a key, nonce or text that the cipher cannot take.
    Accelerator,
    /// A service panicked.
    ServicePanicked(&'static str),
    /// A service that must answer did not do so in time.
    ServiceSilent(&'static str),
    /// No thread could be had to call a service.
    NoWorker,
}

impl Stop {
    /// The cause, for the audit log: one word in kebab-case.
    pub(crate) fn cause(self) -> &'static str {
        match self {
            Self::Time => "limit-time",
            Self::HostCalls => "limit-host-calls",
            Self::PrivateKeyOperations => "limit-private-key-operations",
            Self::Handles => "limit-handles",
            Self::Entropy => "limit-entropy",
            Self::NoEntropy => "no-entropy",
            Self::Accelerator => "accelerator",
            Self::ServicePanicked(_) => "service-panicked",
            Self::ServiceSilent(_) => "service-silent",
            Self::NoWorker => "no-worker",
        }
    }

    /// The service it is about, if any.
    pub(crate) fn service(self) -> Option<&'static str> {
        match self {
            Self::ServicePanicked(service) | Self::ServiceSilent(service) => Some(service),
            _ => None,
        }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.cause())
    }
}

impl std::error::Error for Stop {}
