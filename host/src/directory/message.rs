//! LDAP messages (RFC 4511, section 4): those that a search needs, and no others.
//!
//! Responses are walked over once, from value to value, without recursion and without
//! a copy: what a server nests, announces or leaves out costs nothing.

use zeroize::Zeroizing;

/// Most octets of one response.
pub(super) const LONGEST: usize = 4 << 20;

/// A response does not follow RFC 4511.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// A response to one request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Response<'a> {
    /// An entry that was found: its attributes.
    Entry(Vec<Attribute<'a>>),
    /// Where else one could search. Nobody does.
    Reference,
    /// What came of a bind, a search, or StartTLS.
    Done(LdapResult),
}

/// An attribute of an entry.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Attribute<'a> {
    /// Its description: the type, and options after semicolons.
    pub description: &'a [u8],
    /// Its values.
    pub values: Vec<&'a [u8]>,
}

/// ```text
/// LDAPResult ::= SEQUENCE {
///   resultCode ENUMERATED, matchedDN LDAPDN, diagnosticMessage LDAPString, ... }
/// ```
/// RFC 4511, section 4.1.9.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LdapResult {
    /// The result code; 0 is success.
    pub code: u32,
    /// What the server says of it, in its own words.
    pub message: String,
}

/// A search below a base.
pub(super) struct Search<'a> {
    pub base: &'a str,
    /// Only the base itself, not what is below it.
    pub base_only: bool,
    /// The encoded filter.
    pub filter: &'a [u8],
    pub attributes: &'a [&'a str],
    /// Most entries.
    pub size_limit: u8,
    /// Most seconds, for the server.
    pub time_limit: u8,
}

/// A simple bind (RFC 4511, section 4.2).
pub(super) fn bind(id: u8, dn: &str, password: &str) -> Zeroizing<Vec<u8>> {
    let authentication = Zeroizing::new(value(0x80, &[password.as_bytes()]));
    let request = Zeroizing::new(value(
        0x60,
        &[&value(INTEGER, &[&[3]]), &value(OCTET_STRING, &[dn.as_bytes()]), &authentication],
    ));
    Zeroizing::new(message(id, &request))
}

/// StartTLS (RFC 4511, section 4.14.1).
pub(super) fn start_tls(id: u8) -> Vec<u8> {
    message(id, &value(0x77, &[&value(0x80, &[b"1.3.6.1.4.1.1466.20037"])]))
}

/// A search (RFC 4511, section 4.5.1). Aliases are not followed.
pub(super) fn search(id: u8, search: &Search<'_>) -> Vec<u8> {
    let attributes: Vec<Vec<u8>> =
        search.attributes.iter().map(|name| value(OCTET_STRING, &[name.as_bytes()])).collect();
    let attributes: Vec<&[u8]> = attributes.iter().map(Vec::as_slice).collect();
    let scope = if search.base_only { 0 } else { 2 };
    let request = value(
        0x63,
        &[
            &value(OCTET_STRING, &[search.base.as_bytes()]),
            &value(ENUMERATED, &[&[scope]]),
            &value(ENUMERATED, &[&[0]]),
            &value(INTEGER, &[&[search.size_limit & 0x7F]]),
            &value(INTEGER, &[&[search.time_limit & 0x7F]]),
            &value(BOOLEAN, &[&[0]]),
            search.filter,
            &value(SEQUENCE, &attributes),
        ],
    );
    message(id, &request)
}

/// The length of a whole message that begins with these octets; none if more are
/// needed to tell.
pub(super) fn length(begin: &[u8]) -> Result<Option<usize>, Malformed> {
    match begin {
        [] | [SEQUENCE] => Ok(None),
        [SEQUENCE, short @ ..=0x7F, ..] => Ok(Some(2 + usize::from(*short))),
        [SEQUENCE, long @ 0x81..=0x84, rest @ ..] => {
            let Some(octets) = rest.get(..usize::from(long & 0x7F)) else { return Ok(None) };
            let length = octets.iter().fold(0, |length, octet| length << 8 | usize::from(*octet));
            if length > LONGEST { Err(Malformed) } else { Ok(Some(2 + octets.len() + length)) }
        }
        _ => Err(Malformed),
    }
}

