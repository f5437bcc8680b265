//! Python's operators where the engine's differ.

use super::convert;
use super::filters::time;
use crate::value::Value;
use minijinja::value::{Kwargs, ValueKind};
use minijinja::{Error, ErrorKind, State, Value as Jinja};

/// `left % right`: the remainder, or the formatting of a text.
pub(super) fn remainder(
    state: &mut State<'_, '_>,
    left: &Jinja,
    right: &Jinja,
) -> Result<Jinja, Error> {
    if left.kind() == ValueKind::String {
        return format(state, left, right);
    }
    let refuse = || {
        Error::new(
            ErrorKind::InvalidOperation,
            format!("% needs two numbers, or a text on its left, not {left:?} and {right:?}"),
        )
    };
    let zero = || Error::new(ErrorKind::InvalidOperation, "division by zero");
    match (number(left), number(right)) {
        (Some(Value::Int(a)), Some(Value::Int(b))) => {
            let rest = a.checked_rem(b).ok_or_else(zero)?;
            let rest = if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest };
            Ok(i64::try_from(rest).map_or_else(|_| Jinja::from(rest), Jinja::from))
        }
        (Some(a), Some(b)) => {
            let (a, b) = (float(&a), float(&b));
            if b == 0.0 {
                return Err(zero());
            }
            let rest = a % b;
            Ok(Jinja::from(if rest != 0.0 && (rest < 0.0) != (b < 0.0) { rest + b } else { rest }))
        }
        _ => Err(refuse()),
    }
}

/// `left - right`: of numbers, and of times.
pub(super) fn difference(left: &Jinja, right: &Jinja) -> Result<Jinja, Error> {
    let refuse = |what: &str| Error::new(ErrorKind::InvalidOperation, what.to_owned());
    match (number(left), number(right)) {
        (Some(Value::Int(a)), Some(Value::Int(b))) => a
            .checked_sub(b)
            .map(|rest| i64::try_from(rest).map_or_else(|_| Jinja::from(rest), Jinja::from))
            .ok_or_else(|| refuse("the difference is too large")),
        (Some(a), Some(b)) => Ok(Jinja::from(float(&a) - float(&b))),
        _ => time::difference(left, right).ok_or_else(|| {
            refuse(&format!("- needs two numbers or two times, not {left:?} and {right:?}"))
        }),
    }
}

fn format(state: &mut State<'_, '_>, left: &Jinja, right: &Jinja) -> Result<Jinja, Error> {
    let mut args = vec![left.clone()];
    if right.is_tuple() {
        args.extend(right.try_iter()?.checked().collect::<Result<Vec<_>, _>>()?);
    } else if right.kind() == ValueKind::Map {
        let mut named = Vec::new();
        for key in right.try_iter()?.checked() {
            let key = key?;
            named.push((key.to_string(), right.get_item(&key)?));
        }
        args.push(Jinja::from(Kwargs::from_iter(named)));
    } else if left.as_str().is_some_and(|text| text.contains('%')) {
        args.push(right.clone());
    } else {
        let message = "the text on the left of % has no place for what is on its right";
        return Err(Error::new(ErrorKind::InvalidOperation, message));
    }
    state.apply_filter("format", &args)
}

/// Sequences are ordered by their first difference, or by their lengths.
fn order_sequences(left: &Jinja, op: &str, right: &Jinja) -> Result<bool, Error> {
    let items = |value: &Jinja| value.try_iter()?.checked().collect::<Result<Vec<_>, _>>();
    let (left, right) = (items(left)?, items(right)?);
    match left.iter().zip(&right).find(|(a, b)| a != b) {
        Some((a, b)) => order(a, op, b),
        None => order(&Jinja::from(left.len()), op, &Jinja::from(right.len())),
    }
}

/// `left in right`, for what Python can search.
pub(super) fn contains(left: &Jinja, right: &Jinja) -> Result<bool, Error> {
    let refuse = |what: &str| {
        let name = convert::lower(left).map_or("object", |v| v.type_name());
        Err(Error::new(ErrorKind::InvalidOperation, format!("in {what}, not {name}")))
    };
    match (right.kind(), left.as_str()) {
        (ValueKind::String, Some(sought)) => {
            Ok(right.as_str().is_some_and(|text| text.contains(sought)))
        }
        (ValueKind::String, None) => refuse("a text can only be searched for text"),
        (ValueKind::Map, _) => match left.kind() {
            ValueKind::Map | ValueKind::Seq if !left.is_tuple() => {
                refuse("a dictionary can only be searched for what can be a key")
            }
            _ => Ok(right.as_object().is_some_and(|map| map.get_value(left).is_some())),
        },
        (ValueKind::Seq | ValueKind::Iterable, _) => {
            for item in right.try_iter()?.checked() {
                if item? == *left {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        _ => {
            let name = convert::lower(right).map_or("object", |v| v.type_name());
            let message = format!("a value of type {name} cannot be searched with in");
            Err(Error::new(ErrorKind::InvalidOperation, message))
        }
    }
}

fn number(value: &Jinja) -> Option<Value> {
    matches!(value.kind(), ValueKind::Number | ValueKind::Bool)
        .then(|| convert::lower(value).ok())
        .flatten()
        .map(|value| match value {
            Value::Bool(b) => Value::from(i64::from(b)),
            other => other,
        })
}

#[expect(clippy::cast_precision_loss, reason = "as Python, a float is as near as it gets")]
fn float(value: &Value) -> f64 {
    match value {
        Value::Int(i) => *i as f64,
        Value::Float(f) => *f,
        _ => 0.0,
    }
}

/// `left < right` and the like: only what Python can order.
pub(super) fn order(left: &Jinja, op: &str, right: &Jinja) -> Result<bool, Error> {
    let kind = |value: &Jinja| match value.kind() {
        ValueKind::Bool | ValueKind::Number => Some(0),
        ValueKind::String => Some(1),
        ValueKind::Seq | ValueKind::Iterable => Some(2),
        ValueKind::Plain => Some(3),
        _ => None,
    };
    if kind(left).is_none() || kind(left) != kind(right) {
        let names = [left, right].map(|v| convert::lower(v).map_or("object", |v| v.type_name()));
        return Err(Error::new(
            ErrorKind::InvalidOperation,
            format!(
                "{op} cannot compare a value of type {} with one of type {}",
                names[0], names[1]
            ),
        ));
    }
    if kind(left) == Some(2) {
        return order_sequences(left, op, right);
    }
    let number = |value: &Jinja| match value.kind() {
        ValueKind::Bool => Jinja::from(i64::from(value.is_true())),
        _ => value.clone(),
    };
    let (left, right) = (number(left), number(right));
    Ok(match op {
        "<" => left < right,
        "<=" => left <= right,
        ">" => left > right,
        _ => left >= right,
    })
}
