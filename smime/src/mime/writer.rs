//! Writes what S/MIME puts around an entity (RFC 8551, section 3), and header
//! fields, into octets that are reserved once.

use super::base64;
use crate::buffer::surround;

/// Makes an `application/pkcs7-mime` entity of the DER of a `ContentInfo`: header
/// fields, an empty line and base64 (RFC 8551, section 3.2). It grows in the
/// buffer of the DER, if that has room.
///
/// `smime_type` is `enveloped-data`, `authEnveloped-data`, `signed-data`,
/// `certs-only` or `compressed-data`; it names the file as well.
pub fn pkcs7_mime(der: Vec<u8>, smime_type: &str) -> Vec<u8> {
    base64::encode_within(pkcs7_mime_header(smime_type).as_bytes(), der)
}

fn pkcs7_mime_header(smime_type: &str) -> String {
    let file = match smime_type {
        "certs-only" => "smime.p7c",
        "compressed-data" => "smime.p7z",
        _ => "smime.p7m",
    };
    format!(
        "Content-Type: application/pkcs7-mime; smime-type={smime_type};\r\n name=\"{file}\"\r\n\
         Content-Transfer-Encoding: base64\r\n\
         Content-Disposition: attachment; filename=\"{file}\"\r\n\r\n"
    )
}

/// Makes a `multipart/signed` entity of an entity and its detached signature,
/// the DER of a `ContentInfo` (RFC 8551, section 3.5.3). It grows in the buffer
/// of the entity, if that has room; the entity stays bit for bit. `boundary`
/// must not occur in it.
pub fn multipart_signed(entity: Vec<u8>, micalg: &str, signature_der: &[u8], boundary: &str) -> Vec<u8> {
    let [top, mut after, end] = signed_frame(micalg, boundary).map(String::into_bytes);
    base64::append(&mut after, signature_der);
    after.extend_from_slice(&end);
    surround(&top, entity, &after)
}

/// What stands before the entity, between it and the signature, and at the end.
fn signed_frame(micalg: &str, boundary: &str) -> [String; 3] {
    [
        format!(
            "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\";\r\n \
             micalg={micalg};\r\n boundary=\"{boundary}\"\r\n\r\n--{boundary}\r\n"
        ),
        format!(
            "\r\n--{boundary}\r\nContent-Type: application/pkcs7-signature; name=\"smime.p7s\"\r\n\
             Content-Transfer-Encoding: base64\r\n\
             Content-Disposition: attachment; filename=\"smime.p7s\"\r\n\r\n"
        ),
        format!("--{boundary}--\r\n"),
    ]
}

/// Appends `content` in base64: lines of 76 characters, each ending in CRLF
/// (RFC 2045, section 6.8).
pub fn append_base64(out: &mut Vec<u8>, content: &[u8]) {
    base64::append(out, content);
}

/// Makes a boundary of random octets: 16 are enough. None if it occurs in the
/// entity it is to delimit; then draw again. It begins with `=_`, which neither
/// quoted-printable nor base64 has.
pub fn boundary(random: &[u8], entity: &[u8]) -> Option<String> {
    let mut boundary = String::from("=_");
    for octet in random.iter().take(MOST_RANDOM) {
        for nibble in [octet >> 4, octet & 15] {
            boundary.push(char::from_digit(u32::from(nibble), 16)?);
        }
    }
    if memchr::memmem::find(entity, boundary.as_bytes()).is_some() { None } else { Some(boundary) }
}

/// Appends a header field, folded at white space where a line would pass 78
/// octets (RFC 5322, section 2.2.3), and cut where there is none before 998.
///
/// Whatever the value came from, it stays one field: each control character
/// and each character outside of ASCII becomes a `?`, a tab a space.
pub fn append_field(out: &mut Vec<u8>, name: &str, value: &str) {
    out.reserve(name.len() + value.len() + value.len() / 32 + 8);
    out.extend_from_slice(name.as_bytes());
    out.push(b':');
    let mut column = name.len() + 1;
    for word in value.split([' ', '\t']).filter(|word| !word.is_empty()) {
        let len = word.chars().count();
        if column + 1 + len > GOOD_LINE && column > name.len() + 1 {
            out.extend_from_slice(b"\r\n");
            column = 0;
        }
        out.push(b' ');
        column += 1;
        for c in word.chars() {
            if column == LONGEST_LINE {
                out.extend_from_slice(b"\r\n ");
                column = 1;
            }
            out.push(u8::try_from(c).ok().filter(u8::is_ascii_graphic).unwrap_or(b'?'));
            column += 1;
        }
    }
    out.extend_from_slice(b"\r\n");
}

