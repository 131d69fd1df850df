//! Structures that other programs wrote, from the foreign messages where those
//! are at hand: with the right answer for each, and no surprise from any.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use smime::cms::recipient::{KeyAgreement, KeyTransport, key_agreement, key_transport};
use smime::cms::{Cipher, ContentInfo, Encrypted, signed_data};
use smime::crypto::key_derivation::KeyDerivation;
use smime::crypto::key_wrap::KeyWrap;
use smime::error::{CertificateError, CmsError, MessageError};
use smime::x509::{Certificate, address, usage, validity};

use crate::foreign::corpora;
use crate::peer::recent_openssl_in;
use crate::support::{corpus, decrypt, draw, key_of, parse, pem, seal, sign_with, signed, verify};

const BOUNCY: &str = "bc-java/pkix/src/test/resources/org/bouncycastle/cms/test";
const OPENSSL: &str = "openssl/test/recipes/80-test_cms_data";
const THUNDERBIRD: &str = "thunderbird/mailnews/test/data/smime";

#[test]
fn signatures_of_nss_verify() {
    let Some(mime) = corpus(&format!("{THUNDERBIRD}/alice.mime")) else { return };
    for digest in ["SHA1", "SHA256", "SHA384", "SHA512"] {
        let detached = corpus(&format!("{THUNDERBIRD}/alice.mime.dsig.{digest}")).unwrap();
        assert_eq!(verify(&detached, Some(&mime), &[]).1, [Ok(())], "{digest}");
        assert_eq!(verify(&detached, Some(b"other"), &[]).1, [Err(CmsError::Altered)], "{digest}");
        let opaque = corpus(&format!("{THUNDERBIRD}/alice.textplain.sig.{digest}")).unwrap();
        let text = corpus(&format!("{THUNDERBIRD}/alice.textplain")).unwrap();
        assert_eq!(verify(&opaque, None, &[]), (text, vec![Ok(())]), "{digest}");
    }
}

#[test]
fn signatures_of_bouncy_castle_verify() {
    let Some(data) = corpus(&format!("{BOUNCY}/PSSSignData.data")) else { return };
    for digest in ["SHA1", "SHA256", "SHA512"] {
        let detached = corpus(&format!("{BOUNCY}/PSSSignData{digest}.sig")).unwrap();
        assert_eq!(verify(&detached, Some(&data), &[]).1, [Ok(())], "{digest}");
        let opaque = corpus(&format!("{BOUNCY}/PSSSignData{digest}Enc.sig")).unwrap();
        assert_eq!(verify(&opaque, None, &[]), (data.clone(), vec![Ok(())]), "{digest}");
    }
    let large = corpus(&format!("{BOUNCY}/bc1639test.p7m")).unwrap();
    assert_eq!(verify(&large, None, &[]).1, [Ok(())]);
    // Content that is no octet string: what Authenticode puts there.
    let authenticode = corpus(&format!("{BOUNCY}/SignedMSPkcs7.sig")).unwrap();
    assert!(matches!(parse(&authenticode), Err(MessageError::Cms(CmsError::ContentType))));
    // Keys of 1024 bits.
    let small = corpus(&format!("{BOUNCY}/counterSig.p7m")).unwrap();
    assert_eq!(verify(&small, None, &[]).1, [Err(CmsError::Algorithm)]);
}

#[test]
fn r5_signatures_with_wrong_attributes_are_refused() {
    for name in ["no_ct_attr", "no_md_attr", "ct_multiple_attr", "bad_signtime_attr"] {
        let Some(encoded) = corpus(&format!("{OPENSSL}/{name}.cms")) else { return };
        assert_eq!(verify(&encoded, None, &[]).1, [Err(CmsError::Altered)], "{name}");
    }
}

#[test]
fn t40_malformed_structures_fail_cleanly() {
    let Some(_) = corpora("") else { return };
    for name in ["openssl/test/d2i-tests/bad-cms.der", "openssl/test/recipes/25-test_pkcs7_data/malformed.pkcs7"] {
        let encoded = corpus(name).unwrap();
        let encoded = if encoded.starts_with(b"-----") { pem(&encoded) } else { encoded };
        assert!(matches!(parse(&encoded), Err(MessageError::Cms(CmsError::Malformed))), "{name}");
    }
    // Recipients that no key can be asked about.
    for name in ["rsa-malformed.der", "dh-malformed.der", "ecdh-malformed.der"] {
        let Ok(ContentInfo::Enveloped(data)) = parse(&corpus(&format!("{OPENSSL}/{name}")).unwrap()) else { panic!() };
        assert!(data.recipients().iter().all(|recipient| !recipient.is_supported()), "{name}");
    }
    let long_iv = pem(&corpus("openssl/test/recipes/80-test_cmsapi_data/encDataWithTooLongIV.pem").unwrap());
    let Ok(ContentInfo::AuthEnveloped(data)) = parse(&long_iv) else { panic!() };
    assert_eq!(data.cipher(), Err(CmsError::Algorithm));
}

