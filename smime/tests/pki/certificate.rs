//! Reading certificates: strict where it counts, tolerant of what is met
//! (RFC 5280, section 4.1).

use smime::budget::Budget;
use smime::error::CertificateError;
use smime::x509::{Certificate, path};
use x509_cert::certificate::Version;

use crate::{NOW, certificate, certificates, vector};

/// The encoding of a certificate with the last place of one text put in place
/// of another of the same length.
fn patched(name: &str, from: &[u8], to: &[u8]) -> Result<Certificate, CertificateError> {
    let mut encoded = vector(&format!("{name}.cer"));
    let at = encoded.windows(from.len()).rposition(|w| w == from).expect("there is what is to be replaced");
    encoded[at..at + to.len()].copy_from_slice(to);
    Certificate::from_der(&encoded)
}

#[test]
fn all_parts_are_those_of_the_encoding() {
    let (alice, intermediate) = (certificate("alice"), certificate("intermediate"));
    assert_eq!(alice.encoded(), vector("alice.cer"));
    assert_eq!(alice.issuer_der(), intermediate.subject_der());
    assert!(alice.encoded().windows(alice.serial().len()).any(|w| w == alice.serial()));
    assert_eq!(alice.subject_key_identifier().map(<[u8]>::len), Some(20));
    assert_eq!((alice.not_before(), alice.not_after()), (1_735_689_600, 4_102_444_799));
    assert_eq!(alice.version(), Version::V3);
    assert!(!alice.is_self_issued() && certificate("root").is_self_issued());
    assert_eq!(alice.tbs(), &alice.encoded()[4..4 + alice.tbs().len()]);
    assert_eq!(alice.signature().len(), 256);
    assert_eq!(certificate("root-v1").version(), Version::V1);
}

#[test]
fn odd_serial_numbers_are_tolerated() {
    for (name, serial) in [("negative", &[0xfb][..]), ("zero", &[0])] {
        assert_eq!(certificate(&format!("serial-{name}")).serial(), serial);
    }
    assert_eq!(certificate("serial-long").serial().len(), 35);
    for name in ["serial-negative", "serial-zero", "serial-long"] {
        let mut budget = Budget::for_message(0);
        let found = path::validate(&certificate(name), &[], &certificates(&["root"]), NOW, &mut budget);
        assert_eq!(found.map(|path| path.issuers), Ok(vec![]), "{name}");
    }
}

#[test]
fn t40_an_extension_that_stands_twice_is_malformed() {
    // subjectKeyIdentifier becomes a second keyUsage, or something unknown.
    let (identifier, usage) = ([0x55, 0x1d, 0x0e], [0x55, 0x1d, 0x0f]);
    assert_eq!(patched("alice", &identifier, &usage), Err(CertificateError::Malformed));
    assert!(patched("alice", &identifier, &[0x55, 0x1d, 0x7f]).is_ok());
}

#[test]
fn t30_two_signature_algorithms_that_differ_are_malformed() {
    // sha256WithRSAEncryption becomes sha384WithRSAEncryption, outside only.
    let (inside, outside) = ([0x86, 0xf7, 0x0d, 1, 1, 11], [0x86, 0xf7, 0x0d, 1, 1, 12]);
    assert_eq!(patched("alice", &inside, &outside), Err(CertificateError::Malformed));
}

#[test]
fn extensions_are_of_the_third_version() {
    for version in [0, 1, 3] {
        let (third, other) = ([0xa0, 3, 2, 1, 2], [0xa0, 3, 2, 1, version]);
        assert_eq!(patched("alice", &third, &other), Err(CertificateError::Malformed), "{version}");
    }
}

#[test]
fn t40_basic_constraints_that_do_not_parse_make_no_authority() {
    // The BOOLEAN of basicConstraints becomes an INTEGER.
    let broken = patched("intermediate", &[0x30, 6, 1, 1, 0xff], &[0x30, 6, 2, 1, 0xff]).unwrap();
    let mut budget = Budget::for_message(0);
    let found = path::validate(&certificate("alice"), &[broken], &certificates(&["root"]), NOW, &mut budget);
    assert_eq!(found, Err(CertificateError::Malformed));
}

#[test]
fn defaults_that_are_written_out_are_tolerated() {
    use der::Decode;
    use hex_literal::hex;
    use x509_cert::ext::{Extension, pkix::BasicConstraints};
    // critical FALSE, and cA FALSE.
    let extension = Extension::from_der(&hex!("300e 0603551d0e 010100 0404 04020102")).unwrap();
    assert!(!extension.critical);
    let constraints = BasicConstraints::from_der(&hex!("3003 010100")).unwrap();
    assert_eq!(constraints, BasicConstraints { ca: false, path_len_constraint: None });
}