/// Reads the response to request `id` out of a whole message.
pub(super) fn response(encoded: &[u8], id: u8) -> Result<Response<'_>, Malformed> {
    let mut outer = Values(encoded);
    let mut message = Values(outer.expect(SEQUENCE)?);
    if message.expect(INTEGER)? != [id] {
        // Also the notice that the server is about to hang up, which has the id 0.
        return Err(Malformed);
    }
    let (operation, contents) = message.next()?;
    match operation {
        0x64 => entry(contents).map(Response::Entry),
        0x73 => Ok(Response::Reference),
        0x61 | 0x65 | 0x78 => result(contents).map(Response::Done),
        _ => Err(Malformed),
    }
}

/// ```text
/// SearchResultEntry ::= [APPLICATION 4] SEQUENCE {
///   objectName LDAPDN,
///   attributes SEQUENCE OF SEQUENCE { type AttributeDescription, vals SET OF OCTET STRING } }
/// ```
fn entry(contents: &[u8]) -> Result<Vec<Attribute<'_>>, Malformed> {
    let mut entry = Values(contents);
    entry.expect(OCTET_STRING)?;
    let mut listed = Values(entry.expect(SEQUENCE)?);
    let mut attributes = Vec::new();
    while !listed.is_finished() {
        let mut attribute = Values(listed.expect(SEQUENCE)?);
        let description = attribute.expect(OCTET_STRING)?;
        let mut set = Values(attribute.expect(SET)?);
        let mut values = Vec::new();
        while !set.is_finished() {
            values.push(set.expect(OCTET_STRING)?);
        }
        attributes.push(Attribute { description, values });
    }
    Ok(attributes)
}

fn result(contents: &[u8]) -> Result<LdapResult, Malformed> {
    let mut result = Values(contents);
    let code = match result.expect(ENUMERATED)? {
        code @ [_, ..] if code.len() <= 4 => code.iter().fold(0, |all, octet| all << 8 | u32::from(*octet)),
        _ => return Err(Malformed),
    };
    result.expect(OCTET_STRING)?;
    let message = String::from_utf8_lossy(result.expect(OCTET_STRING)?);
    Ok(LdapResult { code, message: crate::event::clean(&message, 200) })
}

const BOOLEAN: u8 = 0x01;
const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const ENUMERATED: u8 = 0x0A;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;

/// ```text
/// LDAPMessage ::= SEQUENCE { messageID MessageID, protocolOp CHOICE { ... }, ... }
/// ```
fn message(id: u8, operation: &[u8]) -> Vec<u8> {
    value(SEQUENCE, &[&value(INTEGER, &[&[id & 0x7F]]), operation])
}

/// One value. It grows once, so that no part of a secret is left behind.
fn value(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut encoded = Vec::with_capacity(6 + length);
    encoded.push(tag);
    match u8::try_from(length) {
        Ok(short @ ..0x80) => encoded.push(short),
        _ => {
            // What is asked is bounded by the configuration: far below 4 GiB.
            encoded.push(0x84);
            encoded.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
        }
    }
    parts.iter().for_each(|part| encoded.extend_from_slice(part));
    encoded
}

/// Values that follow each other, of definite lengths (RFC 4511, section 5.1).
struct Values<'a>(&'a [u8]);

impl<'a> Values<'a> {
    fn is_finished(&self) -> bool {
        self.0.is_empty()
    }

