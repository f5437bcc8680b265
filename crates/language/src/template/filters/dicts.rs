//! Dictionaries: `combine`, `dict2items`, `items2dict`, `extract`, `subelements`, `rekey_on_member`, `dictsort`.

use super::call::{Args, Entry, entry, fail, is_mapping};
use super::python;
use minijinja::value::ValueKind;
use minijinja::{Error, State, Value};

pub(super) static ENTRIES: &[Entry] = &[
    entry("combine", combine),
    entry("dict2items", dict2items),
    entry("items2dict", items2dict),
    entry("extract", extract),
    entry("subelements", subelements),
    entry("rekey_on_member", rekey_on_member),
    entry("dictsort", dictsort),
    entry("items", items),
    entry("attr", attr),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum ListMerge {
    Replace,
    Keep,
    Append,
    Prepend,
    AppendUnique,
    PrependUnique,
}

fn list_merge(name: &str) -> Result<ListMerge, Error> {
    Ok(match name {
        "replace" => ListMerge::Replace,
        "keep" => ListMerge::Keep,
        "append" => ListMerge::Append,
        "prepend" => ListMerge::Prepend,
        "append_rp" => ListMerge::AppendUnique,
        "prepend_rp" => ListMerge::PrependUnique,
        other => {
            return Err(fail(format!(
                "'list_merge' must be replace, keep, append, prepend, append_rp or prepend_rp, not '{other}'"
            )));
        }
    })
}

fn is_list(value: &Value) -> bool {
    matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable)
}

fn combine(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let recursive = args.keyword("recursive")?.is_some_and(|v| v.is_true());
    let lists = match args.keyword("list_merge")? {
        Some(name) => list_merge(&python::string(&name)?)?,
        None => ListMerge::Replace,
    };
    let mut terms = Vec::new();
    for term in args.rest() {
        if is_list(&term) { terms.extend(python::items(&term)?) } else { terms.push(term) }
    }
    let mut terms = terms.into_iter().filter(|term| !term.is_none());
    let Some(mut merged) = terms.next() else { return Ok(python::dict(Vec::new())) };
    require_mapping(&merged)?;
    for term in terms {
        require_mapping(&term)?;
        merged = merge(&merged, &term, recursive, lists)?;
    }
    Ok(merged)
}

fn require_mapping(value: &Value) -> Result<(), Error> {
    if is_mapping(value) {
        return Ok(());
    }
    Err(fail(format!(
        "dictionaries are needed, not a value of type '{}'",
        python::type_name(value)
    )))
}

/// `low` overlaid by `high`, deep or flat.
fn merge(low: &Value, high: &Value, recursive: bool, lists: ListMerge) -> Result<Value, Error> {
    let upper = python::pairs(high)?;
    if upper.is_empty() {
        return Ok(low.clone());
    }
    let mut merged: indexmap::IndexMap<Value, Value> = python::pairs(low)?.into_iter().collect();
    for (key, value) in upper {
        let value = match merged.get(&key) {
            Some(old) if recursive && is_mapping(old) && is_mapping(&value) => {
                merge(old, &value, recursive, lists)?
            }
            Some(old) if lists != ListMerge::Replace && is_list(old) && is_list(&value) => {
                merge_lists(old, &value, lists)?
            }
            _ => value,
        };
        merged.insert(key, value);
    }
    Ok(python::dict(merged.into_iter().collect()))
}

fn merge_lists(old: &Value, new: &Value, how: ListMerge) -> Result<Value, Error> {
    let (mut old, mut new) = (python::items(old)?, python::items(new)?);
    Ok(Value::from(match how {
        ListMerge::Keep => old,
        ListMerge::Replace => new,
        ListMerge::Append => {
            old.extend(new);
            old
        }
        ListMerge::Prepend => {
            new.extend(old);
            new
        }
        ListMerge::AppendUnique => {
            old.retain(|item| !new.contains(item));
            old.extend(new);
            old
        }
        ListMerge::PrependUnique => {
            old.retain(|item| !new.contains(item));
            new.extend(old);
            new
        }
    }))
}

fn names(args: &mut Args) -> Result<(Value, Value), Error> {
    let key = args.option("key_name")?.unwrap_or(Value::from("key"));
    let value = args.option("value_name")?.unwrap_or(Value::from("value"));
    Ok((key, value))
}

fn dict2items(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let entries = python::pairs(&args.value("mydict")?)?;
    let (key_name, value_name) = names(args)?;
    let item =
        |(key, value)| python::dict(vec![(key_name.clone(), key), (value_name.clone(), value)]);
    Ok(Value::from(entries.into_iter().map(item).collect::<Vec<_>>()))
}

