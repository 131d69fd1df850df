//! The resource `private-key` as the host sees it.

use std::sync::Arc;

use crate::services::PrivateKey;

/// What a handle of the guest stands for.
pub struct PrivateKeyHandle {
    /// The key.
    pub(crate) key: Arc<dyn PrivateKey>,
    /// The DER of its certificate: what a `RecipientInfo` must name.
    pub(crate) certificate: Arc<[u8]>,
}
