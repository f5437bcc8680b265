//! Arguments against a spec: unknown names, missing ones, types, choices, sets. With Ansible's coercions.

use super::spec::{Args, Kind, Param, Spec};
use super::{Failure, words};
use mainstay_language::diag::Source;
use mainstay_language::inventory::python_literal;
use mainstay_language::value::{Map, Value, repr, string};

/// Under which name free-form text comes from the playbook.
pub const FREE_FORM: &str = "_raw_params";

impl Args {
    /// Arguments as rendered by the engine, checked and coerced.
    ///
    /// # Errors
    /// A parameter is unknown, missing, of the wrong type, none of the choices or excluded by another; free-form text
    /// for a module that takes none. The message is Ansible's.
    pub fn check(spec: &Spec, raw: &Map) -> Result<Self, Failure> {
        let mut given = canonical(spec, raw)?;
        for set in spec.exclusive {
            if set.iter().filter(|name| present(&given, name)).count() > 1 {
                return Err(fail(format!("parameters are mutually exclusive: {}", set.join("|"))));
            }
        }
        let missing: Vec<_> = spec
            .params
            .iter()
            .filter(|p| p.required && given.get(p.name).is_none())
            .map(|p| p.name)
            .collect();
        if !missing.is_empty() {
            return Err(fail(format!("missing required arguments: {}", missing.join(", "))));
        }
        for param in spec.params {
            coerce_param(&mut given, param, spec.unrendered.contains(&param.name))?;
        }
        for set in spec.one_of {
            if !set.iter().any(|name| present(&given, name)) {
                return Err(fail(format!("one of the following is required: {}", set.join(", "))));
            }
        }
        Ok(Self(given))
    }
}

fn fail(message: String) -> Failure {
    Failure::msg(message)
}

fn present(given: &Map, name: &str) -> bool {
    !matches!(given.get(name), None | Some(Value::Null | Value::Omit))
}

fn canonical(spec: &Spec, raw: &Map) -> Result<Map, Failure> {
    let mut given = Map::new();
    let mut unknown = Vec::new();
    for (written, value) in raw.iter() {
        let key = string(written);
        if matches!(value, Value::Omit) {
            continue;
        }
        if key == FREE_FORM {
            match spec.free_form {
                Some(name) => given.insert(name, value.clone()),
                None if value.as_str().is_some_and(|t| t.trim().is_empty()) => {}
                None => {
                    return Err(fail(format!(
                        "{} takes no free-form text: {}",
                        name(spec),
                        string(value)
                    )));
                }
            }
            continue;
        }
        match spec.params.iter().find(|p| p.name == key || p.aliases.contains(&key.as_str())) {
            // The canonical name wins over an alias, as in Ansible.
            Some(param) if param.name != key && raw.get(param.name).is_some() => {}
            Some(param) => given.insert(param.name, value.clone()),
            None if spec.any => given.insert(written.clone(), value.clone()),
            None => unknown.push(key),
        }
    }
    if unknown.is_empty() { Ok(given) } else { Err(fail(unsupported(spec, unknown))) }
}

fn name(spec: &Spec) -> &'static str {
    spec.names.first().copied().unwrap_or_default()
}

fn unsupported(spec: &Spec, mut unknown: Vec<String>) -> String {
    unknown.sort();
    let mut known: Vec<String> = spec
        .params
        .iter()
        .filter(|p| p.name != FREE_FORM)
        .map(|p| match p.aliases {
            [] => p.name.to_owned(),
            aliases => format!("{} ({})", p.name, aliases.join(", ")),
        })
        .collect();
    known.sort();
    format!(
        "Unsupported parameters for ({}) module: {}. Supported parameters include: {}.",
        name(spec),
        unknown.join(", "),
        known.join(", ")
    )
}

fn coerce_param(given: &mut Map, param: &Param, unrendered: bool) -> Result<(), Failure> {
    let value = match (given.get(param.name), param.default) {
        (None | Some(Value::Null), None) => return Ok(()),
        (None | Some(Value::Null), Some(default)) => Value::text(default),
        (Some(value), _) => value.clone(),
    };
    if unrendered {
        return Ok(());
    }
    let typed = coerce(param.kind, &value).map_err(|why| {
        fail(format!(
            "argument '{}' is of type {} and we were unable to convert to {}: {why}",
            param.name,
            value.type_name(),
            kind_name(param.kind)
        ))
    })?;
    let typed = choose(param, typed)?;
    given.insert(param.name, typed);
    Ok(())
}

/// A choice that YAML has read as a bool (`state: yes`) is found by its spelling.
fn choose(param: &Param, value: Value) -> Result<Value, Failure> {
    if param.choices.is_empty() {
        return Ok(value);
    }
    let allowed = |v: &Value| param.choices.contains(&string(v).as_str());
    if let Some(items) = value.as_list() {
        let wrong: Vec<_> = items.iter().filter(|v| !allowed(v)).map(string).collect();
        if wrong.is_empty() {
            return Ok(value);
        }
        return Err(fail(format!(
            "value of {} must be one or more of: {}. Got no match for: {}",
            param.name,
            param.choices.join(", "),
            wrong.join(", ")
        )));
    }
    if allowed(&value) {
        return Ok(value);
    }
    let text = string(&value);
    let spelled = match text.as_str() {
        "True" => Some(["yes", "on", "true"]),
        "False" => Some(["no", "off", "false"]),
        _ => None,
    };
    if let Some(found) = spelled.and_then(|all| all.into_iter().find(|s| param.choices.contains(s)))
    {
        return Ok(Value::text(found));
    }
    Err(fail(format!(
        "value of {} must be one of: {}, got: {text}",
        param.name,
        param.choices.join(", ")
    )))
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "str",
        Kind::Path => "path",
        Kind::Bool => "bool",
        Kind::Int => "int",
        Kind::Float => "float",
        Kind::List | Kind::TextList => "list",
        Kind::Dict => "dict",
        Kind::Raw | Kind::Mode => "raw",
        Kind::Json => "json",
    }
}

