//! Growing a content in its buffer, so that it is not copied once for each layer.

/// Puts octets before and after a content: in its buffer, if that has room, else
/// in one of the exact size.
pub(crate) fn surround(before: &[u8], mut content: Vec<u8>, after: &[u8]) -> Vec<u8> {
    let len = content.len();
    content.reserve_exact(before.len() + after.len());
    content.resize(before.len() + len, 0);
    content.copy_within(..len, before.len());
    if let Some(front) = content.get_mut(..before.len()) {
        front.copy_from_slice(before);
    }
    content.extend_from_slice(after);
    content
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_with_room_stays_in_its_buffer() {
        let mut content = Vec::with_capacity(16);
        content.extend_from_slice(b"content");
        let place = content.as_ptr();
        let grown = surround(b"<<<", content, b">>");
        assert_eq!(grown, b"<<<content>>");
        assert_eq!(grown.as_ptr(), place);
        assert_eq!(surround(b"", Vec::new(), b""), b"");
    }
}
