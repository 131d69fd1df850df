//! Tag, type, length, value: the encoding of KMIP messages (KMIP 1.2, section 9.1).
//!
//! An item is a tag of three octets, a type of one, a length of four, and a value
//! padded to a multiple of eight octets. What is read is borrowed, one level at a
//! time and never by recursion; nothing in it is believed before it is checked.

/// The octets of an item before its value.
const HEADER: usize = 8;

const STRUCTURE: u8 = 1;
const INTEGER: u8 = 2;
const ENUMERATION: u8 = 5;
const TEXT_STRING: u8 = 7;
const BYTE_STRING: u8 = 8;

/// What a tag stands for (KMIP 1.2, section 9.1.3.1).
pub(super) mod tag {
    pub const ATTRIBUTE: u32 = 0x42_0008;
    pub const ATTRIBUTE_NAME: u32 = 0x42_000A;
    pub const ATTRIBUTE_VALUE: u32 = 0x42_000B;
    pub const BATCH_COUNT: u32 = 0x42_000D;
    pub const BATCH_ITEM: u32 = 0x42_000F;
    pub const CERTIFICATE: u32 = 0x42_0013;
    pub const CERTIFICATE_VALUE: u32 = 0x42_001E;
    pub const CRYPTOGRAPHIC_PARAMETERS: u32 = 0x42_002B;
    pub const DATA: u32 = 0x42_00C2;
    pub const HASHING_ALGORITHM: u32 = 0x42_0038;
    pub const KEY_BLOCK: u32 = 0x42_0040;
    pub const KEY_FORMAT_TYPE: u32 = 0x42_0042;
    pub const KEY_MATERIAL: u32 = 0x42_0043;
    pub const KEY_VALUE: u32 = 0x42_0045;
    pub const MAXIMUM_ITEMS: u32 = 0x42_004F;
    pub const MAXIMUM_RESPONSE_SIZE: u32 = 0x42_0050;
    pub const NAME_TYPE: u32 = 0x42_0054;
    pub const NAME_VALUE: u32 = 0x42_0055;
    pub const OPERATION: u32 = 0x42_005C;
    pub const PADDING_METHOD: u32 = 0x42_005F;
    pub const PRIVATE_KEY: u32 = 0x42_0064;
    pub const PROTOCOL_VERSION: u32 = 0x42_0069;
    pub const PROTOCOL_VERSION_MAJOR: u32 = 0x42_006A;
    pub const PROTOCOL_VERSION_MINOR: u32 = 0x42_006B;
    pub const REQUEST_HEADER: u32 = 0x42_0077;
    pub const REQUEST_MESSAGE: u32 = 0x42_0078;
    pub const REQUEST_PAYLOAD: u32 = 0x42_0079;
    pub const RESPONSE_MESSAGE: u32 = 0x42_007B;
    pub const RESPONSE_PAYLOAD: u32 = 0x42_007C;
    pub const RESULT_MESSAGE: u32 = 0x42_007D;
    pub const RESULT_REASON: u32 = 0x42_007E;
    pub const RESULT_STATUS: u32 = 0x42_007F;
    pub const SIGNATURE_DATA: u32 = 0x42_00C3;
    pub const UNIQUE_IDENTIFIER: u32 = 0x42_0094;
}

/// What does not follow the encoding, or lacks what its place asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// Items being written, one after the other.
#[derive(Debug, Default)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    /// A structure, with what `content` writes in it.
    pub(super) fn structure(&mut self, tag: u32, content: impl FnOnce(&mut Self)) {
        let mut inner = Self::default();
        content(&mut inner);
        self.item(tag, STRUCTURE, &inner.0);
    }

    /// A 32-bit integer.
    pub(super) fn integer(&mut self, tag: u32, value: i32) {
        self.item(tag, INTEGER, &value.to_be_bytes());
    }

    /// One of a list of values.
    pub(super) fn enumeration(&mut self, tag: u32, value: u32) {
        self.item(tag, ENUMERATION, &value.to_be_bytes());
    }

    /// Text in UTF-8.
    pub(super) fn text(&mut self, tag: u32, value: &str) {
        self.item(tag, TEXT_STRING, value.as_bytes());
    }

    /// Octets.
    pub(super) fn octets(&mut self, tag: u32, value: &[u8]) {
        self.item(tag, BYTE_STRING, value);
    }

    /// All that was written.
    pub(super) fn finish(self) -> Vec<u8> {
        self.0
    }

    fn item(&mut self, tag: u32, kind: u8, value: &[u8]) {
        // What we write is a few kilobytes long.
        let len = u32::try_from(value.len()).unwrap_or(u32::MAX);
        self.0.extend_from_slice(&(tag << 8 | u32::from(kind)).to_be_bytes());
        self.0.extend_from_slice(&len.to_be_bytes());
        self.0.extend_from_slice(value);
        self.0.resize(self.0.len().next_multiple_of(8), 0);
    }
}

/// An item that was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item<'a> {
    /// What it is.
    pub(super) tag: u32,
    kind: u8,
    value: &'a [u8],
}

impl<'a> Item<'a> {
    /// Reads the one item that `encoded` is.
    pub(super) fn read(encoded: &'a [u8]) -> Result<Self, Malformed> {
        let (item, rest) = Self::split(encoded)?;
        if rest.is_empty() { Ok(item) } else { Err(Malformed) }
    }

