//! Tests between values: order, membership, sets, `any`, `all`.

use crate::template::filters::call::{Args, Entry, entry, fail};
use crate::template::filters::python::{self, Number};
use crate::value as language;
use minijinja::value::ValueKind;
use minijinja::{Error, Value};
use std::cmp::Ordering;
use std::collections::HashSet;

pub(super) static ENTRIES: &[Entry] = &[
    entry("eq", |_, args| equal(args)),
    entry("equalto", |_, args| equal(args)),
    entry("==", |_, args| equal(args)),
    entry("ne", |_, args| equal(args).map(negate)),
    entry("!=", |_, args| equal(args).map(negate)),
    entry("lt", |_, args| ordered(args, Ordering::is_lt)),
    entry("lessthan", |_, args| ordered(args, Ordering::is_lt)),
    entry("<", |_, args| ordered(args, Ordering::is_lt)),
    entry("le", |_, args| ordered(args, Ordering::is_le)),
    entry("<=", |_, args| ordered(args, Ordering::is_le)),
    entry("gt", |_, args| ordered(args, Ordering::is_gt)),
    entry("greaterthan", |_, args| ordered(args, Ordering::is_gt)),
    entry(">", |_, args| ordered(args, Ordering::is_gt)),
    entry("ge", |_, args| ordered(args, Ordering::is_ge)),
    entry(">=", |_, args| ordered(args, Ordering::is_ge)),
    entry("in", |_, args| {
        let (item, container) = (args.value("value")?, args.value("seq")?);
        contains(&container, &item).map(Value::from)
    }),
    entry("contains", |_, args| {
        let (container, item) = (args.value("seq")?, args.value("value")?);
        contains(&container, &item).map(Value::from)
    }),
    entry("sameas", |_, args| {
        let (a, b) = (args.value("value")?, args.value("other")?);
        Ok(Value::from(python::type_name(&a) == python::type_name(&b) && a == b))
    }),
    entry("odd", |_, args| Ok(Value::from(remainder(args, Some(2))? == 1))),
    entry("even", |_, args| Ok(Value::from(remainder(args, Some(2))? == 0))),
    entry("divisibleby", |_, args| Ok(Value::from(remainder(args, None)? == 0))),
    entry("any", |_, args| Ok(Value::from(elements(args)?.iter().any(Value::is_true)))),
    entry("all", |_, args| Ok(Value::from(elements(args)?.iter().all(Value::is_true)))),
    entry("subset", |_, args| within(args, false)),
    entry("issubset", |_, args| within(args, false)),
    entry("superset", |_, args| within(args, true)),
    entry("issuperset", |_, args| within(args, true)),
];

#[expect(clippy::needless_pass_by_value, reason = "the shape of `map`")]
fn negate(answer: Value) -> Value {
    Value::from(!answer.is_true())
}

fn equal(args: &mut Args) -> Result<Value, Error> {
    let (a, b) = (args.value("value")?, args.value("other")?);
    Ok(Value::from(a == b))
}

fn ordered(args: &mut Args, wanted: fn(Ordering) -> bool) -> Result<Value, Error> {
    let (a, b) = (args.value("value")?, args.value("other")?);
    Ok(Value::from(wanted(python::compare(&a, &b)?)))
}

fn contains(container: &Value, item: &Value) -> Result<bool, Error> {
    match (container.kind(), container.as_str()) {
        (ValueKind::String, Some(text)) => match item.as_str() {
            Some(part) => Ok(text.contains(part)),
            None => Err(fail(format!("'{}' cannot be in text", python::type_name(item)))),
        },
        _ => Ok(python::items(container)?.contains(item)),
    }
}

fn remainder(args: &mut Args, by: Option<i128>) -> Result<i128, Error> {
    let value = args.value("value")?;
    let by = match by {
        Some(by) => by,
        None => python::whole(&args.value("num")?).unwrap_or(0),
    };
    match python::number(&value) {
        Some(_) if by == 0 => Err(fail("numbers cannot be divided by 0")),
        Some(Number::Int(n)) => Ok(n.wrapping_rem_euclid(by)),
        // Any fraction that is left counts as not 0 and not 1.
        Some(Number::Float(f)) if f.fract() != 0.0 => Ok(-1),
        #[expect(clippy::cast_possible_truncation, reason = "a whole number, if a large one")]
        Some(Number::Float(f)) => Ok((f as i128).wrapping_rem_euclid(by)),
        None => Err(fail(format!("a number is needed, not '{}'", python::type_name(&value)))),
    }
}

fn elements(args: &mut Args) -> Result<Vec<Value>, Error> {
    let items = python::items(&args.value("value")?)?;
    items.iter().try_for_each(python::defined)?;
    Ok(items)
}

fn within(args: &mut Args, swap: bool) -> Result<Value, Error> {
    let (a, b) = (python::items(&args.value("a")?)?, python::items(&args.value("b")?)?);
    let (small, large) = if swap { (b, a) } else { (a, b) };
    let large: HashSet<language::Value> =
        large.iter().map(python::to_language).collect::<Result<_, _>>()?;
    for item in &small {
        if !large.contains(&python::to_language(item)?) {
            return Ok(Value::from(false));
        }
    }
    Ok(Value::from(true))
}
