//! The parameters of RSASSA-PSS and RSAES-OAEP (RFC 4055; RFC 8017, appendix
//! A.2): read to what this library computes, and written.

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5912::{ID_MGF_1, ID_P_SPECIFIED, ID_RSAES_OAEP, ID_RSASSA_PSS};
use der::asn1::{Any, OctetString, OctetStringRef};
use der::{Decode, Encode};
use pkcs1::{RsaOaepParamsOwned, RsaPssParamsOwned, TrailerField};
use spki::{AlgorithmIdentifier, AlgorithmIdentifierOwned};

use super::DigestAlgorithm;

/// Parameters of RSASSA-PSS in which the mask is generated with the digest of
/// the message, as RFC 4055, section 3.1 recommends: nothing else is computed.
///
/// ```text
/// RSASSA-PSS-params ::= SEQUENCE {
///   hashAlgorithm    [0] HashAlgorithm DEFAULT sha1Identifier,
///   maskGenAlgorithm [1] MaskGenAlgorithm DEFAULT mgf1SHA1Identifier,
///   saltLength       [2] INTEGER DEFAULT 20,
///   trailerField     [3] INTEGER DEFAULT 1 }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pss {
    /// The digest of the message, and of the mask.
    pub digest: DigestAlgorithm,
    /// The length of the salt, in octets.
    pub salt_len: u8,
}

impl Pss {
    /// The parameters to sign with: a salt as long as the digest.
    pub fn new(digest: DigestAlgorithm) -> Self {
        // The longest is SHA-512's, 64 octets.
        Self { digest, salt_len: u8::try_from(digest.output_len()).unwrap_or(u8::MAX) }
    }

    /// Reads the parameters of an `id-RSASSA-PSS` algorithm identifier or key.
    /// None if they do not parse or are not of the kind above.
    pub fn read(parameters: &Any) -> Option<Self> {
        let parameters: RsaPssParamsOwned = parameters.decode_as().ok()?;
        let digest = hash(&parameters.hash)?;
        (mask_hash(&parameters.mask_gen)? == digest).then_some(Self { digest, salt_len: parameters.salt_len })
    }

    /// The algorithm identifier `id-RSASSA-PSS` with these parameters. None if
    /// it cannot be encoded, which these types do not allow to happen.
    pub fn algorithm(&self) -> Option<AlgorithmIdentifierOwned> {
        let parameters = RsaPssParamsOwned {
            hash: hash_algorithm(self.digest),
            mask_gen: mask_algorithm(self.digest),
            salt_len: self.salt_len,
            trailer_field: TrailerField::BC,
        };
        algorithm(ID_RSASSA_PSS, &parameters)
    }
}

/// Parameters of RSAES-OAEP.
///
/// ```text
/// RSAES-OAEP-params ::= SEQUENCE {
///   hashFunc    [0] AlgorithmIdentifier DEFAULT sha1Identifier,
///   maskGenFunc [1] AlgorithmIdentifier DEFAULT mgf1SHA1Identifier,
///   pSourceFunc [2] AlgorithmIdentifier DEFAULT pSpecifiedEmptyIdentifier }
/// ```
/// RFC 4055, section 4.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oaep {
    /// The digest of the label.
    pub digest: DigestAlgorithm,
    /// The digest of the mask generation function, MGF1.
    pub mask_digest: DigestAlgorithm,
    /// The label, most often empty.
    pub label: Vec<u8>,
}

impl Oaep {
    /// OAEP with one digest for both uses and no label.
    pub fn new(digest: DigestAlgorithm) -> Self {
        Self { digest, mask_digest: digest, label: Vec::new() }
    }

    /// Reads the parameters of an `id-RSAES-OAEP` algorithm identifier or key.
    /// None if they do not parse or are not of the kind above. Parameters that
    /// are absent stand for the defaults, as some senders leave them out.
    pub fn read(parameters: Option<&Any>) -> Option<Self> {
        let Some(parameters) = parameters else { return Some(Self::new(DigestAlgorithm::Sha1)) };
        let parameters: RsaOaepParamsOwned = parameters.decode_as().ok()?;
        let source = &parameters.p_source;
        let label = (source.oid == ID_P_SPECIFIED).then_some(source.parameters.as_ref()).flatten()?;
        Some(Self {
            digest: hash(&parameters.hash)?,
            mask_digest: mask_hash(&parameters.mask_gen)?,
            label: label.decode_as::<&OctetStringRef>().ok()?.as_bytes().to_vec(),
        })
    }

