//! The message that follows DATA.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::time::timeout;

use super::super::{Gate, Held, Refusal};
use super::data::DataReader;
use super::lines::Lines;

/// A message, and the room that it takes.
pub struct Message {
    /// Its octets, without the dots of the DATA command.
    pub octets: Bytes,
    /// Given back when the message is dropped.
    pub held: Held,
}

/// Why there is no message.
#[derive(Debug)]
pub enum Missing {
    /// It was read to its end, so many octets, and is refused.
    Refused(Refusal, usize),
    /// After so many octets nothing came in time.
    TimedOut(usize),
    /// It is refused, and after so many octets has no end in sight.
    Endless(Refusal, usize),
    /// The client has gone.
    Gone,
}

impl From<io::Error> for Missing {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

/// Reads a message of at most `most` octets. One that is refused on the way is
/// read to its end all the same, so that nothing of it is taken for commands; but
/// not forever.
pub async fn read(lines: &mut Lines, gate: &Gate, most: usize, patience: Duration) -> Result<Message, Missing> {
    let mut reader = DataReader::default();
    let mut kept = Kept { octets: BytesMut::new(), held: gate.hold(), room: 0, most };
    let mut read = 0usize;
    loop {
        let waiting = lines.waiting();
        let end = reader.read(waiting, |text| kept.add(text));
        let used = end.unwrap_or(waiting.len());
        lines.consume(used);
        read = read.saturating_add(used);
        if reader.is_bare() {
            kept.refuse(Refusal::BareLineEnd);
        }
        match (end, kept.held) {
            (Some(_), Ok(held)) => return Ok(Message { octets: kept.octets.freeze(), held }),
            (Some(_), Err(refusal)) => return Err(Missing::Refused(refusal, read)),
            (None, Err(refusal)) if read > most.saturating_mul(ENDLESS) => return Err(Missing::Endless(refusal, read)),
            (None, held) => kept.held = held,
        }
        let more = timeout(patience, lines.fill()).await.map_err(|_| Missing::TimedOut(read))?;
        if !more? {
            return Err(Missing::Gone);
        }
    }
}

/// As much of a message as has come, or why it is refused.
struct Kept {
    octets: BytesMut,
    held: Result<Held, Refusal>,
    /// Octets that are held.
    room: usize,
    /// Octets that it may have.
    most: usize,
}

impl Kept {
    fn add(&mut self, text: &[u8]) {
        let Ok(held) = &mut self.held else { return };
        let length = self.octets.len().saturating_add(text.len());
        if length > self.most {
            return self.refuse(Refusal::TooLarge { size: length, most: self.most });
        }
        if length > self.room {
            let more = length.saturating_sub(self.room).max(STEP);
            if let Err(refusal) = held.grow(more) {
                return self.refuse(refusal);
            }
            self.room = self.room.saturating_add(more);
        }
        self.octets.extend_from_slice(text);
    }

    /// The first reason is the one that is told. Its room is free at once.
    fn refuse(&mut self, refusal: Refusal) {
        if self.held.is_ok() {
            self.octets = BytesMut::new();
            self.held = Err(refusal);
        }
    }
}

/// Octets of room that are taken at a time.
const STEP: usize = 64 * 1024;

/// So many times the size of a message that is accepted, a refused one may have.
const ENDLESS: usize = 4;
