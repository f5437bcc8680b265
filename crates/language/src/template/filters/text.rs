//! Text: case, trimming, splitting, joining, quoting, URLs.

use super::call::{Args, Entry, entry, fail};
use super::python;
use minijinja::value::ValueKind;
use minijinja::{Error, State, Value};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

pub(super) static ENTRIES: &[Entry] = &[
    entry("upper", |_, args| Ok(Value::from(args.text("s")?.to_uppercase()))),
    entry("lower", |_, args| Ok(Value::from(args.text("s")?.to_lowercase()))),
    entry("capitalize", capitalize),
    entry("title", title),
    entry("trim", trim),
    entry("replace", replace),
    entry("reverse", reverse),
    entry("join", join),
    entry("split", split),
    entry("quote", quote),
    entry("urlencode", urlencode),
    entry("urldecode", urldecode),
    entry("urlsplit", urlsplit),
    entry("escape", escape),
    entry("e", escape),
    entry("forceescape", escape),
    entry("striptags", striptags),
    entry("pprint", |_, args| python::repr(&args.value("value")?).map(Value::from)),
    entry("xmlattr", xmlattr),
];

fn capitalize(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    Ok(Value::from(capitalized(&args.text("s")?)))
}

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars.as_str().to_lowercase().chars()).collect(),
        None => String::new(),
    }
}

fn title(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let text = args.text("s")?;
    let mut out = String::with_capacity(text.len());
    let mut start = true;
    for c in text.chars() {
        if c.is_whitespace() || "-({[<".contains(c) {
            out.push(c);
            start = true;
        } else if start {
            out.extend(c.to_uppercase());
            start = false;
        } else {
            out.extend(c.to_lowercase());
        }
    }
    Ok(Value::from(out))
}

fn trim(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let text = args.text("value")?;
    Ok(Value::from(match args.text_option("chars")? {
        Some(chars) => text.trim_matches(|c| chars.contains(c)),
        None => text.trim_matches(whitespace),
    }))
}

/// What Python's `str.strip` and `str.split` take for white space.
fn whitespace(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

fn replace(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let text = args.text("s")?;
    let (old, new) = (args.text("old")?, args.text("new")?);
    Ok(Value::from(match args.int_option("count")? {
        Some(count) if count >= 0 => {
            text.replacen(&old, &new, usize::try_from(count).unwrap_or(usize::MAX))
        }
        _ => text.replace(&old, &new),
    }))
}

fn reverse(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let value = args.value("value")?;
    if let (ValueKind::String, Some(text)) = (value.kind(), value.as_str()) {
        return Ok(Value::from(text.chars().rev().collect::<String>()));
    }
    let mut items = python::items(&value)?;
    items.reverse();
    Ok(Value::from(items))
}

fn join(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let items = python::items(&args.value("value")?)?;
    let delimiter = args.text_option("d")?.unwrap_or_default();
    let attribute = args.option("attribute")?.filter(|path| !path.is_none());
    let mut parts = Vec::with_capacity(items.len());
    for item in items {
        let item = match &attribute {
            Some(path) => python::attribute(&item, path)?,
            None => item,
        };
        parts.push(python::string(&item)?);
    }
    Ok(Value::from(parts.join(&delimiter)))
}

fn split(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let value = args.value("string")?;
    let Some(text) = value.as_str() else {
        return Err(fail(format!(
            "text is needed, not a value of type '{}'",
            python::type_name(&value)
        )));
    };
    let separator = args.text_option("sep")?;
    let limit = args.int("maxsplit", -1)?;
    let parts = usize::try_from(limit).map_or(usize::MAX, |n| n.saturating_add(1));
    Ok(Value::from(match separator.as_deref() {
        Some("") => return Err(fail("the separator is empty")),
        Some(separator) => text.splitn(parts, separator).map(Value::from).collect::<Vec<_>>(),
        None => words(text, parts),
    }))
}

fn words(text: &str, parts: usize) -> Vec<Value> {
    let mut found = Vec::new();
    let mut rest = text.trim_start_matches(whitespace);
    while !rest.is_empty() {
        if found.len() + 1 == parts {
            found.push(Value::from(rest.trim_end_matches(whitespace)));
            break;
        }
        let (word, tail) = rest.split_at(rest.find(whitespace).unwrap_or(rest.len()));
        found.push(Value::from(word));
        rest = tail.trim_start_matches(whitespace);
    }
    found
}

fn quote(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let text = args.text_option("a")?.unwrap_or_default();
    Ok(Value::from(shell_quoted(&text)))
}

/// One word of a POSIX shell.
pub(in crate::template) fn shell_quoted(text: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if !text.is_empty() && text.chars().all(safe) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\"'\"'"))
}

