//! Durations as people write them in files and variables: `500ms`, `90s`, `30m`, `24h`, `2d`, `2y`.

use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is not a duration such as 500ms, 90s, 30m, 24h, 2d or 2y")]
pub struct InvalidDuration;

/// Reads a whole number with one unit. A day has 24 hours, a year 365 days.
pub fn parse(text: &str) -> Result<Duration, InvalidDuration> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = text.get(digits.len()..).unwrap_or_default();
    let number: u64 = digits.parse().map_err(|_| InvalidDuration)?;
    let seconds_per_unit: u64 = match unit {
        "ms" => return Ok(Duration::from_millis(number)),
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "y" => 365 * 86_400,
        _ => return Err(InvalidDuration),
    };
    // A thousand years are more than any setting needs, and keep date arithmetic from overflowing.
    let seconds = number
        .checked_mul(seconds_per_unit)
        .filter(|s| *s <= 1_000 * 365 * 86_400);
    seconds.map(Duration::from_secs).ok_or(InvalidDuration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_read_and_nothing_else() {
        assert_eq!(parse("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse("30m"), Ok(Duration::from_secs(1_800)));
        assert_eq!(parse("24h"), parse("1d"));
        assert_eq!(parse("2y"), parse("730d"));
        for wrong in ["", "5", "s", "-1s", "1.5h", "1 h", "1w", "9999999999999y"] {
            assert_eq!(parse(wrong), Err(InvalidDuration), "{wrong}");
        }
    }
}
