//! What all evaluations of a run share: the environment with its filters, and the compiled templates.

use super::TemplarOptions;
use super::convert::{self, STACK_LEFT, STACK_MORE};
use super::machine::{self, Code, Kind};
use super::world::{Decrypt, World};
use super::{
    TemplateError, TemplateErrorKind, escape, extend, files, functions, lazy, native, report,
};
use crate::outside::Outside;
use crate::value::{Map, Scope, Text, Value};
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Value as Jinja};
use std::cell::Cell;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// How many templates may need one another: a variable whose template needs itself ends here.
pub const DEPTH_MAX: u32 = 100;
/// How many instructions one template may take: an endless loop ends here, after some seconds.
const FUEL: u64 = 20_000_000;

/// What all evaluations share.
pub(super) struct Engine {
    pub(super) outside: Arc<dyn Outside>,
    pub(super) secrets: Arc<dyn Decrypt>,
    /// `ALLOW_BROKEN_CONDITIONALS`.
    pub(super) broken_conditionals: bool,
    /// For `lookup('config')`.
    pub(super) settings: Map,
    pub(super) env: Environment<'static>,
    syntax: SyntaxConfig,
    values: Cache,
    files: Cache,
    expressions: Cache,
    conditions: Cache,
}

type Cache = RwLock<HashMap<Arc<str>, Arc<Code>>>;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// One level deeper, until it is dropped.
struct Deeper;

impl Deeper {
    fn enter() -> Result<Self, TemplateError> {
        let depth = DEPTH.get();
        if depth >= DEPTH_MAX {
            return Err(TemplateError::new(
                TemplateErrorKind::Other,
                format!(
                    "recursive loop: more than {DEPTH_MAX} variables need one another, one of them itself"
                ),
            ));
        }
        if depth == 0 {
            // What an evaluation that failed for another reason has left behind.
            drop(lazy::take_print_failure());
        }
        DEPTH.set(depth + 1);
        Ok(Self)
    }
}

impl Drop for Deeper {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

impl Engine {
    pub(super) fn new(outside: Arc<dyn Outside>, options: TemplarOptions) -> Self {
        let files = Arc::new(files::Files::new(Arc::clone(&outside)));
        let mut env = Environment::new();
        env.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
        env.set_debug(false);
        env.set_fuel(Some(FUEL));
        env.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        env.set_unknown_method_callback(functions::method);
        env.set_formatter(native::format);
        functions::add(&mut env);
        extend::add(&mut env);
        files::add(&mut env, &files);
        Self {
            outside,
            secrets: options.secrets,
            broken_conditionals: options.broken_conditionals,
            settings: options.settings,
            env,
            syntax: native::syntax(),
            values: Cache::default(),
            files: Cache::default(),
            expressions: Cache::default(),
            conditions: Cache::default(),
        }
    }

    /// Renders a value as deep as it goes.
    pub(super) fn render(&self, value: &Value, world: &Arc<World>) -> Result<Value, TemplateError> {
        match value {
            Value::Text(text) if text.is_template() => {
                let result = self.evaluate(text, world)?;
                convert::lower(&result).map_err(|e| report::placed(&e, text, None, world))
            }
            Value::List(_) | Value::Map(_) | Value::Scope(_) if value.needs_rendering() => {
                stacker::maybe_grow(STACK_LEFT, STACK_MORE, || self.render_inside(value, world))
            }
            Value::Encrypted(vault) => self.render(&convert::decrypted(vault, world)?, world),
            Value::List(items) if items.iter().any(|i| matches!(i, Value::Omit)) => {
                self.render_inside(value, world)
            }
            Value::Map(map) if map.values().any(|i| matches!(i, Value::Omit)) => {
                self.render_inside(value, world)
            }
            other => Ok(other.clone()),
        }
    }

    fn render_inside(&self, value: &Value, world: &Arc<World>) -> Result<Value, TemplateError> {
        let _deeper = Deeper::enter()?;
        match value {
            Value::List(items) => {
                let mut out = Vec::with_capacity(items.len());
                for item in items.iter() {
                    match self.render(item, world)? {
                        Value::Omit => {}
                        item => out.push(item),
                    }
                }
                Ok(Value::list(out))
            }
            Value::Map(map) => {
                let mut out = Map::new();
                let entries = out.make_mut();
                for (key, item) in map.iter() {
                    match self.render(item, world)? {
                        Value::Omit => {}
                        // Keys are never templates.
                        item => {
                            entries.insert(key.clone(), item);
                        }
                    }
                }
                Ok(Value::Map(out))
            }
            Value::Scope(scope) => self.render_scope(scope, world),
            other => Ok(other.clone()),
        }
    }

    fn render_scope(
        &self,
        scope: &Arc<dyn Scope>,
        world: &Arc<World>,
    ) -> Result<Value, TemplateError> {
        let inside = world.with_scope(Arc::clone(scope));
        let mut out = Map::new();
        for name in scope.names() {
            if let Some(value) = scope.get(&name) {
                match self.render(&value, &inside)? {
                    Value::Omit => {}
                    value => out.insert(name, value),
                }
            }
        }
        Ok(Value::Map(out))
    }

    /// The value of a text that a person wrote and that holds a template.
    pub(super) fn evaluate(&self, text: &Text, world: &Arc<World>) -> Result<Jinja, TemplateError> {
        let code = Self::cached(&self.values, text.as_str(), text, |s| self.compile(s))?;
        let value = self.run(&code, text, world)?;
        Ok(match (text.as_str().ends_with('\n'), value.as_str()) {
            (true, Some(printed)) => {
                Jinja::from(native::with_final_newlines(text.as_str(), printed.to_owned()))
            }
            _ => value,
        })
    }