    /// The items in a structure.
    pub(super) fn items(&self) -> Result<Items<'a>, Malformed> {
        self.of(STRUCTURE).map(Items)
    }

    /// The first item called `tag` in a structure.
    pub(super) fn find(&self, tag: u32) -> Result<Item<'a>, Malformed> {
        self.find_optional(tag)?.ok_or(Malformed)
    }

    /// The first item called `tag` in a structure, if there is one.
    pub(super) fn find_optional(&self, tag: u32) -> Result<Option<Item<'a>>, Malformed> {
        for item in self.items()? {
            let item = item?;
            if item.tag == tag {
                return Ok(Some(item));
            }
        }
        Ok(None)
    }

    /// A 32-bit integer.
    pub(super) fn integer(&self) -> Result<i32, Malformed> {
        Ok(i32::from_be_bytes(self.of(INTEGER)?.try_into().map_err(|_| Malformed)?))
    }

    /// One of a list of values.
    pub(super) fn enumeration(&self) -> Result<u32, Malformed> {
        Ok(u32::from_be_bytes(self.of(ENUMERATION)?.try_into().map_err(|_| Malformed)?))
    }

    /// Text in UTF-8.
    pub(super) fn text(&self) -> Result<&'a str, Malformed> {
        str::from_utf8(self.of(TEXT_STRING)?).map_err(|_| Malformed)
    }

    /// Octets.
    pub(super) fn octets(&self) -> Result<&'a [u8], Malformed> {
        self.of(BYTE_STRING)
    }

    fn of(&self, kind: u8) -> Result<&'a [u8], Malformed> {
        if self.kind == kind { Ok(self.value) } else { Err(Malformed) }
    }

    /// The first item of `encoded`, and what follows it.
    fn split(encoded: &'a [u8]) -> Result<(Self, &'a [u8]), Malformed> {
        let (header, rest) = encoded.split_first_chunk::<HEADER>().ok_or(Malformed)?;
        let [t0, t1, t2, kind, ref len @ ..] = *header;
        let len = u32::from_be_bytes(*len) as usize;
        let value = rest.get(..len).ok_or(Malformed)?;
        let rest = rest.get(len.next_multiple_of(8)..).ok_or(Malformed)?;
        Ok((Self { tag: u32::from_be_bytes([0, t0, t1, t2]), kind, value }, rest))
    }
}

/// The items in a structure; the last one may be an error.
#[derive(Clone, Copy, Debug)]
pub(super) struct Items<'a>(&'a [u8]);

impl<'a> Iterator for Items<'a> {
    type Item = Result<Item<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        match Item::split(self.0) {
            Ok((item, rest)) => {
                self.0 = rest;
                Some(Ok(item))
            }
            Err(malformed) => {
                self.0 = &[];
                Some(Err(malformed))
            }
        }
    }
}

/// How many octets a message has in all, by the first [`HEADER`] of them.
pub(super) fn message_len(header: &[u8; HEADER]) -> usize {
    let [_, _, _, _, ref len @ ..] = *header;
    HEADER.saturating_add(u32::from_be_bytes(*len) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_as_in_the_examples_of_the_specification() {
        // KMIP 1.2, section 9.1.2.
        let mut writer = Writer::default();
        writer.structure(0x42_0020, |inner| {
            inner.enumeration(0x42_0004, 254);
            inner.integer(0x42_0005, 255);
        });
        writer.text(0x42_0020, "Hello World");
        let expected = "42002001 00000020 42000405 00000004 000000FE00000000 42000502 00000004 000000FF00000000 \
                        42002007 0000000B 48656C6C6F20576F 726C640000000000";
        let octets: String = writer.finish().iter().map(|octet| format!("{octet:02X}")).collect();
        assert_eq!(octets, expected.replace(' ', ""));
    }

    #[test]
    fn what_was_written_is_read() {
        let mut writer = Writer::default();
        writer.structure(1, |inner| {
            inner.integer(2, -7);
            inner.octets(3, &[1, 2, 3]);
            inner.structure(4, |_| {});
        });
        let octets = writer.finish();
        let item = Item::read(&octets).unwrap();
        assert_eq!(item.find(2).unwrap().integer(), Ok(-7));
        assert_eq!(item.find(3).unwrap().octets(), Ok(&[1, 2, 3][..]));
        assert_eq!(item.find(3).unwrap().text(), Err(Malformed));
        assert_eq!(item.find(4).unwrap().items().unwrap().count(), 0);
        assert!(item.find_optional(5).unwrap().is_none());
        assert!(item.find(2).unwrap().items().is_err());
    }

    #[test]
    fn no_octet_of_a_message_can_be_changed_or_missing_to_any_harm() {
        let mut writer = Writer::default();
        writer.structure(1, |inner| inner.structure(2, |inner| inner.text(3, "taro@nec.co.jp")));
        let octets = writer.finish();
        let walk = |octets: &[u8]| -> Result<String, Malformed> {
            Ok(Item::read(octets)?.find(2)?.find(3)?.text()?.to_owned())
        };
        for end in 0..octets.len() {
            assert_eq!(walk(&octets[..end]), Err(Malformed));
        }
        for at in 0..octets.len() {
            for octet in [0x00, 0x7F, 0x80, 0xFF] {
                let mut broken = octets.clone();
                broken[at] = octet;
                let _ = walk(&broken);
            }
        }
        assert_eq!(message_len(&[0x42, 0, 0x7B, 1, 0xFF, 0xFF, 0xFF, 0xFF]), 0xFFFF_FFFF + 8);
    }
}
