//! The single rules of argument specs that are data: pure questions about a spec and arguments. `arg_spec.rs` asks them in
//! order.

use super::check::{class, coerce};
use super::spec::Kind;
use mainstay_language::template::bytes_of;
use mainstay_language::value::{Map, Value, string};

pub(super) fn entries(spec: &Map) -> impl Iterator<Item = (&str, &Map)> {
    spec.iter().filter_map(|(name, entry)| Some((name.as_str()?, entry.as_map()?)))
}

/// The options of an entry whose type can have some.
pub(super) fn options(entry: &Map) -> Option<&Map> {
    let kind = entry.get("type").and_then(Value::as_str);
    let of_dicts = entry.get("elements").and_then(Value::as_str) == Some("dict");
    let can = kind == Some("dict") || kind == Some("list") && of_dicts;
    entry.get("options").and_then(Value::as_map).filter(|_| can)
}

pub(super) fn flag(entry: &Map, name: &str) -> bool {
    entry.get(name).is_some_and(Value::is_true)
}

pub(super) fn set(map: &Map, name: &str) -> bool {
    map.get(name).is_some_and(|value| !matches!(value, Value::Null))
}

pub(super) fn text(entry: &Map, name: &str) -> Option<String> {
    entry.get(name).filter(|value| value.is_true()).map(string)
}

/// A list of texts, or one text.
pub(super) fn texts(entry: &Map, name: &str) -> Vec<String> {
    entry.get(name).map(names).unwrap_or_default()
}

fn names(value: &Value) -> Vec<String> {
    match value {
        Value::List(items) => items.iter().map(string).collect(),
        Value::Null => Vec::new(),
        one => vec![string(one)],
    }
}

/// The value as a type of that name.
pub(super) fn typed(wanted: &str, value: &Value) -> Result<Value, String> {
    let kind = match wanted {
        "str" => Kind::Text,
        "path" => Kind::Path,
        "bool" => Kind::Bool,
        "int" => Kind::Int,
        "float" => Kind::Float,
        "list" => Kind::List,
        "dict" => Kind::Dict,
        "raw" => Kind::Raw,
        "json" | "jsonarg" => Kind::Json,
        "bytes" => return size(value, false, "Byte"),
        "bits" => return size(value, true, "Bit"),
        _ => return Err("there is no such type".to_owned()),
    };
    coerce(kind, value)
}

fn size(value: &Value, bits: bool, what: &str) -> Result<Value, String> {
    bytes_of(&string(value), None, bits)
        .map(Value::Int)
        .map_err(|_| format!("{} cannot be converted to a {what} value", class(value)))
}

pub(super) fn resolve_aliases(spec: &Map, given: &mut Map) {
    for (param, entry) in entries(spec) {
        for alias in texts(entry, "aliases") {
            if let Some(value) = given.get(&alias).cloned() {
                given.insert(param, value);
            }
        }
    }
}

pub(super) fn set_defaults(spec: &Map, given: &mut Map) {
    for (param, entry) in entries(spec) {
        if given.get(param).is_none()
            && let Some(default) =
                entry.get("default").filter(|value| !matches!(value, Value::Null))
        {
            given.insert(param, default.clone());
        }
    }
}

pub(super) fn required(spec: &Map, given: &Map) -> Option<String> {
    let mut missing: Vec<&str> = entries(spec)
        .filter(|(param, entry)| flag(entry, "required") && given.get(param).is_none())
        .map(|(param, _)| param)
        .collect();
    missing.sort_unstable();
    (!missing.is_empty()).then(|| format!("missing required arguments: {}", missing.join(", ")))
}

