//! Where Ansible's filters, tests and lookups are joined to the engine.

use super::engine::Engine;
use super::error::carried;
use super::world::World;
use super::{TemplateError, TemplateErrorKind, filters, lookups, machine, report, tests};
use crate::value::Value;
use minijinja::value::Kwargs;
use minijinja::{Environment, Error, State, Value as Jinja};

use std::sync::Arc;

/// Adds filters and tests.
pub(super) fn add(env: &mut Environment<'static>) {
    filters::add_filters(env);
    tests::add_tests(env);
}

/// Runs a lookup: its terms and options, its list of results.
pub(super) fn lookup(
    state: &mut State<'_, '_>,
    name: &str,
    terms: Vec<Jinja>,
    options: Kwargs,
) -> Result<Vec<Jinja>, Error> {
    lookups::run(name, terms, options, state)
}

/// Whether there is such a lookup.
pub(super) fn has_lookup(name: &str) -> bool {
    lookups::exists(name)
}

/// Runs a lookup outside of a template (`with_X`): its terms are rendered already.
pub(super) fn run(
    engine: &Engine,
    name: &str,
    terms: &[Value],
    world: &Arc<World>,
) -> Result<Vec<Value>, TemplateError> {
    let root = Jinja::from_dyn_object(Arc::clone(world));
    machine::with_state(&engine.env, root, |state| {
        let terms = terms.iter().map(|t| world.lift(t)).collect::<Result<_, _>>()?;
        let none: Kwargs = std::iter::empty::<(&str, Jinja)>().collect();
        lookup(state, name, terms, none)?.iter().map(World::lower).collect()
    })
    .map_err(|e| match carried(&e) {
        Some(inner) => inner.error.clone(),
        None => TemplateError::new(TemplateErrorKind::Other, report::words(&e)),
    })
}
