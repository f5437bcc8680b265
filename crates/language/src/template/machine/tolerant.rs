//! The functions that the rewritten tree calls where an undefined value may be: they give "undefined" where the
//! engine's own instructions would fail.

use minijinja::value::Kwargs;
use minijinja::{Error, ErrorKind, State, Value as Jinja};

/// Undefined if this is an error of an undefined value, the value or error itself otherwise.
fn forgive(result: Result<Jinja, Error>) -> Result<Jinja, Error> {
    match result {
        Err(e) if e.kind() == ErrorKind::UndefinedError => Ok(Jinja::UNDEFINED),
        other => other,
    }
}

/// The value, or the error that a failed lazy value stands for.
fn checked(value: Jinja) -> Result<Jinja, Error> {
    if value.kind() != minijinja::value::ValueKind::Invalid {
        return Ok(value);
    }
    match Jinja::from(vec![value]).try_iter()?.checked().next() {
        Some(result) => result,
        None => Ok(Jinja::UNDEFINED),
    }
}

/// A variable by its name.
pub(super) fn variable(state: &State<'_, '_>, name: &str) -> Result<Jinja, Error> {
    forgive(state.lookup(name).map_or(Ok(Jinja::UNDEFINED), checked))
}

/// An attribute or element of something that may be undefined itself.
pub(super) fn element(of: &Jinja, key: &Jinja) -> Result<Jinja, Error> {
    if of.is_undefined() || key.is_undefined() {
        return Ok(Jinja::UNDEFINED);
    }
    forgive(of.get_item(key).and_then(checked))
}

/// A variable and what is inside of it, step by step.
pub(in crate::template) fn chain(
    state: &State<'_, '_>,
    name: &str,
    keys: &[Jinja],
) -> Result<Jinja, Error> {
    let first = variable(state, name)?;
    keys.iter().try_fold(first, |of, key| element(&of, key))
}

/// A filter whose input or arguments may be undefined: then so is the result.
pub(super) fn filter(
    state: &mut State<'_, '_>,
    name: &str,
    args: &[Jinja],
) -> Result<Jinja, Error> {
    if any_undefined(args) {
        return Ok(Jinja::UNDEFINED);
    }
    forgive(state.apply_filter(name, args))
}

/// A method of something that may be undefined.
pub(super) fn method(
    state: &mut State<'_, '_>,
    name: &str,
    args: &[Jinja],
) -> Result<Jinja, Error> {
    let Some((of, rest)) = args.split_first() else { return Ok(Jinja::UNDEFINED) };
    if any_undefined(args) {
        return Ok(Jinja::UNDEFINED);
    }
    forgive(of.call_method(state, name, rest).and_then(checked))
}

/// A function whose own result may be undefined (`lookup('vars', …)`, `undef()`).
pub(super) fn function(
    state: &mut State<'_, '_>,
    name: &str,
    args: &[Jinja],
) -> Result<Jinja, Error> {
    match state.lookup(name) {
        Some(function) => forgive(checked(function)?.call(state, args)),
        None => Ok(Jinja::UNDEFINED),
    }
}

fn any_undefined(args: &[Jinja]) -> bool {
    args.iter().any(|arg| {
        arg.is_undefined()
            || (arg.is_kwargs()
                && Kwargs::try_from(arg.clone()).is_ok_and(|kwargs| {
                    kwargs.args().any(|k| kwargs.peek::<Jinja>(k).is_ok_and(|v| v.is_undefined()))
                }))
    })
}
