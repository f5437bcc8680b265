//! Spans of time for people.

use jiff::Timestamp;

/// Milliseconds from one time to a later one. A clock that went back counts as no time.
#[must_use]
pub(super) fn millis_between(from: Timestamp, to: Timestamp) -> i64 {
    to.as_millisecond().saturating_sub(from.as_millisecond()).max(0)
}

/// `40ms`, `0.4s`, `12s`, `1m 05s`, `2h 03m`.
#[must_use]
pub(super) fn span(millis: i64) -> String {
    let seconds = millis / 1000;
    match seconds {
        0 if millis < 100 => format!("{millis}ms"),
        0..10 => format!("{}.{}s", seconds, millis % 1000 / 100),
        10..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h {:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

/// As [`span`], in whole seconds.
#[must_use]
pub(super) fn seconds(millis: i64) -> String {
    match millis / 1000 {
        whole @ 0..10 => format!("{whole}s"),
        _ => span(millis),
    }
}

#[cfg(test)]
mod tests {
    use super::{millis_between, span};
    use jiff::Timestamp;

    #[test]
    fn is_as_exact_as_people_need() {
        let start = Timestamp::UNIX_EPOCH;
        for (millis, text) in [
            (0, "0ms"),
            (99, "99ms"),
            (449, "0.4s"),
            (9_999, "9.9s"),
            (10_000, "10s"),
            (65_000, "1m 05s"),
            (7_380_000, "2h 03m"),
            (-5, "0ms"),
        ] {
            let end = Timestamp::from_millisecond(millis).unwrap();
            assert_eq!(span(millis_between(start, end)), text);
        }
    }
}
