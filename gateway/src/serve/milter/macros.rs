//! What the mail server tells beside a command, as far as it is made use of.

use bytes::Bytes;

/// What the mail server told last.
#[derive(Debug, Default)]
pub struct Macros {
    /// As whom the client authenticated (`{auth_authen}`).
    login: Option<String>,
    /// What the message is called in the mail server's queue (`i`).
    queue_id: Option<String>,
}

impl Macros {
    /// Notes the macros of the command of this code.
    pub fn note(&mut self, code: u8, macros: &[(Bytes, Bytes)]) {
        let value = |wanted: &[&[u8]]| {
            let found = macros.iter().find(|(name, value)| wanted.contains(&name.as_ref()) && !value.is_empty());
            found.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
        };
        if code == b'M' {
            self.login = value(&[b"{auth_authen}"]);
        }
        if let Some(queue_id) = value(&[b"i", b"{i}"]) {
            self.queue_id = Some(queue_id);
        }
    }

    /// As whom the client authenticated, for the message that begins: told anew for
    /// each, so that no message has the login of another.
    pub fn take_login(&mut self) -> Option<String> {
        self.login.take()
    }

    /// What the message that ends is called in the mail server's queue.
    pub fn take_queue_id(&mut self) -> Option<String> {
        self.queue_id.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(macros: &[(&'static str, &'static str)]) -> Vec<(Bytes, Bytes)> {
        macros.iter().map(|&(name, value)| (name.into(), value.into())).collect()
    }

    #[test]
    fn a_login_is_of_one_message() {
        let mut macros = Macros::default();
        macros.note(b'M', &pairs(&[("i", "4F"), ("{auth_authen}", "alice")]));
        assert_eq!(macros.take_login().as_deref(), Some("alice"));
        assert_eq!(macros.take_login(), None);
        macros.note(b'M', &pairs(&[("{auth_authen}", "alice")]));
        macros.note(b'M', &pairs(&[("{auth_authen}", "")]));
        assert_eq!(macros.take_login(), None);
    }

    #[test]
    fn a_login_is_told_with_the_sender_only() {
        let mut macros = Macros::default();
        macros.note(b'R', &pairs(&[("{auth_authen}", "alice"), ("i", "4F")]));
        assert_eq!(macros.take_login(), None);
        macros.note(b'E', &pairs(&[("i", "50")]));
        assert_eq!(macros.take_queue_id().as_deref(), Some("50"));
    }
}