#[test]
fn algorithms_of_the_past_are_recognised_and_refused() {
    let Some(_) = corpora("") else { return };
    let rfc4134 = |name: &str| corpus(&format!("rfc/rfc4134/{name}")).unwrap();
    // DSA, or RSA with 1024 bits.
    for (name, signers) in [("4.1", 1), ("4.2", 1), ("4.4", 1), ("4.5", 1), ("4.6", 2), ("4.7", 1), ("4.10", 1)] {
        let (content, results) = verify(&rfc4134(&format!("{name}.bin")), None, &[]);
        assert_eq!(content, rfc4134("ExContent.bin"), "{name}");
        assert_eq!(results, vec![Err(CmsError::Algorithm); signers], "{name}");
    }
    let detached = verify(&rfc4134("4.3.bin"), Some(&rfc4134("ExContent.bin")), &[]);
    assert_eq!(detached.1, [Err(CmsError::Algorithm)]);
    assert!(signed(&rfc4134("4.11.bin")).signers().is_empty());
    for (name, algorithm) in [("5.1", "des-ede3-cbc"), ("5.2", "rc2-cbc")] {
        let Ok(ContentInfo::Enveloped(data)) = parse(&rfc4134(&format!("{name}.bin"))) else { panic!() };
        assert_eq!(data.cipher(), Err(CmsError::Algorithm));
        assert_eq!(smime::cms::algorithm::name(data.algorithm()), Some(algorithm));
    }
    for name in ["3.1", "3.2", "6.0", "7.1", "7.2"] {
        assert!(matches!(parse(&rfc4134(&format!("{name}.bin"))), Ok(ContentInfo::Other(_))), "{name}");
    }
}

#[test]
fn t43_oaep_in_each_combination_decrypts() {
    let (nss, thunderbird) = ("nss/tests/smime/interop-openssl", "thunderbird/mailnews/test/data/smime-interop");
    let Some(root) = corpora("") else { return };
    for folder in [nss, thunderbird] {
        let Some((certificate, mut key)) = pkcs12(&root.join(folder).join("Fran.p12"), "nss") else { return };
        let mut decrypted = 0;
        for file in files(&root.join(folder)) {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            if !name.ends_with(".env") {
                continue;
            }
            let octets = std::fs::read(&file).unwrap();
            // Thunderbird's have a header, NSS's have none.
            let encoded = structures(&octets).pop().unwrap_or(octets);
            match decrypt(&encoded, &certificate, &mut key) {
                // To another certificate of hers, on an elliptic curve.
                Err(CmsError::NoCertificate) => assert!(name.starts_with("fran-ec"), "{name}"),
                // Triple DES.
                Err(CmsError::Algorithm) => assert_eq!(name, "fran-oaep_ossl.env"),
                Ok(content) => {
                    let text = String::from_utf8(content).unwrap();
                    assert!(text.contains("This is a test message to Fran."), "{name}: {text}");
                    decrypted += 1;
                }
                Err(e) => panic!("{name}: {e:?}"),
            }
        }
        assert!(decrypted >= 3, "{folder}: {decrypted}");
    }
}

#[test]
fn every_structure_in_every_message_is_read() {
    let Some(root) = corpora("") else { return };
    let mut found = 0;
    for file in files(&root) {
        let octets = std::fs::read(&file).unwrap();
        for encoded in structures(&octets) {
            let info = parse(&encoded);
            assert!(!matches!(info, Ok(ContentInfo::Other(_))), "{}", file.display());
            if let ContentInfo::Signed(data) = info.unwrap_or_else(|e| panic!("{}: {e:?}", file.display())) {
                let certificates = data.certificates().iter().map(|der| Certificate::from_der(der));
                let certificates: Vec<_> = certificates.collect::<Result<_, _>>().unwrap();
                for signer in data.signers() {
                    assert!(certificates.iter().any(|c| signer.identifies(c)), "{}", file.display());
                }
            }
            found += 1;
        }
    }
    assert!(found >= 146, "{found}");
}

/// What is wrong with a certificate of 2006, by itself.
fn fault(certificate: &Certificate) -> Option<CertificateError> {
    // 2006-09-05
    validity::check(certificate, 1_157_414_400).and_then(|()| usage::may_sign(certificate)).err()
}

