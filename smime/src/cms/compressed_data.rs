//! Compressed content (RFC 3274): reading.

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5911::ID_DATA;
use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;

use super::ber::{Reader, tag};
use super::{Segments, signed_data};
use crate::budget::{Budget, Limit};
use crate::error::{CmsError, MessageError};

/// ```text
/// CompressedData ::= SEQUENCE {
///   version CMSVersion,  -- always set to 0
///   compressionAlgorithm CompressionAlgorithmIdentifier,
///   encapContentInfo EncapsulatedContentInfo }
/// ```
/// RFC 3274, section 1.1.
#[derive(Clone, Debug)]
pub struct CompressedData {
    algorithm: ObjectIdentifier,
    content_type: ObjectIdentifier,
    content: Segments,
}

impl CompressedData {
    /// The content within `encoded`, the octets that were parsed. What it grows
    /// to is taken from `budget`, and is no more than that has left.
    ///
    /// # Errors
    /// [`CmsError::Algorithm`] if it is not compressed with ZLIB, the one there
    /// is; [`CmsError::ContentType`] if it is not id-data; [`CmsError::Malformed`]
    /// if it does not inflate; a limit.
    pub fn inflate(self, encoded: &[u8], budget: &mut Budget) -> Result<Vec<u8>, MessageError> {
        if self.algorithm != ID_ALG_ZLIB_COMPRESS {
            return Err(CmsError::Algorithm.into());
        }
        if self.content_type != ID_DATA {
            return Err(CmsError::ContentType.into());
        }
        let compressed = self.content.join(encoded);
        let most = budget.octets_left().min(MOST);
        let content = decompress_to_vec_zlib_with_limit(&compressed, most).map_err(|e| match e.status {
            miniz_oxide::inflate::TINFLStatus::HasMoreOutput => MessageError::from(Limit::Octets),
            _ => CmsError::Malformed.into(),
        })?;
        budget.octets(content.len())?;
        Ok(content)
    }

    pub(super) fn read(reader: &mut Reader<'_>, budget: &mut Budget) -> Result<Self, MessageError> {
        reader.nested(tag::SEQUENCE, |data| {
            data.version()?;
            let algorithm = data.nested(tag::SEQUENCE, |algorithm| {
                let oid = algorithm.oid()?;
                while !algorithm.is_finished() {
                    algorithm.skip()?;
                }
                Ok::<_, CmsError>(oid)
            })?;
            let (content_type, content) = data.nested(tag::SEQUENCE, signed_data::encapsulated)?;
            let content = content.ok_or(CmsError::Malformed)?;
            budget.octets(content.len())?;
            Ok(Self { algorithm, content_type, content })
        })
    }
}

/// The most octets that are inflated at a time. Larger messages are taken in by
/// nobody, and a buffer that grows needs room for two.
const MOST: usize = 64 << 20;

const ID_ALG_ZLIB_COMPRESS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.3.8");
