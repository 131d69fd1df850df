//! When two mailboxes are one (RFC 5321, section 2.4).

/// Whether `a` and `b` are the same mailbox: their domains without regard to
/// case, their local parts exactly. Anything without an `@` is the same only as
/// itself. What this does not recognise as the same is denied, never allowed.
pub(crate) fn same(a: &str, b: &str) -> bool {
    match (a.rsplit_once('@'), b.rsplit_once('@')) {
        (Some((local_a, domain_a)), Some((local_b, domain_b))) => {
            local_a == local_b && domain_a.eq_ignore_ascii_case(domain_b)
        }
        _ => a == b,
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
    fn white_space_and_lookalikes_are_others() {
        for other in
            ["a@example.com ", " a@example.com", "a@example.com.", "a@b@example.com", "a", "", "a@evilexample.com"]
        {
            assert!(!same("a@example.com", other), "{other:?}");
        }
    }
}
