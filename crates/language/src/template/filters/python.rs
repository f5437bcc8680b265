//! Python's view of values: `str`, `repr`, numbers, iteration, ordering; errors that hide in lazy values come out here.

use super::call::fail;
use crate::value::{self as language, Map};
use minijinja::value::{Tuple, ValueKind};
use minijinja::{Error, ErrorKind, Value};
use std::cmp::Ordering;

/// A number as Python has it.
#[derive(Debug, Clone, Copy)]
pub(in crate::template) enum Number {
    Int(i128),
    Float(f64),
}

/// Refuses an undefined value, and the error inside an invalid one.
pub(in crate::template) fn defined(value: &Value) -> Result<(), Error> {
    match value.kind() {
        ValueKind::Undefined => Err(Error::from(ErrorKind::UndefinedError)),
        ValueKind::Invalid => valid(value.clone()).map(drop),
        _ => Ok(()),
    }
}

/// The value, or the error it stands for (a lazy variable that could not be rendered).
pub(in crate::template) fn valid(value: Value) -> Result<Value, Error> {
    if value.kind() != ValueKind::Invalid {
        return Ok(value);
    }
    let found = Value::from(vec![value]).try_iter()?.checked().next();
    found.unwrap_or_else(|| Err(fail("a value could not be computed")))
}

/// The elements of a list, the keys of a dictionary, the characters of text.
pub(in crate::template) fn items(value: &Value) -> Result<Vec<Value>, Error> {
    defined(value)?;
    if matches!(value.kind(), ValueKind::None | ValueKind::Bytes) {
        return Err(fail(format!("'{}' object is not iterable", type_name(value))));
    }
    let iter = value
        .try_iter()
        .map_err(|_| fail(format!("'{}' object is not iterable", type_name(value))))?;
    iter.checked().collect()
}

/// The elements of a list, never the characters of text.
pub(in crate::template) fn list(value: &Value) -> Result<Vec<Value>, Error> {
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => items(value),
        _ => Err(fail(format!("a list is needed, not a value of type '{}'", type_name(value)))),
    }
}

/// The entries of a dictionary.
pub(in crate::template) fn pairs(value: &Value) -> Result<Vec<(Value, Value)>, Error> {
    defined(value)?;
    if value.kind() != ValueKind::Map {
        return Err(fail(format!(
            "a dictionary is needed, not a value of type '{}'",
            type_name(value)
        )));
    }
    let mut entries = Vec::new();
    for key in value.try_iter()?.checked() {
        let key = key?;
        let found = valid(value.get_item(&key)?)?;
        entries.push((key, found));
    }
    Ok(entries)
}

/// The value under a key or index, or an attribute of an object; undefined if there is none.
pub(in crate::template) fn get(value: &Value, key: &Value) -> Result<Value, Error> {
    defined(value)?;
    valid(value.get_item(key)?)
}

/// A dictionary from its entries.
pub(in crate::template) fn dict(entries: Vec<(Value, Value)>) -> Value {
    Value::from_pairs(entries)
}

/// A tuple.
pub(in crate::template) fn tuple(items: Vec<Value>) -> Value {
    Value::from(Tuple::from(items))
}

/// Python's name of the type.
pub(in crate::template) fn type_name(value: &Value) -> &'static str {
    match value.kind() {
        ValueKind::Undefined => "AnsibleUndefined",
        ValueKind::None => "NoneType",
        ValueKind::Bool => "bool",
        ValueKind::Number if value.is_integer() => "int",
        ValueKind::Number => "float",
        ValueKind::String => "str",
        ValueKind::Bytes => "bytes",
        ValueKind::Seq if value.is_tuple() => "tuple",
        ValueKind::Seq | ValueKind::Iterable => "list",
        ValueKind::Map => "dict",
        _ => "object",
    }
}

/// The number, if it is one; true and false are one and zero.
pub(in crate::template) fn number(value: &Value) -> Option<Number> {
    match value.kind() {
        ValueKind::Bool => Some(Number::Int(i128::from(value.is_true()))),
        ValueKind::Number if value.is_integer() => {
            i128::try_from(value.clone()).ok().map(Number::Int)
        }
        ValueKind::Number => f64::try_from(value.clone()).ok().map(Number::Float),
        _ => None,
    }
}

/// The whole number, if it is one.
pub(in crate::template) fn whole(value: &Value) -> Option<i128> {
    match number(value) {
        Some(Number::Int(n)) => Some(n),
        _ => None,
    }
}

/// The number as a float.
#[expect(clippy::cast_precision_loss, reason = "as Python's float() does")]
pub(in crate::template) fn float(value: &Value) -> Option<f64> {
    number(value).map(|n| match n {
        Number::Int(i) => i as f64,
        Number::Float(f) => f,
    })
}

/// Python's `str()`.
pub(in crate::template) fn string(value: &Value) -> Result<String, Error> {
    match (value.kind(), value.as_str()) {
        (ValueKind::String, Some(text)) => Ok(text.to_owned()),
        _ => repr(value),
    }
}

/// Python's `repr()`.
pub(in crate::template) fn repr(value: &Value) -> Result<String, Error> {
    Ok(match value.kind() {
        ValueKind::Undefined | ValueKind::Invalid => {
            defined(value)?;
            String::new()
        }
        ValueKind::Seq | ValueKind::Iterable => {
            let parts = items(value)?.iter().map(repr).collect::<Result<Vec<_>, _>>()?;
            let inner = parts.join(", ");
            match (value.is_tuple(), parts.len()) {
                (true, 1) => format!("({inner},)"),
                (true, _) => format!("({inner})"),
                (false, _) => format!("[{inner}]"),
            }
        }
        ValueKind::Map => {
            let mut parts = Vec::new();
            for (key, item) in pairs(value)? {
                parts.push(format!("{}: {}", repr(&key)?, repr(&item)?));
            }
            format!("{{{}}}", parts.join(", "))
        }
        ValueKind::Plain => value.to_string(),
        _ => language::repr(&to_language(value)?),
    })
}

