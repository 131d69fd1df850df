//! Amounts as people write them: `35MiB`, `60s`.

use std::time::Duration;

use bytesize::ByteSize;
use serde::Deserialize;

/// Octets, written as `35MiB`, `1GB` or `1000`.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub struct Octets(pub usize);

impl TryFrom<String> for Octets {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let size = text.parse::<ByteSize>().ok().and_then(|size| usize::try_from(size.as_u64()).ok());
        match size {
            Some(size) if (1..=LARGEST).contains(&size) => Ok(Self(size)),
            _ => Err(format!("`{text}` is not a size; write it as \"35MiB\"")),
        }
    }
}

/// More than any machine has: a slip of the pen.
const LARGEST: usize = 1 << 40;

/// A length of time, written as `30s`, `5m` or `1h 30m`: at least a second, at
/// most a day.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub struct Time(pub Duration);

impl TryFrom<String> for Time {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match humantime::parse_duration(&text) {
            Ok(time) if (SHORTEST..=LONGEST).contains(&time) => Ok(Self(time)),
            Ok(_) => Err(format!("`{text}` is shorter than a second or longer than a day")),
            Err(_) => Err(format!("`{text}` is not a length of time; write it as \"30s\" or \"5m\"")),
        }
    }
}

const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_people() {
        for (text, octets) in [("35MiB", 35 << 20), ("1GB", 1_000_000_000), ("1000", 1000), ("2 KiB", 2048)] {
            assert_eq!(Octets::try_from(text.to_owned()), Ok(Octets(octets)), "{text}");
        }
        for wrong in ["", "0", "-1", "many", "35 M i B", "99999999999999 PiB"] {
            assert!(Octets::try_from(wrong.to_owned()).unwrap_err().contains("35MiB"), "{wrong}");
        }
    }

    #[test]
    fn times_are_bounded() {
        for (text, seconds) in [("30s", 30), ("5m", 300), ("1h 30m", 5400), ("1500ms", 1)] {
            assert_eq!(Time::try_from(text.to_owned()).map(|time| time.0.as_secs()), Ok(seconds), "{text}");
        }
        for wrong in ["", "30", "soon", "0s", "100ms", "2days", "-5s", "99999999999999999999s"] {
            assert!(Time::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}
