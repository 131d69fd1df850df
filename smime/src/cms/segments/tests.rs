//! Strings in one piece, in pieces, and in pieces of pieces.

use super::*;
use crate::cms::ber::Reader;
use hex_literal::hex;
use proptest::prelude::*;

fn read(encoded: &[u8]) -> Result<Segments, CmsError> {
    let mut reader = Reader::new(encoded);
    let segments = reader.octet_string(tag::OCTET_STRING)?;
    reader.finish()?;
    Ok(segments)
}

#[test]
fn every_form_gives_the_same_octets() {
    for encoded in [
        &hex!("04 03 010203")[..],
        &hex!("24 05 04 03 010203"),
        &hex!("24 80 04 03 010203 0000"),
        &hex!("24 09 04 01 01 04 00 04 02 0203"),
        &hex!("24 80 24 80 04 01 01 0000 24 04 04 02 0203 0000"),
        &hex!("24 0b 24 80 04 01 01 0000 04 02 0203"),
        &hex!("24 80 24 80 0000 04 03 010203 0000"),
    ] {
        let segments = read(encoded).unwrap();
        assert_eq!(segments.len(), 3);
        assert_eq!(segments.join(encoded), &[1u8, 2, 3][..]);
        assert_eq!(segments.take(encoded.to_vec()), [1, 2, 3]);
    }
}

#[test]
fn one_piece_is_borrowed() {
    for encoded in [&hex!("04 02 0102")[..], &hex!("24 80 04 00 04 02 0102 0000")] {
        assert!(matches!(read(encoded).unwrap().join(encoded), Cow::Borrowed([1, 2])));
    }
    assert!(matches!(read(&[4, 0]).unwrap().join(&[4, 0]), Cow::Borrowed([])));
    assert!(read(&[0x24, 0]).unwrap().is_empty());
}

#[test]
fn t40_segments_of_other_types_and_broken_ends_are_refused() {
    for encoded in [
        &hex!("24 03 02 01 01")[..],
        &hex!("24 80 30 00 0000"),
        &hex!("24 80 04 01 01"),
        &hex!("24 80 04 01 01 00"),
        &hex!("24 80 04 01 01 008100"),
        &hex!("24 04 04 03 0102"),
        &hex!("24 06 24 80 04 01 01 0000"),
        &hex!("24 02 0000"),
        &hex!("30 00"),
        &hex!("04 80 0000"),
    ] {
        assert_eq!(read(encoded), Err(CmsError::Malformed), "{encoded:02x?}");
    }
}

#[test]
fn another_buffer_is_no_harm() {
    let encoded = hex!("24 80 04 02 0102 04 02 0304 0000");
    let segments = read(&encoded).unwrap();
    for other in [&encoded[..5], &[], &[0x24, 0x80, 4, 0x7F], &[0xFF; 40]] {
        assert!(segments.join(other).len() <= other.len());
        assert!(segments.clone().take(other.to_vec()).len() <= other.len());
    }
}

/// An octet string in BER, and what is in it.
fn string() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
    let piece = prop::collection::vec(any::<u8>(), 0..40).prop_map(|octets| {
        let mut encoded = vec![4, octets.len() as u8];
        encoded.extend(&octets);
        (encoded, octets)
    });
    piece.prop_recursive(4, 40, 5, |inner| {
        (prop::collection::vec(inner, 0..5), any::<bool>()).prop_map(|(pieces, indefinite)| {
            let contents: Vec<u8> = pieces.iter().flat_map(|(encoded, _)| encoded.clone()).collect();
            let octets = pieces.into_iter().flat_map(|(_, octets)| octets).collect();
            let encoded = if indefinite {
                [&[0x24, 0x80], &contents[..], &[0, 0]].concat()
            } else {
                crate::cms::encode::value(0x24, &[&contents])
            };
            (encoded, octets)
        })
    })
}

proptest! {
    #[test]
    fn any_string_comes_out((encoded, octets) in string()) {
        let segments = read(&encoded).unwrap();
        prop_assert_eq!(segments.len(), octets.len());
        prop_assert_eq!(&*segments.join(&encoded), &octets[..]);
        prop_assert_eq!(segments.iter(&encoded).collect::<Vec<_>>().concat(), octets.clone());
        prop_assert_eq!(segments.take(encoded), octets);
    }
}
