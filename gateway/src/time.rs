//! Instants as people write them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use der::DateTime;

/// Seconds of a day.
pub const DAY: u64 = 86_400;

/// Reads `2026-11-22T12:00:00Z` (RFC 3339, in UTC) as seconds since
/// 1970-01-01T00:00:00Z.
pub fn parse(text: &str) -> Result<u64, String> {
    let wrong = |_| "write the time as 2026-11-22T12:00:00Z".to_owned();
    text.parse::<DateTime>().map(|time| time.unix_duration().as_secs()).map_err(wrong)
}

/// Writes seconds since 1970-01-01T00:00:00Z in the same form.
pub fn format(seconds: u64) -> String {
    match DateTime::from_unix_duration(Duration::from_secs(seconds)) {
        Ok(time) => time.to_string(),
        Err(_) => "never".to_owned(),
    }
}

/// The day alone.
pub fn day(seconds: u64) -> String {
    let text = format(seconds);
    text.split_once('T').map_or(text.clone(), |(day, _)| day.to_owned())
}

/// Now, by the machine's clock.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_read_and_written_in_utc() {
        assert_eq!(parse("2026-11-22T12:00:00Z"), Ok(1_795_348_800));
        assert_eq!(format(1_795_348_800), "2026-11-22T12:00:00Z");
        assert_eq!(day(1_795_348_800), "2026-11-22");
        for wrong in
            ["", "2026-11-22", "2026-11-22 12:00:00", "2026-11-22T12:00:00+09:00", "2026-02-30T12:00:00Z", "now"]
        {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
