//! Text with other numbers.

/// Text in which those numbers are others that `other` has one for. Whole numbers
/// alone, and each once: a free port may have the digits of another.
pub fn renumbered(text: &str, other: impl Fn(&str) -> Option<u16>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(at);
        let (number, behind) = from.split_at(from.find(|c: char| !c.is_ascii_digit()).unwrap_or(from.len()));
        out.push_str(before);
        match other(number) {
            Some(other) => out.push_str(&other.to_string()),
            None => out.push_str(number),
        }
        rest = behind;
    }
    out + rest
}