/// The value of the language; it is data.
pub(in crate::template) fn to_language(value: &Value) -> Result<language::Value, Error> {
    Ok(match value.kind() {
        ValueKind::Undefined | ValueKind::Invalid => {
            defined(value)?;
            language::Value::Null
        }
        ValueKind::None => language::Value::Null,
        ValueKind::Bool => language::Value::Bool(value.is_true()),
        ValueKind::Number => match number(value) {
            Some(Number::Int(n)) => language::Value::Int(n),
            Some(Number::Float(f)) => language::Value::Float(f),
            None => return Err(fail(format!("the number {value} is too large"))),
        },
        ValueKind::String => language::Value::text(value.as_str().unwrap_or_default()),
        ValueKind::Seq | ValueKind::Iterable => language::Value::list(
            items(value)?.iter().map(to_language).collect::<Result<Vec<_>, _>>()?,
        ),
        ValueKind::Map => {
            let mut map = Map::new();
            for (key, item) in pairs(value)? {
                map.insert(to_language(&key)?, to_language(&item)?);
            }
            language::Value::Map(map)
        }
        _ => language::Value::text(value.to_string()),
    })
}

/// Python's `<`: numbers with numbers, text with text, lists with lists; anything else is an error.
pub(in crate::template) fn compare(a: &Value, b: &Value) -> Result<Ordering, Error> {
    let wrong = || fail(format!("'{}' and '{}' cannot be ordered", type_name(a), type_name(b)));
    if let (Some(x), Some(y)) = (number(a), number(b)) {
        return match (x, y) {
            (Number::Int(x), Number::Int(y)) => Ok(x.cmp(&y)),
            _ => {
                let (x, y) = (float(a).unwrap_or(f64::NAN), float(b).unwrap_or(f64::NAN));
                Ok(x.partial_cmp(&y).unwrap_or(Ordering::Equal))
            }
        };
    }
    defined(a)?;
    defined(b)?;
    match (a.kind(), b.kind()) {
        (ValueKind::String, ValueKind::String) => Ok(a.as_str().cmp(&b.as_str())),
        (ValueKind::Seq | ValueKind::Iterable, ValueKind::Seq | ValueKind::Iterable)
            if a.is_tuple() == b.is_tuple() =>
        {
            let (xs, ys) = (items(a)?, items(b)?);
            for (x, y) in xs.iter().zip(&ys) {
                if x != y {
                    return compare(x, y);
                }
            }
            Ok(xs.len().cmp(&ys.len()))
        }
        _ => Err(wrong()),
    }
}

/// Sorts pairs by their first half as Python does: stable, and a pair that cannot be ordered is an error.
pub(in crate::template) fn sort_by_key(
    items: Vec<(Value, Value)>,
    reverse: bool,
) -> Result<Vec<(Value, Value)>, Error> {
    // A merge sort of our own: the standard one may panic on an order that is none (NaN, mixed types).
    if items.len() < 2 {
        return Ok(items);
    }
    let mut left = items;
    let right = left.split_off(left.len() / 2);
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let mut left = sort_by_key(left, reverse)?.into_iter().peekable();
    let mut right = sort_by_key(right, reverse)?.into_iter().peekable();
    while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
        let order = compare(&b.0, &a.0)?;
        let swap = if reverse { order == Ordering::Greater } else { order == Ordering::Less };
        merged.extend(if swap { right.next() } else { left.next() });
    }
    merged.extend(left);
    merged.extend(right);
    Ok(merged)
}

/// Text in lower case, anything else as it is: the key of comparisons that ignore case.
pub(in crate::template) fn fold_case(value: Value) -> Value {
    match (value.kind(), value.as_str()) {
        (ValueKind::String, Some(text)) => Value::from(text.to_lowercase()),
        _ => value,
    }
}

/// Follows `a.b.0`; `None` at its end if a step does not exist.
pub(in crate::template) fn attribute(value: &Value, path: &Value) -> Result<Value, Error> {
    let Some(text) = path.as_str() else { return get(value, path) };
    let mut found = value.clone();
    for step in text.split('.') {
        let key = step.parse::<u32>().map_or_else(|_| Value::from(step), Value::from);
        found = get(&found, &key)?;
    }
    Ok(found)
}

/// A value of the language as data of the engine: what it holds is not rendered any more.
pub(in crate::template) fn from_language(value: &language::Value) -> Result<Value, Error> {
    Ok(match value {
        language::Value::Null => Value::from(()),
        language::Value::Bool(b) => Value::from(*b),
        language::Value::Int(i) => i64::try_from(*i).map_or_else(|_| Value::from(*i), Value::from),
        language::Value::Float(f) => Value::from(*f),
        language::Value::Text(text) => Value::from(text.shared()),
        language::Value::List(items) => {
            Value::from(items.iter().map(from_language).collect::<Result<Vec<_>, _>>()?)
        }
        language::Value::Map(map) => {
            let mut entries = Vec::with_capacity(map.len());
            for (key, item) in map.iter() {
                entries.push((from_language(key)?, from_language(item)?));
            }
            dict(entries)
        }
        language::Value::Scope(_) | language::Value::Encrypted(_) | language::Value::Omit => {
            return Err(fail("only plain data can be used here"));
        }
    })
}