const PATH: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'_').remove(b'.').remove(b'-').remove(b'~').remove(b'/');
const QUERY: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'_').remove(b'.').remove(b'-').remove(b'~').remove(b' ');

fn urlencode(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let value = args.value("value")?;
    let pairs = match value.kind() {
        ValueKind::Map => python::pairs(&value)?,
        ValueKind::Seq | ValueKind::Iterable => {
            let mut pairs = Vec::new();
            for item in python::items(&value)? {
                match python::items(&item)?.as_slice() {
                    [key, value] => pairs.push((key.clone(), value.clone())),
                    _ => return Err(fail("a list of pairs is needed")),
                }
            }
            pairs
        }
        _ => {
            let text = python::string(&value)?;
            return Ok(Value::from(utf8_percent_encode(&text, PATH).to_string()));
        }
    };
    let quoted = |value: &Value| -> Result<String, Error> {
        let text = python::string(value)?;
        Ok(utf8_percent_encode(&text, QUERY).to_string().replace(' ', "+"))
    };
    let mut parts = Vec::with_capacity(pairs.len());
    for (key, value) in &pairs {
        parts.push(format!("{}={}", quoted(key)?, quoted(value)?));
    }
    Ok(Value::from(parts.join("&")))
}

fn urldecode(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let text = args.text("string")?.replace('+', " ");
    Ok(Value::from(percent_decode_str(&text).decode_utf8_lossy().into_owned()))
}

fn urlsplit(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let url = args.text("value")?;
    let query = args.text_option("query")?.unwrap_or_default();
    let parts = super::url::split(&url)?;
    if query.is_empty() {
        return Ok(python::dict(parts.into_iter().map(|(k, v)| (Value::from(k), v)).collect()));
    }
    let found = parts.into_iter().find(|(name, _)| *name == query);
    found.map(|(_, v)| v).ok_or_else(|| fail(format!("a URL has no part '{query}'")))
}

fn escape(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    Ok(Value::from(escaped(&args.text("s")?)))
}

/// Text as HTML shows it.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('>', "&gt;")
        .replace('<', "&lt;")
        .replace('\'', "&#39;")
        .replace('"', "&#34;")
}

fn striptags(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let text = args.text("value")?;
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find('<') {
        let (before, tag) = rest.split_at(at);
        let close = if tag.starts_with("<!--") { "-->" } else { ">" };
        let Some(end) = tag.find(close) else { break };
        out.push_str(before);
        rest = tag.get(end + close.len()..).unwrap_or_default();
    }
    out.push_str(rest);
    let collapsed = out.split_whitespace().collect::<Vec<_>>().join(" ");
    let plain = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&#39;", "'"),
        ("&#34;", "\""),
        ("&quot;", "\""),
        ("&amp;", "&"),
    ];
    Ok(Value::from(plain.iter().fold(collapsed, |text, (from, to)| text.replace(from, to))))
}

fn xmlattr(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let pairs = python::pairs(&args.value("d")?)?;
    let space = args.flag("autospace", true)?;
    let mut parts = Vec::new();
    for (key, value) in pairs.iter().filter(|(_, value)| !value.is_none()) {
        let key = python::string(key)?;
        if key.contains(|c: char| c.is_whitespace() || "/>=".contains(c)) {
            return Err(fail(format!("'{key}' cannot be the name of an attribute")));
        }
        parts.push(format!("{}=\"{}\"", escaped(&key), escaped(&python::string(value)?)));
    }
    let joined = parts.join(" ");
    Ok(Value::from(if space && !joined.is_empty() { format!(" {joined}") } else { joined }))
}
