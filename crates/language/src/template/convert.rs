//! Values between ours and the engine's.

use super::filters::time::Moment;
use super::lazy::{LazyList, LazyMap, LazyScope, OmitMark};
use super::world::World;
use super::{TemplateError, TemplateErrorKind, error};
use crate::value::{Encrypted, Map, Value};
use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind, Value as Jinja};
use std::sync::Arc;

/// Ours into the engine: text is rendered now, what is inside lists and dictionaries when it is read.
pub(super) fn lift(value: &Value, world: &Arc<World>) -> Result<Jinja, TemplateError> {
    Ok(match value {
        Value::Null => Jinja::from(()),
        Value::Bool(b) => Jinja::from(*b),
        Value::Int(i) => i64::try_from(*i).map_or_else(|_| Jinja::from(*i), Jinja::from),
        Value::Float(f) => Jinja::from(*f),
        Value::Text(text) if text.is_template() => world.engine.evaluate(text, world)?,
        Value::Text(text) => Jinja::from(text.shared()),
        Value::List(items) => {
            Jinja::from_object(LazyList { items: Arc::clone(items), world: Arc::clone(world) })
        }
        Value::Map(map) => {
            Jinja::from_object(LazyMap { map: map.clone(), world: Arc::clone(world) })
        }
        Value::Scope(scope) => Jinja::from_object(LazyScope::new(Arc::clone(scope), world)),
        Value::Encrypted(vault) => return lift(&decrypted(vault, world)?, world),
        Value::Omit => omit(),
    })
}

/// A key of a dictionary: never a template.
pub(super) fn key(key: &Value, world: &Arc<World>) -> Jinja {
    match key {
        Value::Text(text) => Jinja::from(text.shared()),
        other => lift(other, world).unwrap_or_else(|e| Jinja::from(error::into_jinja(e, None))),
    }
}

/// `omit` for the engine.
pub(super) fn omit() -> Jinja {
    Jinja::from_object(OmitMark)
}

/// The text of an inline vault. It is data: Ansible 2.19 renders no template in it.
pub(super) fn decrypted(vault: &Encrypted, world: &World) -> Result<Value, TemplateError> {
    world.engine.secrets.decrypt(vault).map(Value::text).map_err(|message| {
        let mut e = TemplateError::new(TemplateErrorKind::Other, message);
        e.diagnostic.place.clone_from(&vault.place);
        e
    })
}

/// The engine's into ours, as deep as it goes.
pub(super) fn lower(value: &Jinja) -> Result<Value, Error> {
    Ok(match value.kind() {
        ValueKind::Undefined => {
            return Err(Error::new(ErrorKind::UndefinedError, "it is undefined"));
        }
        ValueKind::None => Value::Null,
        ValueKind::Bool => Value::Bool(value.is_true()),
        ValueKind::Number if value.is_integer() => Value::Int(i128::try_from(value.clone())?),
        ValueKind::Number => Value::Float(f64::try_from(value.clone())?),
        ValueKind::String => match value.to_str() {
            Some(text) => Value::text(text),
            None => Value::text(""),
        },
        ValueKind::Bytes => Value::text(String::from_utf8_lossy(value.as_bytes().unwrap_or(b""))),
        _ => return stacker::maybe_grow(STACK_LEFT, STACK_MORE, || lower_object(value)),
    })
}

/// Below this much stack, more is taken.
pub(super) const STACK_LEFT: usize = 256 * 1024;
/// That much.
pub(super) const STACK_MORE: usize = 2 * 1024 * 1024;

fn lower_object(value: &Jinja) -> Result<Value, Error> {
    if let Some(lazy) = value.downcast_object_ref::<LazyList>() {
        return deep(&Value::List(Arc::clone(&lazy.items)), &lazy.world);
    }
    if let Some(lazy) = value.downcast_object_ref::<LazyMap>() {
        return deep(&Value::Map(lazy.map.clone()), &lazy.world);
    }
    if let Some(lazy) = value.downcast_object_ref::<LazyScope>() {
        return deep(&Value::Scope(Arc::clone(&lazy.world.scope)), &lazy.world);
    }
    if value.downcast_object_ref::<OmitMark>().is_some() {
        return Ok(Value::Omit);
    }
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => {
            let mut items = Vec::with_capacity(value.len().unwrap_or(0).min(1024));
            for item in value.try_iter()?.checked() {
                items.push(lower(&item?)?);
            }
            items.retain(|item| !matches!(item, Value::Omit));
            Ok(Value::list(items))
        }
        ValueKind::Map => {
            let mut map = Map::new();
            for key in value.try_iter()?.checked() {
                let key = key?;
                let item = lower(&value.get_item(&key)?)?;
                if !matches!(item, Value::Omit) {
                    map.make_mut().insert(lower(&key)?, item);
                }
            }
            Ok(Value::Map(map))
        }
        ValueKind::Invalid => match Jinja::from(vec![value.clone()]).try_iter()?.checked().next() {
            Some(Err(e)) => Err(e),
            _ => Err(Error::new(ErrorKind::InvalidOperation, "a value could not be computed")),
        },
        _ if value.downcast_object_ref::<Moment>().is_some() => Ok(Value::text(value.to_string())),
        _ => Err(Error::new(
            ErrorKind::InvalidOperation,
            format!("{value} is a function or an object of the template, not data"),
        )),
    }
}

fn deep(value: &Value, world: &Arc<World>) -> Result<Value, Error> {
    world.render(value).map_err(|e| error::into_jinja(e, None))
}
