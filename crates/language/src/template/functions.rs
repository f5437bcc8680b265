//! Ansible's functions in templates, and Python's methods that minijinja lacks.

use super::filters::time::Moment;
use super::world::World;
use super::{convert, extend, mutable};
use crate::value::Value;
use minijinja::value::{Kwargs, Rest, ValueKind, ValueOrKwargs};
use minijinja::{Environment, Error, ErrorKind, State, Value as Jinja};
use minijinja_contrib::pycompat;

/// The longest list that `range` makes.
const RANGE_MAX: usize = 1_000_000;

/// Adds the functions.
pub(super) fn add(env: &mut Environment<'static>) {
    env.add_global("omit", convert::omit());
    env.add_function(
        "lookup",
        |state: &mut State<'_, '_>, name: &str, args: Rest<ValueOrKwargs>| {
            lookup(state, name, args.into_values(), false)
        },
    );
    for name in ["query", "q"] {
        env.add_function(
            name,
            |state: &mut State<'_, '_>, name: &str, args: Rest<ValueOrKwargs>| {
                lookup(state, name, args.into_values(), true)
            },
        );
    }
    env.add_function("now", now);
    env.add_function("undef", undef);
    env.add_function("range", range);
    env.add_function("dict", dict);
}

/// The arguments without their keywords, and the keywords.
fn split(mut args: Vec<Jinja>) -> Result<(Vec<Jinja>, Kwargs), Error> {
    let kwargs = match args.last() {
        Some(last) if last.is_kwargs() => args.pop(),
        _ => None,
    };
    let kwargs = match kwargs {
        Some(kwargs) => Kwargs::try_from(kwargs)?,
        None => std::iter::empty::<(&str, Jinja)>().collect(),
    };
    Ok((args, kwargs))
}

/// `lookup(name, term…, wantlist=, errors=, …)`: one result is itself, several are joined with commas.
fn lookup(
    state: &mut State<'_, '_>,
    name: &str,
    args: Vec<Jinja>,
    always_list: bool,
) -> Result<Jinja, Error> {
    let (terms, kwargs) = split(args)?;
    let wantlist = kwargs.get::<Option<bool>>("wantlist")?.unwrap_or(always_list);
    let errors = kwargs.get::<Option<String>>("errors")?.unwrap_or_else(|| "strict".to_owned());
    if !["strict", "warn", "ignore"].contains(&errors.as_str()) {
        return Err(Error::new(
            ErrorKind::InvalidOperation,
            format!("errors of a lookup is strict, warn or ignore, not {errors:?}"),
        ));
    }
    let rest: Vec<(String, Jinja)> = kwargs
        .args()
        .filter(|key| !["wantlist", "errors"].contains(key))
        .map(|key| Ok((key.to_owned(), kwargs.peek::<Jinja>(key)?)))
        .collect::<Result<_, Error>>()?;
    let options: Kwargs = rest.into_iter().collect();
    let found = match extend::lookup(state, name, terms, options) {
        Ok(found) => found,
        Err(_) if errors != "strict" => {
            return Ok(if wantlist { Jinja::from(Vec::<Jinja>::new()) } else { Jinja::from(()) });
        }
        Err(e) => return Err(e),
    };
    if wantlist {
        return Ok(Jinja::from(found));
    }
    Ok(joined(found))
}

/// One result is itself, several texts are joined with commas, anything else stays a list.
fn joined(mut found: Vec<Jinja>) -> Jinja {
    if found.len() == 1 {
        return found.pop().unwrap_or_default();
    }
    if found.is_empty() || found.iter().any(|item| item.kind() != ValueKind::String) {
        return Jinja::from(found);
    }
    let texts: Vec<&str> = found.iter().filter_map(Jinja::as_str).collect();
    Jinja::from(texts.join(","))
}

/// `now(utc=false, fmt=none)`: the time, or its text by `strftime`.
fn now(state: &State<'_, '_>, args: Rest<ValueOrKwargs>) -> Result<Jinja, Error> {
    let (positional, kwargs) = split(args.into_values())?;
    let mut positional = positional.into_iter();
    let utc = match positional.next() {
        Some(utc) => utc.is_true(),
        None => kwargs.get::<Option<bool>>("utc")?.unwrap_or(false),
    };
    let fmt = match positional.next() {
        Some(fmt) => fmt.to_str().map(|s| s.to_string()),
        None => kwargs.get::<Option<String>>("fmt")?,
    };
    kwargs.assert_all_used()?;
    let world = World::of(state)?;
    let zone = if utc { jiff::tz::TimeZone::UTC } else { jiff::tz::TimeZone::system() };
    let time = world.outside().now().to_zoned(zone);
    let Some(fmt) = fmt else { return Ok(Jinja::from_object(Moment(time.datetime()))) };
    jiff::fmt::strtime::format(&fmt, &time).map(Jinja::from).map_err(|e| {
        let message = format!("a time cannot be written as {fmt:?}: {e}");
        Error::new(ErrorKind::InvalidOperation, message)
    })
}

