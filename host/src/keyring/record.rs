//! A row of one of the two stores.

use std::fmt;

use super::facts::CertificateFacts;

/// A pair of a mail address and a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Which of the two stores it is in.
    pub kind: Kind,
    /// The address, as [`super::normalise`] writes it.
    pub address: String,
    /// The certificate of the key, as DER.
    pub certificate: Vec<u8>,
    /// What the certificate says.
    pub facts: CertificateFacts,
    /// How the keyring came by it.
    pub source: Source,
    /// The operator vouches for it: no path to a trust anchor is asked for, and
    /// no other key of the address counts. Public keys only.
    pub pinned: bool,
    /// It decrypts and verifies what is old, and serves nothing new.
    pub retired: bool,
    /// It was learned, differs from what was known, and waits for the operator's
    /// approval: it serves nothing. Public keys only.
    pub held: bool,
    /// The row is not as it was filed: somebody has written into the file who
    /// cannot unlock it. Private keys and pinned public keys only.
    pub altered: bool,
    /// The `SMIMECapabilities` (DER) last seen in a verified signature of the
    /// owner. Public keys only.
    pub capabilities: Option<Vec<u8>>,
    /// When it was filed, in seconds since 1970-01-01T00:00:00Z.
    pub added: u64,
}

/// Which key of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The private key: a row of fig. 5.
    Private,
    /// The public key: a row of fig. 6.
    Public,
}

impl Kind {
    /// The word for it in listings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Public => "public",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How a keyring came by a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The operator imported it.
    Imported,
    /// The program generated it.
    Generated,
    /// The program generated it, and an authority was asked for its certificate:
    /// that on file says nothing but whose key it is, and serves nothing.
    Requested,
    /// It came with mail that its owner had signed.
    Learned,
    /// The tenant's own authority issued it.
    Issued,
}

impl Source {
    /// The word for it in listings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Imported => "imported",
            Self::Generated => "generated",
            Self::Requested => "requested",
            Self::Learned => "learned",
            Self::Issued => "issued",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        [Self::Imported, Self::Generated, Self::Requested, Self::Learned, Self::Issued]
            .into_iter()
            .find(|source| source.name() == name)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
