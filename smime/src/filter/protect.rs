//! Puts layers on a MIME entity: signatures with the author's key, encryption
//! to the certificates of a group (the seed's 411 and 413).

use std::collections::BTreeSet;

use zeroize::Zeroizing;

use super::layer;
use super::recipient::Peer;
use const_oid::db::rfc5911::ID_DATA;

use crate::cms::signed_data::{self, Signer};
use crate::cms::{self, Cipher, attributes, auth_enveloped_data, enveloped_data};
use crate::domain::Authority;
use crate::error::{Error, HostError};
use crate::host::{Assumption, Field, Host, Identity, Order, PrivateKey, Severity, SignatureForm};
use crate::mime::writer;
use crate::x509::{Certificate, usage, validity};

/// The author's certificate with its key.
pub(super) struct Author<K> {
    certificate: Certificate,
    chain: Vec<Vec<u8>>,
    key: K,
    /// It is the key of the author's domain.
    for_domain: bool,
}

/// Whom a message is encrypted to, and how.
pub(super) struct Encryption<'p> {
    pub(super) peers: Vec<&'p Peer>,
    pub(super) cipher: Cipher,
    pub(super) assumption: Assumption,
}

impl<K: PrivateKey> Author<K> {
    /// The first identity that may sign today. Those that may not are reported.
    pub(super) fn choose<H: Host<Key = K>>(host: &mut H, mailbox: &str, identities: Vec<Identity<K>>) -> Option<Self> {
        let now = host.now();
        for identity in identities {
            let usable = Certificate::from_der(&identity.certificate).and_then(|certificate| {
                validity::check(&certificate, now)?;
                usage::may_sign(&certificate)?;
                Ok(certificate)
            });
            match usable {
                Ok(certificate) => {
                    let for_domain = Authority::is_named_by(mailbox);
                    return Some(Self { certificate, chain: identity.chain, key: identity.key, for_domain });
                }
                Err(e) => host.report(
                    Severity::Warning,
                    "certificate-unusable",
                    &[Field::text("owner", mailbox), Field::text("cause", e.cause())],
                ),
            }
        }
        None
    }

    /// Signs `entity`.
    pub(super) fn sign<H: Host<Key = K>>(
        &mut self,
        host: &mut H,
        entity: Vec<u8>,
        form: SignatureForm,
    ) -> Result<Vec<u8>, Error> {
        // A signature for a domain goes around other layers; where there is none, it
        // is around one without signers (RFC 3183, section 3.1.2).
        let entity = if self.for_domain && !layer::is_protected(&entity) {
            writer::pkcs7_mime(signed_data::write(Some(&entity), &[], &[]), "signed-data")
        } else {
            entity
        };
        let (algorithm, digest_algorithm, digest) = cms::signature_algorithm(&self.certificate)?;
        let content_digest = host.bulk().digest(digest, &entity);
        let write = if self.for_domain { attributes::domain_attributes } else { attributes::signed_attributes };
        let attributes = write(ID_DATA, &content_digest, host.now(), &self.certificate, digest);
        let signature = self.key.sign(&algorithm, &digest_algorithm, &attributes)?;
        // The certificates up to, but not including, the anchor (RFC 8551,
        // section 3.9).
        let issuers = self.chain.iter().filter(|der| Certificate::from_der(der).is_ok_and(|c| !c.is_self_issued()));
        let certificates: Vec<&[u8]> =
            std::iter::once(self.certificate.encoded()).chain(issuers.map(Vec::as_slice)).collect();
        let certificate = &self.certificate;
        let signer = Signer { certificate, digest: digest_algorithm, algorithm, attributes, signature };
        match form {
            SignatureForm::Detached => {
                let signature = signed_data::write(None, &[signer], &certificates);
                // A boundary that occurs in the entity is not by chance; then
                // the host's randomness is at fault.
                let boundary = writer::boundary(&host.draw(BOUNDARY_RANDOM), &entity).ok_or(HostError::Malformed)?;
                Ok(writer::multipart_signed(entity, digest.micalg(), &signature, &boundary))
            }
            SignatureForm::Opaque => {
                let der = signed_data::write(Some(&entity), &[signer], &certificates);
                drop(entity);
                Ok(writer::pkcs7_mime(der, "signed-data"))
            }
        }
    }
}

/// Encrypts `entity`.
pub(super) fn encrypt<H: Host>(host: &mut H, entity: Vec<u8>, encryption: &Encryption<'_>) -> Result<Vec<u8>, Error> {
    let cipher = encryption.cipher;
    let key = Zeroizing::new(draw(host, cipher.key_len()));
    let iv = draw(host, cipher.iv_len());
    let mut infos = Vec::with_capacity(encryption.peers.len());
    for peer in distinct(&encryption.peers) {
        infos.push(peer.recipient_info(encryption.assumption, &key, &mut |len| host.draw(len))?);
    }
    Ok(if cipher.is_authenticated() {
        let der = auth_enveloped_data::write(&infos, cipher, &key, &iv, entity, host.bulk())?;
        writer::pkcs7_mime(der, "authEnveloped-data")
    } else {
        let der = enveloped_data::write(&infos, cipher, &key, &iv, entity, host.bulk())?;
        writer::pkcs7_mime(der, "enveloped-data")
    })
}

/// One peer for each certificate: a recipient may be named twice, and several
/// mailboxes may share a key. Two `RecipientInfo`s for one key are what attacks
/// look like, and readers refuse them.
fn distinct<'p>(peers: &[&'p Peer]) -> Vec<&'p Peer> {
    let mut seen = BTreeSet::new();
    peers.iter().copied().filter(|peer| seen.insert(peer.certificate.encoded())).collect()
}

fn draw<H: Host>(host: &mut H, len: usize) -> Vec<u8> {
    // Lengths of keys and IVs; a host that gives fewer octets is caught by the
    // ciphers.
    host.draw(u32::try_from(len).unwrap_or_default())
}

/// Whether a signature goes on before encryption, and whether one goes on after
/// it, where both are wanted.
///
/// A ciphertext that does not authenticate can be cut off its signature, altered
/// and signed again by anyone; and one that does, signed again by anyone as its
/// own, if nothing inside `names_author`. In both cases the clear entity is signed
/// as well, whatever the order.
pub(super) fn signatures(order: Order, cipher: Cipher, names_author: bool) -> (bool, bool) {
    match order {
        Order::EncryptThenSign => (!cipher.is_authenticated() || !names_author, true),
        Order::SignThenEncrypt => (true, false),
        Order::TripleWrap => (true, true),
    }
}

/// Random octets that make a boundary unique.
const BOUNDARY_RANDOM: u32 = 16;
