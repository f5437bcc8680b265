//! Filters that change a type: `bool`, `int`, `float`, `string`, `list`, `default`, `mandatory`, `ternary`, `type_debug`.

use super::call::{Args, Entry, entry, fail, tolerant};
use super::python::{self, Number};
use minijinja::value::ValueKind;
use minijinja::{Error, State, Value};

pub(super) static ENTRIES: &[Entry] = &[
    entry("bool", boolean),
    entry("int", int),
    entry("float", float),
    entry("string", string),
    entry("list", list),
    entry("type_debug", type_debug),
    tolerant("ternary", ternary),
    entry("length", length),
    entry("count", length),
    tolerant("default", default),
    tolerant("d", default),
    tolerant("mandatory", mandatory),
];

fn boolean(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let value = args.value("value")?;
    Ok(Value::from(truth_word(&value).unwrap_or(false)))
}

/// What the words of configuration files mean; `None` for any other value.
pub(in crate::template) fn truth_word(value: &Value) -> Option<bool> {
    if let (ValueKind::String, Some(text)) = (value.kind(), value.as_str()) {
        return match text.to_lowercase().as_str() {
            "yes" | "on" | "true" | "1" => Some(true),
            "no" | "off" | "false" | "0" => Some(false),
            _ => None,
        };
    }
    match python::float(value) {
        Some(1.0) => Some(true),
        Some(0.0) => Some(false),
        _ => None,
    }
}

fn int(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let value = args.value("value")?;
    let default = args.option("default")?.unwrap_or(Value::from(0));
    let base = args.int("base", 10)?;
    let base = u32::try_from(base).ok().filter(|b| *b == 0 || (2..=36).contains(b));
    let base = base.ok_or_else(|| fail("'base' must be 0 or between 2 and 36"))?;
    let found = match (value.kind(), value.as_str()) {
        (ValueKind::String, Some(text)) => {
            parse_int(text, base).or_else(|| parse_float(text).and_then(truncate))
        }
        _ => python::number(&value).and_then(|number| match number {
            Number::Int(i) => Some(i),
            Number::Float(f) => truncate(f),
        }),
    };
    Ok(found.map_or(default, Value::from))
}

#[expect(clippy::cast_possible_truncation, reason = "checked to be in range")]
fn truncate(f: f64) -> Option<i128> {
    (f.abs() < 1.7e38).then(|| f.trunc() as i128)
}

/// Python's `int(text, base)`.
pub(in crate::template) fn parse_int(text: &str, base: u32) -> Option<i128> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let (base, digits) = [("0x", 16), ("0o", 8), ("0b", 2)]
        .iter()
        .find_map(|(prefix, b)| {
            let rest = lower.strip_prefix(prefix)?;
            (base == 0 || base == *b).then(|| (*b, rest.strip_prefix('_').unwrap_or(rest)))
        })
        .unwrap_or((if base == 0 { 10 } else { base }, &lower));
    if digits.starts_with('_') || digits.ends_with('_') || digits.contains("__") {
        return None;
    }
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let number = i128::from_str_radix(&digits.replace('_', ""), base).ok()?;
    Some(if negative { -number } else { number })
}

/// Python's `float(text)`.
pub(in crate::template) fn parse_float(text: &str) -> Option<f64> {
    let text = text.trim();
    if text.starts_with('_') || text.ends_with('_') || text.contains("__") {
        return None;
    }
    text.replace('_', "").parse().ok()
}

fn float(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let value = args.value("value")?;
    let default = args.option("default")?.unwrap_or(Value::from(0.0));
    let found = match (value.kind(), value.as_str()) {
        (ValueKind::String, Some(text)) => parse_float(text),
        _ => python::float(&value),
    };
    Ok(found.map_or(default, Value::from))
}

fn string(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    args.text("object").map(Value::from)
}

fn list(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    python::items(&args.value("value")?).map(Value::from)
}

fn type_debug(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    Ok(Value::from(python::type_name(&args.value("obj")?)))
}

fn ternary(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let value = args.value("value")?;
    let when_true = args.value("true_val")?;
    let when_false = args.value("false_val")?;
    let when_none = args.option("none_val")?.filter(|v| !v.is_none());
    Ok(match when_none {
        Some(when_none) if value.is_none() => when_none,
        _ if value.is_true() => when_true,
        _ => when_false,
    })
}

fn length(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let value = args.value("obj")?;
    match value.kind() {
        ValueKind::Iterable => python::items(&value).map(|items| Value::from(items.len())),
        _ => value.len().map(Value::from).ok_or_else(|| {
            fail(format!("a value of type '{}' has no length", python::type_name(&value)))
        }),
    }
}

fn default(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let value = args.value("value")?;
    let fallback = args.option("default_value")?.unwrap_or(Value::from(""));
    let boolean = args.flag("boolean", false)?;
    Ok(if value.is_undefined() || (boolean && !value.is_true()) { fallback } else { value })
}

fn mandatory(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let value = args.value("a")?;
    let message = args.text_option("msg")?;
    if value.is_undefined() {
        return Err(fail(message.unwrap_or_else(|| "a mandatory variable is not defined".into())));
    }
    Ok(value)
}
