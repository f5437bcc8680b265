//! Our lists, dictionaries and scopes inside the engine: an element is rendered when it is read, in the scope that owns
//! it, and cloning costs a reference count.

use super::world::World;
use super::{convert, error};
use crate::value::{self, Map, Scope, Value};
use minijinja::value::{Enumerator, Object, ObjectRepr};
use minijinja::{Error, ErrorKind, State, Value as Jinja};
use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

/// A list of ours.
pub(super) struct LazyList {
    pub(super) items: Arc<Vec<Value>>,
    pub(super) world: Arc<World>,
}

/// A dictionary of ours.
pub(super) struct LazyMap {
    pub(super) map: Map,
    pub(super) world: Arc<World>,
}

/// Variables with a scope of their own (`hostvars[h]`).
pub(super) struct LazyScope {
    /// Its scope is the one that is shown, not that of the template that reads it.
    pub(super) world: Arc<World>,
}

/// `omit`.
pub(super) struct OmitMark;

thread_local! {
    /// What failed while a lazy value was printed: `Display` cannot say it, so the evaluation asks for it afterwards.
    static PRINT_FAILURE: RefCell<Option<super::TemplateError>> = const { RefCell::new(None) };
}

/// The failure of the last printing of a lazy value, if any, once.
pub(super) fn take_print_failure() -> Option<super::TemplateError> {
    PRINT_FAILURE.with(|failure| failure.borrow_mut().take())
}

fn lifted(value: &Value, world: &Arc<World>) -> Jinja {
    convert::lift(value, world).unwrap_or_else(|e| Jinja::from(error::into_jinja(e, None)))
}

fn print(value: &Value, world: &Arc<World>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match world.render(value) {
        Ok(rendered) => f.write_str(&value::string(&rendered)),
        Err(e) => {
            PRINT_FAILURE.with(|failure| {
                failure.borrow_mut().get_or_insert(e);
            });
            Ok(())
        }
    }
}

impl Object for LazyList {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Jinja) -> Option<Jinja> {
        Some(lifted(self.items.get(key.as_usize()?)?, &self.world))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(self.items.len())
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(&Value::List(Arc::clone(&self.items)), &self.world, f)
    }
}

impl Object for LazyMap {
    fn get_value(self: &Arc<Self>, key: &Jinja) -> Option<Jinja> {
        if let Some(name) = key.as_str() {
            return self.get_value_by_str(name);
        }
        let key = convert::lower(key).ok()?;
        Some(lifted(self.map.get_value(&key)?, &self.world))
    }

    fn get_value_by_str(self: &Arc<Self>, name: &str) -> Option<Jinja> {
        Some(lifted(self.map.get(name)?, &self.world))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.map.keys().map(|key| convert::key(key, &self.world)).collect())
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(self.map.len())
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(&Value::Map(self.map.clone()), &self.world, f)
    }
}

impl LazyScope {
    /// These variables, where `world` reads them.
    pub(super) fn new(scope: Arc<dyn Scope>, world: &World) -> Self {
        Self { world: world.with_scope(scope) }
    }
}

impl Object for LazyScope {
    fn get_value(self: &Arc<Self>, key: &Jinja) -> Option<Jinja> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, name: &str) -> Option<Jinja> {
        let value = self.world.scope.get(name)?;
        Some(
            convert::lift(&value, &self.world).unwrap_or_else(|e| error::invalid_variable(e, name)),
        )
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.world.scope.names().into_iter().map(Jinja::from).collect())
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(&Value::Scope(Arc::clone(&self.world.scope)), &self.world, f)
    }
}

impl Object for OmitMark {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, _: &[Jinja]) -> Result<Jinja, Error> {
        Err(Error::new(ErrorKind::InvalidOperation, "omit is a value, not a function"))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<omit>")
    }
}

macro_rules! debug_as_display {
    ($($t:ty),*) => { $(impl fmt::Debug for $t {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            fmt::Display::fmt(&self.shown(), f)
        }
    })* };
}
debug_as_display!(LazyList, LazyMap, LazyScope, OmitMark);

struct Shown<'a>(Option<(Value, &'a Arc<World>)>);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some((value, world)) => print(value, world, f),
            None => f.write_str("<omit>"),
        }
    }
}

impl LazyList {
    fn shown(&self) -> Shown<'_> {
        Shown(Some((Value::List(Arc::clone(&self.items)), &self.world)))
    }
}

impl LazyMap {
    fn shown(&self) -> Shown<'_> {
        Shown(Some((Value::Map(self.map.clone()), &self.world)))
    }
}

impl LazyScope {
    fn shown(&self) -> Shown<'_> {
        Shown(Some((Value::Scope(Arc::clone(&self.world.scope)), &self.world)))
    }
}

impl OmitMark {
    #[expect(clippy::unused_self, reason = "the same call as for everything else that is shown")]
    fn shown(&self) -> Shown<'_> {
        Shown(None)
    }
}