/// `undef(hint)`: an undefined value, with the words for whoever uses it.
fn undef(args: Rest<ValueOrKwargs>) -> Result<Jinja, Error> {
    let (positional, kwargs) = split(args.into_values())?;
    let hint = match positional.into_iter().next() {
        Some(hint) => hint.to_str().map(|s| s.to_string()),
        None => kwargs.get::<Option<String>>("hint")?,
    };
    kwargs.assert_all_used()?;
    let hint = hint.unwrap_or_else(|| "a mandatory variable has not been set".to_owned());
    Err(Error::new(ErrorKind::UndefinedError, hint))
}

/// `dict(pairs or dictionary, key=value…)`.
fn dict(args: Rest<ValueOrKwargs>) -> Result<Jinja, Error> {
    let mut entries: Vec<(Jinja, Jinja)> = Vec::new();
    for given in args.into_values() {
        let is_map = given.kind() == ValueKind::Map;
        for item in given.try_iter()?.checked() {
            let item = item?;
            if is_map {
                let value = given.get_item(&item)?;
                entries.push((item, value));
            } else if item.len() == Some(2) {
                entries.push((item.get_item_by_index(0)?, item.get_item_by_index(1)?));
            } else {
                return Err(Error::new(
                    ErrorKind::InvalidOperation,
                    "dict makes a dictionary of pairs, of another one, or of keyword arguments",
                ));
            }
        }
    }
    Ok(Jinja::from_pairs(entries))
}

/// `range([start,] stop[, step])`, as a list.
fn range(first: i64, second: Option<i64>, step: Option<i64>) -> Result<Jinja, Error> {
    let (start, stop) = second.map_or((0, first), |stop| (first, stop));
    let step = step.unwrap_or(1);
    let Some(count) = length(start, stop, step) else {
        return Err(Error::new(ErrorKind::InvalidOperation, "range cannot have a step of 0"));
    };
    if count > RANGE_MAX as i128 {
        return Err(Error::new(
            ErrorKind::InvalidOperation,
            format!("range is limited to {RANGE_MAX} numbers"),
        ));
    }
    let mut items = Vec::new();
    let mut at = i128::from(start);
    for _ in 0..count {
        items.push(Jinja::from(i64::try_from(at).unwrap_or(i64::MAX)));
        at += i128::from(step);
    }
    Ok(Jinja::from(items))
}

fn length(start: i64, stop: i64, step: i64) -> Option<i128> {
    let (start, stop, step) = (i128::from(start), i128::from(stop), i128::from(step));
    match step {
        0 => None,
        step if step > 0 => Some(((stop - start + step - 1) / step).max(0)),
        step => Some(((start - stop - step - 1) / -step).max(0)),
    }
}

/// Python's methods: pycompat's, and what it lacks.
pub(super) fn method(
    state: &mut State<'_, '_>,
    of: &Jinja,
    name: &str,
    args: &[Jinja],
) -> Result<Jinja, Error> {
    match (of.kind(), name) {
        (ValueKind::Seq | ValueKind::Iterable, "index") => index(of, args),
        (ValueKind::Seq | ValueKind::Iterable, "count") => {
            let sought = args.first().cloned().unwrap_or_default();
            let count = of.try_iter()?.filter(|item| *item == sought).count();
            Ok(Jinja::from(count))
        }
        (ValueKind::Seq | ValueKind::Iterable | ValueKind::Map, "copy") => Ok(of.clone()),
        (ValueKind::Seq | ValueKind::Map, _) if mutable::METHODS.contains(&name) => {
            Err(Error::new(
                ErrorKind::InvalidOperation,
                format!(
                    "{name}() changes its value, and only a list or dictionary made in the same template can be changed; use + or combine"
                ),
            ))
        }
        (ValueKind::String, _) => string_method(state, of, name, args),
        _ => pycompat::unknown_method_callback(state, of, name, args),
    }
}

