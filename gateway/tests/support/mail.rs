//! Messages, and a look into them.

/// An entity with plain text.
pub const TEXT: &[u8] =
    b"Content-Type: text/plain; charset=us-ascii\r\n\r\nThe offer stands until Friday.\r\n\r\nAlice\r\n";

/// An entity with text, HTML and an attachment.
pub const MIXED: &[u8] = b"Content-Type: multipart/mixed; boundary=\"mix\"\r\n\r\n\
Preamble\r\n--mix\r\nContent-Type: multipart/alternative; boundary=alt\r\n\r\n\
--alt\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
=E8=A6=8B=E7=A9=8D=E6=9B=B8 from the office \r\n\
--alt\r\nContent-Type: text/html; charset=us-ascii\r\n\r\n<p>The offer</p>\r\n--alt--\r\n\
--mix\r\nContent-Type: application/octet-stream; name=offer.bin\r\n\
Content-Disposition: attachment; filename=offer.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n\
AAECAwQFBgcICQoLDA0ODw==\r\n--mix--\r\nEpilogue\r\n";

/// The fields of a message from `from` to `to`, without those of MIME.
pub fn fields(from: &str, to: &str) -> Vec<u8> {
    format!(
        "From: {from}\r\nTo: {to}\r\nSubject: The offer\r\nDate: Sun, 22 Nov 2026 12:00:00 +0000\r\n\
         Message-ID: <1@peer.example>\r\n"
    )
    .into_bytes()
}

/// A message: `fields` and an entity below them.
pub fn message(from: &str, to: &str, entity: &[u8]) -> Vec<u8> {
    [fields(from, to), b"MIME-Version: 1.0\r\n".to_vec(), without_mime_version(entity)].concat()
}

/// OpenSSL and others begin each entity with a `MIME-Version` of its own.
fn without_mime_version(entity: &[u8]) -> Vec<u8> {
    entity.strip_prefix(b"MIME-Version: 1.0\r\n").unwrap_or(entity).to_vec()
}

/// With CRLF where there was LF alone, as SMTP carries it.
pub fn crlf(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 40);
    let mut last = 0;
    for &byte in bytes {
        if byte == b'\n' && last != b'\r' {
            out.push(b'\r');
        }
        out.push(byte);
        last = byte;
    }
    out
}

/// `application/pkcs7-mime` around the DER or BER of a CMS structure.
pub fn pkcs7_mime(smime_type: &str, cms: &[u8]) -> Vec<u8> {
    let mut out = format!(
        "Content-Type: application/pkcs7-mime; smime-type={smime_type}; name=smime.p7m\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n"
    )
    .into_bytes();
    out.extend(base64(cms));
    out
}

/// `multipart/signed` around an entity and its detached signature.
pub fn multipart_signed(entity: &[u8], micalg: &str, cms: &[u8]) -> Vec<u8> {
    let head = format!(
        "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; micalg={micalg}; boundary=\"sig\"\r\n\r\n--sig\r\n"
    );
    let foot = "\r\n--sig\r\nContent-Type: application/pkcs7-signature; name=smime.p7s\r\n\
                Content-Transfer-Encoding: base64\r\n\r\n";
    [head.as_bytes(), entity, foot.as_bytes(), &base64(cms), b"--sig--\r\n"].concat()
}

/// Base64 in lines of 64 characters.
pub fn base64(bytes: &[u8]) -> Vec<u8> {
    let text = base64_simd::STANDARD.encode_to_string(bytes);
    text.as_bytes().chunks(64).flat_map(|line| [line, b"\r\n"].concat()).collect()
}

/// The content of a base64 body.
pub fn base64_decoded(body: &[u8]) -> Vec<u8> {
    let packed: Vec<u8> = body.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect();
    base64_simd::STANDARD.decode_to_vec(packed).expect("base64")
}

/// The header, with its last line end, and the body of an entity.
pub fn split(entity: &[u8]) -> (&[u8], &[u8]) {
    if let Some(body) = entity.strip_prefix(b"\r\n") {
        return (b"", body);
    }
    match find(entity, b"\r\n\r\n") {
        Some(at) => (&entity[..at + 2], &entity[at + 4..]),
        None => (entity, b""),
    }
}

/// Where `needle` begins in `bytes`.
pub fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|window| window == needle)
}

/// Whether `needle` occurs in `bytes`.
pub fn contains(bytes: &[u8], needle: &str) -> bool {
    find(bytes, needle.as_bytes()).is_some()
}

/// The values of the header fields called `name`, unfolded.
pub fn field(entity: &[u8], name: &str) -> Vec<String> {
    let header = String::from_utf8_lossy(split(entity).0).replace("\r\n ", " ").replace("\r\n\t", " ");
    header
        .lines()
        .filter_map(|line| line.split_once(':'))
        .filter(|(field, _)| field.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim().to_owned())
        .collect()
}

/// The MIME entity of a message: its `Content-*` fields and its body.
pub fn entity_of(message: &[u8]) -> Vec<u8> {
    let (header, body) = split(message);
    let mut out = Vec::new();
    let mut taken = false;
    for line in header.split_inclusive(|&b| b == b'\n') {
        let folded = line.first().is_some_and(|b| matches!(b, b' ' | b'\t'));
        if !folded {
            taken = line.len() >= 8 && line[..8].eq_ignore_ascii_case(b"content-");
        }
        if taken {
            out.extend_from_slice(line);
        }
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body);
    out
}

/// The MIME entity that a sender of ours protected: without the header that was
/// put inside with it (RFC 9788).
pub fn unwrapped(payload: &[u8]) -> Vec<u8> {
    let entity = entity_of(payload);
    let marks = ["cipher", "clear"].map(|hp| format!(";\r\n hp=\"{hp}\"").into_bytes());
    match marks.iter().find_map(|mark| find(split(&entity).0, mark).map(|at| (at, mark.len()))) {
        Some((at, len)) => [&entity[..at], &entity[at + len..]].concat(),
        None => entity,
    }
}
