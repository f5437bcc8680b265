//! YAML as PyYAML reads and writes it.

use super::call::{Args, Entry, entry, fail};
use super::python;
use crate::yaml::{self, EmitOptions, Style};
use minijinja::value::ValueKind;
use minijinja::{Error, State, Value};

pub(super) static ENTRIES: &[Entry] = &[
    entry("to_yaml", |_, args| dump(args, EmitOptions::default())),
    entry("to_nice_yaml", to_nice_yaml),
    entry("from_yaml", from_yaml),
    entry("from_yaml_all", from_yaml_all),
];

fn to_nice_yaml(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    dump(args, EmitOptions::nice())
}

fn dump(args: &mut Args, mut options: EmitOptions) -> Result<Value, Error> {
    let value = args.value("a")?;
    if let Some(indent) = args.int_option("indent")? {
        options.indent = usize::try_from(indent).unwrap_or(2);
    }
    if let Some(flow) = args.option("default_flow_style")? {
        options.flow = if flow.is_none() { None } else { Some(flow.is_true()) };
    }
    if let Some(style) = args.text_option("default_style")? {
        options.style = Some(match style.as_str() {
            "'" => Style::Single,
            "\"" => Style::Double,
            "|" => Style::Literal,
            ">" => Style::Folded,
            other => return Err(fail(format!("there is no style '{other}' of YAML texts"))),
        });
    }
    if let Some(width) = args.keyword("width")?.filter(|width| !width.is_none()) {
        // Any number that is larger than a line means: never fold.
        let width = python::float(&width).ok_or_else(|| fail("'width' must be a number"))?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
        let columns = (width.is_finite() && width < 1e9).then_some(width.max(0.0) as usize);
        options.width = columns;
    }
    let mut flag = |name: &str, field: &mut bool| -> Result<(), Error> {
        if let Some(value) = args.keyword(name)? {
            *field = value.is_true();
        }
        Ok(())
    };
    flag("sort_keys", &mut options.sort_keys)?;
    flag("explicit_start", &mut options.explicit_start)?;
    flag("explicit_end", &mut options.explicit_end)?;
    // Text outside ASCII is always written as it is, which is what this asks for.
    if args.keyword("allow_unicode")?.is_some_and(|allowed| !allowed.is_true()) {
        return Err(fail("'allow_unicode' cannot be switched off"));
    }
    let value = python::to_language(&plain(&value)?)?;
    Ok(Value::from(yaml::emit(&value, &options)))
}

/// Tuples count as lists, also as keys.
fn plain(value: &Value) -> Result<Value, Error> {
    if value.is_tuple() { python::items(value).map(Value::from) } else { Ok(value.clone()) }
}

fn text(value: &Value) -> Option<&str> {
    if value.kind() == ValueKind::String { value.as_str() } else { None }
}

fn documents(text: &str) -> Result<Vec<Value>, Error> {
    let found = yaml::load_data("the text", text)
        .map_err(|diagnostic| fail(format!("this is not YAML: {diagnostic}")))?;
    found.iter().map(python::from_language).collect()
}

fn from_yaml(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let value = args.value("data")?;
    let Some(text) = text(&value) else { return Ok(value) };
    let mut found = documents(text)?.into_iter();
    match (found.next(), found.next()) {
        (document, None) => Ok(document.unwrap_or(Value::from(()))),
        _ => Err(fail("there is more than one document; use from_yaml_all")),
    }
}

fn from_yaml_all(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let value = args.value("data")?;
    let Some(text) = text(&value) else { return Ok(value) };
    documents(text).map(Value::from)
}