    /// The value of a template inside a string constant of a condition.
    pub(super) fn embedded(
        &self,
        source: &str,
        world: &Arc<World>,
    ) -> Result<Jinja, TemplateError> {
        self.evaluate(&Text::computed(source), world)
    }

    /// The value of a condition.
    pub(super) fn condition(
        &self,
        text: &Text,
        world: &Arc<World>,
    ) -> Result<Jinja, TemplateError> {
        let code = Self::cached(&self.conditions, text.as_str(), text, |s| {
            self.with_known_names(machine::condition(s)?)
        })?;
        self.run(&code, text, world)
    }

    /// The value of a bare expression.
    pub(super) fn expression(
        &self,
        text: &Text,
        world: &Arc<World>,
    ) -> Result<Jinja, TemplateError> {
        let code = Self::cached(&self.expressions, text.as_str(), text, |s| {
            self.with_known_names(machine::expression(s, 0)?)
        })?;
        self.run(&code, text, world)
    }

    /// The code of a template file; `options` tells apart what else it was compiled with.
    pub(super) fn file_code(
        &self,
        text: &Text,
        syntax: &SyntaxConfig,
        options: &str,
    ) -> Result<Arc<Code>, TemplateError> {
        let key = format!("{options}\0{}", text.as_str());
        Self::cached(&self.files, &key, text, |_| {
            self.with_known_names(machine::template(text.as_str(), syntax)?)
        })
    }

    /// The text of a template file.
    pub(super) fn run_file(
        &self,
        code: &Code,
        text: &Text,
        world: &Arc<World>,
    ) -> Result<String, TemplateError> {
        let _deeper = Deeper::enter()?;
        let root = Jinja::from_dyn_object(Arc::clone(world));
        stacker::maybe_grow(STACK_LEFT, STACK_MORE, || code.text(&self.env, root))
            .map(|(text, _)| text)
            .map_err(|e| report::placed(&e, text, Some(code), world))
    }

    /// Runs code that was made of this text.
    pub(super) fn run(
        &self,
        code: &Code,
        text: &Text,
        world: &Arc<World>,
    ) -> Result<Jinja, TemplateError> {
        let placed = |mut e: TemplateError| {
            *e.diagnostic = e.diagnostic.clone().at_opt(text.place());
            e
        };
        let _deeper = Deeper::enter().map_err(placed)?;
        let root = Jinja::from_dyn_object(Arc::clone(world));
        let result = stacker::maybe_grow(STACK_LEFT, STACK_MORE, || match code.kind {
            Kind::Expression { .. } => code.value(&self.env, root),
            Kind::Template => {
                code.text(&self.env, root).map(|(text, printed)| printed.native(text))
            }
        })
        .map_err(|e| report::placed(&e, text, Some(code), world))?;
        if let Some(e) = lazy::take_print_failure() {
            return Err(report::via(e, None, text));
        }
        if result.is_undefined() {
            let e = minijinja::Error::from(minijinja::ErrorKind::UndefinedError);
            return Err(report::placed(&e, text, Some(code), world));
        }
        Ok(result)
    }

    /// A text is one expression if it is nothing but `{{ … }}`, otherwise a template. The final newline is no part of
    /// it, and comes back if the result is text.
    fn compile(&self, source: &str) -> Result<Code, minijinja::Error> {
        let source = escape::escape(source.strip_suffix('\n').unwrap_or(source));
        let source = source.as_ref();
        if let Some(inner) = source.strip_prefix("{{").and_then(|s| s.strip_suffix("}}")) {
            let start = inner.strip_prefix(['-', '+']).unwrap_or(inner);
            let at = source.len() - 2 - start.len();
            let bare = start.strip_suffix(['-', '+']).unwrap_or(start);
            if let Ok(code) = machine::expression(bare, at) {
                return self.with_known_names(code.escaped());
            }
        }
        self.with_known_names(machine::template(source, &self.syntax)?.escaped())
    }

    /// Refuses code that names filters or tests that do not exist, before any of it runs.
    pub(super) fn with_known_names(&self, code: Code) -> Result<Code, minijinja::Error> {
        let mut state = self.env.empty_state();
        for (name, is_filter) in code.filters_and_tests() {
            let tried = if is_filter {
                state.apply_filter(name, &[]).err()
            } else {
                state.perform_test(name, &[]).err()
            };
            let unknown = |e: &minijinja::Error| {
                matches!(
                    e.kind(),
                    minijinja::ErrorKind::UnknownFilter | minijinja::ErrorKind::UnknownTest
                )
            };
            if let Some(e) = tried.filter(unknown) {
                return Err(e);
            }
        }
        Ok(code)
    }

    fn cached(
        cache: &Cache,
        key: &str,
        text: &Text,
        compile: impl FnOnce(&str) -> Result<Code, minijinja::Error>,
    ) -> Result<Arc<Code>, TemplateError> {
        let known = cache.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(code) = known.get(key) {
            return Ok(Arc::clone(code));
        }
        drop(known);
        let code = Arc::new(compile(text.as_str()).map_err(|e| report::syntax(&e, text))?);
        let mut cache = cache.write().unwrap_or_else(PoisonError::into_inner);
        cache.insert(Arc::from(key), Arc::clone(&code));
        Ok(code)
    }
}
