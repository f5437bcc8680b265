//! Time as programs print it. Nodes live in UTC.

use jiff::{Timestamp, tz::TimeZone};

fn format(at: i64, format: &str) -> String {
    let moment = Timestamp::from_second(at).unwrap_or(Timestamp::UNIX_EPOCH);
    moment.to_zoned(TimeZone::UTC).strftime(format).to_string()
}

/// `Mon 2026-11-23 06:01:42 UTC`
pub(super) fn systemd(at: i64) -> String {
    format(at, "%a %Y-%m-%d %H:%M:%S UTC")
}

/// `Nov 23 06:01:42`
pub(super) fn syslog(at: i64) -> String {
    format(at, "%b %d %H:%M:%S")
}

/// `1123 06:12:40`
pub(super) fn klog(at: i64) -> String {
    format(at, "%m%d %H:%M:%S")
}

/// `Nov 23, 2027 06:09 UTC`
pub(super) fn expiry(at: i64) -> String {
    format(at, "%b %d, %Y %H:%M UTC")
}

/// `2026-11-23-06-12-40`
pub(super) fn file_name(at: i64) -> String {
    format(at, "%Y-%m-%d-%H-%M-%S")
}

/// `2026-11-23T06:12:40Z`
pub(super) fn rfc3339(at: i64) -> String {
    format(at, "%Y-%m-%dT%H:%M:%SZ")
}

/// `4min 34s`, as systemd says how long something is.
pub(super) fn span(seconds: i64) -> String {
    let seconds = seconds.max(0);
    match (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0, s) => format!("{s}s"),
        (0, 0, m, s) if m < 10 => format!("{m}min {s}s"),
        (0, 0, m, _) => format!("{m}min"),
        (0, h, m, _) => format!("{h}h {m}min"),
        (1, h, _, _) => format!("1 day {h}h"),
        (d, _, _, _) => format!("{d} days"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        let at = 1_795_413_702;
        assert_eq!(systemd(at), "Mon 2026-11-23 06:01:42 UTC");
        assert_eq!(syslog(at), "Nov 23 06:01:42");
        assert_eq!(expiry(at), "Nov 23, 2026 06:01 UTC");
        assert_eq!(file_name(at), "2026-11-23-06-01-42");
        assert_eq!(rfc3339(at), "2026-11-23T06:01:42Z");
        assert_eq!(
            (span(274), span(9), span(3700)),
            ("4min 34s".to_owned(), "9s".to_owned(), "1h 1min".to_owned())
        );
    }
}
