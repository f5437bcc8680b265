//! Lists as sets, in the order of first appearance; and `flatten`, `zip`, `product`, `combinations`, `permutations`.

use super::call::{Args, Entry, entry, fail};
use super::python;
use crate::value as language;
use minijinja::value::ValueKind;
use minijinja::{Error, State, Value};
use std::collections::HashSet;

pub(super) static ENTRIES: &[Entry] = &[
    entry("unique", unique),
    entry("union", |_, args| {
        let (mut a, b) = two(args)?;
        a.extend(b);
        distinct(a, |_| true)
    }),
    entry("intersect", |_, args| {
        let (a, b) = two(args)?;
        let other = keys(&b)?;
        distinct(a, |key| other.contains(key))
    }),
    entry("difference", |_, args| {
        let (a, b) = two(args)?;
        let other = keys(&b)?;
        distinct(a, |key| !other.contains(key))
    }),
    entry("symmetric_difference", |_, args| {
        let (mut a, b) = two(args)?;
        let (left, right) = (keys(&a)?, keys(&b)?);
        a.extend(b);
        distinct(a, |key| left.contains(key) != right.contains(key))
    }),
    entry("flatten", flatten),
    entry("zip", zip),
    entry("zip_longest", zip_longest),
    entry("product", product),
    entry("combinations", |_, args| arrangements(args, true)),
    entry("permutations", |_, args| arrangements(args, false)),
];

/// How many elements the results of `product`, `combinations` and `permutations` may have together.
const MOST: usize = 5_000_000;

fn two(args: &mut Args) -> Result<(Vec<Value>, Vec<Value>), Error> {
    Ok((python::items(&args.value("a")?)?, python::items(&args.value("b")?)?))
}

fn keys(items: &[Value]) -> Result<HashSet<language::Value>, Error> {
    items.iter().map(python::to_language).collect()
}

fn distinct(items: Vec<Value>, wanted: impl Fn(&language::Value) -> bool) -> Result<Value, Error> {
    let mut seen = HashSet::new();
    let mut kept = Vec::new();
    for item in items {
        let key = python::to_language(&item)?;
        if wanted(&key) && seen.insert(key) {
            kept.push(item);
        }
    }
    Ok(Value::from(kept))
}

fn unique(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let items = python::items(&args.value("a")?)?;
    let case_sensitive = args.option("case_sensitive")?.filter(|flag| !flag.is_none());
    let case_sensitive = case_sensitive.map(|flag| flag.is_true());
    let attribute = args.option("attribute")?.filter(|path| !path.is_none());
    let mut seen = HashSet::new();
    let mut kept = Vec::new();
    for item in items {
        let mut key = match &attribute {
            Some(path) => python::attribute(&item, path)?,
            None => item.clone(),
        };
        let hashable = !matches!(key.kind(), ValueKind::Map | ValueKind::Seq) || key.is_tuple();
        if !hashable && (attribute.is_some() || case_sensitive == Some(false)) {
            return Err(fail("by 'attribute' or without case only plain values can be compared"));
        }
        if case_sensitive != Some(true) {
            key = python::fold_case(key);
        }
        if seen.insert(python::to_language(&key)?) {
            kept.push(item);
        }
    }
    Ok(Value::from(kept))
}

fn flatten(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let items = python::items(&args.value("mylist")?)?;
    let levels = args.int_option("levels")?;
    let skip_nulls = args.flag("skip_nulls", true)?;
    let mut out = Vec::new();
    flatten_into(&mut out, items, levels, skip_nulls)?;
    Ok(Value::from(out))
}

