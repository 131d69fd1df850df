//! A hardware security module that is none: it replays what a real key answered
//! before, and knows nothing else.

use std::sync::{Arc, Mutex, PoisonError};

use host::{KeyError, PrivateKey, Refusal};

/// What was asked of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// [`PrivateKey::sign`].
    Sign {
        /// DER of the signature's `AlgorithmIdentifier`.
        algorithm: Vec<u8>,
        /// DER of the digest's.
        digest: Vec<u8>,
        /// The signed attributes.
        message: Vec<u8>,
    },
    /// [`PrivateKey::unwrap_key`].
    UnwrapKey {
        /// DER of the `RecipientInfo`.
        recipient_info: Vec<u8>,
        /// Octets of the content-encryption key.
        length: u32,
    },
}

/// What was asked of a key, and what it answered, in order.
pub type Recording = Vec<(Question, Result<Vec<u8>, KeyError>)>;

/// A key that notes what it is asked, and answers by another.
pub struct Recorder {
    key: Arc<dyn PrivateKey>,
    recording: Mutex<Recording>,
}

impl Recorder {
    /// Notes what is asked of `key`.
    pub fn new(key: Arc<dyn PrivateKey>) -> Self {
        Self { key, recording: Mutex::default() }
    }

    /// All that was asked so far.
    pub fn recording(&self) -> Recording {
        self.recording.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, question: Question, answer: Result<Vec<u8>, KeyError>) -> Result<Vec<u8>, KeyError> {
        self.recording.lock().unwrap_or_else(PoisonError::into_inner).push((question, answer.clone()));
        answer
    }
}

impl PrivateKey for Recorder {
    fn sign(&self, algorithm: &[u8], digest: &[u8], message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let answer = self.key.sign(algorithm, digest, message);
        self.note(sign(algorithm, digest, message), answer)
    }

    fn unwrap_key(&self, recipient_info: &[u8], length: u32) -> Result<Vec<u8>, KeyError> {
        let answer = self.key.unwrap_key(recipient_info, length);
        self.note(unwrap_key(recipient_info, length), answer)
    }
}

/// A key without a key: it answers what it was asked when it was recorded. Anything
/// else is out of reach, as with a device that is unplugged.
pub struct FakeHsm(Recording);

impl FakeHsm {
    /// Replays a recording.
    pub fn new(recording: Recording) -> Self {
        Self(recording)
    }

    fn answer(&self, asked: &Question) -> Result<Vec<u8>, KeyError> {
        let known = self.0.iter().find(|(question, _)| question == asked);
        known.map_or_else(
            || Err(KeyError::Refused(Refusal::Unavailable("not in the recording".to_owned()))),
            |(_, answer)| answer.clone(),
        )
    }
}

impl PrivateKey for FakeHsm {
    fn sign(&self, algorithm: &[u8], digest: &[u8], message: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.answer(&sign(algorithm, digest, message))
    }

    fn unwrap_key(&self, recipient_info: &[u8], length: u32) -> Result<Vec<u8>, KeyError> {
        self.answer(&unwrap_key(recipient_info, length))
    }
}

fn sign(algorithm: &[u8], digest: &[u8], message: &[u8]) -> Question {
    Question::Sign { algorithm: algorithm.to_vec(), digest: digest.to_vec(), message: message.to_vec() }
}

fn unwrap_key(recipient_info: &[u8], length: u32) -> Question {
    Question::UnwrapKey { recipient_info: recipient_info.to_vec(), length }
}