/// All of them are signed by keys of 1024 bits, so none is taken: that is what is wrong with those whose name says nothing
/// else.
#[test]
fn t30_each_message_of_a_validator_has_the_fault_in_its_name() {
    let Some(folder) = corpora("bc-java/mail/src/test/resources/org/bouncycastle/mail/smime/test") else { return };
    for (name, expected) in [
        ("validMail", CertificateError::Key),
        ("shortKey", CertificateError::Key),
        ("longValidity", CertificateError::Key),
        ("revoked", CertificateError::Key),
        ("noEmail", CertificateError::Key),
        ("expired", CertificateError::Expired),
        ("notYetValid", CertificateError::NotYetValid),
        ("keyUsage", CertificateError::Usage),
        ("extKeyUsage", CertificateError::Usage),
    ] {
        let message = std::fs::read(folder.join(format!("validator.{name}.eml"))).unwrap();
        let data = signed(&structures(&message)[0]);
        let included = data.certificates().iter().map(|der| Certificate::from_der(der).unwrap());
        let leaf = included.into_iter().find(|certificate| data.signers()[0].identifies(certificate)).unwrap();
        assert_eq!(fault(&leaf), Some(expected), "{name}");
        assert_eq!(address::mailboxes(&leaf).is_empty(), name == "noEmail", "{name}");
    }
}

#[test]
fn t43_other_agreements_on_curves_decrypt() {
    let Some(root) = corpora("") else { return };
    // Of OpenSSL 1.1.1, with a wrap and a cipher of the past.
    let message = corpus(&format!("{OPENSSL}/ciphertext_from_1_1_1.cms")).unwrap();
    let Ok(ContentInfo::Enveloped(data)) = parse(&structures(&message)[0]) else { panic!() };
    assert_eq!(data.cipher(), Err(CmsError::Algorithm));
    // Of Bouncy Castle, with each derivation and AES; those with triple DES are refused.
    let folder = root.join(format!("{BOUNCY}/ecdh"));
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let certificate = Certificate::from_der(&pem(&read("ecc.crt"))).unwrap();
    let Some(mut key) = pkcs8(&folder.join("ecc.key")) else { return };
    let results = "12345678ABCDEFGH".chars().map(|session| {
        let encoded = pem(&read(&format!("encSess{session}.asc")));
        (session, decrypt(&encoded, &certificate, &mut key))
    });
    for (session, result) in results {
        match result {
            Ok(content) => assert_eq!(content.trim_ascii_end(), read("sess.txt").trim_ascii_end(), "{session}"),
            Err(e) => assert!(e == CmsError::Algorithm && "12AB".contains(session), "{session}: {e:?}"),
        }
    }
}

#[test]
fn t43_the_identities_of_rfc_9216_sign_and_open() {
    let Some(folder) = corpora("rfc/rfc9216") else { return };
    for name in ["alice", "bob", "carlos", "dana"] {
        let identity = |usage: &str| {
            let certificate = std::fs::read(folder.join(format!("{name}.{usage}.crt"))).unwrap();
            let certificate = Certificate::from_der(&pem(&certificate)).unwrap();
            Some((certificate, pkcs8(&folder.join(format!("{name}.{usage}.key")))?))
        };
        let Some((certificate, mut key)) = identity("sign") else { return };
        let signer = sign_with(&certificate, &mut key, b"content");
        let encoded = signed_data::write(Some(b"content"), &[signer], &[certificate.encoded()]);
        assert_eq!(verify(&encoded, None, &[]), (b"content".to_vec(), vec![Ok(())]), "{name}");
        let anchor = if ["alice", "bob"].contains(&name) { "ca.rsa.crt" } else { "ca.25519.crt" };
        let arguments = ["-verify", "-CAfile", anchor, "-purpose", "smimesign"];
        if let Some(verified) = recent_openssl_in(&folder, &encoded, &arguments) {
            assert_eq!(verified.as_deref(), Ok(&b"content"[..]), "{name}");
        }
        let Some((certificate, mut key)) = identity("encrypt") else { return };
        for cipher in Cipher::ALL {
            let content_key = draw(cipher.key_len() as u32);
            let recipient = match key_transport(&certificate, KeyTransport::OaepSha256, &content_key, &mut draw) {
                Ok(recipient) => recipient,
                Err(_) => {
                    let scheme = KeyAgreement::new(KeyDerivation::HkdfSha256, KeyWrap::for_key_len(content_key.len()));
                    key_agreement(&certificate, &scheme, &content_key, &mut draw).unwrap()
                }
            };
            let encoded = seal(&[recipient], cipher, &content_key, b"content").unwrap();
            assert_eq!(decrypt(&encoded, &certificate, &mut key), Ok(b"content".to_vec()), "{name} {cipher:?}");
        }
    }
}

