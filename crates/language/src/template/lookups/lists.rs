//! Lookups that arrange their terms: `items`, `list`, `dict`, `indexed_items`, `nested`, `together`, `random_choice`.

use super::call::Call;
use crate::template::filters::call::{fail, is_mapping};
use crate::template::filters::{python, sets};
use minijinja::value::ValueKind;
use minijinja::{Error, Value};
use rand::seq::IndexedRandom;

fn is_list(value: &Value) -> bool {
    matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable)
}

/// The terms, lists among them replaced by their elements.
fn flattened(call: &Call) -> Result<Vec<Value>, Error> {
    let mut flat = Vec::new();
    for term in &call.terms {
        if is_list(term) { flat.extend(python::items(term)?) } else { flat.push(term.clone()) }
    }
    Ok(flat)
}

pub(super) fn items(call: &mut Call) -> Result<Vec<Value>, Error> {
    flattened(call)
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every lookup")]
pub(super) fn list(call: &mut Call) -> Result<Vec<Value>, Error> {
    Ok(call.terms.clone())
}

/// Settings by name; one that is not known is an error, unless `on_missing` is `skip`.
pub(super) fn config(call: &mut Call) -> Result<Vec<Value>, Error> {
    let on_missing = call.text("on_missing", "error")?;
    let mut found = Vec::new();
    for name in call.texts()? {
        match call.world.setting(&name) {
            Some(value) => found.push(call.world.lift(&value)?),
            None if on_missing == "skip" => {}
            None => return Err(fail(format!("the setting {name} is not known"))),
        }
    }
    Ok(found)
}

pub(super) fn dict(call: &mut Call) -> Result<Vec<Value>, Error> {
    let mut entries = Vec::new();
    for term in &call.terms {
        if !is_mapping(term) {
            let kind = python::type_name(term);
            return Err(fail(format!(
                "the lookup plugin expects a dictionary, not a value of type '{kind}'"
            )));
        }
        for (key, value) in python::pairs(term)? {
            entries
                .push(python::dict(vec![(Value::from("key"), key), (Value::from("value"), value)]));
        }
    }
    Ok(entries)
}

pub(super) fn indexed_items(call: &mut Call) -> Result<Vec<Value>, Error> {
    let items = flattened(call)?.into_iter().enumerate();
    Ok(items.map(|(index, item)| python::tuple(vec![Value::from(index), item])).collect())
}

fn columns(call: &Call) -> Result<Vec<Vec<Value>>, Error> {
    let column = |term: &Value| {
        if is_list(term) { python::items(term) } else { Ok(vec![term.clone()]) }
    };
    call.terms.iter().map(column).collect()
}

pub(super) fn nested(call: &mut Call) -> Result<Vec<Value>, Error> {
    let columns = columns(call)?;
    if columns.is_empty() {
        return Err(fail("at least one list is needed"));
    }
    Ok(sets::cartesian(&columns)?.into_iter().map(|row| Value::from(flat_row(row))).collect())
}

/// Lists inside a row become part of it.
fn flat_row(row: Vec<Value>) -> Vec<Value> {
    let mut flat = Vec::with_capacity(row.len());
    for item in row {
        match python::items(&item) {
            Ok(items) if is_list(&item) => flat.extend(items),
            _ => flat.push(item),
        }
    }
    flat
}

pub(super) fn together(call: &mut Call) -> Result<Vec<Value>, Error> {
    let columns = columns(call)?;
    if columns.is_empty() {
        return Err(fail("at least one list is needed"));
    }
    let count = columns.iter().map(Vec::len).max().unwrap_or(0);
    let row = |at: usize| {
        let cell = |column: &Vec<Value>| column.get(at).cloned().unwrap_or(Value::from(()));
        Value::from(columns.iter().map(cell).collect::<Vec<_>>())
    };
    Ok((0..count).map(row).collect())
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every lookup")]
pub(super) fn random_choice(call: &mut Call) -> Result<Vec<Value>, Error> {
    Ok(call
        .terms
        .choose(&mut crate::template::filters::chance::real())
        .cloned()
        .into_iter()
        .collect())
}
