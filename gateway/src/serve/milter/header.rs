//! A header as fields, and the fewest changes that make one header of another.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;

use super::response::Edit;

/// A field of a header (RFC 5322, section 2.2), folded as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Field<'a> {
    /// Its name, as it is spelled.
    pub name: &'a [u8],
    /// What follows the colon, without the CRLF at its end.
    pub value: &'a [u8],
}

/// A message as fields and body; none if it does not begin with a header that
/// ends in an empty line.
pub fn split(message: &[u8]) -> Option<(Vec<Field<'_>>, &[u8])> {
    let mut fields = Vec::new();
    let mut rest = message;
    while !rest.starts_with(b"\r\n") {
        let (field, after) = rest.split_at(end_of_field(rest)?);
        let colon = memchr::memchr(b':', field)?;
        let name = field[..colon].trim_ascii_end();
        fields.push(Field { name, value: field[colon + 1..].strip_suffix(b"\r\n")? });
        rest = after;
    }
    Some((fields, &rest[2..]))
}

/// Where the field ends that `octets` begin with: before a line that does not
/// continue it.
fn end_of_field(octets: &[u8]) -> Option<usize> {
    memchr::memmem::find_iter(octets, b"\r\n")
        .map(|line| line + 2)
        .find(|&end| !matches!(octets.get(end), Some(b' ' | b'\t')))
}

