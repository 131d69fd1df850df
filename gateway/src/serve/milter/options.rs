//! What the mail server and this filter agree on before the first message: what
//! the filter may change, and which steps it hears of and answers.

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// The data of `SMFIC_OPTNEG`, as either side sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The version of the protocol, 2 to 6.
    pub version: u32,
    /// What a filter may do (`SMFIF_…`).
    pub actions: u32,
    /// Which steps the mail server leaves out or wants no answer to (`SMFIP_…`).
    pub steps: u32,
}

/// The mail server cannot do what the filter has to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsuitable {
    /// What it offers.
    pub offered: Options,
}

impl std::fmt::Display for Unsuitable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Options { version, actions, .. } = self.offered;
        write!(
            f,
            "the mail server offers version {version} of the milter protocol and actions {actions:#x}: needed are \
             version 2 to 6 and the actions {REQUIRED:#x} (Postfix: milter_protocol = 6)"
        )
    }
}

impl std::error::Error for Unsuitable {}

impl Options {
    /// Reads what was sent; none if it is too short. More than this is for later
    /// versions.
    pub fn parse(mut data: Bytes) -> Option<Self> {
        let mut next = || data.try_get_u32().ok();
        Some(Self { version: next()?, actions: next()?, steps: next()? })
    }

    /// What is used of an offer.
    ///
    /// It is refused where something is missing that a verdict may need: a filter
    /// that finds out at the end of a message could only defer it, for ever.
    pub fn agree(self) -> Result<Self, Unsuitable> {
        if self.version < OLDEST || self.actions & REQUIRED != REQUIRED {
            return Err(Unsuitable { offered: self });
        }
        Ok(Self {
            version: self.version.min(NEWEST),
            actions: self.actions & (REQUIRED | DISCRETION | CHOOSE_MACROS),
            steps: self.steps & WANTED,
        })
    }

    /// Whether a header field comes with the space after its colon.
    pub fn keeps_leading_space(self) -> bool {
        self.steps & LEADING_SPACE != 0
    }

    /// Whether the mail server can be told what not to say in its notifications.
    pub fn lets_be_discreet(self) -> bool {
        self.actions & DISCRETION == DISCRETION
    }

    /// Writes the filter's choice, with the macros it wants to hear of.
    pub fn write(self, out: &mut BytesMut) {
        out.put_u32(self.version);
        out.put_u32(self.actions);
        out.put_u32(self.steps);
        if self.actions & CHOOSE_MACROS != 0 {
            for (stage, macros) in MACROS {
                out.put_u32(stage);
                out.put_slice(macros);
                out.put_u8(0);
            }
        }
    }
}

/// The oldest version there are mail servers for.
const OLDEST: u32 = 2;
/// The newest version that there is.
const NEWEST: u32 = 6;

/// `SMFIF_ADDHDRS`, `SMFIF_CHGBODY`, `SMFIF_DELRCPT` and `SMFIF_CHGHDRS`.
const REQUIRED: u32 = 0x01 | 0x02 | 0x08 | 0x10;
/// `SMFIF_CHGFROM` and `SMFIF_ADDRCPT_PAR`: not of servers before Sendmail 8.14 and
/// Postfix 2.6, which have to be told in their configuration.
const DISCRETION: u32 = 0x40 | 0x80;
/// `SMFIF_SETSYMLIST`: the filter may say which macros it wants.
const CHOOSE_MACROS: u32 = 0x100;

/// `SMFIM_ENVFROM` and `SMFIM_EOM`: who logged in decides about the direction of a
/// message, so it must not depend on the mail server's configuration.
const MACROS: [(u32, &[u8]); 2] = [(2, b"i {auth_authen}"), (5, b"i")];

const NO_UNKNOWN: u32 = 0x100;
const LEADING_SPACE: u32 = 0x10_0000;

/// Answers could be left out (`SMFIP_NR_…`), and are not: a mail server that writes
/// packet after packet without reading makes Nagle's algorithm wait for an
/// acknowledgement, 40 ms for each message. Measured with Postfix, answers to all
/// steps more than double the throughput.
const WANTED: u32 = NO_UNKNOWN | LEADING_SPACE;

#[cfg(test)]
mod tests {
    use super::*;

    /// What Postfix 3.7 offers.
    const POSTFIX: Options = Options { version: 6, actions: 0x1ff, steps: 0x1f_ffff };

    #[test]
    fn postfix_is_asked_for_the_space_and_for_every_step() {
        let agreed = POSTFIX.agree().unwrap();
        assert!(agreed.keeps_leading_space() && agreed.lets_be_discreet());
        assert_eq!(agreed.steps, 0x10_0100);
        let mut out = BytesMut::new();
        agreed.write(&mut out);
        assert_eq!(out[12..], *b"\0\0\0\x02i {auth_authen}\0\0\0\0\x05i\0");
    }

    #[test]
    fn an_old_server_is_answered_in_its_version() {
        let old = Options { version: 2, actions: 0x3f, steps: 0x7f };
        let agreed = old.agree().unwrap();
        assert_eq!((agreed.version, agreed.steps), (2, 0));
        assert!(!agreed.keeps_leading_space() && !agreed.lets_be_discreet());
        let mut out = BytesMut::new();
        agreed.write(&mut out);
        assert_eq!(out.len(), 12);
        assert_eq!(Options::parse(out.freeze()), Some(agreed));
    }

    #[test]
    fn a_server_that_lets_nothing_be_changed_is_of_no_use() {
        for actions in [0, 0x01, 0x1ff & !0x02, 0x1ff & !0x08] {
            let refused = Options { actions, ..POSTFIX }.agree().unwrap_err();
            assert!(refused.to_string().contains("0x1b"), "{refused}");
        }
        assert!(Options { version: 1, ..POSTFIX }.agree().is_err());
    }
}
