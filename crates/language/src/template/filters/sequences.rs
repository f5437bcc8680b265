//! Lists: `map`, `select`, `sort`, `groupby`, `first`, `batch` and their like.

use super::call::{Args, Entry, empty, entry, fail};
use super::python;
use minijinja::value::{Enumerator, Kwargs, Object, ObjectRepr, ValueKind};
use minijinja::{Error, State, Value};
use std::sync::Arc;

pub(super) static ENTRIES: &[Entry] = &[
    entry("map", map),
    entry("select", |state, args| filtered(state, args, false, true)),
    entry("reject", |state, args| filtered(state, args, false, false)),
    entry("selectattr", |state, args| filtered(state, args, true, true)),
    entry("rejectattr", |state, args| filtered(state, args, true, false)),
    entry("sort", sort),
    entry("groupby", group_by),
    entry("first", first),
    entry("last", last),
    entry("batch", batch),
    entry("slice", slice),
];

/// The arguments for the filter or test that is named: what is left by position and by name.
fn forwarded(args: &mut Args) -> Vec<Value> {
    let mut rest = args.rest();
    if let Some(named) = args.named() {
        rest.push(Value::from(named));
    }
    rest
}

fn map(state: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let items = python::items(&args.value("value")?)?;
    let mut rest = args.rest();
    let named = args.named();
    if rest.is_empty() {
        return map_attribute(items, named);
    }
    let name = python::string(&rest.remove(0))?;
    rest.extend(named.map(Value::from));
    let mut mapped = Vec::with_capacity(items.len());
    for item in items {
        let mut call = Vec::with_capacity(rest.len() + 1);
        call.push(item);
        call.extend(rest.iter().cloned());
        mapped.push(
            state.apply_filter(&name, &call).map_err(|error| unknown(error, "filter", &name))?,
        );
    }
    Ok(Value::from(mapped))
}

fn unknown(error: Error, kind: &str, name: &str) -> Error {
    use minijinja::ErrorKind::{UnknownFilter, UnknownTest};
    match error.kind() {
        UnknownFilter | UnknownTest if error.detail().is_none() => {
            fail(format!("there is no {kind} '{name}'"))
        }
        _ => error,
    }
}

fn map_attribute(items: Vec<Value>, named: Option<Kwargs>) -> Result<Value, Error> {
    let named = named.ok_or_else(|| fail("the name of a filter or 'attribute' is missing"))?;
    if !named.has("attribute") {
        return Err(fail("the name of a filter or 'attribute' is missing"));
    }
    let path: Value = named.get("attribute")?;
    let default: Option<Value> =
        if named.has("default") { Some(named.get("default")?) } else { None };
    named.assert_all_used()?;
    let mut mapped = Vec::with_capacity(items.len());
    for item in items {
        mapped.push(match (&default, python::attribute(&item, &path)) {
            (Some(default), Ok(found)) if found.is_undefined() => default.clone(),
            (Some(default), Err(error)) if error.kind() == minijinja::ErrorKind::UndefinedError => {
                default.clone()
            }
            (_, found) => found?,
        });
    }
    Ok(Value::from(mapped))
}

fn filtered(
    state: &mut State<'_, '_>,
    args: &mut Args,
    by_attribute: bool,
    keep: bool,
) -> Result<Value, Error> {
    let items = python::items(&args.value("value")?)?;
    let path = if by_attribute { Some(args.value("attribute")?) } else { None };
    let mut rest = forwarded(args);
    let test = match rest.first() {
        Some(name) if !name.is_kwargs() => Some(python::string(&rest.remove(0))?),
        Some(_) => return Err(fail("the name of a test is missing")),
        None => None,
    };
    let mut kept = Vec::new();
    for item in items {
        let subject = match &path {
            Some(path) => python::attribute(&item, path)?,
            None => item.clone(),
        };
        let passed = match &test {
            Some(name) => {
                let mut call = Vec::with_capacity(rest.len() + 1);
                call.push(subject);
                call.extend(rest.iter().cloned());
                state.perform_test(name, &call).map_err(|error| unknown(error, "test", name))?
            }
            None => {
                python::defined(&subject)?;
                subject.is_true()
            }
        };
        if passed == keep {
            kept.push(item);
        }
    }
    Ok(Value::from(kept))
}

