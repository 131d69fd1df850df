//! Any octets as a CMS structure, with every certificate in it: nothing
//! panics, nothing verifies that nobody signed, and nothing is decrypted under
//! an authenticating cipher with a key of zeros.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smime::budget::Budget;
use smime::cms::{ContentInfo, Encrypted, SignedData, capabilities};
use smime::crypto::{Bulk, Software};
use smime::x509::{Certificate, address, path, usage, validity};

/// 2026-12-01T12:00:00Z.
const NOW: u64 = 1_796_126_400;

fuzz_target!(|data: &[u8]| {
    let mut budget = Budget::for_message(data.len());
    let _ = capabilities::parse(data);
    look(Certificate::from_der(data).ok());
    match ContentInfo::parse(data, &mut budget) {
        Ok(ContentInfo::Signed(signed)) => verify(&signed, data, &mut budget),
        Ok(ContentInfo::Enveloped(enveloped)) => {
            let _ = decrypt(enveloped, data);
        }
        Ok(ContentInfo::AuthEnveloped(enveloped)) => {
            let _ = decrypt(enveloped, data);
        }
        _ => {}
    }
});

fn verify(signed: &SignedData, data: &[u8], budget: &mut Budget) {
    let content = signed.content().map(|content| content.join(data)).unwrap_or_default();
    let certificates: Vec<Certificate> =
        signed.certificates().iter().filter_map(|der| Certificate::from_der(der).ok()).collect();
    for certificate in &certificates {
        look(Some(certificate.clone()));
        let _ = path::validate(certificate, &certificates, &certificates, NOW, budget);
    }
    for signer in signed.signers() {
        let _ = (signer.signing_time(), signer.capabilities(), signer.is_legacy());
        let Ok(digest) = signer.digest_algorithm() else { continue };
        for certificate in certificates.iter().filter(|certificate| signer.identifies(certificate)) {
            let digest = Software.digest(digest, &content);
            let _ = signer.verify(signed.content_type(), &digest, &content, certificate, &Software);
        }
    }
}

fn look(certificate: Option<Certificate>) {
    let Some(certificate) = certificate else { return };
    let _ = (usage::may_sign(&certificate), usage::may_encipher(&certificate), validity::check(&certificate, NOW));
    for mailbox in address::mailboxes(&certificate) {
        let _ = address::names(&certificate, &mailbox);
    }
}

fn decrypt(encrypted: impl Encrypted, data: &[u8]) -> Option<Vec<u8>> {
    for recipient in encrypted.recipients() {
        let _ = (recipient.der(), recipient.is_supported());
    }
    let key = vec![0; encrypted.cipher().ok()?.key_len()];
    encrypted.decrypt(data.to_vec(), &key, &Software).ok()
}
