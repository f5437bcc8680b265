//! Values as Python prints them: `str()` and `repr()`.

use super::Value;
use std::fmt::Write as _;

/// Python's `str(value)`.
#[must_use]
pub fn string(value: &Value) -> String {
    match value {
        Value::Text(text) => text.as_str().to_owned(),
        other => repr(other),
    }
}

/// Python's `repr(value)`.
#[must_use]
pub fn repr(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Int(i) => i.to_string(),
        Value::Float(f) => float(*f),
        Value::Text(text) => quoted(text.as_str()),
        Value::List(items) => {
            format!("[{}]", items.iter().map(repr).collect::<Vec<_>>().join(", "))
        }
        Value::Map(map) => {
            let entries: Vec<_> =
                map.iter().map(|(k, v)| format!("{}: {}", repr(k), repr(v))).collect();
            format!("{{{}}}", entries.join(", "))
        }
        Value::Scope(scope) => format!("<{} variables>", scope.names().len()),
        Value::Encrypted(_) => "'<encrypted>'".to_owned(),
        Value::Omit => "<omit>".to_owned(),
    }
}

/// Python's `repr` of a float: shortest digits, always with a point or an exponent.
#[must_use]
pub(crate) fn float(f: f64) -> String {
    if f.is_nan() {
        return "nan".to_owned();
    }
    if f.is_infinite() {
        return if f > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let magnitude = f.abs();
    if magnitude != 0.0 && !(1e-4..1e16).contains(&magnitude) {
        let text = even(f, format!("{f:e}"), |places| format!("{f:.places$e}"));
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, power) = exponent.strip_prefix('-').map_or(('+', exponent), |p| ('-', p));
        return format!("{digits}e{sign}{power:0>2}");
    }
    let text = even(f, f.to_string(), |places| format!("{f:.places$}"));
    if text.contains('.') { text } else { format!("{text}.0") }
}

/// Where two shortest forms are equally near, Python takes the one with the even last digit and Rust the larger.
fn even(f: f64, shortest: String, exact: impl Fn(usize) -> String) -> String {
    let Some((_, fraction)) = shortest.split_once('.') else { return shortest };
    let places = fraction.bytes().take_while(u8::is_ascii_digit).count();
    let text = exact(places);
    if text.parse() == Ok(f) { text } else { shortest }
}

fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if !is_printable(c) => {
                let (kind, width) = match u32::from(c) {
                    0..=0xff => ('x', 2),
                    0x100..=0xffff => ('u', 4),
                    _ => ('U', 8),
                };
                let _ = write!(out, "\\{kind}{:0width$x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

/// Python's `isprintable`: neither control, format, private, unassigned nor a separator but the space. Rust's
/// `escape_debug` keeps the same characters, except marks that combine with nothing before them.
fn is_printable(c: char) -> bool {
    if c.is_ascii() {
        return !c.is_ascii_control();
    }
    let mut text = String::from("a");
    text.push(c);
    text.escape_debug().nth(1) == Some(c)
}

#[cfg(test)]
mod tests {
    use super::{float, repr};
    use crate::value::Value;

    #[test]
    fn floats_are_printed_as_by_python() {
        for (f, text) in [
            (1.0, "1.0"),
            (-0.0, "-0.0"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1.5e16, "1.5e+16"),
            (1e-4, "0.0001"),
            (1e-5, "1e-05"),
            (-92_581_284_705_668.62, "-92581284705668.62"),
            (616_296_120_385_013.4, "616296120385013.4"),
            (1e300, "1e+300"),
            (5e-324, "5e-324"),
            (f64::NAN, "nan"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(float(f), text);
        }
    }

    #[test]
    fn texts_are_quoted_as_by_python() {
        for (text, expected) in [
            ("a", "'a'"),
            ("it's", "\"it's\""),
            ("it's \"q\"", "'it\\'s \"q\"'"),
            ("\n\t\r\\", "'\\n\\t\\r\\\\'"),
            ("\x07\x7f\u{85}\u{a0}\u{ad}", "'\\x07\\x7f\\x85\\xa0\\xad'"),
            ("\u{200b}\u{2028}\u{feff}", "'\\u200b\\u2028\\ufeff'"),
            ("\u{e0001}\u{1f980}é\u{301}", "'\\U000e0001\u{1f980}é\u{301}'"),
        ] {
            assert_eq!(repr(&Value::text(text)), expected);
        }
    }
}