fn index(of: &Jinja, args: &[Jinja]) -> Result<Jinja, Error> {
    let sought = args.first().cloned().unwrap_or_default();
    of.try_iter()?.position(|item| item == sought).map(Jinja::from).ok_or_else(|| {
        Error::new(ErrorKind::InvalidOperation, format!("{sought:?} is not in the list"))
    })
}

fn string_method(
    state: &mut State<'_, '_>,
    of: &Jinja,
    name: &str,
    args: &[Jinja],
) -> Result<Jinja, Error> {
    let text = of.as_str().unwrap_or_default();
    let arg = |i: usize| args.get(i).and_then(|a| a.as_str());
    let width = || args.first().and_then(Jinja::as_usize).unwrap_or(0).min(RANGE_MAX);
    let pad = || arg(1).and_then(|s| s.chars().next()).unwrap_or(' ');
    Ok(match name {
        "removeprefix" => {
            Jinja::from(text.strip_prefix(arg(0).unwrap_or_default()).unwrap_or(text))
        }
        "removesuffix" => {
            Jinja::from(text.strip_suffix(arg(0).unwrap_or_default()).unwrap_or(text))
        }
        "swapcase" => Jinja::from(text.chars().map(swapped).collect::<String>()),
        "casefold" => Jinja::from(text.to_lowercase()),
        "partition" => match arg(0).and_then(|sep| text.split_once(sep).map(|p| (sep, p))) {
            Some((sep, (before, after))) => triple(before, sep, after),
            None => triple(text, "", ""),
        },
        "rpartition" => match arg(0).and_then(|sep| text.rsplit_once(sep).map(|p| (sep, p))) {
            Some((sep, (before, after))) => triple(before, sep, after),
            None => triple("", "", text),
        },
        "rsplit" => rsplit(text, args)?,
        "ljust" => Jinja::from(padded(text, width(), pad(), |_| 0)),
        "rjust" => Jinja::from(padded(text, width(), pad(), |n| n)),
        "center" => Jinja::from(padded(text, width(), pad(), |n| n / 2)),
        "zfill" => {
            let (sign, digits) = match text.strip_prefix(['-', '+']) {
                Some(rest) => text.split_at(text.len() - rest.len()),
                None => ("", text),
            };
            Jinja::from(format!(
                "{sign}{}",
                padded(digits, width() - sign.len().min(width()), '0', |n| n)
            ))
        }
        "index" => {
            let at = arg(0).and_then(|s| text.find(s)).ok_or_else(|| {
                Error::new(ErrorKind::InvalidOperation, "the text is not in it".to_owned())
            })?;
            Jinja::from(text.get(..at).unwrap_or_default().chars().count())
        }
        _ => return pycompat::unknown_method_callback(state, of, name, args),
    })
}

fn swapped(c: char) -> char {
    if c.is_uppercase() {
        c.to_lowercase().next().unwrap_or(c)
    } else {
        c.to_uppercase().next().unwrap_or(c)
    }
}

fn triple(a: &str, b: &str, c: &str) -> Jinja {
    Jinja::from(minijinja::value::Tuple::from([Jinja::from(a), Jinja::from(b), Jinja::from(c)]))
}

fn padded(text: &str, width: usize, pad: char, left: impl Fn(usize) -> usize) -> String {
    let missing = width.saturating_sub(text.chars().count());
    let left = left(missing);
    let fill = |n: usize| std::iter::repeat_n(pad, n);
    fill(left).chain(text.chars()).chain(fill(missing - left)).collect()
}

fn rsplit(text: &str, args: &[Jinja]) -> Result<Jinja, Error> {
    let max = args.get(1).and_then(Jinja::as_usize).map_or(usize::MAX, |n| n.saturating_add(1));
    let mut parts: Vec<&str> = match args.first().filter(|a| !a.is_none()).and_then(|a| a.as_str())
    {
        Some("") => return Err(Error::new(ErrorKind::InvalidOperation, "empty separator")),
        Some(sep) => text.rsplitn(max, sep).collect(),
        None if max == usize::MAX => text.split_whitespace().rev().collect(),
        None => text.trim().rsplitn(max, char::is_whitespace).collect(),
    };
    parts.reverse();
    Ok(Jinja::from(parts.into_iter().map(Jinja::from).collect::<Vec<_>>()))
}

/// A list of terms out of one of our values: a list is many, anything else one.
pub(super) fn terms(terms: &Value) -> Vec<Value> {
    match terms {
        Value::List(items) => items.to_vec(),
        other => vec![other.clone()],
    }
}
