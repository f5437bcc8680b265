//! `subelements`: every element of a list with every element of a list inside it.

use super::call::Call;
use crate::template::filters::call::{fail, is_mapping};
use crate::template::filters::python;
use minijinja::value::ValueKind;
use minijinja::{Error, Value};

pub(super) fn subelements(call: &mut Call) -> Result<Vec<Value>, Error> {
    let (elements, path, flags) = match call.terms.as_slice() {
        [elements, path] => (elements, path, None),
        [elements, path, flags] if is_mapping(flags) => (elements, path, Some(flags)),
        _ => return Err(fail("a list, a key and perhaps a dictionary of flags are needed")),
    };
    let (ValueKind::String, Some(path)) = (path.kind(), path.as_str()) else {
        return Err(fail("the key is text, such as 'a.b'"));
    };
    let skip_missing = match flags {
        Some(flags) => {
            for (key, _) in python::pairs(flags)? {
                if key.as_str() != Some("skip_missing") {
                    return Err(fail(format!("there is no flag '{key}'")));
                }
            }
            let value = python::get(flags, &Value::from("skip_missing"))?;
            crate::template::filters::convert::truth_word(&value).unwrap_or(false)
        }
        None => false,
    };
    let elements: Vec<Value> = if is_mapping(elements) {
        if python::get(elements, &Value::from("skipped"))?.is_true() {
            return Ok(Vec::new());
        }
        python::pairs(elements)?.into_iter().map(|(_, element)| element).collect()
    } else {
        python::list(elements)?
    };
    let steps: Vec<&str> = path.split('.').collect();
    let mut found = Vec::new();
    for element in elements {
        if !is_mapping(&element) {
            return Err(fail("every element must be a dictionary"));
        }
        if python::get(&element, &Value::from("skipped"))?.is_true() {
            continue;
        }
        let Some((rest, items)) = take(&element, &steps)? else {
            if skip_missing {
                continue;
            }
            return Err(fail(format!("an element has no key '{path}'")));
        };
        found.extend(items.into_iter().map(|item| python::tuple(vec![rest.clone(), item])));
    }
    Ok(found)
}

/// The element without the list, and the list.
fn take(element: &Value, steps: &[&str]) -> Result<Option<(Value, Vec<Value>)>, Error> {
    let Some((step, deeper)) = steps.split_first() else { return Ok(None) };
    let key = Value::from(*step);
    let inner = python::get(element, &key)?;
    if inner.is_undefined() {
        return Ok(None);
    }
    let mut entries = python::pairs(element)?;
    if deeper.is_empty() {
        entries.retain(|(name, _)| *name != key);
        return Ok(Some((python::dict(entries), python::list(&inner)?)));
    }
    if !is_mapping(&inner) {
        return Err(fail(format!("'{step}' must be a dictionary")));
    }
    let Some((rest, items)) = take(&inner, deeper)? else { return Ok(None) };
    for (name, value) in &mut entries {
        if *name == key {
            *value = rest.clone();
        }
    }
    Ok(Some((python::dict(entries), items)))
}