fn sort(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let items = python::items(&args.value("value")?)?;
    let reverse = args.flag("reverse", false)?;
    let case_sensitive = args.flag("case_sensitive", false)?;
    let attribute = args.option("attribute")?.filter(|path| !path.is_none());
    let fold = |key: Value| if case_sensitive { key } else { python::fold_case(key) };
    let mut keyed = Vec::with_capacity(items.len());
    for item in items {
        let key = match attribute.as_ref().map(|path| (path, path.as_str())) {
            None => fold(item.clone()),
            Some((_, Some(paths))) if paths.contains(',') => {
                let parts = paths
                    .split(',')
                    .map(|path| python::attribute(&item, &Value::from(path)).map(fold));
                Value::from(parts.collect::<Result<Vec<_>, _>>()?)
            }
            Some((path, _)) => fold(python::attribute(&item, path)?),
        };
        python::defined(&key)?;
        keyed.push((key, item));
    }
    let sorted = python::sort_by_key(keyed, reverse)?;
    Ok(Value::from(sorted.into_iter().map(|(_, item)| item).collect::<Vec<_>>()))
}

/// One group: a pair that also answers to `grouper` and `list`.
#[derive(Debug)]
struct Group {
    grouper: Value,
    list: Value,
}

impl Object for Group {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match (key.as_usize(), key.as_str()) {
            (Some(0), None) | (None, Some("grouper")) => Some(self.grouper.clone()),
            (Some(1), None) | (None, Some("list")) => Some(self.list.clone()),
            _ => None,
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(2)
    }

    fn render(self: &Arc<Self>, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "({:?}, {:?})", self.grouper, self.list)
    }
}

fn group_by(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let items = python::items(&args.value("value")?)?;
    let path = args.value("attribute")?;
    let default = args.option("default")?;
    let case_sensitive = args.flag("case_sensitive", false)?;
    let mut keyed = Vec::with_capacity(items.len());
    for item in items {
        let mut key = python::attribute(&item, &path)?;
        if let (true, Some(default)) = (key.is_undefined(), &default) {
            key = default.clone();
        }
        python::defined(&key)?;
        let order = if case_sensitive { key.clone() } else { python::fold_case(key.clone()) };
        keyed.push((order, python::tuple(vec![key, item])));
    }
    let mut groups: Vec<(Value, Value, Vec<Value>)> = Vec::new();
    for (order, pair) in python::sort_by_key(keyed, false)? {
        let (key, item) = (pair.get_item_by_index(0)?, pair.get_item_by_index(1)?);
        match groups.last_mut() {
            Some((last, _, list)) if *last == order => list.push(item),
            _ => groups.push((order, key, vec![item])),
        }
    }
    let group = |(_, grouper, list): (Value, Value, Vec<Value>)| {
        Value::from_object(Group { grouper, list: Value::from(list) })
    };
    Ok(Value::from(groups.into_iter().map(group).collect::<Vec<_>>()))
}

fn first(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let value = args.value("seq")?;
    if value.kind() == ValueKind::Seq {
        let found = python::get(&value, &Value::from(0))?;
        return if value.len() == Some(0) { Err(empty()) } else { Ok(found) };
    }
    python::items(&value)?.into_iter().next().ok_or_else(empty)
}

fn last(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let items = python::items(&args.value("seq")?)?;
    items.into_iter().next_back().ok_or_else(empty)
}

fn batch(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let items = python::items(&args.value("value")?)?;
    let size = args.count("linecount", 0)?;
    let fill = args.option("fill_with")?.filter(|fill| !fill.is_none());
    if size == 0 {
        return Err(fail("'linecount' must be at least 1"));
    }
    let mut rows: Vec<Vec<Value>> = items.chunks(size).map(<[Value]>::to_vec).collect();
    if let (Some(last), Some(fill)) = (rows.last_mut(), fill) {
        last.extend(std::iter::repeat_n(fill, size.min(1_000_000).saturating_sub(last.len())));
    }
    Ok(Value::from(rows.into_iter().map(Value::from).collect::<Vec<_>>()))
}

fn slice(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let items = python::items(&args.value("value")?)?;
    let slices = args.count("slices", 0)?;
    let fill = args.option("fill_with")?.filter(|fill| !fill.is_none());
    if slices == 0 || slices > 1_000_000 {
        return Err(fail("'slices' must be between 1 and 1000000"));
    }
    let (each, longer) = (items.len() / slices, items.len() % slices);
    let mut rest = items.into_iter();
    let mut columns = Vec::with_capacity(slices);
    for index in 0..slices {
        let count = each + usize::from(index < longer);
        let mut column: Vec<Value> = rest.by_ref().take(count).collect();
        if let (Some(fill), true) = (&fill, index >= longer && longer > 0) {
            column.push(fill.clone());
        }
        columns.push(Value::from(column));
    }
    Ok(Value::from(columns))
}
