//! Fields that many results share.

use super::Outcome;
use crate::transport::Output;
use mainstay_language::value::Value;
use std::time::Duration;

impl Outcome {
    /// `stdout`, `stderr` and their lines; trailing line ends are stripped if `strip` is set.
    #[must_use]
    pub fn streams(mut self, stdout: &str, stderr: &str, strip: bool) -> Self {
        let ends: &[char] = if strip { &['\r', '\n'] } else { &[] };
        let out = stdout.trim_end_matches(ends);
        let err = stderr.trim_end_matches(ends);
        for (name, text) in [("stdout", out), ("stderr", err)] {
            self.fields.insert(name, text);
            self.fields.insert(format!("{name}_lines"), lines(text));
        }
        self
    }
}

/// Lines as Python's `str.splitlines` cuts them at `\n`, `\r\n` and `\r`.
#[must_use]
pub(super) fn lines(text: &str) -> Value {
    let mut out = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(['\n', '\r']).unwrap_or(rest.len());
        let (line, tail) = rest.split_at(end);
        out.push(Value::text(line));
        rest = tail
            .strip_prefix("\r\n")
            .or_else(|| tail.strip_prefix('\n'))
            .or_else(|| tail.strip_prefix('\r'))
            .unwrap_or_default();
    }
    Value::list(out)
}

/// `2026-05-04 03:02:01.123456`, UTC.
#[must_use]
pub(super) fn moment(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S.%6f").to_string()
}

/// `0:00:01.123456`, as Python prints a timedelta below a day.
#[must_use]
pub(super) fn delta(duration: Duration) -> String {
    let s = duration.as_secs();
    let days = match s / 86400 {
        0 => String::new(),
        1 => "1 day, ".to_owned(),
        n => format!("{n} days, "),
    };
    let s = s % 86400;
    let micros = duration.subsec_micros();
    let tail = if micros == 0 { String::new() } else { format!(".{micros:06}") };
    format!("{days}{}:{:02}:{:02}{tail}", s / 3600, s / 60 % 60, s % 60)
}

/// The last line of what a failed script said, for messages: standard error, else standard output, else its status.
#[must_use]
pub(super) fn reason(output: &Output) -> String {
    [&output.stderr, &output.stdout]
        .into_iter()
        .map(|stream| stream.text().trim().to_owned())
        .find(|text| !text.is_empty())
        .unwrap_or_else(|| format!("exit status {}", output.status.code()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mainstay_language::value::repr;

    #[test]
    fn lines_as_python() {
        for (text, expected) in [
            ("", "[]"),
            ("a", "['a']"),
            ("a\n", "['a']"),
            ("a\n\nb", "['a', '', 'b']"),
            ("a\r\nb\rc", "['a', 'b', 'c']"),
            ("\n", "['']"),
        ] {
            assert_eq!(repr(&lines(text)), expected, "{text:?}");
        }
    }

    #[test]
    fn times_as_python() {
        assert_eq!(delta(Duration::from_micros(3_723_000_004)), "1:02:03.000004");
        assert_eq!(delta(Duration::from_secs(90_000)), "1 day, 1:00:00");
        let at: jiff::Timestamp = "2026-05-04T03:02:01.000123Z".parse().unwrap();
        assert_eq!(moment(at), "2026-05-04 03:02:01.000123");
    }
}