/// The value as this type.
///
/// # Errors
/// It is not one; the text says why, as Ansible does after "unable to convert".
pub fn coerce(kind: Kind, value: &Value) -> Result<Value, String> {
    match kind {
        Kind::Raw => Ok(value.clone()),
        Kind::Text | Kind::Path => Ok(text(value)),
        Kind::Mode => Ok(mode(value)),
        Kind::Bool => boolean(value).map(Value::Bool),
        Kind::Int => int(value),
        Kind::Float => float(value),
        Kind::List => list(value).map(Value::list),
        Kind::TextList => list(value).map(|items| Value::list(items.iter().map(text).collect())),
        Kind::Dict => dict(value),
        Kind::Json => match value {
            Value::Text(_) => Ok(value.clone()),
            Value::Map(_) | Value::List(_) => Ok(Value::text(value.to_json().to_string())),
            other => Err(format!("{} cannot be converted to a json string", class(other))),
        },
    }
}

pub(super) fn class(value: &Value) -> String {
    format!("<class '{}'>", value.type_name())
}

fn text(value: &Value) -> Value {
    match value {
        Value::Text(_) => value.clone(),
        Value::Null => Value::text(""),
        other => Value::text(string(other)),
    }
}

/// A whole number is the mode itself (YAML has read `0644` as octal already): it is written in octal here, so that what
/// follows reads only octal text.
fn mode(value: &Value) -> Value {
    match value {
        Value::Int(n) => Value::text(format!("{n:04o}")),
        other => text(other),
    }
}

/// Ansible's truth of a value: its spellings only, in any case.
///
/// # Errors
/// It is none of them.
pub fn boolean(value: &Value) -> Result<bool, String> {
    match value {
        Value::Bool(b) => return Ok(*b),
        Value::Int(1) => return Ok(true),
        Value::Int(0) => return Ok(false),
        Value::Float(1.0) => return Ok(true),
        Value::Float(0.0) => return Ok(false),
        Value::Null | Value::List(_) | Value::Map(_) => {
            return Err(format!("{} cannot be converted to a bool", class(value)));
        }
        Value::Text(text) => match text.as_str().trim().to_lowercase().as_str() {
            "yes" | "on" | "true" | "t" | "y" | "1" => return Ok(true),
            "no" | "off" | "false" | "f" | "n" | "0" => return Ok(false),
            _ => {}
        },
        _ => {}
    }
    Err(format!(
        "The value '{}' is not a valid boolean. Valid booleans include: 0, 1, '0', '1', 'f', 'false', 'n', 'no', 'off', \
         'on', 't', 'true', 'y', 'yes'",
        string(value)
    ))
}

fn int(value: &Value) -> Result<Value, String> {
    match value {
        Value::Int(_) => return Ok(value.clone()),
        Value::Bool(b) => return Ok(Value::Int(i128::from(*b))),
        Value::Float(f) if f.fract() == 0.0 && f.abs() < 1e18 => {
            #[expect(clippy::cast_possible_truncation, reason = "whole and small")]
            return Ok(Value::Int(*f as i128));
        }
        Value::Text(text) => {
            if let Ok(n) = text.as_str().trim().replace('_', "").parse::<i128>() {
                return Ok(Value::Int(n));
            }
        }
        _ => {}
    }
    Err(format!("\"{}\" cannot be converted to an int", repr(value)))
}

fn float(value: &Value) -> Result<Value, String> {
    match value {
        Value::Float(_) | Value::Int(_) => Ok(value.clone()),
        Value::Bool(b) => Ok(Value::Float(f64::from(u8::from(*b)))),
        Value::Text(text) => text
            .as_str()
            .trim()
            .parse()
            .map(Value::Float)
            .map_err(|_| format!("{} cannot be converted to a float", class(value))),
        other => Err(format!("{} cannot be converted to a float", class(other))),
    }
}

fn list(value: &Value) -> Result<Vec<Value>, String> {
    match value {
        Value::List(items) => {
            Ok(items.iter().filter(|v| !matches!(v, Value::Omit)).cloned().collect())
        }
        Value::Text(text) => Ok(text.as_str().split(',').map(Value::text).collect()),
        Value::Int(_) | Value::Float(_) | Value::Bool(_) => Ok(vec![Value::text(string(value))]),
        other => Err(format!("{} cannot be converted to a list", class(other))),
    }
}

fn dict(value: &Value) -> Result<Value, String> {
    match value {
        Value::Map(_) => Ok(value.clone()),
        Value::Text(text) => {
            let text = text.as_str().trim();
            if text.starts_with('{') {
                let json = serde_json::from_str(text).unwrap_or_else(|_| {
                    // Through JSON: what was read here is data and has no place.
                    python_literal(text, &Source::new("", text).start()).to_json()
                });
                return match json {
                    serde_json::Value::Object(_) => Ok(Value::from(json)),
                    _ => Err("unable to evaluate string as dictionary".to_owned()),
                };
            }
            let mut map = Map::new();
            let pairs = words::split(&text.replace(',', " "))
                .map_err(|_| "unable to evaluate string as dictionary".to_owned())?;
            for pair in pairs {
                let (key, value) = pair.split_once('=').ok_or_else(|| {
                    "dictionary requested, could not parse JSON or key=value".to_owned()
                })?;
                map.insert(key, value);
            }
            Ok(Value::Map(map))
        }
        other => Err(format!("{} cannot be converted to a dict", class(other))),
    }
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
