//! Growing a content in its buffer, so that it is not copied once for each layer.

use core::ops::Range;

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

/// Puts octets before a part of `buffer`, and takes away all that is around it: in
/// the same buffer, if that has room.
pub(crate) fn keep_behind(before: &[u8], mut buffer: Vec<u8>, part: Range<usize>) -> Vec<u8> {
    buffer.truncate(part.end);
    let Some(start) = part.start.checked_sub(before.len()) else {
        buffer.drain(..part.start.min(part.end));
        return surround(before, buffer, b"");
    };
    if let Some(front) = buffer.get_mut(start..part.start) {
        front.copy_from_slice(before);
    }
    buffer.drain(..start);
    buffer
}

/// Where `part`, borrowed from `whole`, stands in it; none if it is from elsewhere.
pub(crate) fn range_of(part: &[u8], whole: &[u8]) -> Option<Range<usize>> {
    let start = part.as_ptr().addr().checked_sub(whole.as_ptr().addr())?;
    let range = start..start.checked_add(part.len())?;
    (range.end <= whole.len()).then_some(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_kept_in_the_buffer_it_was_in() {
        for (before, part) in [(&b"ab"[..], 4..7), (b"abcd", 4..7), (b"", 0..0), (b"abc", 9..9), (b"ab", 0..9)] {
            let buffer = b"012345678".to_vec();
            let expected = [before, &buffer[part.clone()]].concat();
            let place = buffer.as_ptr();
            let kept = keep_behind(before, buffer, part.clone());
            assert_eq!(kept, expected);
            assert!(kept.as_ptr() == place || before.len() > part.start);
        }
    }

    #[test]
    fn a_part_is_found_where_it_stands_and_nowhere_else() {
        let whole = b"012345678".to_vec();
        assert_eq!(range_of(&whole[2..5], &whole), Some(2..5));
        assert_eq!(range_of(&whole, &whole), Some(0..9));
        assert_eq!(range_of(&whole, &whole[..8]), None);
        assert_eq!(range_of(b"elsewhere", &whole), None);
    }

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
