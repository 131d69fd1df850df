//! How a message that is delivered is told to the mail server: which part of it
//! stays in the session, and what of it has to be changed.

use tokio::io::{AsyncRead, AsyncWrite};

use super::discretion::Discretion;
use super::header::{edits, split};
use super::response::{BODY_CHUNK, Edit, Response};
use super::wire::{Wire, WireError};
use crate::serve::{Part, PartContent};

/// What the mail server is told at the end of a message.
#[derive(Debug)]
pub struct Plan<'a> {
    /// The parts that do not stay: their recipients are taken off, and get theirs
    /// by other ways.
    pub others: Vec<Part>,
    /// The part that stays; none of no parts.
    pub stays: Option<&'a Part>,
    edits: Vec<Edit<'a>>,
    /// The whole of the new body, if it is another.
    body: Option<&'a [u8]>,
}

/// What the filter made cannot be said in header fields and a body.
#[derive(Debug, PartialEq, Eq)]
pub struct NoHeader;

impl<'a> Plan<'a> {
    /// How `parts` come of the `message` that the mail server has.
    ///
    /// The part that stays is the one with the most recipients; among those the
    /// first that is rewritten, so that the fewest copies take the longer way.
    pub fn of(parts: &'a [Part], message: &'a [u8]) -> Result<Self, NoHeader> {
        let rewritten = |part: &Part| matches!(part.content, PartContent::Rewritten(_));
        let stays = (0..parts.len()).rev().max_by_key(|&at| (parts[at].recipients.len(), rewritten(&parts[at])));
        let others = (0..parts.len()).filter(|&at| Some(at) != stays).map(|at| parts[at].clone()).collect();
        let stays = stays.map(|at| &parts[at]);
        match stays.map(|part| &part.content) {
            Some(PartContent::Rewritten(new)) => {
                let (shown, old_body) = split(message).ok_or(NoHeader)?;
                let (wanted, new_body) = split(new).ok_or(NoHeader)?;
                let body = (new_body != old_body).then_some(new_body);
                Ok(Self { others, stays, edits: edits(&shown, &wanted), body })
            }
            Some(PartContent::Unchanged) | None => Ok(Self { others, stays, edits: Vec::new(), body: None }),
        }
    }

    /// Tells the mail server, which knows the recipients as `paths`; `discretion` is
    /// about those of the part that stays.
    pub async fn tell<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        wire: &mut Wire<S>,
        paths: &[String],
        discretion: &Discretion,
    ) -> Result<(), WireError> {
        for path in self.others.iter().flat_map(|part| &part.recipients).filter_map(|&place| paths.get(place)) {
            wire.say(Response::DeleteRecipient(path)).await?;
        }
        discretion.tell(wire).await?;
        for &edit in &self.edits {
            wire.say(Response::Edit(edit)).await?;
        }
        if let Some(body) = self.body {
            // A body of nothing has to be said as well.
            let chunks = body.chunks(BODY_CHUNK).chain(body.is_empty().then_some(body));
            for chunk in chunks {
                wire.say(Response::ReplaceBody(chunk)).await?;
            }
        }
        wire.say(Response::Continue).await?;
        wire.flush().await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::AsyncReadExt;

    use super::*;

    fn part(recipients: &[usize], content: Option<&'static str>) -> Part {
        let content = content.map_or(PartContent::Unchanged, |new| PartContent::Rewritten(new.into()));
        Part { recipients: recipients.to_vec(), content, confidential: false, identity: [0; 32] }
    }

    /// The packets that the mail server gets: code and data.
    async fn told(plan: &Plan<'_>, paths: &[&str]) -> Vec<Vec<u8>> {
        let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        let (mut server, filter) = tokio::io::duplex(1 << 20);
        let mut wire = Wire::new(filter, Duration::from_secs(5));
        wire.leading_space = true;
        plan.tell(&mut wire, &paths, &Discretion::default()).await.unwrap();
        drop(wire);
        let mut packets = Vec::new();
        while let Ok(length) = server.read_u32().await {
            let mut packet = vec![0; length as usize];
            server.read_exact(&mut packet).await.unwrap();
            packets.push(packet);
        }
        packets
    }

    const MESSAGE: &[u8] = b"Subject: s\r\n\r\nbody\r\n";

    #[tokio::test]
    async fn what_is_unchanged_stays_bit_for_bit() {
        let parts = [part(&[0, 1], None)];
        let plan = Plan::of(&parts, MESSAGE).unwrap();
        assert_eq!(told(&plan, &["<a@a.test>", "<b@b.test>"]).await, [b"c"]);
    }

    #[tokio::test]
    async fn only_what_differs_is_changed() {
        let parts = [part(&[0], Some("A: r\r\nSubject: s\r\n\r\nbody\r\n"))];
        let plan = Plan::of(&parts, MESSAGE).unwrap();
        assert_eq!(told(&plan, &["<a@a.test>"]).await, [&b"i\0\0\0\x01A\0 r\0"[..], b"c"]);

        let parts = [part(&[0], Some("Subject: s\r\n\r\n"))];
        let plan = Plan::of(&parts, MESSAGE).unwrap();
        assert_eq!(told(&plan, &["<a@a.test>"]).await, [&b"b"[..], b"c"]);
    }

    #[tokio::test]
    async fn a_large_body_goes_in_chunks_that_every_server_reads() {
        let body = "x".repeat(2 * BODY_CHUNK + 1);
        let new = format!("Subject: s\r\n\r\n{body}");
        let parts = [Part { content: PartContent::Rewritten(new.into()), ..part(&[0], None) }];
        let plan = Plan::of(&parts, MESSAGE).unwrap();
        let lengths: Vec<usize> = told(&plan, &["<a@a.test>"]).await.iter().map(Vec::len).collect();
        assert_eq!(lengths, [BODY_CHUNK + 1, BODY_CHUNK + 1, 2, 1]);
    }

    #[tokio::test]
    async fn the_largest_part_stays_and_the_others_are_taken_off() {
        let parts = [part(&[1], None), part(&[0, 3], Some("Subject: s\r\n\r\nsealed\r\n")), part(&[2], None)];
        let plan = Plan::of(&parts, MESSAGE).unwrap();
        assert_eq!(plan.others.iter().map(|part| part.recipients.clone()).collect::<Vec<_>>(), [[1], [2]]);
        let packets = told(&plan, &["<a@a.test>", "<b@b.test>", "<c@c.test>", "<d@d.test>"]).await;
        assert_eq!(packets, [&b"-<b@b.test>\0"[..], b"-<c@c.test>\0", b"bsealed\r\n", b"c"]);
    }

    #[test]
    fn among_parts_alike_the_first_that_is_rewritten_stays() {
        let parts = [part(&[0], None), part(&[1], Some("A: 1\r\n\r\n")), part(&[2], Some("A: 2\r\n\r\n"))];
        let plan = Plan::of(&parts, MESSAGE).unwrap();
        assert_eq!(plan.others.iter().map(|part| part.recipients.clone()).collect::<Vec<_>>(), [[0], [2]]);
    }

    #[test]
    fn what_is_no_mail_is_not_said() {
        let parts = [part(&[0], Some("no header"))];
        assert_eq!(Plan::of(&parts, MESSAGE).unwrap_err(), NoHeader);
    }
}
