//! When two mailboxes are one (RFC 5321, section 2.4).

pub use smime::mime::address::normal_domain;

/// Whether `a` and `b` are the same mailbox: their domains without regard to
/// case, A-labels and U-labels alike, their local parts exactly. Anything without
/// an `@` is the same only as itself. What this does not recognise as the same is
/// denied, never allowed.
pub fn same(a: &str, b: &str) -> bool {
    normal(a) == normal(b)
}

/// A mailbox in the form in which it is filed and looked up.
pub fn normal(mailbox: &str) -> String {
    match mailbox.rsplit_once('@') {
        Some((local, domain)) => format!("{local}@{}", normal_domain(domain)),
        None => mailbox.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn domains_have_no_case_and_local_parts_do() {
        assert!(same("a@EXAMPLE.com", "a@example.COM"));
        assert!(!same("A@example.com", "a@example.com"));
    }

    #[test]
    fn t36_a_labels_and_u_labels_are_one_domain() {
        assert!(same("a@b\u{fc}cher.example", "a@xn--bcher-kva.EXAMPLE"));
        assert!(!same("a@b\u{fc}cher.example", "a@bucher.example"));
    }

    #[test]
    fn white_space_and_lookalikes_are_others() {
        for other in
            ["a@example.com ", " a@example.com", "a@example.com.", "a@b@example.com", "a", "", "a@evilexample.com"]
        {
            assert!(!same("a@example.com", other), "{other:?}");
        }
    }
}