pub(super) fn choices(param: &str, entry: &Map, given: &mut Map) -> Option<String> {
    let allowed = match entry.get("choices")? {
        Value::Null => return None,
        Value::List(items) => items,
        other => {
            let other = string(other);
            return Some(format!(
                "internal error: choices for argument {param} are not iterable: {other}"
            ));
        }
    };
    let listed = || allowed.iter().map(string).collect::<Vec<_>>().join(", ");
    match given.get(param)? {
        Value::List(items) => {
            let wrong: Vec<String> =
                items.iter().filter(|item| !allowed.contains(item)).map(string).collect();
            (!wrong.is_empty()).then(|| {
                format!(
                    "value of {param} must be one or more of: {}. Got no match for: {}",
                    listed(),
                    wrong.join(", ")
                )
            })
        }
        one if allowed.contains(one) || spelled(one, allowed) => None,
        one => Some(format!("value of {param} must be one of: {}, got: {}", listed(), string(one))),
    }
}

/// Whether a text that YAML has read as a bool stands for exactly one of the choices.
fn spelled(value: &Value, allowed: &[Value]) -> bool {
    let spellings: &[&str] = match value.as_str() {
        Some("True") => &["y", "yes", "on", "1", "true", "t"],
        Some("False") => &["n", "no", "off", "0", "false", "f"],
        _ => return false,
    };
    let of_them = |choice: &&Value| choice.as_str().is_some_and(|text| spellings.contains(&text));
    allowed.iter().filter(of_them).count() == 1
}

pub(super) fn exclusive(rules: Option<&Map>, given: &Map) -> Option<String> {
    let broken: Vec<String> = sets(rules, "mutually_exclusive")
        .into_iter()
        .filter(|set| present(set, given) > 1)
        .map(|set| set.join("|"))
        .collect();
    (!broken.is_empty())
        .then(|| format!("parameters are mutually exclusive: {}", broken.join(", ")))
}

pub(super) fn together(rules: Option<&Map>, given: &Map) -> Option<String> {
    sets(rules, "required_together")
        .into_iter()
        .find(|set| (1..set.len()).contains(&present(set, given)))
        .map(|set| format!("parameters are required together: {}", set.join(", ")))
}

pub(super) fn one_of(rules: Option<&Map>, given: &Map) -> Option<String> {
    sets(rules, "required_one_of")
        .into_iter()
        .find(|set| present(set, given) == 0)
        .map(|set| format!("one of the following is required: {}", set.join(", ")))
}

pub(super) fn required_if(rules: Option<&Map>, given: &Map) -> Option<String> {
    let rules = rules?.get("required_if")?.as_list()?;
    rules.iter().filter_map(Value::as_list).find_map(|rule| {
        let [key, value, wanted, rest @ ..] = rule else { return None };
        if given.get_value(key) != Some(value) {
            return None;
        }
        let any = rest.first().is_some_and(Value::is_true);
        let wanted = names(wanted);
        let missing: Vec<&str> =
            wanted.iter().filter(|name| given.get(name).is_none()).map(String::as_str).collect();
        let broken = !missing.is_empty() && (!any || missing.len() == wanted.len());
        let (key, value, all) = (string(key), string(value), if any { "any" } else { "all" });
        broken.then(|| {
            format!(
                "{key} is {value} but {all} of the following are missing: {}",
                missing.join(", ")
            )
        })
    })
}

pub(super) fn required_by(rules: Option<&Map>, given: &Map) -> Option<String> {
    let rules = rules?.get("required_by")?.as_map()?;
    rules.iter().find_map(|(key, wanted)| {
        let key = string(key);
        if !set(given, &key) {
            return None;
        }
        let missing: Vec<String> =
            names(wanted).into_iter().filter(|name| !set(given, name)).collect();
        (!missing.is_empty())
            .then(|| format!("missing parameter(s) required by '{key}': {}", missing.join(", ")))
    })
}

fn sets(rules: Option<&Map>, name: &str) -> Vec<Vec<String>> {
    let list = rules.and_then(|rules| rules.get(name)).and_then(Value::as_list);
    list.unwrap_or_default().iter().map(names).collect()
}

fn present(names: &[String], given: &Map) -> usize {
    names.iter().filter(|name| given.get(name).is_some()).count()
}
