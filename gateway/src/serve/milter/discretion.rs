//! What the mail server is told of the envelope, so that its notifications bring
//! nothing back of a message that was opened (`docs/decisions/0083`).

use tokio::io::{AsyncRead, AsyncWrite};

use super::response::Response;
use super::split::Origin;
use super::wire::{Wire, WireError};
use crate::serve::Part;

/// Paths, as the mail server spells them, and the ESMTP parameters that are theirs
/// from now on.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Discretion {
    sender: Option<(String, String)>,
    recipients: Vec<(String, String)>,
}

impl Discretion {
    /// What has to change for `part`, which stays in the session, of the envelope of
    /// `origin`. Nothing, unless the part is confidential.
    pub fn of(part: &Part, origin: &Origin) -> Self {
        // Nobody is notified of mail with the null reverse-path.
        if !part.confidential || origin.transaction.sender.is_none() {
            return Self::default();
        }
        let asked = &origin.parameters;
        let wanted = asked.discreet();
        let changes = (*asked != wanted).then(|| (origin.reverse_path.clone(), wanted.dsn().trim_start().to_owned()));
        let recipients = part.recipients.iter().filter_map(|&place| {
            let (asked, path) = (&origin.recipients.get(place)?.parameters, origin.forward_paths.get(place)?);
            let wanted = asked.discreet();
            (*asked != wanted).then(|| (path.clone(), wanted.dsn().trim_start().to_owned()))
        });
        Self { sender: changes, recipients: recipients.collect() }
    }

    /// Tells the mail server. One recipient after the other is taken off and put on
    /// again: there is no other way to say it.
    pub async fn tell<S: AsyncRead + AsyncWrite + Unpin>(&self, wire: &mut Wire<S>) -> Result<(), WireError> {
        if let Some((path, parameters)) = &self.sender {
            wire.say(Response::ChangeSender { path, parameters }).await?;
        }
        for (path, parameters) in &self.recipients {
            wire.say(Response::DeleteRecipient(path)).await?;
            wire.say(Response::AddRecipient { path, parameters }).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::next_hop::Recipient;
    use crate::serve::smtp::parameters::{MailParameters, RcptParameters};
    use crate::serve::{Client, PartContent, Transaction};

    /// Alice's letter to carol, who is told when it arrives, and dave.
    fn origin(ret: Option<&str>) -> Origin {
        let recipient = |address: &str, notify: Option<&str>| Recipient {
            address: address.into(),
            parameters: RcptParameters { notify: notify.map(Into::into), orcpt: Some("rfc822;x".into()) },
        };
        let (client, recipients) = (Client::default(), Vec::new());
        Origin {
            transaction: Transaction { id: "1".into(), client, sender: Some("a@a.test".into()), recipients },
            parameters: MailParameters {
                ret: ret.map(Into::into),
                envid: Some("e".into()),
                ..MailParameters::default()
            },
            recipients: vec![recipient("c@c.test", Some("SUCCESS,FAILURE")), recipient("d@c.test", None)],
            reverse_path: "<a@a.test>".into(),
            forward_paths: vec!["<c@c.test>".into(), "<d@c.test>".into()],
        }
    }

    fn discretion(origin: &Origin, confidential: bool) -> Discretion {
        let part = Part { recipients: vec![0, 1], content: PartContent::Unchanged, confidential, identity: [0; 32] };
        Discretion::of(&part, origin)
    }

    #[test]
    fn t11_of_what_was_opened_notifications_have_the_header_and_no_success() {
        let recipients = vec![("<c@c.test>".to_owned(), "NOTIFY=FAILURE ORCPT=rfc822;x".to_owned())];
        for ret in [None, Some("FULL")] {
            let told = discretion(&origin(ret), true);
            let sender = Some(("<a@a.test>".to_owned(), "RET=HDRS ENVID=e".to_owned()));
            assert_eq!(told, Discretion { sender, recipients: recipients.clone() });
        }
        assert_eq!(discretion(&origin(Some("HDRS")), true), Discretion { sender: None, recipients });
    }

    #[test]
    fn of_anything_else_they_are_as_the_sender_asked() {
        assert_eq!(discretion(&origin(Some("FULL")), false), Discretion::default());
        let mut bounce = origin(None);
        bounce.transaction.sender = None;
        assert_eq!(discretion(&bounce, true), Discretion::default());
    }
}
