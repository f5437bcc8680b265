//! What a plain scalar means: the implicit resolvers of `PyYAML` (YAML 1.1 as `PyYAML` understands it).

use super::timestamp;

/// The meaning of a plain scalar.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Plain {
    /// Empty, `~`, `null`.
    Null,
    /// `yes no true false on off` in their three cases; not `y` and `n`.
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// A whole number beyond 128 bits: its digits.
    Digits(String),
    /// A number with a point.
    Float(f64),
    /// A date or a time, as Python's `str()` prints it.
    Timestamp(String),
    /// Anything else.
    Text,
}

/// Resolves a plain scalar.
///
/// # Errors
/// It looks like a number or a date and has no value (`0b_`, `2024-02-30`): a lower-case fragment.
pub(super) fn plain(text: &str) -> Result<Plain, String> {
    let Some(first) = text.bytes().next() else { return Ok(Plain::Null) };
    match first {
        b'~' | b'n' | b'N' if is_null(text) => Ok(Plain::Null),
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' => {
            Ok(bool_of(text).map_or(Plain::Text, Plain::Bool))
        }
        b'-' | b'+' | b'.' | b'0'..=b'9' => number(text),
        _ => Ok(Plain::Text),
    }
}

/// Resolves a scalar without quotes in a JSON text, where a number may have an exponent without sign or point.
pub(super) fn json(text: &str) -> Result<Plain, String> {
    let exponent =
        text.contains(['e', 'E']) && text.starts_with(|c: char| c == '-' || c.is_ascii_digit());
    match text.parse() {
        Ok(f) if exponent => Ok(Plain::Float(f)),
        _ => plain(text),
    }
}

fn is_null(text: &str) -> bool {
    matches!(text, "~" | "null" | "Null" | "NULL")
}

fn bool_of(text: &str) -> Option<bool> {
    match text {
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Some(true),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

/// The value of an explicit `!!bool`: any case.
pub(super) fn explicit_bool(text: &str) -> Option<bool> {
    bool_of(&text.to_lowercase())
}

fn number(text: &str) -> Result<Plain, String> {
    if looks_like_float(text) {
        return float(text).map(Plain::Float).ok_or_else(|| not_a("number"));
    }
    if looks_like_int(text) {
        return int(text).ok_or_else(|| not_a("whole number"));
    }
    if timestamp::looks_like(text) {
        return timestamp::python(text).map(Plain::Timestamp).ok_or_else(|| not_a("date or time"));
    }
    Ok(Plain::Text)
}

fn not_a(what: &str) -> String {
    format!("this looks like a {what} but is none")
}

fn unsigned(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

fn digits_or(text: &str, allowed: impl Fn(u8) -> bool) -> bool {
    text.bytes().all(|b| b == b'_' || allowed(b))
}

fn looks_like_int(text: &str) -> bool {
    let (_, body) = unsigned(text);
    if let Some(bits) = body.strip_prefix("0b") {
        return !bits.is_empty() && digits_or(bits, |b| matches!(b, b'0' | b'1'));
    }
    if let Some(hex) = body.strip_prefix("0x") {
        return !hex.is_empty() && digits_or(hex, |b| b.is_ascii_hexdigit());
    }
    if let Some(octal) = body.strip_prefix('0') {
        return digits_or(octal, |b| (b'0'..=b'7').contains(&b));
    }
    let mut parts = body.split(':');
    let head = parts.next().unwrap_or_default();
    head.starts_with(|c: char| c.is_ascii_digit())
        && digits_or(head, |b| b.is_ascii_digit())
        && parts.all(is_sixtieth)
}

/// `[0-5]?[0-9]`
fn is_sixtieth(part: &str) -> bool {
    match part.as_bytes() {
        [ones] => ones.is_ascii_digit(),
        [tens, ones] => (b'0'..=b'5').contains(tens) && ones.is_ascii_digit(),
        _ => false,
    }
}

/// The value of `!!int` text, after its underscores are removed; none if Python's `int` refuses it.
pub(super) fn int(text: &str) -> Option<Plain> {
    let clean: String = text.chars().filter(|c| *c != '_').collect();
    let (negative, body) = unsigned(&clean);
    let sign = |n: i128| Plain::Int(if negative { -n } else { n });
    if body == "0" {
        return Some(Plain::Int(0));
    }
    if let Some(bits) = body.strip_prefix("0b") {
        return whole(bits, 2).map(sign);
    }
    if let Some(hex) = body.strip_prefix("0x") {
        return whole(hex, 16).map(sign);
    }
    if body.starts_with('0') {
        return whole(body, 8).map(sign);
    }
    if body.contains(':') {
        let mut total: i128 = 0;
        for part in body.split(':') {
            total = total.checked_mul(60)?.checked_add(whole(part, 10)?)?;
        }
        return Some(sign(total));
    }
    if body.is_empty() || !body.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(whole(body, 10).map_or_else(
        || Plain::Digits(if negative { format!("-{body}") } else { body.to_owned() }),
        sign,
    ))
}

fn whole(digits: &str, radix: u32) -> Option<i128> {
    if digits.starts_with(['+', '-']) {
        return None;
    }
    i128::from_str_radix(digits, radix).ok()
}

fn looks_like_float(text: &str) -> bool {
    let (_, body) = unsigned(text);
    if matches!(body, ".inf" | ".Inf" | ".INF") {
        return true;
    }
    if matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let Some((whole, rest)) = body.split_once('.') else { return false };
    let (fraction, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (rest.get(..at).unwrap_or(rest), rest.get(at + 1..)),
        None => (rest, None),
    };
    if !digits_or(fraction, |b| b.is_ascii_digit()) || !exponent.is_none_or(is_exponent) {
        return false;
    }
    if whole.is_empty() {
        // `.5` is a number, `-.5` is text.
        return body.len() == text.len() && fraction.starts_with(|c: char| c.is_ascii_digit());
    }
    let mut parts = whole.split(':');
    let head = parts.next().unwrap_or_default();
    let sixtieths = whole.contains(':');
    head.starts_with(|c: char| c.is_ascii_digit())
        && digits_or(head, |b| b.is_ascii_digit())
        && parts.all(is_sixtieth)
        && !(sixtieths && exponent.is_some())
}

/// `[-+][0-9]+`: without a sign it is no exponent, which is why `1.0e3` is text.
fn is_exponent(text: &str) -> bool {
    text.strip_prefix(['-', '+'])
        .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

/// The value of `!!float` text; none if Python's `float` refuses it.
pub(super) fn float(text: &str) -> Option<f64> {
    let clean = text.replace('_', "").to_lowercase();
    let (negative, body) = unsigned(&clean);
    let value = match body {
        ".inf" | "inf" | "infinity" => f64::INFINITY,
        ".nan" | "nan" => f64::NAN,
        _ if body.contains(':') => {
            let mut total = 0.0;
            for part in body.split(':') {
                total = total * 60.0 + decimal(part)?;
            }
            total
        }
        _ => decimal(body)?,
    };
    Some(if negative { -value } else { value })
}

fn decimal(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'+' | b'-'));
    if plain && text.bytes().any(|b| b.is_ascii_digit()) { text.parse().ok() } else { None }
}