/// A line that every reader shows well.
const GOOD_LINE: usize = 78;
/// The longest line there may be.
const LONGEST_LINE: usize = 998;
/// Random octets that go into a boundary, which has 70 characters at most.
const MOST_RANDOM: usize = 32;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::budget::Budget;
    use crate::mime::Entity;

    fn budget() -> Budget {
        Budget::for_message(1 << 20)
    }

    #[test]
    fn e15_pkcs7_mime_is_named_and_read_back() {
        for (kind, file) in
            [("enveloped-data", "smime.p7m"), ("authEnveloped-data", "smime.p7m"), ("certs-only", "smime.p7c")]
        {
            let out = pkcs7_mime(b"\x30\x03\x02\x01\x00".to_vec(), kind);
            assert_eq!(out.len(), out.capacity());
            let entity = Entity::parse(&out, &mut budget()).unwrap();
            let content_type = entity.content_type().unwrap();
            assert!(content_type.is("application", "pkcs7-mime"));
            assert_eq!(content_type.parameter("smime-type"), Some(kind));
            assert_eq!(entity.file_names().unwrap(), [file, file]);
            assert_eq!(entity.decoded_body(&mut budget()).unwrap().as_ref(), b"\x30\x03\x02\x01\x00");
        }
    }

    #[test]
    fn e3_multipart_signed_keeps_the_entity_bit_for_bit() {
        for entity in [&b"Content-Type: text/plain\r\n\r\nhello\r\n"[..], b"\r\nno line end", b"", b"\r\n\r\n\r\n"] {
            let signed = multipart_signed(entity.to_vec(), "sha-256", &[0x30; 100], "=_b");
            assert_eq!(signed.len(), signed.capacity());
            let outer = Entity::parse(&signed, &mut budget()).unwrap();
            let content_type = outer.content_type().unwrap();
            assert!(content_type.is("multipart", "signed"));
            assert_eq!(content_type.parameter("protocol"), Some("application/pkcs7-signature"));
            assert_eq!(content_type.parameter("micalg"), Some("sha-256"));
            let quoted = b"; protocol=\"application/pkcs7-signature\";";
            assert!(signed.windows(quoted.len()).any(|w| w == quoted), "a token has no solidus");
            let multipart = outer.multipart(&mut budget()).unwrap();
            assert!(multipart.closed);
            assert_eq!(multipart.parts.len(), 2);
            assert_eq!(multipart.parts[0], entity);
            let signature = Entity::parse(multipart.parts[1], &mut budget()).unwrap();
            assert!(signature.content_type().unwrap().is("application", "pkcs7-signature"));
            assert_eq!(signature.file_names().unwrap(), ["smime.p7s", "smime.p7s"]);
            assert_eq!(signature.decoded_body(&mut budget()).unwrap().as_ref(), [0x30; 100]);
        }
    }

    #[test]
    fn boundaries_do_not_occur_in_what_they_delimit() {
        let boundary = boundary(&[0xab; 16], b"text").unwrap();
        assert_eq!(boundary, format!("=_{}", "ab".repeat(16)));
        assert_eq!(super::boundary(&[0xab; 16], format!("x\r\n--{boundary}x").as_bytes()), None);
        let long = super::boundary(&[0; 1000], b"").unwrap();
        assert!(crate::mime::multipart::parse(format!("--{long}\r\n").as_bytes(), &long, &mut budget()).is_ok());
    }

    #[test]
    fn fields_are_folded_where_they_can_be() {
        let mut out = Vec::new();
        append_field(
            &mut out,
            "Authentication-Results",
            &format!("mail.nec.example; {}; end", "smime=pass ".repeat(12)),
        );
        let text = String::from_utf8(out).unwrap();
        assert!(text.lines().count() > 1 && text.lines().all(|line| line.len() <= GOOD_LINE), "{text}");
        let mut out = Vec::new();
        append_field(&mut out, "X", "");
        assert_eq!(out, b"X:\r\n");
    }

    #[test]
    fn t26_no_value_makes_a_line_of_its_own() {
        let mut out = Vec::new();
        append_field(&mut out, "X", "a\r\nBcc: b\0c\u{e9}\u{2028}\td");
        assert_eq!(out, b"X: a??Bcc: b?c?? d\r\n");
    }

    proptest! {
        #[test]
        fn t26_any_value_is_one_field_in_short_lines(value in "(?s).{0,200}", long in "[a-z]{0,3000}") {
            let mut out = Vec::new();
            append_field(&mut out, "Subject", &format!("{value} {long}"));
            prop_assert!(crate::mime::canonical::is_seven_bit(&out));
            let message = [out.as_slice(), b"\r\n"].concat();
            let entity = Entity::parse(&message, &mut budget()).unwrap();
            prop_assert_eq!(entity.header().fields().len(), 1);
            prop_assert!(entity.body().is_empty());
        }
    }
}
