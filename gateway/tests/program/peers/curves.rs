//! Elliptic curves, with OpenSSL at the other end: ECDSA and ECDH on P-256,
//! P-384 and P-521.

use super::arrives_from;
use crate::support::openssl::{Signing, encrypt, peel, print, sign, verify};
use crate::support::*;

fn here(test: &str) -> bool {
    have(test, &["openssl"])
}

/// The peers outside, with the digests that they sign with, and the users inside.
const OUTSIDE: [(&str, &[&str]); 3] =
    [("grace", &["sha256", "sha384", "sha512"]), ("heidi", &["sha256", "sha384"]), ("ivan", &["sha512", "sha256"])];
const INSIDE: [&str; 2] = ["judy", "karl"];

#[test]
fn openssl_signs_on_a_curve_and_we_deliver() {
    if !here("openssl_signs_on_a_curve_and_we_deliver") {
        return;
    }
    let site = Site::with(STRICT);
    for (signer, digests) in OUTSIDE {
        for digest in digests {
            let signed = Signing { signers: &[signer], digest, options: &[] }.sign(TEXT);
            arrives_from(&site, signer, "carol", &signed, TEXT, "pass");
        }
    }
}

#[test]
fn openssl_encrypts_to_a_curve_and_we_deliver() {
    if !here("openssl_encrypts_to_a_curve_and_we_deliver") {
        return;
    }
    let site = Site::with(STRICT);
    for name in INSIDE {
        site.import(&[&pki(&format!("{name}.pem")), &pki(&format!("{name}.key"))]);
    }
    for recipient in INSIDE {
        for cipher in ["aes-128-cbc", "aes-256-cbc", "aes-256-gcm"] {
            let signed = sign("grace", MIXED, &[]);
            for sealed in [
                encrypt(&["carol", recipient, "dave"], &signed, cipher, &[]),
                encrypt(&["carol", recipient, "dave"], &signed, cipher, &["-keyid"]),
                encrypt(&[recipient], &signed, cipher, &["ecdh_kdf_md:sha256"]),
            ] {
                arrives_from(&site, "grace", recipient, &sealed, MIXED, "pass");
            }
        }
    }
}

#[test]
fn we_write_with_curves_and_openssl_reads() {
    if !here("we_write_with_curves_and_openssl_reads") {
        return;
    }
    for unknown in ["compatible", "modern"] {
        let site = Site::with(&format!("[tenant.lan.outbound]\nunknown-peer = {unknown:?}"));
        for name in INSIDE {
            site.import(&[&pki(&format!("{name}.pem")), &pki(&format!("{name}.key"))]);
        }
        for (peer, _) in OUTSIDE {
            site.import(&[&pki(&format!("{peer}.pem"))]);
        }
        for from in INSIDE {
            for (to, _) in OUTSIDE {
                let (from, address) = (format!("{from}@lan.example"), format!("{to}@peer.example"));
                let outcome = site.outbound(&from, &[&address], &message(&from, &address, MIXED));
                let sent = &outcome.delivered().bytes;
                if unknown == "compatible" {
                    assert_eq!(unwrapped(&peel(to, sent).1), MIXED, "{from} to {to}");
                } else {
                    // HKDF, which OpenSSL 3.0 does not know: the structure is looked at.
                    let printed = print(&verify(sent));
                    assert!(printed.contains("1.2.840.113549.1.9.16.3."), "{printed}");
                }
            }
        }
    }
}
