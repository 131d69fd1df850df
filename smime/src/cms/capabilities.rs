//! What a mail user agent says that it reads: `SMIMECapabilities`.

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5912::{
    ECDSA_WITH_SHA_256, ECDSA_WITH_SHA_384, ECDSA_WITH_SHA_512, ID_RSASSA_PSS, SHA_256_WITH_RSA_ENCRYPTION,
};
use const_oid::db::rfc8410::ID_ED_25519;
use der::Encode;
use spki::AlgorithmIdentifierOwned;

use super::ber::{Reader, tag};
use super::{Cipher, encode};
use crate::crypto::DigestAlgorithm;
use crate::crypto::key_agreement::Scheme as KeyAgreement;
use crate::crypto::key_derivation::KeyDerivation;
use crate::crypto::key_transport::{KeyTransport, Scheme};
use crate::crypto::key_wrap::KeyWrap;
use crate::crypto::lattice::{MlDsa, MlKem};

/// Which of the algorithms that this library writes a user agent reads.
///
/// ```text
/// SMIMECapabilities ::= SEQUENCE OF SMIMECapability
/// SMIMECapability ::= SEQUENCE {
///   capabilityID OBJECT IDENTIFIER,
///   parameters ANY DEFINED BY capabilityID OPTIONAL }
/// ```
/// RFC 8551, section 2.5.2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// AES-CBC with 128 bits.
    pub aes128_cbc: bool,
    /// AES-CBC with 192 bits.
    pub aes192_cbc: bool,
    /// AES-CBC with 256 bits.
    pub aes256_cbc: bool,
    /// AES-GCM with 128 bits.
    pub aes128_gcm: bool,
    /// AES-GCM with 192 bits.
    pub aes192_gcm: bool,
    /// AES-GCM with 256 bits.
    pub aes256_gcm: bool,
    /// ChaCha20-Poly1305.
    pub chacha20_poly1305: bool,
    /// RSAES-OAEP, with SHA-256 throughout.
    pub oaep: bool,
    /// RSASSA-PSS.
    pub pss: bool,
    /// Key agreement with HKDF and SHA-256 (RFC 8418).
    pub hkdf: bool,
}

impl Capabilities {
    /// Whether content encrypted with `cipher` is read.
    pub fn reads(&self, cipher: Cipher) -> bool {
        match cipher {
            Cipher::Aes128Cbc => self.aes128_cbc,
            Cipher::Aes192Cbc => self.aes192_cbc,
            Cipher::Aes256Cbc => self.aes256_cbc,
            Cipher::Aes128Gcm => self.aes128_gcm,
            Cipher::Aes192Gcm => self.aes192_gcm,
            Cipher::Aes256Gcm => self.aes256_gcm,
            Cipher::ChaCha20Poly1305 => self.chacha20_poly1305,
        }
    }

    fn add(&mut self, capability: &AlgorithmIdentifierOwned) {
        match Cipher::from_oid(capability.oid) {
            Some(Cipher::Aes128Cbc) => self.aes128_cbc = true,
            Some(Cipher::Aes192Cbc) => self.aes192_cbc = true,
            Some(Cipher::Aes256Cbc) => self.aes256_cbc = true,
            Some(Cipher::Aes128Gcm) => self.aes128_gcm = true,
            Some(Cipher::Aes192Gcm) => self.aes192_gcm = true,
            Some(Cipher::Aes256Gcm) => self.aes256_gcm = true,
            Some(Cipher::ChaCha20Poly1305) => self.chacha20_poly1305 = true,
            None if capability.oid == ID_RSASSA_PSS => self.pss = true,
            None if KeyAgreement::read(capability).is_some_and(|scheme| scheme.is_hkdf()) => self.hkdf = true,
            None => self.oaep |= Scheme::read(capability) == Some(KeyTransport::OaepSha256.into()),
        }
    }
}

