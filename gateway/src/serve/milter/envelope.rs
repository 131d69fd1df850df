//! An envelope as the mail server shows it: paths, in angle brackets if they came by
//! SMTP, and the ESMTP parameters that its client gave.

use std::borrow::Cow;

use bytes::Bytes;

use crate::serve::next_hop::Recipient;
use crate::serve::smtp::parameters::{MailParameters, ParameterError, RcptParameters};
use crate::serve::smtp::path::Path;

/// The reverse-path and its parameters; an empty one is the null one. None: it is
/// no path.
pub fn sender(path: &[u8], parameters: &[Bytes]) -> Option<(String, MailParameters)> {
    let sender = mailbox(&Path::read(&bracketed(path)?)?)?;
    Some((sender, read(parameters, MailParameters::read)))
}

/// A forward-path and its parameters. None: it is no path.
pub fn recipient(path: &[u8], parameters: &[Bytes]) -> Option<Recipient> {
    let address = mailbox(&Path::read_forward(&bracketed(path)?)?).filter(|address| !address.is_empty())?;
    Some(Recipient { address, parameters: read(parameters, RcptParameters::read) })
}

/// Postfix leaves the brackets out of what local programs submit.
fn bracketed(path: &[u8]) -> Option<Cow<'_, str>> {
    let path = std::str::from_utf8(path).ok()?;
    Some(if path.starts_with('<') { Cow::Borrowed(path) } else { Cow::Owned(format!("<{path}>")) })
}

fn mailbox(path: &Path<'_>) -> Option<String> {
    path.rest.is_empty().then(|| path.mailbox.to_owned())
}

/// The parameters that are known here. The others were for the mail server, which
/// took them.
fn read<T: Default>(parameters: &[Bytes], read: fn(&str) -> Result<T, ParameterError>) -> T {
    let words = parameters.iter().filter_map(|parameter| std::str::from_utf8(parameter).ok());
    let known: String = words.map(|word| format!(" {word}")).filter(|word| read(word).is_ok()).collect();
    read(&known).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_kept_as_far_as_they_are_known() {
        let given: [&[u8]; 5] = [b"SIZE=10", b"BODY=8BITMIME", b"MT-PRIORITY=3", b"RET=HDRS", b"x\xff"];
        let given = given.map(Bytes::from);
        let (address, parameters) = sender(b"<a@a.example>", &given).unwrap();
        assert_eq!(address, "a@a.example");
        assert!(parameters.eight_bit);
        assert_eq!(parameters.ret.as_deref(), Some("HDRS"));
        let given = ["NOTIFY=NEVER".into(), "ORCPT=rfc822;b@b.example".into()];
        let recipient = recipient(b"<b@b.example>", &given).unwrap();
        assert_eq!(recipient.parameters.notify.as_deref(), Some("NEVER"));
    }

    #[test]
    fn what_local_programs_submit_has_no_brackets() {
        assert_eq!(sender(b"a@a.example", &[]).unwrap().0, "a@a.example");
        assert_eq!(sender(b"", &[]).unwrap().0, "");
        assert_eq!(recipient(b"b@b.example", &[]).unwrap().address, "b@b.example");
        assert!(recipient(b"", &[]).is_none());
    }

    #[test]
    fn the_postmaster_of_the_host_has_no_domain() {
        for path in [&b"<postmaster>"[..], b"postmaster"] {
            assert_eq!(recipient(path, &[]).unwrap().address, "postmaster");
            assert!(sender(path, &[]).is_none());
        }
    }

    #[test]
    fn what_is_no_path_is_not_guessed_at() {
        assert_eq!(sender(b"<>", &[]).unwrap().0, "");
        assert!(recipient(b"<>", &[]).is_none());
        for none in [&b"a@a.example>"[..], b"<a@a.example", b"<a@a.example> ", b"<a>", b"<\xff@a.example>", b"a", b" "]
        {
            assert!(sender(none, &[]).is_none() && recipient(none, &[]).is_none(), "{none:?}");
        }
    }
}
