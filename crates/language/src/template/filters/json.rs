//! JSON as Python's `json` reads and writes it.

use super::call::{Args, Entry, entry, fail};
use super::python;
use minijinja::value::ValueKind;
use minijinja::{Error, State, Value};
use std::fmt::Write;

pub(super) static ENTRIES: &[Entry] = &[
    entry("to_json", to_json),
    entry("to_nice_json", to_nice_json),
    entry("from_json", from_json),
    entry("tojson", tojson),
];

struct Style {
    indent: Option<String>,
    comma: String,
    colon: String,
    ensure_ascii: bool,
    sort_keys: bool,
}

fn style(args: &mut Args, indent: Option<usize>, sort_keys: bool) -> Result<Style, Error> {
    let indent = match args.keyword("indent")? {
        None => indent.map(|n| " ".repeat(n)),
        Some(value) if value.is_none() => None,
        Some(value) => match (value.as_str(), python::whole(&value)) {
            (Some(text), _) => Some(text.to_owned()),
            (None, Some(n)) => Some(" ".repeat(usize::try_from(n.clamp(0, 1000)).unwrap_or(0))),
            _ => return Err(fail("'indent' must be a number or text")),
        },
    };
    let comma = if indent.is_some() { "," } else { ", " };
    let (comma, colon) = match args.keyword("separators")?.filter(|v| !v.is_none()) {
        None => (comma.to_owned(), ": ".to_owned()),
        Some(pair) => match python::items(&pair)?.as_slice() {
            [comma, colon] => (python::string(comma)?, python::string(colon)?),
            _ => return Err(fail("'separators' must be two texts")),
        },
    };
    let ensure_ascii = args.keyword("ensure_ascii")?.is_none_or(|v| v.is_true());
    let sort_keys = args.keyword("sort_keys")?.map_or(sort_keys, |v| v.is_true());
    Ok(Style { indent, comma, colon, ensure_ascii, sort_keys })
}

fn to_json(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let value = args.value("a")?;
    let style = style(args, None, false)?;
    dump(&value, &style).map(Value::from)
}

fn to_nice_json(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let value = args.value("a")?;
    let indent = args.option("indent")?;
    let sort_keys = args.option("sort_keys")?;
    let mut style = style(args, Some(4), sort_keys.is_none_or(|v| v.is_true()))?;
    if let Some(indent) = indent {
        let width = python::whole(&indent).ok_or_else(|| fail("'indent' must be a number"))?;
        style.indent = Some(" ".repeat(usize::try_from(width.clamp(0, 1000)).unwrap_or(0)));
    }
    dump(&value, &style).map(Value::from)
}

fn tojson(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let value = args.value("value")?;
    let indent = args.int_option("indent")?;
    let indent = indent.map(|n| " ".repeat(usize::try_from(n.clamp(0, 1000)).unwrap_or(0)));
    let comma = if indent.is_some() { "," } else { ", " }.to_owned();
    let style =
        Style { indent, comma, colon: ": ".to_owned(), ensure_ascii: true, sort_keys: true };
    let text = dump(&value, &style)?;
    let text = text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    Ok(Value::from(text.replace('\'', "\\u0027")))
}

fn dump(value: &Value, style: &Style) -> Result<String, Error> {
    let mut out = String::new();
    write(&mut out, value, style, 0)?;
    Ok(out)
}

/// Compact JSON with Python's default spacing, for keys of comparisons.
pub(super) fn compact(value: &Value) -> Result<String, Error> {
    let style = Style {
        indent: None,
        comma: ", ".to_owned(),
        colon: ": ".to_owned(),
        ensure_ascii: true,
        sort_keys: true,
    };
    dump(value, &style)
}

