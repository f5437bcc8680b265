//! What the functions of a template can reach besides their arguments: files, paths, the variables, the renderer.
//!
//! It lives in the context of every evaluation under [`WORLD`], a name that no template can write, and on every lazy
//! list and dictionary, so that their elements are rendered in the scope they come from.

use super::engine::Engine;
use super::lazy::LazyScope;
use super::{Site, TemplateError, convert, error};
use crate::outside::Outside;
use crate::value::{Encrypted, Scope, Value};
use crate::vault;
use minijinja::Value as Jinja;
use minijinja::value::{Enumerator, Object};
use std::fmt;
use std::sync::Arc;

/// The name of the world in the context. Not an identifier, so that no template can name it.
pub const WORLD: &str = "\u{0}world";

/// Decrypts inline vaults and the contents of encrypted files.
pub trait Decrypt: Send + Sync {
    /// The text inside an envelope.
    ///
    /// # Errors
    /// No secret fits, or the envelope is damaged: a lower-case fragment.
    fn decrypt(&self, vault: &Encrypted) -> Result<String, String>;
}

/// No secrets at all: every vault is refused.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoSecrets;

impl Decrypt for NoSecrets {
    fn decrypt(&self, _: &Encrypted) -> Result<String, String> {
        Err("no vault secrets were given, and this value is encrypted".to_owned())
    }
}

impl Decrypt for vault::Secrets {
    fn decrypt(&self, encrypted: &Encrypted) -> Result<String, String> {
        match vault::decrypt_value(encrypted, self) {
            Ok(value) => Ok(crate::value::string(&value)),
            Err(diagnostic) => Err(diagnostic.message),
        }
    }
}

/// The surroundings of one evaluation. Cheap to clone; shared by everything that is read lazily in it.
#[derive(Clone)]
pub struct World {
    pub(super) engine: Arc<Engine>,
    pub(super) scope: Arc<dyn Scope>,
    pub(super) site: Site,
}

impl World {
    /// The world of the evaluation that calls a filter, test, function or lookup.
    ///
    /// # Errors
    /// The environment is used without one, which only a broken test does.
    pub fn of(state: &minijinja::State<'_, '_>) -> Result<Arc<Self>, minijinja::Error> {
        state.lookup(WORLD).and_then(|value| value.downcast_object::<Self>()).ok_or_else(|| {
            minijinja::Error::new(
                minijinja::ErrorKind::InvalidOperation,
                "this can only be used where there are variables",
            )
        })
    }

    /// Files, environment, programs and clock of the controller.
    #[must_use]
    pub fn outside(&self) -> &Arc<dyn Outside> {
        &self.engine.outside
    }

    /// Where relative files are searched.
    #[must_use]
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// The variables, raw.
    #[must_use]
    pub fn scope(&self) -> &Arc<dyn Scope> {
        &self.scope
    }

    /// A setting by its name.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<Value> {
        self.engine.settings.get(name).cloned()
    }

    /// The vault secrets of the run.
    #[must_use]
    pub fn secrets(&self) -> &Arc<dyn Decrypt> {
        &self.engine.secrets
    }

    /// Renders one of our values in this scope, as deep as it goes. Computed text stays as it is.
    ///
    /// # Errors
    /// As for [`super::Templar::render`].
    pub fn render(self: &Arc<Self>, value: &Value) -> Result<Value, TemplateError> {
        self.engine.render(value, self)
    }

    /// One of our values as the engine's, rendered when and as far as it is read.
    ///
    /// # Errors
    /// It is a template that fails.
    pub fn lift(self: &Arc<Self>, value: &Value) -> Result<Jinja, minijinja::Error> {
        convert::lift(value, self).map_err(|e| error::into_jinja(e, None))
    }

    /// The engine's value as ours, as deep as it goes; text has no place any more.
    ///
    /// # Errors
    /// An element inside is a template that fails, is undefined, or is no data (a function, a macro).
    pub fn lower(value: &Jinja) -> Result<Value, minijinja::Error> {
        convert::lower(value)
    }

    /// The same surroundings with other variables (`lookup('template', template_vars=…)`).
    #[must_use]
    pub fn with_scope(&self, scope: Arc<dyn Scope>) -> Arc<Self> {
        Arc::new(Self { scope, ..self.clone() })
    }
}

/// The world is also the root of the context: a name that no template has set is a variable of the scope.
impl Object for World {
    fn get_value(self: &Arc<Self>, key: &Jinja) -> Option<Jinja> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, name: &str) -> Option<Jinja> {
        if name == WORLD {
            return Some(Jinja::from_dyn_object(Arc::clone(self)));
        }
        let Some(value) = self.scope.get(name) else {
            return (name == "vars")
                .then(|| Jinja::from_object(LazyScope::new(Arc::clone(&self.scope), self)));
        };
        Some(convert::lift(&value, self).unwrap_or_else(|e| error::invalid_variable(e, name)))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Empty
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<world>")
    }
}
