//! Lists and dictionaries that a template makes and then changes: `{% set _ = found.append(x) %}`.
//!
//! The engine's own never change. A template that calls one of [`METHODS`] makes these instead; variables of the
//! playbook are never changed by a template.

use minijinja::value::{Enumerator, Object, ObjectRepr, ValueKind};
use minijinja::{Error, ErrorKind, State, Value as Jinja};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Methods that change what they are called on.
pub(super) const METHODS: &[&str] = &[
    "append",
    "extend",
    "insert",
    "remove",
    "pop",
    "clear",
    "sort",
    "reverse",
    "update",
    "setdefault",
    "popitem",
];

/// A list.
struct List(Mutex<Vec<Jinja>>);

/// A dictionary.
struct Dict(Mutex<Vec<(Jinja, Jinja)>>);

/// A changeable copy of a list or dictionary; anything else as it is.
pub(super) fn changeable(value: &Jinja) -> Result<Jinja, Error> {
    if value.downcast_object_ref::<List>().is_some()
        || value.downcast_object_ref::<Dict>().is_some()
    {
        return Ok(value.clone());
    }
    match value.kind() {
        ValueKind::Seq if !value.is_tuple() => {
            let items = value.try_iter()?.checked().collect::<Result<Vec<_>, _>>()?;
            Ok(Jinja::from_object(List(Mutex::new(items))))
        }
        ValueKind::Map if plain_map(value) => {
            let mut entries = Vec::new();
            for key in value.try_iter()?.checked() {
                let key = key?;
                let item = value.get_item(&key)?;
                entries.push((key, item));
            }
            Ok(Jinja::from_object(Dict(Mutex::new(entries))))
        }
        _ => Ok(value.clone()),
    }
}

/// A dictionary, not a namespace or an imported template.
fn plain_map(value: &Jinja) -> bool {
    value.downcast_object_ref::<super::lazy::LazyMap>().is_some()
        || value.downcast_object_ref::<indexmap::IndexMap<Jinja, Jinja>>().is_some()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn refuse(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message.into())
}

fn argument(args: &[Jinja], i: usize) -> Result<Jinja, Error> {
    args.get(i).cloned().ok_or_else(|| Error::from(ErrorKind::MissingArgument))
}

/// An index as Python counts: from the end if negative.
fn index(args: &[Jinja], len: usize) -> Result<usize, Error> {
    let at = argument(args, 0)?.as_i64().ok_or_else(|| refuse("an index is a whole number"))?;
    let from_end = usize::try_from(at.unsigned_abs()).unwrap_or(usize::MAX);
    Ok(if at < 0 { len.saturating_sub(from_end) } else { from_end })
}

impl Object for List {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Jinja) -> Option<Jinja> {
        lock(&self.0).get(key.as_usize()?).cloned()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(lock(&self.0).clone())
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        method: &str,
        args: &[Jinja],
    ) -> Result<Jinja, Error> {
        let given = match method {
            "extend" => argument(args, 0)?.try_iter()?.checked().collect::<Result<Vec<_>, _>>()?,
            _ => Vec::new(),
        };
        let mut items = lock(&self.0);
        match method {
            "append" => items.push(argument(args, 0)?),
            "extend" => items.extend(given),
            "insert" => {
                let at = index(args, items.len())?.min(items.len());
                items.insert(at, argument(args, 1)?);
            }
            "remove" => {
                let sought = argument(args, 0)?;
                let at = items.iter().position(|item| *item == sought);
                items.remove(at.ok_or_else(|| refuse(format!("{sought:?} is not in the list")))?);
            }
            "pop" => {
                let last = items.len().checked_sub(1).ok_or_else(|| refuse("the list is empty"))?;
                let at = if args.is_empty() { last } else { index(args, items.len())? };
                if at > last {
                    return Err(refuse("the list is not that long"));
                }
                return Ok(items.remove(at));
            }
            "clear" => items.clear(),
            "sort" => items.sort(),
            "reverse" => items.reverse(),
            _ => return Err(Error::from(ErrorKind::UnknownMethod)),
        }
        Ok(Jinja::from(()))
    }
}

impl Dict {
    fn set(&self, key: Jinja, value: Jinja) {
        let mut entries = lock(&self.0);
        match entries.iter_mut().find(|(known, _)| *known == key) {
            Some(entry) => entry.1 = value,
            None => entries.push((key, value)),
        }
    }

    fn take(&self, key: &Jinja) -> Option<Jinja> {
        let mut entries = lock(&self.0);
        let at = entries.iter().position(|(known, _)| known == key)?;
        Some(entries.remove(at).1)
    }

    fn get(&self, key: &Jinja) -> Option<Jinja> {
        lock(&self.0).iter().find(|(known, _)| known == key).map(|(_, value)| value.clone())
    }
}

impl Object for Dict {
    fn get_value(self: &Arc<Self>, key: &Jinja) -> Option<Jinja> {
        self.get(key)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(lock(&self.0).iter().map(|(key, _)| key.clone()).collect())
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        method: &str,
        args: &[Jinja],
    ) -> Result<Jinja, Error> {
        let none = Jinja::from(());
        match method {
            "update" => {
                for given in args {
                    for key in given.try_iter()?.checked() {
                        let key = key?;
                        let value = given.get_item(&key)?;
                        self.set(key, value);
                    }
                }
                Ok(none)
            }
            "pop" => match self.take(&argument(args, 0)?) {
                Some(value) => Ok(value),
                None => args.get(1).cloned().ok_or_else(|| refuse("there is no such key")),
            },
            "popitem" => {
                let (key, value) =
                    lock(&self.0).pop().ok_or_else(|| refuse("the dictionary is empty"))?;
                Ok(Jinja::from(minijinja::value::Tuple::from([key, value])))
            }
            "setdefault" => {
                let key = argument(args, 0)?;
                if let Some(value) = self.get(&key) {
                    return Ok(value);
                }
                let value = args.get(1).cloned().unwrap_or(none);
                self.set(key, value.clone());
                Ok(value)
            }
            "clear" => {
                lock(&self.0).clear();
                Ok(none)
            }
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }
}

impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&Jinja::from(lock(&self.0).clone()), f)
    }
}

impl fmt::Debug for Dict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&Jinja::from_pairs(lock(&self.0).clone()), f)
    }
}