#[test]
fn opaque_signatures_in_messages_verify() {
    let Some(root) = corpora("") else { return };
    let mut verified = 0;
    for file in files(&root.join(THUNDERBIRD)) {
        for encoded in structures(&std::fs::read(&file).unwrap()) {
            let Ok(ContentInfo::Signed(data)) = parse(&encoded) else { continue };
            if data.content().is_some() {
                assert_eq!(verify(&encoded, None, &[]).1, [Ok(())], "{}", file.display());
                verified += 1;
            }
        }
    }
    assert!(verified >= 40, "{verified}");
}

#[test]
fn an_older_key_of_the_same_person_opens_nothing() {
    let Some(root) = corpora("") else { return };
    let Some((certificate, mut key)) = pkcs12(&root.join(THUNDERBIRD).join("Bob.p12"), "nss") else { return };
    for file in files(&root.join(THUNDERBIRD)).into_iter().filter(|f| f.extension().is_some_and(|e| e == "env")) {
        let encoded = std::fs::read(&file).unwrap();
        let result = decrypt(&encoded, &certificate, &mut key);
        assert_eq!(result, Err(CmsError::NoCertificate), "{}", file.display());
    }
}

#[test]
fn what_is_cut_off_or_goes_on_is_refused() {
    let Some(encoded) = corpus(&format!("{THUNDERBIRD}/alice.mime.dsig.SHA256")) else { return };
    for len in 0..encoded.len() {
        assert!(parse(&encoded[..len]).is_err(), "{len}");
    }
    assert!(parse(&[&encoded[..], &[0]].concat()).is_err());
}

/// The S/MIME structures that stand in base64 within a message.
fn structures(message: &[u8]) -> Vec<Vec<u8>> {
    let text = String::from_utf8_lossy(message).replace("\r\n", "\n");
    let lower = text.to_ascii_lowercase();
    let starts = lower.match_indices("application/pkcs7-").chain(lower.match_indices("application/x-pkcs7-"));
    let bodies = starts.filter_map(|(at, _)| {
        let (_, body) = text[at..].split_once("\n\n")?;
        let end = body.find("\n--").or_else(|| body.find("\n\n")).unwrap_or(body.len());
        let base64: String = body[..end].split_whitespace().collect();
        base64_simd::STANDARD.decode_to_vec(base64).ok()
    });
    bodies.filter(|octets| octets.first() == Some(&0x30)).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

#[test]
fn t43_ecdh_in_each_combination_decrypts() {
    let Some(root) = corpora("") else { return };
    let folder = root.join("nss/tests/smime/interop-openssl");
    let Some((certificate, mut key)) = pkcs12(&folder.join("Fran-ec.p12"), "nss") else { return };
    let mut decrypted = 0;
    for file in files(&folder).into_iter().filter(|f| f.to_string_lossy().contains("fran-ec")) {
        let content = decrypt(&std::fs::read(&file).unwrap(), &certificate, &mut key);
        let content = content.unwrap_or_else(|e| panic!("{}: {e:?}", file.display()));
        assert!(String::from_utf8(content).unwrap().contains("This is a test message to Fran."), "{}", file.display());
        decrypted += 1;
    }
    assert!(decrypted >= 5, "{decrypted}");
}

/// A certificate and its key out of a PKCS #12 file, by `openssl`.
fn pkcs12(file: &Path, password: &str) -> Option<(Certificate, impl smime::PrivateKey + use<>)> {
    let export = |what: &[&str]| {
        let mut command = Command::new("openssl");
        command.arg("pkcs12").arg("-in").arg(file).args(["-passin", &format!("pass:{password}")]).args(what);
        match command.output() {
            Ok(output) if output.status.success() => Some(pem(&output.stdout)),
            _ => {
                // Past the capture of the test runner.
                let _ = writeln!(std::io::stderr(), "skipped: openssl does not read {}", file.display());
                None
            }
        }
    };
    let certificate = export(&["-clcerts", "-nokeys"])?;
    let key = export(&["-nocerts", "-nodes"])?;
    Some((Certificate::from_der(&certificate).unwrap(), key_of(&key)))
}

/// A key in whatever form, by `openssl`.
fn pkcs8(file: &Path) -> Option<impl smime::PrivateKey + use<>> {
    match Command::new("openssl").args(["pkcs8", "-topk8", "-nocrypt", "-in"]).arg(file).output() {
        Ok(output) if output.status.success() => Some(key_of(&pem(&output.stdout))),
        _ => {
            // Past the capture of the test runner.
            let _ = writeln!(std::io::stderr(), "skipped: openssl does not read {}", file.display());
            None
        }
    }
}
