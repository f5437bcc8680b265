//! Tests on what a value is: its type, its truth.

use crate::template::filters::call::{Args, Entry, entry};
use crate::template::filters::{convert, python};
use minijinja::value::ValueKind;
use minijinja::{Error, Value};

pub(super) static ENTRIES: &[Entry] = &[
    entry("none", |_, args| kind(args, Value::is_none)),
    entry("boolean", |_, args| kind(args, |v| v.kind() == ValueKind::Bool)),
    entry("true", |_, args| kind(args, |v| v.kind() == ValueKind::Bool && v.is_true())),
    entry("false", |_, args| kind(args, |v| v.kind() == ValueKind::Bool && !v.is_true())),
    entry("integer", |_, args| kind(args, Value::is_integer)),
    entry("float", |_, args| kind(args, |v| v.is_number() && !v.is_integer())),
    entry("number", |_, args| kind(args, |v| python::number(v).is_some())),
    entry("string", |_, args| kind(args, |v| v.kind() == ValueKind::String)),
    entry("mapping", |_, args| kind(args, |v| v.kind() == ValueKind::Map)),
    entry("sequence", |_, args| kind(args, has_items)),
    entry("iterable", |_, args| kind(args, has_items)),
    entry("callable", |_, args| kind(args, |v| v.kind() == ValueKind::Plain)),
    entry("nan", |_, args| kind(args, |v| python::float(v).is_some_and(f64::is_nan))),
    entry("isnan", |_, args| kind(args, |v| python::float(v).is_some_and(f64::is_nan))),
    entry("truthy", |_, args| truth(args)),
    entry("falsy", |_, args| truth(args).map(|answer| Value::from(!answer.is_true()))),
    entry("filter", |state, args| {
        let name = args.text("value")?;
        Ok(known(state.apply_filter(&name, &[]).err(), minijinja::ErrorKind::UnknownFilter))
    }),
    entry("test", |state, args| {
        let name = args.text("value")?;
        Ok(known(state.perform_test(&name, &[]).err(), minijinja::ErrorKind::UnknownTest))
    }),
];

fn kind(args: &mut Args, is: fn(&Value) -> bool) -> Result<Value, Error> {
    Ok(Value::from(is(&args.value("value")?)))
}

fn has_items(value: &Value) -> bool {
    matches!(
        value.kind(),
        ValueKind::String | ValueKind::Seq | ValueKind::Iterable | ValueKind::Map
    )
}

fn truth(args: &mut Args) -> Result<Value, Error> {
    let value = args.value("value")?;
    let words = args.flag("convert_bool", false)?;
    let answer = if words { convert::truth_word(&value) } else { None };
    Ok(Value::from(answer.unwrap_or_else(|| value.is_true())))
}

/// Called without arguments, everything that exists fails in another way than by being unknown.
fn known(error: Option<Error>, unknown: minijinja::ErrorKind) -> Value {
    Value::from(error.is_none_or(|error| error.kind() != unknown))
}