/// The changes that make `wanted` of the fields that the mail server has `shown`,
/// in the order in which it has to be told.
///
/// What is the same stays where it is. A value is changed in its place; what has
/// no field of its name to change is put in or behind, what is too many is
/// deleted. The changes are told from the end of the header to its beginning, so
/// that none moves what a later one names, whatever a mail server counts.
///
/// A place is counted behind the `Received` field that Postfix and Sendmail put
/// in front of the others without showing it.
pub fn edits<'a>(shown: &[Field<'a>], wanted: &[Field<'a>]) -> Vec<Edit<'a>> {
    let steps = steps(shown, wanted);
    let last = steps.iter().rposition(|step| matches!(step, Step::Keep | Step::Change(_)));
    let (within, behind) = steps.split_at(last.map_or(0, |last| last + 1));

    let mut edits: Vec<Edit<'a>> = behind
        .iter()
        .filter_map(|step| match step {
            Step::Insert(Field { name, value }) => Some(Edit::Append { name, value }),
            _ => None,
        })
        .collect();
    let occurrences = occurrences(shown);
    let mut place = shown.len();
    let before = behind.iter().filter(|step| !matches!(step, Step::Insert(_))).rev();
    for step in before.chain(within.iter().rev()) {
        if let Step::Insert(Field { name, value }) = step {
            edits.push(Edit::Insert { place: number(place + 1), name, value });
            continue;
        }
        place -= 1;
        let (name, occurrence) = (shown[place].name, occurrences[place]);
        match step {
            Step::Change(value) => edits.push(Edit::Change { occurrence, name, value }),
            Step::Delete => edits.push(Edit::Delete { occurrence, name }),
            Step::Keep | Step::Insert(_) => {}
        }
    }
    edits
}

/// What becomes of the next field that is shown, or a new one in front of it.
enum Step<'a> {
    Keep,
    Change(&'a [u8]),
    Delete,
    Insert(Field<'a>),
}

fn steps<'a>(shown: &[Field<'a>], wanted: &[Field<'a>]) -> Vec<Step<'a>> {
    let mut places: HashMap<Field<'a>, VecDeque<usize>> = HashMap::new();
    for (place, field) in shown.iter().enumerate() {
        places.entry(*field).or_default().push_back(place);
    }
    let mut steps = Vec::new();
    let (mut at, mut new) = (0, 0);
    for (index, field) in wanted.iter().enumerate() {
        if let Some(same) = places.get_mut(field).and_then(|places| first_from(places, at)) {
            replace(&mut steps, shown, at..same, &wanted[new..index]);
            steps.push(Step::Keep);
            (at, new) = (same + 1, index + 1);
        }
    }
    replace(&mut steps, shown, at..shown.len(), &wanted[new..]);
    steps
}

/// `new` instead of the fields `old`: changed where the name is the same.
fn replace<'a>(steps: &mut Vec<Step<'a>>, shown: &[Field<'a>], old: Range<usize>, new: &[Field<'a>]) {
    let mut places: HashMap<&[u8], VecDeque<usize>> = HashMap::new();
    if !new.is_empty() {
        for place in old.clone() {
            places.entry(shown[place].name).or_default().push_back(place);
        }
    }
    let mut at = old.start;
    for &field in new {
        // An empty value would delete the field.
        let same = if field.value.is_empty() { None } else { places.get_mut(field.name) };
        match same.and_then(|places| first_from(places, at)) {
            Some(same) => {
                steps.extend((at..same).map(|_| Step::Delete));
                steps.push(Step::Change(field.value));
                at = same + 1;
            }
            None => steps.push(Step::Insert(field)),
        }
    }
    steps.extend((at..old.end).map(|_| Step::Delete));
}

/// The first of ascending `places` that is not before `at`; those before it go.
fn first_from(places: &mut VecDeque<usize>, at: usize) -> Option<usize> {
    while places.front().is_some_and(|&place| place < at) {
        places.pop_front();
    }
    places.pop_front()
}

/// For each field, the how-many-th of its name it is, from 1 and without case.
fn occurrences(fields: &[Field<'_>]) -> Vec<u32> {
    let mut counts: HashMap<Vec<u8>, u32> = HashMap::new();
    let count = |field: &Field<'_>| {
        let count = counts.entry(field.name.to_ascii_lowercase()).or_default();
        *count = count.saturating_add(1);
        *count
    };
    fields.iter().map(count).collect()
}

fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn field(line: &str) -> Field<'_> {
        let (name, value) = line.split_once(':').unwrap();
        Field { name: name.as_bytes(), value: value.as_bytes() }
    }

    fn fields<'a>(lines: &[&'a str]) -> Vec<Field<'a>> {
        lines.iter().map(|line| field(line)).collect()
    }

    /// What a mail server makes of the changes. Places count its own field, which
    /// comes first; with `ghosts`, deleted fields as well.
    fn applied<'a>(shown: &[Field<'a>], edits: &[Edit<'a>], ghosts: bool) -> Vec<Field<'a>> {
        let own = Field { name: b"Received", value: b" by us" };
        let mut list: Vec<Option<Field<'a>>> = std::iter::once(own).chain(shown.iter().copied()).map(Some).collect();
        let mut shown_from = 1;
        for edit in edits {
            let find = |list: &[Option<Field<'a>>], name: &[u8], occurrence: u32| {
                let named = |slot: &&(usize, &Option<Field<'a>>)| {
                    slot.1.is_some_and(|field| field.name.eq_ignore_ascii_case(name))
                };
                let slots: Vec<_> = list.iter().enumerate().skip(shown_from).collect();
                slots.iter().filter(named).nth(occurrence as usize - 1).unwrap().0
            };
            match *edit {
                Edit::Append { name, value } => list.push(Some(Field { name, value })),
                Edit::Insert { place, name, value } => list.insert(place as usize, Some(Field { name, value })),
                Edit::Change { occurrence, name, value } => {
                    assert!(!value.is_empty());
                    let slot = find(&list, name, occurrence);
                    list[slot] = Some(Field { name, value });
                }
                Edit::Delete { occurrence, name } => {
                    let slot = find(&list, name, occurrence);
                    if ghosts {
                        list[slot] = None;
                    } else {
                        list.remove(slot);
                    }
                }
            }
            shown_from = 1;
        }
        assert_eq!(list[0], Some(own));
        list.into_iter().skip(1).flatten().collect()
    }

    #[test]
    fn a_header_is_read_as_it_is_folded() {
        let (fields, body) = split(b"A: 1\r\n\t2\r\nB :\r\n\r\nbody\r\n").unwrap();
        assert_eq!(fields, [Field { name: b"A", value: b" 1\r\n\t2" }, Field { name: b"B", value: b"" }]);
        assert_eq!(body, b"body\r\n");
        assert_eq!(split(b"\r\nbody"), Some((vec![], &b"body"[..])));
        for none in [&b""[..], b"A: 1\r\n", b"A: 1\r\nno colon\r\n\r\n", b"A: 1", b"A: 1\n\n"] {
            assert_eq!(split(none), None);
        }
    }

    #[test]
    fn a_signed_message_changes_its_mime_fields_in_their_places() {
        let shown = fields(&["From: a", "MIME-Version: 1.0", "Content-Type: text/plain", "Subject: s", "Bcc: c"]);
        let wanted = fields(&["From: a", "MIME-Version: 1.0", "Content-Type: multipart/signed", "Subject: s"]);
        let changed = Edit::Change { occurrence: 1, name: b"Content-Type", value: b" multipart/signed" };
        assert_eq!(edits(&shown, &wanted), [Edit::Delete { occurrence: 1, name: b"Bcc" }, changed]);
    }

    #[test]
    fn results_go_in_front_and_mime_fields_behind() {
        let shown = fields(&["Received: 1", "From: a", "To: b"]);
        let wanted = fields(&[
            "Authentication-Results: x",
            "Received: 1",
            "From: a",
            "To: b",
            "MIME-Version: 1.0",
            "Content-Type: t",
        ]);
        assert_eq!(
            edits(&shown, &wanted),
            [
                Edit::Append { name: b"MIME-Version", value: b" 1.0" },
                Edit::Append { name: b"Content-Type", value: b" t" },
                Edit::Insert { place: 1, name: b"Authentication-Results", value: b" x" },
            ]
        );
    }

    #[test]
    fn nothing_is_changed_where_nothing_has_to_be() {
        let shown = fields(&["Received: 1", "Received: 1", "From: a"]);
        assert_eq!(edits(&shown, &shown), []);
    }

    #[test]
    fn a_forged_field_among_others_of_its_name_is_the_one_that_goes() {
        let shown = fields(&["X: 1", "x: 2", "X: 3"]);
        let wanted = fields(&["X: 1", "X: 3"]);
        assert_eq!(edits(&shown, &wanted), [Edit::Delete { occurrence: 2, name: b"x" }]);
    }

    fn any_header() -> impl Strategy<Value = Vec<(String, String)>> {
        proptest::collection::vec(("[abA]", "[ ]?[12]?"), 0..9)
    }

    proptest! {
        #[test]
        fn any_header_becomes_any_other(shown in any_header(), wanted in any_header()) {
            fn borrowed(owned: &[(String, String)]) -> Vec<Field<'_>> {
                owned.iter().map(|(name, value)| Field { name: name.as_bytes(), value: value.as_bytes() }).collect()
            }
            let (shown, wanted) = (borrowed(&shown), borrowed(&wanted));
            let edits = edits(&shown, &wanted);
            prop_assert_eq!(applied(&shown, &edits, false), wanted.clone());
            prop_assert_eq!(applied(&shown, &edits, true), wanted);
        }
    }
}