fn flatten_into(
    out: &mut Vec<Value>,
    items: Vec<Value>,
    levels: Option<i128>,
    skip_nulls: bool,
) -> Result<(), Error> {
    for item in items {
        let null = item.is_none() || matches!(item.as_str(), Some("None" | "null"));
        if skip_nulls && null {
            continue;
        }
        let list = matches!(item.kind(), ValueKind::Seq | ValueKind::Iterable);
        match levels {
            None if list => flatten_into(out, python::items(&item)?, None, skip_nulls)?,
            Some(n) if list && n >= 1 => {
                flatten_into(out, python::items(&item)?, Some(n - 1), skip_nulls)?;
            }
            _ => out.push(item),
        }
    }
    Ok(())
}

fn columns(args: &mut Args) -> Result<Vec<Vec<Value>>, Error> {
    args.rest().iter().map(python::items).collect()
}

fn rows(columns: &[Vec<Value>], count: usize, fill: &Value) -> Value {
    let row = |at: usize| {
        python::tuple(columns.iter().map(|column| column.get(at).unwrap_or(fill).clone()).collect())
    };
    Value::from((0..count).map(row).collect::<Vec<_>>())
}

fn zip(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let columns = columns(args)?;
    let count = columns.iter().map(Vec::len).min().unwrap_or(0);
    Ok(rows(&columns, count, &Value::from(())))
}

fn zip_longest(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let fill = args.keyword("fillvalue")?.unwrap_or(Value::from(()));
    let columns = columns(args)?;
    let count = columns.iter().map(Vec::len).max().unwrap_or(0);
    Ok(rows(&columns, count, &fill))
}

/// Every choice of one element from each list.
pub(in crate::template) fn cartesian(columns: &[Vec<Value>]) -> Result<Vec<Vec<Value>>, Error> {
    let total = columns.iter().try_fold(1usize, |n, column| n.checked_mul(column.len()));
    if total.is_none_or(|n| n.saturating_mul(columns.len()) > MOST) {
        return Err(fail("there are too many combinations"));
    }
    let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
    for column in columns {
        let mut longer = Vec::with_capacity(rows.len() * column.len());
        for row in &rows {
            for item in column {
                let mut row = row.clone();
                row.push(item.clone());
                longer.push(row);
            }
        }
        rows = longer;
    }
    Ok(rows)
}

fn product(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let repeat = match args.keyword("repeat")? {
        Some(n) => n.as_usize().ok_or_else(|| fail("'repeat' must be a count"))?,
        None => 1,
    };
    let once = columns(args)?;
    let columns: Vec<_> = (0..repeat).flat_map(|_| once.iter().cloned()).collect();
    let rows = cartesian(&columns)?;
    Ok(Value::from(rows.into_iter().map(python::tuple).collect::<Vec<_>>()))
}

fn arrangements(args: &mut Args, in_order: bool) -> Result<Value, Error> {
    let items = python::items(&args.value("iterable")?)?;
    let size = args.int_option("r")?.map(usize::try_from);
    let size = match size {
        Some(Ok(size)) => size,
        Some(Err(_)) => return Err(fail("the size must not be negative")),
        None if in_order => return Err(fail("the size is missing")),
        None => items.len(),
    };
    let mut found = Vec::new();
    let mut chosen = Vec::with_capacity(size.min(items.len()));
    arrange(&items, size, in_order, &mut chosen, &mut found)?;
    Ok(Value::from(found))
}

fn arrange(
    items: &[Value],
    size: usize,
    in_order: bool,
    chosen: &mut Vec<usize>,
    found: &mut Vec<Value>,
) -> Result<(), Error> {
    if chosen.len() == size {
        if found.len().saturating_mul(size) >= MOST {
            return Err(fail("there are too many arrangements"));
        }
        found.push(python::tuple(chosen.iter().filter_map(|i| items.get(*i).cloned()).collect()));
        return Ok(());
    }
    let start = if in_order { chosen.last().map_or(0, |last| last + 1) } else { 0 };
    for index in start..items.len() {
        if in_order || !chosen.contains(&index) {
            chosen.push(index);
            arrange(items, size, in_order, chosen, found)?;
            chosen.pop();
        }
    }
    Ok(())
}
