//! Where in a message an entity stands.

/// Where an entity stands, in the section form of IMAP, with `/` leading into
/// an entity that was opened (RFC 7281, section 3.2.1).
#[derive(Clone, Default)]
pub(super) struct Place {
    base: String,
    section: String,
}

impl Place {
    /// The part number of the entity itself.
    pub(super) fn part(&self) -> String {
        let section = if self.section.is_empty() { "1" } else { &self.section };
        format!("{}{section}", self.base)
    }

    /// The part number of its detached signature.
    pub(super) fn signature(&self) -> String {
        format!("{}{}2", self.base, self.prefix())
    }

    /// The part that was opened to get here.
    pub(super) fn base(&self) -> &str {
        self.base.trim_end_matches('/')
    }

    /// Goes on to the signed part of a `multipart/signed`.
    pub(super) fn enter_signed(&mut self) {
        self.section = format!("{}1", self.prefix());
    }

    /// Goes on to what was in the entity's S/MIME layer.
    pub(super) fn enter_opaque(&mut self) {
        self.base = format!("{}/", self.part());
        self.section.clear();
    }

    fn prefix(&self) -> String {
        if self.section.is_empty() { String::new() } else { format!("{}.", self.section) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_follow_rfc_7281() {
        let mut place = Place::default();
        assert_eq!(place.signature(), "2");
        place.enter_signed();
        assert_eq!(place.part(), "1");
        place.enter_opaque();
        assert_eq!((place.base(), place.signature().as_str()), ("1", "1/2"));
        place.enter_signed();
        assert_eq!(place.signature(), "1/1.2");
    }
}
