//! YAML timestamps, which `PyYAML` turns into dates. Here they stay text, as Python prints them.

use std::fmt::Write as _;

/// The parts of a timestamp.
struct Parts<'a> {
    year: u32,
    month: u32,
    day: u32,
    time: Option<Time<'a>>,
}

struct Time<'a> {
    hour: u32,
    minute: u32,
    second: u32,
    fraction: &'a str,
    /// Minutes east of Greenwich.
    zone: Option<i32>,
}

/// Whether a plain scalar has the form of a timestamp.
pub(super) fn looks_like(text: &str) -> bool {
    parse(text).is_some()
}

/// `str()` of the date or datetime; none if there is no such day or time.
pub(super) fn python(text: &str) -> Option<String> {
    let parts = parse(text)?;
    if parts.year == 0 || parts.day == 0 || parts.day > days(parts.year, parts.month)? {
        return None;
    }
    let date = format!("{:04}-{:02}-{:02}", parts.year, parts.month, parts.day);
    let Some(time) = parts.time else { return Some(date) };
    if time.hour > 23 || time.minute > 59 || time.second > 59 {
        return None;
    }
    let mut out = format!("{date} {:02}:{:02}:{:02}", time.hour, time.minute, time.second);
    let micro: String = time.fraction.chars().chain(std::iter::repeat('0')).take(6).collect();
    if micro.bytes().any(|b| b != b'0') {
        out.push('.');
        out.push_str(&micro);
    }
    if let Some(zone) = time.zone {
        if zone.abs() >= 24 * 60 {
            return None;
        }
        let sign = if zone < 0 { '-' } else { '+' };
        let _ = write!(out, "{sign}{:02}:{:02}", zone.abs() / 60, zone.abs() % 60);
    }
    Some(out)
}

fn days(year: u32, month: u32) -> Option<u32> {
    let leap = (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400);
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        4 | 6 | 9 | 11 => Some(30),
        2 => Some(if leap { 29 } else { 28 }),
        _ => None,
    }
}

/// A date alone has two digits everywhere; with a time, month, day and hour may have one.
fn parse(text: &str) -> Option<Parts<'_>> {
    let mut rest = text;
    let year = digits(&mut rest, 4, 4)?;
    skip(&mut rest, '-')?;
    let before_month = rest.len();
    let month = digits(&mut rest, 1, 2)?;
    let month_length = before_month - rest.len();
    skip(&mut rest, '-')?;
    let before_day = rest.len();
    let day = digits(&mut rest, 1, 2)?;
    let day_length = before_day - rest.len();
    if rest.is_empty() {
        let full = month_length == 2 && day_length == 2;
        return full.then_some(Parts { year, month, day, time: None });
    }
    rest = match rest.strip_prefix(['T', 't']) {
        Some(after) => after,
        None => Some(blanks(rest)).filter(|after| after.len() < rest.len())?,
    };
    Some(Parts { year, month, day, time: Some(parse_time(rest)?) })
}

fn parse_time(mut rest: &str) -> Option<Time<'_>> {
    let hour = digits(&mut rest, 1, 2)?;
    skip(&mut rest, ':')?;
    let minute = digits(&mut rest, 2, 2)?;
    skip(&mut rest, ':')?;
    let second = digits(&mut rest, 2, 2)?;
    let mut fraction = "";
    if let Some(after) = rest.strip_prefix('.') {
        let end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        (fraction, rest) = after.split_at_checked(end)?;
    }
    let mut zone = None;
    if !rest.is_empty() {
        rest = blanks(rest);
        zone = Some(parse_zone(rest)?);
    }
    Some(Time { hour, minute, second, fraction, zone })
}

fn parse_zone(mut rest: &str) -> Option<i32> {
    if rest == "Z" {
        return Some(0);
    }
    let sign = if rest.starts_with('-') { -1 } else { 1 };
    rest = rest.strip_prefix(['-', '+'])?;
    let hours = digits(&mut rest, 1, 2)?;
    let mut minutes = 0;
    if !rest.is_empty() {
        skip(&mut rest, ':')?;
        minutes = digits(&mut rest, 2, 2)?;
    }
    if !rest.is_empty() {
        return None;
    }
    Some(sign * i32::try_from(hours * 60 + minutes).ok()?)
}

fn blanks(text: &str) -> &str {
    text.trim_start_matches([' ', '\t'])
}

fn skip(rest: &mut &str, c: char) -> Option<()> {
    *rest = rest.strip_prefix(c)?;
    Some(())
}

/// Takes as many digits as there are, at most `most`; none if there are fewer than `least`.
fn digits(rest: &mut &str, least: usize, most: usize) -> Option<u32> {
    let count = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
    if count < least {
        return None;
    }
    let (number, after) = rest.split_at_checked(count)?;
    *rest = after;
    number.parse().ok()
}
