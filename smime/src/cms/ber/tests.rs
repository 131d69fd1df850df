//! Forms of lengths, nesting, and encodings made to hurt.

use super::*;
use hex_literal::hex;

fn header(encoded: &[u8]) -> Result<Header, CmsError> {
    Header::read(encoded, 0, encoded.len())
}

#[test]
fn lengths_of_every_form_are_read() {
    for (encoded, end) in [
        (&hex!("04 02 0102")[..], Some(4)),
        (&hex!("04 81 02 0102"), Some(5)),
        (&hex!("04 82 0002 0102"), Some(6)),
        (&hex!("04 8a 00000000000000000002 0102"), Some(14)),
        (&hex!("1f 8101 02 0102"), Some(6)),
        (&hex!("24 80 0000"), None),
    ] {
        assert_eq!(header(encoded).map(|h| h.end), Ok(end), "{encoded:02x?}");
    }
}

#[test]
fn t40_lengths_that_cannot_be_are_refused() {
    for encoded in [
        &hex!("")[..],
        &hex!("04"),
        &hex!("04 03 0102"),
        &hex!("04 80 0000"),
        &hex!("04 ff 01"),
        &hex!("04 88 8000000000000000"),
        &hex!("04 88 ffffffffffffffff 01"),
        &hex!("04 89 010000000000000000"),
        &hex!("04 84 ffff"),
        &hex!("1f ffffff"),
        &hex!("1f 81"),
    ] {
        assert_eq!(header(encoded), Err(CmsError::Malformed), "{encoded:02x?}");
    }
}

#[test]
fn an_indefinite_length_ends_at_its_end_of_contents() {
    let encoded = hex!("30 80 30 80 020101 0000 0401ff 0000 0500");
    let mut reader = Reader::new(&encoded);
    let read = reader.nested(tag::SEQUENCE, |outer| {
        let inner = outer.nested(tag::SEQUENCE, |inner| inner.version())?;
        Ok::<_, CmsError>((inner, outer.primitive(tag::OCTET_STRING)?.to_vec()))
    });
    assert_eq!(read, Ok((1, vec![0xFF])));
    assert_eq!(reader.finish(), Err(CmsError::Malformed));
    assert_eq!(reader.skip(), Ok(14..16));
    assert_eq!(reader.finish(), Ok(()));
}

#[test]
fn what_is_in_a_value_is_read_to_its_end() {
    let encoded = hex!("30 06 020101 020102");
    let mut reader = Reader::new(&encoded);
    assert_eq!(reader.nested(tag::SEQUENCE, |inner| inner.version()), Err(CmsError::Malformed));
}

#[test]
fn t40_ends_of_contents_are_no_values() {
    for encoded in [&hex!("30 02 0000")[..], &hex!("0000"), &hex!("30 80 0000 0000"), &hex!("30 80 00"), &hex!("30 80")]
    {
        let mut reader = Reader::new(encoded);
        let read = reader.nested(tag::SEQUENCE, |inner| {
            while !inner.is_finished() {
                inner.skip()?;
            }
            Ok::<_, CmsError>(())
        });
        assert!(read.is_err() || reader.skip().is_err(), "{encoded:02x?}");
    }
}

#[test]
fn t40_nesting_is_bounded() {
    let deep = |levels: usize| [[0x30, 0x80].repeat(levels), [0, 0].repeat(levels)].concat();
    let limit = Budget::ASN1_DEPTH as usize;
    assert_eq!(Reader::new(&deep(limit)).skip(), Ok(0..4 * limit));
    assert_eq!(Reader::new(&deep(limit + 1)).skip(), Err(CmsError::Malformed));
    assert_eq!(Reader::new(&deep(100_000)).skip(), Err(CmsError::Malformed));
    assert_eq!(Reader::new(&deep(100_000)).der(), Err(CmsError::Malformed));
    let string = [[0x24, 0x80].repeat(100_000), [0, 0].repeat(100_000)].concat();
    assert_eq!(Reader::new(&string).octet_string(tag::OCTET_STRING), Err(CmsError::Malformed));
    // Definite lengths need no walk to be skipped, but do to be brought to DER.
    let mut definite = vec![0x05, 0];
    for _ in 0..100 {
        definite = encode::sequence(&[&definite]);
    }
    assert_eq!(Reader::new(&definite).skip(), Ok(0..definite.len()));
    assert_eq!(Reader::new(&definite).der(), Err(CmsError::Malformed));
}

#[test]
fn der_comes_out_of_ber() {
    for (ber, der) in [
        (
            &hex!("30 80 02 81 01 05 24 80 04 01 aa 24 05 04 01 bb 04 00 0000 0000")[..],
            &hex!("30 07 020105 0402aabb")[..],
        ),
        (&hex!("a0 83 000003 02 01 05"), &hex!("a0 03 020105")),
        (&hex!("bf 81 01 80 0500 0000"), &hex!("bf 81 01 02 0500")),
        (&hex!("31 80 020102 020101 0000"), &hex!("31 06 020102 020101")),
    ] {
        assert_eq!(Reader::new(ber).der().as_deref(), Ok(der), "{ber:02x?}");
        assert_eq!(Reader::new(der).der().as_deref(), Ok(der), "{der:02x?}");
    }
}

#[test]
fn t40_a_whole_value_is_brought_to_der_with_nothing_after_it() {
    let ber = hex!("30 80 24 80 0401aa 0401bb 0000 0000");
    assert_eq!(to_der(&ber).as_deref(), Ok(&hex!("30 04 0402aabb")[..]));
    assert_eq!(to_der(&[&ber[..], &[0]].concat()), Err(CmsError::Malformed));
    for cut in 0..ber.len() {
        assert_eq!(to_der(&ber[..cut]), Err(CmsError::Malformed), "{cut}");
    }
    assert_eq!(to_der(&[0x30, 0x80].repeat(100_000)), Err(CmsError::Malformed));
    // Larger than what a message may own.
    let large = encode::value(tag::OCTET_STRING, &[&vec![1; MAX_SMALL]]);
    assert_eq!(to_der(&large), Ok(large));
}

#[test]
fn what_was_signed_as_it_stands_is_kept_as_it_stands() {
    // A length that is not minimal, in a value with a definite one.
    let definite = hex!("30 05 02 82 0001 05");
    assert_eq!(Reader::new(&definite).raw().as_deref(), Ok(&definite[..]));
    assert_eq!(Reader::new(&hex!("30 80 020105 0000")).raw().as_deref(), Ok(&hex!("30 03 020105")[..]));
}

#[test]
fn t40_huge_values_are_not_owned() {
    let huge = encode::value(tag::INTEGER, &[&vec![1; MAX_SMALL]]);
    assert_eq!(Reader::new(&huge).der(), Err(CmsError::Malformed));
    assert_eq!(Reader::new(&huge).raw(), Err(CmsError::Malformed));
    let long_oid = encode::value(tag::OBJECT_IDENTIFIER, &[&[0x81; 1000]]);
    assert_eq!(Reader::new(&long_oid).oid(), Err(CmsError::Malformed));
    for version in [&hex!("0200")[..], &hex!("02 02 0001"), &hex!("0201ff"), &hex!("0401 01")] {
        assert_eq!(Reader::new(version).version(), Err(CmsError::Malformed));
    }
}