    /// The algorithm identifier `id-RSAES-OAEP` with these parameters. None if
    /// it cannot be encoded, as with a label of more than 256 MiB.
    pub fn algorithm(&self) -> Option<AlgorithmIdentifierOwned> {
        let label = OctetString::new(self.label.as_slice()).ok()?;
        let parameters = RsaOaepParamsOwned {
            hash: hash_algorithm(self.digest),
            mask_gen: mask_algorithm(self.mask_digest),
            p_source: AlgorithmIdentifier { oid: ID_P_SPECIFIED, parameters: Some(Any::encode_from(&label).ok()?) },
        };
        algorithm(ID_RSAES_OAEP, &parameters)
    }
}

/// The digest an `AlgorithmIdentifier` names; its parameters are NULL or
/// absent, and both mean the same (RFC 4055, section 2.1).
fn hash(algorithm: &AlgorithmIdentifierOwned) -> Option<DigestAlgorithm> {
    algorithm.parameters.as_ref().is_none_or(Any::is_null).then(|| DigestAlgorithm::from_oid(algorithm.oid)).flatten()
}

fn mask_hash(algorithm: &AlgorithmIdentifier<AlgorithmIdentifierOwned>) -> Option<DigestAlgorithm> {
    (algorithm.oid == ID_MGF_1).then_some(algorithm.parameters.as_ref()).flatten().and_then(hash)
}

fn hash_algorithm(digest: DigestAlgorithm) -> AlgorithmIdentifierOwned {
    AlgorithmIdentifier { oid: digest.oid(), parameters: Some(Any::null()) }
}

fn mask_algorithm(digest: DigestAlgorithm) -> AlgorithmIdentifier<AlgorithmIdentifierOwned> {
    AlgorithmIdentifier { oid: ID_MGF_1, parameters: Some(hash_algorithm(digest)) }
}

fn algorithm(oid: ObjectIdentifier, parameters: &impl Encode) -> Option<AlgorithmIdentifierOwned> {
    let parameters = Any::from_der(&parameters.to_der().ok()?).ok()?;
    Some(AlgorithmIdentifier { oid, parameters: Some(parameters) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const DIGESTS: [DigestAlgorithm; 4] =
        [DigestAlgorithm::Sha1, DigestAlgorithm::Sha256, DigestAlgorithm::Sha384, DigestAlgorithm::Sha512];

    #[test]
    fn what_is_written_reads_the_same() {
        for digest in DIGESTS {
            let pss = Pss::new(digest);
            let algorithm = pss.algorithm().unwrap();
            assert_eq!(algorithm.oid, ID_RSASSA_PSS);
            assert_eq!(Pss::read(&algorithm.parameters.unwrap()), Some(pss));
            for mask_digest in DIGESTS {
                let oaep = Oaep { digest, mask_digest, label: b"label".to_vec() };
                let algorithm = oaep.algorithm().unwrap();
                assert_eq!(algorithm.oid, ID_RSAES_OAEP);
                assert_eq!(Oaep::read(algorithm.parameters.as_ref()), Some(oaep));
            }
        }
    }

    #[test]
    fn defaults_are_sha_1() {
        let empty = Any::from_der(&hex!("3000")).unwrap();
        assert_eq!(Pss::read(&empty), Some(Pss { digest: DigestAlgorithm::Sha1, salt_len: 20 }));
        assert_eq!(Oaep::read(Some(&empty)), Some(Oaep::new(DigestAlgorithm::Sha1)));
        assert_eq!(Oaep::read(None), Some(Oaep::new(DigestAlgorithm::Sha1)));
        // OpenSSL's encoding of the empty label and the defaults is the same as ours.
        assert_eq!(Oaep::new(DigestAlgorithm::Sha1).algorithm().unwrap().parameters, Some(empty));
    }

    #[test]
    fn a_mask_with_another_digest_or_trailer_is_not_computed() {
        // SHA-256 with the default mask, MGF1 with SHA-1.
        let mixed = hex!("3011a00f300d06096086480165030402010500");
        assert_eq!(Pss::read(&Any::from_der(&mixed).unwrap()), None);
        // trailerField 2.
        assert_eq!(Pss::read(&Any::from_der(&hex!("3005a303020102")).unwrap()), None);
        assert_eq!(Pss::read(&Any::from_der(&hex!("0500")).unwrap()), None);
    }
}