    /// The tag and the contents of the next value.
    fn next(&mut self) -> Result<(u8, &'a [u8]), Malformed> {
        let (&tag, rest) = self.0.split_first().ok_or(Malformed)?;
        let (&first, mut rest) = rest.split_first().ok_or(Malformed)?;
        let length = match first {
            short @ ..=0x7F => usize::from(short),
            long @ 0x81..=0x84 => {
                let (octets, after) = rest.split_at_checked(usize::from(long & 0x7F)).ok_or(Malformed)?;
                rest = after;
                octets.iter().fold(0, |length, octet| length << 8 | usize::from(*octet))
            }
            _ => return Err(Malformed),
        };
        let (contents, after) = rest.split_at_checked(length).ok_or(Malformed)?;
        self.0 = after;
        Ok((tag, contents))
    }

    fn expect(&mut self, tag: u8) -> Result<&'a [u8], Malformed> {
        match self.next()? {
            (found, contents) if found == tag => Ok(contents),
            _ => Err(Malformed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(code: u8, message: &[u8]) -> Vec<u8> {
        let result =
            value(0x65, &[&value(ENUMERATED, &[&[code]]), &value(OCTET_STRING, &[]), &value(OCTET_STRING, &[message])]);
        super::message(7, &result)
    }

    #[test]
    fn a_bind_is_as_the_rfc_has_it() {
        let expected = b"\x30\x10\x02\x01\x01\x60\x0b\x02\x01\x03\x04\x02cn\x80\x02pw";
        assert_eq!(bind(1, "cn", "pw").as_slice(), expected);
    }

    #[test]
    fn start_tls_is_as_the_rfc_has_it() {
        let expected = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";
        assert_eq!(start_tls(1), expected);
    }

    #[test]
    fn an_entry_is_read_whatever_the_form_of_its_lengths() {
        let values = value(SET, &[&value(OCTET_STRING, &[b"one"]), b"\x04\x84\x00\x00\x00\x03two"]);
        let attribute = value(SEQUENCE, &[&value(OCTET_STRING, &[b"userCertificate;binary"]), &values]);
        let entry = value(0x64, &[&value(OCTET_STRING, &[b"cn=x"]), &value(SEQUENCE, &[&attribute])]);
        let encoded = message(7, &entry);
        let expected = Attribute { description: b"userCertificate;binary", values: vec![b"one", b"two"] };
        assert_eq!(response(&encoded, 7), Ok(Response::Entry(vec![expected])));
        assert_eq!(length(&encoded), Ok(Some(encoded.len())));
    }

    #[test]
    fn a_result_is_read_with_words_that_forge_no_log() {
        let encoded = done(49, b"no\r\n\x1b[2Jentry");
        let Ok(Response::Done(result)) = response(&encoded, 7) else { panic!("no result") };
        assert_eq!((result.code, result.message.as_str()), (49, "no???[2Jentry"));
    }

    #[test]
    fn the_answer_to_another_question_is_none() {
        assert_eq!(response(&done(0, b""), 8), Err(Malformed));
    }

    #[test]
    fn what_is_cut_off_or_altered_anywhere_does_not_panic() {
        let whole = done(0, b"fine");
        for end in 0..whole.len() {
            assert_eq!(response(&whole[..end], 7), Err(Malformed), "{end}");
            for octet in [0x00, 0x7F, 0x80, 0x84, 0xFF] {
                let mut altered = whole.clone();
                altered[end] = octet;
                let _ = (response(&altered, 7), length(&altered));
            }
        }
    }

    #[test]
    fn lengths_beyond_reason_are_refused_before_anything_is_read() {
        assert_eq!(length(b"\x30\x84\xff\xff\xff\xff"), Err(Malformed));
        assert_eq!(length(b"\x30\x80"), Err(Malformed));
        assert_eq!(length(b"HTTP/1.1"), Err(Malformed));
        assert_eq!(length(b"\x30\x84\x00"), Ok(None));
    }

    #[test]
    fn a_nest_of_any_depth_costs_nothing() {
        let nest: Vec<u8> = b"\x30\x84\x00\x10\x00\x00".repeat(170_000);
        assert_eq!(response(&nest, 7), Err(Malformed));
    }
}