fn write(out: &mut String, value: &Value, style: &Style, depth: usize) -> Result<(), Error> {
    if depth > 500 {
        return Err(fail("the value is nested too deeply for JSON"));
    }
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => {
            let items = python::items(value)?;
            enclosed(out, ('[', ']'), &items, style, depth, |out, item| {
                write(out, item, style, depth + 1)
            })
        }
        ValueKind::Map => {
            let mut entries = python::pairs(value)?;
            if style.sort_keys {
                entries = python::sort_by_key(entries, false)?;
            }
            enclosed(out, ('{', '}'), &entries, style, depth, |out, (key, item)| {
                quote(out, &key_text(key)?, style.ensure_ascii);
                out.push_str(&style.colon);
                write(out, item, style, depth + 1)
            })
        }
        ValueKind::String => {
            quote(out, value.as_str().unwrap_or_default(), style.ensure_ascii);
            Ok(())
        }
        _ => {
            out.push_str(&scalar(value)?);
            Ok(())
        }
    }
}

fn enclosed<T>(
    out: &mut String,
    (open, close): (char, char),
    items: &[T],
    style: &Style,
    depth: usize,
    mut each: impl FnMut(&mut String, &T) -> Result<(), Error>,
) -> Result<(), Error> {
    out.push(open);
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push_str(&style.comma);
        }
        new_line(out, style, depth + 1);
        each(out, item)?;
    }
    if !items.is_empty() {
        new_line(out, style, depth);
    }
    out.push(close);
    Ok(())
}

fn new_line(out: &mut String, style: &Style, depth: usize) {
    if let Some(indent) = &style.indent {
        out.push('\n');
        for _ in 0..depth {
            out.push_str(indent);
        }
    }
}

fn scalar(value: &Value) -> Result<String, Error> {
    Ok(match value.kind() {
        ValueKind::None => "null".to_owned(),
        ValueKind::Bool => value.is_true().to_string(),
        ValueKind::Number => match python::repr(value)?.as_str() {
            "nan" => "NaN".to_owned(),
            "inf" => "Infinity".to_owned(),
            "-inf" => "-Infinity".to_owned(),
            number => number.to_owned(),
        },
        ValueKind::Plain => {
            let mut text = String::new();
            quote(&mut text, &value.to_string(), true);
            text
        }
        _ => {
            python::defined(value)?;
            return Err(fail(format!(
                "a value of type '{}' has no JSON",
                python::type_name(value)
            )));
        }
    })
}

fn key_text(key: &Value) -> Result<String, Error> {
    match key.kind() {
        ValueKind::String => python::string(key),
        ValueKind::None | ValueKind::Bool | ValueKind::Number => scalar(key),
        _ => Err(fail("JSON has no such keys")),
    }
}

fn quote(out: &mut String, text: &str, ensure_ascii: bool) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if c < ' ' || (ensure_ascii && c > '~') => {
                let mut units = [0u16; 2];
                for unit in c.encode_utf16(&mut units) {
                    // Writing to a String cannot fail.
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

fn from_json(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let value = args.value("s")?;
    let Some(text) = value.as_str() else {
        return Err(fail(format!("JSON is text, not '{}'", python::type_name(&value))));
    };
    parse(text)
}

/// The value of a JSON text.
pub(in crate::template) fn parse(text: &str) -> Result<Value, Error> {
    let json: serde_json::Value =
        serde_json::from_str(text).map_err(|error| fail(format!("this is not JSON: {error}")))?;
    Ok(native(json))
}

fn native(json: serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::from(()),
        serde_json::Value::Bool(b) => Value::from(b),
        serde_json::Value::Number(n) => match (n.as_i64(), n.as_u64()) {
            (Some(i), _) => Value::from(i),
            (None, Some(u)) => Value::from(u),
            (None, None) => Value::from(n.as_f64().unwrap_or(f64::NAN)),
        },
        serde_json::Value::String(s) => Value::from(s),
        serde_json::Value::Array(items) => {
            Value::from(items.into_iter().map(native).collect::<Vec<_>>())
        }
        serde_json::Value::Object(entries) => {
            Value::from_pairs(entries.into_iter().map(|(key, item)| (key, native(item))))
        }
    }
}