/// Reads `SMIMECapabilities` in DER. What is not known, or does not parse, is
/// passed over: nothing is assumed from it.
pub fn parse(encoded: &[u8]) -> Capabilities {
    let mut capabilities = Capabilities::default();
    let Ok(mut list) = Reader::new(encoded).step_into(tag::SEQUENCE) else { return capabilities };
    while list.peek() == Some(tag::SEQUENCE) {
        let mut capability = list.clone();
        if let Ok(capability) = capability.decode() {
            capabilities.add(&capability);
        }
        if list.skip().is_err() {
            break;
        }
    }
    capabilities
}

/// The `SMIMECapabilities` of this library in DER: what it reads, strongest
/// first.
pub fn ours() -> Vec<u8> {
    let ciphers = [
        Cipher::Aes256Gcm,
        Cipher::ChaCha20Poly1305,
        Cipher::Aes192Gcm,
        Cipher::Aes128Gcm,
        Cipher::Aes256Cbc,
        Cipher::Aes192Cbc,
        Cipher::Aes128Cbc,
    ];
    let digests = [DigestAlgorithm::Sha512, DigestAlgorithm::Sha384, DigestAlgorithm::Sha256];
    let oaep = Scheme::from(KeyTransport::OaepSha256).algorithm().and_then(|algorithm| algorithm.to_der().ok());
    let oids = ciphers.map(Cipher::oid).into_iter().chain(digests.map(DigestAlgorithm::oid));
    let mut members: Vec<Vec<u8>> = oids.map(capability).collect();
    members.extend(oaep);
    let agreements = [KeyWrap::Aes256, KeyWrap::Aes128].into_iter().flat_map(|wrap| {
        [KeyDerivation::HkdfSha256, KeyDerivation::X963Sha256].map(|derivation| KeyAgreement::new(derivation, wrap))
    });
    members.extend(agreements.filter_map(|scheme| scheme.algorithm()?.to_der().ok()));
    let by_key = [
        MlKem::MlKem1024.oid(),
        MlKem::MlKem768.oid(),
        MlDsa::MlDsa87.oid(),
        MlDsa::MlDsa65.oid(),
        ID_ED_25519,
        ECDSA_WITH_SHA_512,
        ECDSA_WITH_SHA_384,
        ECDSA_WITH_SHA_256,
        ID_RSASSA_PSS,
        SHA_256_WITH_RSA_ENCRYPTION,
    ];
    members.extend(by_key.map(capability));
    encode::sequence(&members.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

fn capability(oid: ObjectIdentifier) -> Vec<u8> {
    encode::sequence(&[&encode::value(tag::OBJECT_IDENTIFIER, &[oid.as_bytes()])])
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    #[test]
    fn ours_are_all_there_are() {
        let all = Capabilities {
            aes128_cbc: true,
            aes192_cbc: true,
            aes256_cbc: true,
            aes128_gcm: true,
            aes192_gcm: true,
            aes256_gcm: true,
            chacha20_poly1305: true,
            oaep: true,
            pss: true,
            hkdf: true,
        };
        assert_eq!(parse(&ours()), all);
        assert!(Cipher::ALL.into_iter().all(|cipher| all.reads(cipher)));
    }

    #[test]
    fn t32_weak_and_broken_capabilities_count_for_nothing() {
        // des-ede3-cbc, rc2-cbc with 128 bits, rc2-cbc with 40 bits.
        let weak = hex!("3028 300a06082a864886f70d0307 300e06082a864886f70d030202020080 300a06082a864886f70d0302");
        assert_eq!(parse(&weak), Capabilities::default());
        for broken in [&b""[..], &[0x30], &[0x30, 0x80], &[0x31, 0], &hex!("3003 300106")] {
            assert_eq!(parse(broken), Capabilities::default());
        }
    }

    #[test]
    fn what_is_not_known_is_passed_over() {
        // A capability with an identifier that is too long, then aes256-CBC.
        let mut long = vec![0x06, 0x50];
        long.extend([0x2A; 0x50]);
        let known = capability(Cipher::Aes256Cbc.oid());
        let capabilities = parse(&encode::sequence(&[&encode::sequence(&[&long]), &known]));
        assert_eq!(capabilities, Capabilities { aes256_cbc: true, ..Capabilities::default() });
    }
}
