//! Why a token gave no answer, in words that say what to do.

use std::fmt;
use std::path::PathBuf;

use cryptoki::error::{Error, RvError};

/// Why a token gave no answer that can be used. Whatever it is, mail waits for it
/// to be mended.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pkcs11Error {
    /// The module cannot be loaded or set up.
    Module {
        /// Its file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// No token has the label.
    NoToken(String),
    /// Several tokens have the label.
    SeveralTokens(String),
    /// The PIN cannot be read.
    Pin(String),
    /// The token does not take the PIN, or did not; it is not tried again until its
    /// file is written anew, so that the token is not locked.
    PinRefused(String),
    /// The token is locked after too many wrong PINs.
    PinLocked(String),
    /// It did not answer in time.
    Silent(String),
    /// All sessions are in use.
    Busy,
    /// There are more objects for a mailbox than can be meant.
    TooMany(String),
    /// The private key is there no longer.
    KeyGone,
    /// An operation failed.
    Failed {
        /// The function of PKCS #11.
        operation: String,
        /// What it returned.
        reason: String,
        /// Whether it is the session or the token that is lost, so that a new
        /// session may do better.
        lost: bool,
    },
}

impl Pkcs11Error {
    /// Whether a new session may do better.
    pub(super) fn is_lost(&self) -> bool {
        matches!(self, Self::NoToken(_) | Self::Module { .. } | Self::Failed { lost: true, .. })
    }
}

impl From<Error> for Pkcs11Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Pkcs11(value, function) => Self::Failed {
                operation: format!("C_{function:?}"),
                reason: format!("{value:?}"),
                lost: !matches!(
                    value,
                    // What is wrong with the key or the question, and stays so.
                    RvError::ArgumentsBad
                        | RvError::AttributeSensitive
                        | RvError::AttributeTypeInvalid
                        | RvError::AttributeValueInvalid
                        | RvError::DataInvalid
                        | RvError::DataLenRange
                        | RvError::EncryptedDataInvalid
                        | RvError::EncryptedDataLenRange
                        | RvError::FunctionNotSupported
                        | RvError::KeyFunctionNotPermitted
                        | RvError::KeySizeRange
                        | RvError::KeyTypeInconsistent
                        | RvError::MechanismInvalid
                        | RvError::MechanismParamInvalid
                ),
            },
            other => Self::Failed { operation: "the module".to_owned(), reason: other.to_string(), lost: false },
        }
    }
}

impl fmt::Display for Pkcs11Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Module { path, reason } => write!(
                f,
                "the PKCS #11 module {} cannot be used ({reason}); see that `module` is right and its own configuration \
                 is found",
                path.display()
            ),
            Self::NoToken(label) => {
                write!(f, "no token is called `{label}`; see that it is there and `token` is right")
            }
            Self::SeveralTokens(label) => write!(f, "several tokens are called `{label}`; give one another label"),
            Self::Pin(reason) => write!(f, "the PIN of the token cannot be read: {reason}"),
            Self::PinRefused(label) => write!(
                f,
                "the token `{label}` does not take the PIN, which is not tried again until `pin-file` is written anew"
            ),
            Self::PinLocked(label) => {
                write!(
                    f,
                    "the token `{label}` is locked after too many wrong PINs; have its security officer unlock it"
                )
            }
            Self::Silent(label) => write!(f, "the token `{label}` did not answer in time; see that it works"),
            Self::Busy => f.write_str("all sessions with the token are in use; raise `sessions`"),
            Self::TooMany(owner) => {
                write!(f, "the token has more objects for {owner} than can be meant; remove old ones")
            }
            Self::KeyGone => f.write_str("the private key is no longer in the token"),
            Self::Failed { operation, reason, .. } => write!(f, "{operation} of the token failed: {reason}"),
        }
    }
}

impl std::error::Error for Pkcs11Error {}