fn items2dict(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let items = python::list(&args.value("mylist")?)?;
    let (key_name, value_name) = names(args)?;
    let mut entries = Vec::with_capacity(items.len());
    for item in items {
        require_mapping(&item)?;
        let (key, value) = (python::get(&item, &key_name)?, python::get(&item, &value_name)?);
        if key.is_undefined() || value.is_undefined() {
            return Err(fail(format!(
                "every element needs the keys '{key_name}' and '{value_name}'"
            )));
        }
        entries.push((key, value));
    }
    Ok(python::dict(entries))
}

fn extract(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let key = args.value("item")?;
    let container = args.value("container")?;
    let mut keys = vec![key];
    match args.option("morekeys")?.filter(|more| !more.is_none()) {
        Some(more) if is_list(&more) => keys.extend(python::items(&more)?),
        Some(more) => keys.push(more),
        None => {}
    }
    let mut found = container;
    for key in keys {
        found = python::get(&found, &key)?;
    }
    Ok(found)
}

fn subelements(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let value = args.value("obj")?;
    let path = args.value("subelements")?;
    let skip_missing = args.flag("skip_missing", false)?;
    let steps = match path.as_str() {
        Some(text) => text.split('.').map(Value::from).collect(),
        None => python::list(&path)?,
    };
    let elements = if is_mapping(&value) {
        python::pairs(&value)?.into_iter().map(|(_, element)| element).collect()
    } else {
        python::list(&value)?
    };
    let mut pairs = Vec::new();
    for element in elements {
        match element_list(&element, &steps)? {
            Some(items) => {
                let pair = |item| python::tuple(vec![element.clone(), item]);
                pairs.extend(items.into_iter().map(pair));
            }
            None if skip_missing => {}
            None => return Err(fail(format!("an element has no key '{path}'"))),
        }
    }
    Ok(Value::from(pairs))
}

fn element_list(element: &Value, steps: &[Value]) -> Result<Option<Vec<Value>>, Error> {
    let mut found = element.clone();
    for step in steps {
        require_mapping(&found)?;
        found = python::get(&found, step)?;
        if found.is_undefined() {
            return Ok(None);
        }
    }
    python::list(&found).map(Some)
}

fn rekey_on_member(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let data = args.value("data")?;
    let key = args.value("key")?;
    let duplicates = args.text_option("duplicates")?.unwrap_or_else(|| "error".to_owned());
    if !matches!(duplicates.as_str(), "error" | "overwrite") {
        return Err(fail(format!("'duplicates' must be error or overwrite, not '{duplicates}'")));
    }
    let elements: Vec<Value> = if is_mapping(&data) {
        python::pairs(&data)?.into_iter().map(|(_, element)| element).collect()
    } else {
        python::list(&data)?
    };
    let mut rekeyed: indexmap::IndexMap<Value, Value> = indexmap::IndexMap::new();
    for element in elements {
        require_mapping(&element)?;
        let member = python::get(&element, &key)?;
        if member.is_undefined() {
            return Err(fail(format!("an element has no key '{key}'")));
        }
        if rekeyed.insert(member.clone(), element).is_some() && duplicates == "error" {
            return Err(fail(format!("'{member}' is there twice")));
        }
    }
    Ok(python::dict(rekeyed.into_iter().collect()))
}

fn dictsort(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let entries = python::pairs(&args.value("value")?)?;
    let case_sensitive = args.flag("case_sensitive", false)?;
    let by = args.text_option("by")?.unwrap_or_else(|| "key".to_owned());
    let reverse = args.flag("reverse", false)?;
    let by_value = match by.as_str() {
        "key" => false,
        "value" => true,
        other => return Err(fail(format!("'by' must be key or value, not '{other}'"))),
    };
    let keyed = entries.into_iter().map(|(key, value)| {
        let order = if by_value { value.clone() } else { key.clone() };
        let order = if case_sensitive { order } else { python::fold_case(order) };
        (order, python::tuple(vec![key, value]))
    });
    let sorted = python::sort_by_key(keyed.collect(), reverse)?;
    Ok(Value::from(sorted.into_iter().map(|(_, pair)| pair).collect::<Vec<_>>()))
}

fn items(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let entries = python::pairs(&args.value("value")?)?;
    let pairs = entries.into_iter().map(|(key, value)| python::tuple(vec![key, value]));
    Ok(Value::from(pairs.collect::<Vec<_>>()))
}

fn attr(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let value = args.value("obj")?;
    let name = args.value("name")?;
    python::get(&value, &name)
}
