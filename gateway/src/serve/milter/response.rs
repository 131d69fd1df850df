//! What this filter says: one packet of the milter protocol.

use bytes::{BufMut, BytesMut};
use host::Reply;

use super::options::Options;
use crate::serve::smtp::reply::encode;

/// What this filter says.
#[derive(Clone, Copy, Debug)]
pub enum Response<'a> {
    /// `SMFIC_OPTNEG`: what it makes use of.
    Negotiate(Options),
    /// `SMFIR_CONTINUE`: go on; at the end of a message: take it, as changed.
    Continue,
    /// `SMFIR_REPLYCODE`: the client is told this, and the message or recipient
    /// goes no further.
    Reply(&'a Reply),
    /// `SMFIR_PROGRESS`: still at work, do not give up on it.
    Progress,
    /// A change of the message, at its end only.
    Edit(Edit<'a>),
    /// `SMFIR_REPLBODY`: the next octets of the new body, [`BODY_CHUNK`] at most.
    ReplaceBody(&'a [u8]),
    /// `SMFIR_DELRCPT`: no copy for this recipient, spelled as it was received.
    DeleteRecipient(&'a str),
    /// `SMFIR_CHGFROM`: the reverse-path, and ESMTP parameters in place of those that
    /// came with it.
    ChangeSender {
        /// The path, in angle brackets.
        path: &'a str,
        /// The parameters, with a space between them.
        parameters: &'a str,
    },
    /// `SMFIR_ADDRCPT_PAR`: a copy for one more recipient.
    AddRecipient {
        /// The path, in angle brackets.
        path: &'a str,
        /// Its ESMTP parameters, with a space between them.
        parameters: &'a str,
    },
}

/// A change of the header. Values are all that follows the colon, but the CRLF;
/// their folds are CRLF, as in mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit<'a> {
    /// `SMFIR_ADDHEADER`: a field behind all others.
    Append {
        /// The field's name.
        name: &'a [u8],
        /// The field's value.
        value: &'a [u8],
    },
    /// `SMFIR_INSHEADER`: a field in front of the one that has this place, counted
    /// from 0 with the mail server's own `Received` field.
    Insert {
        /// The place.
        place: u32,
        /// The field's name.
        name: &'a [u8],
        /// The field's value.
        value: &'a [u8],
    },
    /// `SMFIR_CHGHEADER`: another value for a field.
    Change {
        /// Which of the fields of this name the mail server showed, from 1.
        occurrence: u32,
        /// The field's name.
        name: &'a [u8],
        /// The field's value; not empty.
        value: &'a [u8],
    },
    /// `SMFIR_CHGHEADER` with nothing: the field goes.
    Delete {
        /// Which of the fields of this name the mail server showed, from 1.
        occurrence: u32,
        /// The field's name.
        name: &'a [u8],
    },
}

/// The most octets of one `SMFIR_REPLBODY` that every mail server reads.
pub const BODY_CHUNK: usize = 65_535;

impl Response<'_> {
    /// Appends the packet to `out`; `space` is whether both sides keep the space
    /// after the colon of a field ([`Options::keeps_leading_space`]).
    pub fn write(&self, out: &mut BytesMut, space: bool) {
        let start = out.len();
        out.put_u32(0);
        match self {
            Self::Negotiate(options) => {
                out.put_u8(b'O');
                options.write(out);
            }
            Self::Continue => out.put_u8(b'c'),
            Self::Progress => out.put_u8(b'p'),
            Self::Reply(reply) => {
                out.put_u8(b'y');
                let lines = encode(reply, false);
                // The mail server reads % as printf does.
                put_text(out, lines.trim_end().replace('%', "%%").as_bytes());
            }
            Self::Edit(edit) => edit.write(out, space),
            Self::ReplaceBody(octets) => {
                out.put_u8(b'b');
                out.put_slice(octets);
            }
            Self::DeleteRecipient(path) => {
                out.put_u8(b'-');
                put_text(out, path.as_bytes());
            }
            Self::ChangeSender { path, parameters } => {
                out.put_u8(b'e');
                put_text(out, path.as_bytes());
                put_text(out, parameters.as_bytes());
            }
            Self::AddRecipient { path, parameters } => {
                out.put_u8(b'2');
                put_text(out, path.as_bytes());
                put_text(out, parameters.as_bytes());
            }
        }
        let length = u32::try_from(out.len() - start - 4).unwrap_or(u32::MAX);
        out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    }
}

impl Edit<'_> {
    fn write(&self, out: &mut BytesMut, space: bool) {
        match *self {
            Self::Append { name, value } => {
                out.put_u8(b'h');
                put_field(out, name, value, space);
            }
            Self::Insert { place, name, value } => {
                out.put_u8(b'i');
                out.put_u32(place);
                put_field(out, name, value, space);
            }
            Self::Change { occurrence, name, value } => {
                out.put_u8(b'm');
                out.put_u32(occurrence);
                put_field(out, name, value, space);
            }
            Self::Delete { occurrence, name } => {
                out.put_u8(b'm');
                out.put_u32(occurrence);
                put_text(out, name);
                out.put_u8(0);
            }
        }
    }
}

