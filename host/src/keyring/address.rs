//! The form in which mail addresses are filed and looked up.

use super::error::ImportError;
use crate::mailbox::normal_domain;

/// The longest address, in octets (RFC 5321, section 4.5.3.1.3, without the
/// angle brackets).
const MAX_LEN: usize = 254;

/// `mailbox` as it is filed: the domain in A-labels and lower case, the local part as it is
/// (RFC 5321, section 2.4). [`ImportError::Address`] if it is no mailbox.
///
/// Quoted local parts are taken as they are written: `"a b"@example.com` and
/// `a\ b@example.com` are two addresses here, so neither finds the other's keys.
pub fn normalise(mailbox: &str) -> Result<String, ImportError> {
    let refused = || ImportError::Address(mailbox.escape_debug().to_string());
    let (local, domain) = mailbox.rsplit_once('@').ok_or_else(refused)?;
    let quoted = local.starts_with('"') && local.ends_with('"') && local.len() > 2;
    let local_is_sound = quoted || local.chars().all(|c| !c.is_whitespace() && !"()<>[]:;,\"@\\".contains(c));
    let labels_are_sound = domain.split('.').all(|label| !label.is_empty());
    let domain_is_sound =
        labels_are_sound && domain.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '.') || !c.is_ascii());
    if local.is_empty() || !local_is_sound || !domain_is_sound || mailbox.len() > MAX_LEN {
        return Err(refused());
    }
    if mailbox.chars().any(|c| c.is_control() || (c.is_whitespace() && c != ' ')) {
        return Err(refused());
    }
    Ok(format!("{local}@{}", normal_domain(domain)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_domain_is_folded_and_the_local_part_is_not() {
        assert_eq!(normalise("Taro@NEC.CO.JP").unwrap(), "Taro@nec.co.jp");
        assert_eq!(normalise("\"a@b c\"@Example.com").unwrap(), "\"a@b c\"@example.com");
        assert_eq!(normalise("太郎@例え.JP").unwrap(), "太郎@xn--r8jz45g.jp");
    }

    #[test]
    fn what_is_no_mailbox_is_refused() {
        for wrong in [
            "",
            "taro",
            "@nec.co.jp",
            "taro@",
            "taro@nec..jp",
            "taro@nec.co.jp.",
            " taro@nec.co.jp",
            "taro@nec.co.jp ",
            "<taro@nec.co.jp>",
            "a@b@nec.co.jp",
            "taro\n@nec.co.jp",
            "taro@nec\0.jp",
            "a b@nec.co.jp",
        ] {
            assert!(normalise(wrong).is_err(), "{wrong:?}");
        }
        assert!(normalise(&format!("{}@example.com", "a".repeat(250))).is_err());
    }
}
