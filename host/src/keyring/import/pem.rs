//! PEM as it is found: several blocks, with text between them, lines of any
//! length (RFC 7468, section 3, read leniently).

use zeroize::Zeroizing;

use super::ImportError;

/// One block.
pub struct Block {
    /// What stands after `BEGIN`.
    pub label: String,
    /// The decoded content; wiped, for it may be a key.
    pub content: Zeroizing<Vec<u8>>,
}

const BEGIN: &str = "-----BEGIN ";
const DASHES: &str = "-----";

/// Whether a block begins somewhere in it.
pub fn is_pem(octets: &[u8]) -> bool {
    octets.windows(BEGIN.len()).any(|window| window == BEGIN.as_bytes())
}

/// The blocks of a file, called `name` in messages.
pub fn blocks<'a>(name: &'a str, octets: &'a [u8]) -> impl Iterator<Item = Result<Block, ImportError>> + 'a {
    let text = String::from_utf8_lossy(octets);
    let mut rest = Zeroizing::new(text.into_owned());
    std::iter::from_fn(move || {
        let begin = rest.find(BEGIN)?;
        let (block, after) = match split(name, rest.split_at(begin).1) {
            Ok((block, after)) => (Ok(block), Zeroizing::new(after.to_owned())),
            Err(error) => (Err(error), Zeroizing::default()),
        };
        rest = after;
        Some(block)
    })
}

/// Splits off the block that `text` begins with.
fn split<'a>(name: &str, text: &'a str) -> Result<(Block, &'a str), ImportError> {
    let malformed = |what: &str| ImportError::Malformed { file: name.to_owned(), what: what.to_owned() };
    let unframed = || malformed("PEM block: it has no end");
    let (label, rest) = text.strip_prefix(BEGIN).and_then(|rest| rest.split_once(DASHES)).ok_or_else(unframed)?;
    let (body, after) = rest.split_once(&format!("-----END {label}-----")).ok_or_else(unframed)?;
    if body.contains("Proc-Type:") && body.contains("ENCRYPTED") {
        return Err(ImportError::TraditionalEncryption(name.to_owned()));
    }
    let encoded: Zeroizing<Vec<u8>> =
        Zeroizing::new(body.bytes().filter(|octet| !octet.is_ascii_whitespace()).collect());
    let content = base64_simd::STANDARD
        .decode_to_vec(encoded.as_slice())
        .map_err(|_| malformed(&format!("PEM block of a {}", label.to_lowercase())))?;
    Ok((Block { label: label.to_owned(), content: Zeroizing::new(content) }, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_between_blocks_and_odd_lines_are_no_matter() {
        let text = b"Bag Attributes\r\n-----BEGIN A-----\r\nQU\r\nJD\r\n-----END A-----\r\nsubject=x\n-----BEGIN B C-----\nREVG\n-----END B C-----\n";
        let blocks: Vec<_> = blocks("f", text).map(|block| block.unwrap()).collect();
        let found: Vec<_> = blocks.iter().map(|block| (block.label.as_str(), block.content.as_slice())).collect();
        assert_eq!(found, [("A", b"ABC".as_slice()), ("B C", b"DEF")]);
    }

    #[test]
    fn a_block_without_end_or_with_junk_is_said_to_be_so() {
        for (text, says) in [
            ("-----BEGIN A-----\nQUJD\n", "no end"),
            ("-----BEGIN A-----\nQUJD\n-----END B-----", "no end"),
            ("-----BEGIN A-----\nQ!JD\n-----END A-----", "PEM block of a a"),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: x\n\nQUJD\n-----END RSA PRIVATE KEY-----",
                "-topk8",
            ),
        ] {
            let error = blocks("f", text.as_bytes()).next().unwrap().err().unwrap();
            assert!(error.to_string().contains(says), "{error}");
        }
    }
}