/// A field, its folds as LF: the mail server makes them what its queue has.
fn put_field(out: &mut BytesMut, name: &[u8], value: &[u8], space: bool) {
    put_text(out, name);
    // A server that eats the space puts one in itself.
    let value = if space { value } else { value.strip_prefix(b" ").unwrap_or(value) };
    let mut rest = value;
    while let Some(end) = memchr::memmem::find(rest, b"\r\n") {
        out.put_slice(&rest[..end]);
        out.put_u8(b'\n');
        rest = &rest[end + 2..];
    }
    put_text(out, rest);
}

/// Text as C has it.
fn put_text(out: &mut BytesMut, text: &[u8]) {
    out.put_slice(text);
    out.put_u8(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(response: Response, space: bool) -> Vec<u8> {
        let mut out = BytesMut::new();
        response.write(&mut out, space);
        assert_eq!(u32::from_be_bytes(out[..4].try_into().unwrap()) as usize, out.len() - 4);
        out[4..].to_vec()
    }

    #[test]
    fn replies_have_code_status_and_text() {
        let reply = Reply { code: 550, subject: 7, detail: 7, text: "100% altered".into() };
        assert_eq!(written(Response::Reply(&reply), true), b"y550 5.7.7 100%% altered\0");
        let reply = Reply { code: 451, subject: 3, detail: 0, text: "Later".into() };
        assert_eq!(written(Response::Reply(&reply), true), b"y451 4.3.0 Later\0");
        let reply = Reply { text: "To b\nTo c\0".into(), ..reply };
        assert_eq!(written(Response::Reply(&reply), true), b"y451-4.3.0 To b\r\n451 4.3.0 To c\0");
    }

    #[test]
    fn fields_are_folded_with_lf_on_the_way() {
        let change = Edit::Change { occurrence: 2, name: b"Content-Type", value: b" multipart/signed;\r\n\tmicalg=x" };
        assert_eq!(written(Response::Edit(change), true), b"m\0\0\0\x02Content-Type\0 multipart/signed;\n\tmicalg=x\0");
        assert_eq!(written(Response::Edit(change), false), b"m\0\0\0\x02Content-Type\0multipart/signed;\n\tmicalg=x\0");
        assert_eq!(written(Response::Edit(Edit::Delete { occurrence: 1, name: b"Bcc" }), true), b"m\0\0\0\x01Bcc\0\0");
        let insert = Edit::Insert { place: 1, name: b"A", value: b" b" };
        assert_eq!(written(Response::Edit(insert), true), b"i\0\0\0\x01A\0 b\0");
        assert_eq!(written(Response::Edit(Edit::Append { name: b"A", value: b" b" }), true), b"hA\0 b\0");
    }

    #[test]
    fn the_rest_is_a_code_and_octets() {
        assert_eq!(written(Response::Continue, true), b"c");
        assert_eq!(written(Response::Progress, true), b"p");
        assert_eq!(written(Response::ReplaceBody(b"a\0\r\n"), true), b"ba\0\r\n");
        assert_eq!(written(Response::DeleteRecipient("<b@b.test>"), true), b"-<b@b.test>\0");
        let sender = Response::ChangeSender { path: "<a@a.test>", parameters: "RET=HDRS" };
        assert_eq!(written(sender, true), b"e<a@a.test>\0RET=HDRS\0");
        let recipient = Response::AddRecipient { path: "<b@b.test>", parameters: "NOTIFY=FAILURE" };
        assert_eq!(written(recipient, true), b"2<b@b.test>\0NOTIFY=FAILURE\0");
    }
}
