//! The functions that rewritten trees call. They are constants in the code, so that no template can name or replace them.

use super::super::{mutable, python};
use super::{tolerant, vaulted};
use minijinja::value::{Rest, ValueOrKwargs};
use minijinja::{Error, ErrorKind, State, Value as Jinja};
use std::sync::LazyLock;

pub(super) static VARIABLE: LazyLock<Jinja> = LazyLock::new(|| {
    Jinja::from_function(|state: &State<'_, '_>, name: &str| tolerant::variable(state, name))
});
pub(super) static ELEMENT: LazyLock<Jinja> =
    LazyLock::new(|| Jinja::from_function(|of: Jinja, key: Jinja| tolerant::element(&of, &key)));
pub(super) static FILTER: LazyLock<Jinja> = LazyLock::new(|| {
    Jinja::from_function(|state: &mut State<'_, '_>, name: &str, args: Rest<ValueOrKwargs>| {
        tolerant::filter(state, name, &args.into_values())
    })
});
pub(super) static METHOD: LazyLock<Jinja> = LazyLock::new(|| {
    Jinja::from_function(|state: &mut State<'_, '_>, name: &str, args: Rest<ValueOrKwargs>| {
        tolerant::method(state, name, &args.into_values())
    })
});
pub(super) static FUNCTION: LazyLock<Jinja> = LazyLock::new(|| {
    Jinja::from_function(|state: &mut State<'_, '_>, name: &str, args: Rest<ValueOrKwargs>| {
        tolerant::function(state, name, &args.into_values())
    })
});
pub(super) static REMAINDER: LazyLock<Jinja> = LazyLock::new(|| {
    Jinja::from_function(|state: &mut State<'_, '_>, left: Jinja, right: Jinja| {
        python::remainder(state, &left, &right)
    })
});
pub(super) static DIFFERENCE: LazyLock<Jinja> = LazyLock::new(|| {
    Jinja::from_function(|left: Jinja, right: Jinja| python::difference(&left, &right))
});
pub(super) static VAULTED: LazyLock<Jinja> = LazyLock::new(|| {
    Jinja::from_function(|state: &State<'_, '_>, name: &str, keys: Rest<Jinja>| {
        vaulted::vaulted(state, name, &keys)
    })
});
pub(super) static TAGGED: LazyLock<Jinja> = LazyLock::new(|| {
    Jinja::from_function(|state: &State<'_, '_>, tag: &str, name: &str, keys: Rest<Jinja>| {
        vaulted::tagged(state, tag, name, &keys)
    })
});
pub(super) static ORDER: LazyLock<Jinja> = LazyLock::new(|| {
    Jinja::from_function(|left: Jinja, op: &str, right: Jinja| python::order(&left, op, &right))
});
pub(super) static CONTAINS: LazyLock<Jinja> = LazyLock::new(|| {
    Jinja::from_function(|left: Jinja, right: Jinja| python::contains(&left, &right))
});
pub(super) static MUTABLE: LazyLock<Jinja> =
    LazyLock::new(|| Jinja::from_function(|value: Jinja| mutable::changeable(&value)));
pub(super) static EMBEDDED: LazyLock<Jinja> = LazyLock::new(|| {
    Jinja::from_function(|state: &State<'_, '_>, text: &str| super::embedded(state, text))
});
pub(super) static GUARD: LazyLock<Jinja> = LazyLock::new(|| {
    Jinja::from_function(|value: Jinja| {
        if value.is_undefined() {
            return Err(Error::from(ErrorKind::UndefinedError));
        }
        Ok(value)
    })
});
