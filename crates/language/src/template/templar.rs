//! The renderer. One for a run: compiled templates are kept.

use super::engine::Engine;
use super::world::{Decrypt, NoSecrets, World};
use super::{TemplateError, condition, convert, extend, file, functions, report};
use crate::outside::Outside;
use crate::value::{Map, Scope, Text, Value};
use std::path::PathBuf;
use std::sync::Arc;

/// Renders values and evaluates expressions in a scope. Shared by all tasks; compiled templates are cached by their text.
pub struct Templar {
    engine: Arc<Engine>,
}

/// What lookups and filters of one evaluation may see besides the variables. Cheap to clone.
#[derive(Clone, Default)]
pub struct Site {
    /// Directories for relative files (`lookup('file')`, `include`, `fileglob`), in order (`ansible_search_path`).
    pub search: Arc<[PathBuf]>,
}

/// What a renderer is told once.
#[derive(Clone)]
pub struct TemplarOptions {
    /// Decrypts `!vault` values.
    pub secrets: Arc<dyn Decrypt>,
    /// `ALLOW_BROKEN_CONDITIONALS`: a condition may be any value and is judged by its truth.
    pub broken_conditionals: bool,
    /// Settings by name, for `lookup('config')`.
    pub settings: Map,
}

impl Templar {
    /// A renderer that sees this world, without vault secrets.
    #[must_use]
    pub fn new(outside: Arc<dyn Outside>) -> Self {
        let options = TemplarOptions {
            secrets: Arc::new(NoSecrets),
            broken_conditionals: false,
            settings: Map::new(),
        };
        Self::with_options(outside, options)
    }

    /// A renderer that sees this world.
    #[must_use]
    pub fn with_options(outside: Arc<dyn Outside>, options: TemplarOptions) -> Self {
        let engine = Engine::new(outside, options);
        Self { engine: Arc::new(engine) }
    }

    fn world(&self, scope: &Arc<dyn Scope>, site: &Site) -> Arc<World> {
        Arc::new(World {
            engine: Arc::clone(&self.engine),
            scope: Arc::clone(scope),
            site: site.clone(),
        })
    }

    /// Renders a value as deep as it goes: templates in written text are evaluated (a lone `{{ x }}` keeps its type),
    /// vaults are decrypted, elements that are `omit` are removed, scopes become maps. Computed text stays as it is.
    ///
    /// # Errors
    /// [`TemplateError`]: undefined, syntax, a filter or lookup that failed; with the place of the innermost template.
    pub fn render(
        &self,
        value: &Value,
        scope: &Arc<dyn Scope>,
        site: &Site,
    ) -> Result<Value, TemplateError> {
        if !value.needs_rendering() && !holds_omit(value) {
            return Ok(value.clone());
        }
        self.engine.render(value, &self.world(scope, site))
    }

    /// Evaluates a condition: a bare expression (`when`, `failed_when`, `until`, `assert`). A bool literal is itself.
    ///
    /// # Errors
    /// Not boolean, undefined, syntax… as Ansible 2.19.
    pub fn condition(
        &self,
        value: &Value,
        scope: &Arc<dyn Scope>,
        site: &Site,
    ) -> Result<bool, TemplateError> {
        match value {
            Value::Bool(b) => Ok(*b),
            other => condition::holds(&self.engine, other, &self.world(scope, site)),
        }
    }

    /// Evaluates a bare expression (`foo.bar | default(1)`, as in `debug: var=` and `until`) to its native value.
    ///
    /// # Errors
    /// As for `render`.
    pub fn expression(
        &self,
        text: &Text,
        scope: &Arc<dyn Scope>,
        site: &Site,
    ) -> Result<Value, TemplateError> {
        let world = self.world(scope, site);
        let value = self.engine.expression(text, &world)?;
        convert::lower(&value).map_err(|e| report::placed(&e, text, None, &world))
    }

    /// The raw value that a path leads to (`foo.bar`, or a lone `{{ foo.bar }}`), unrendered: written expressions keep
    /// their places and can be evaluated as conditions (`that: "{{ checks }}"`, `debug: var=`). `None` if the text is no
    /// path, leads nowhere, or leads through a template.
    #[must_use]
    pub fn written(&self, text: &Text, scope: &Arc<dyn Scope>) -> Option<Value> {
        condition::written(text, &self.world(scope, &Site::default()))
    }

    /// Renders the text of a template file (the `template` module, `lookup('template')`): always text, with
    /// `trim_blocks` on, `lstrip_blocks` off unless said, a `#jinja2:` header honoured, the final newline kept.
    ///
    /// # Errors
    /// As for `render`.
    pub fn file(
        &self,
        text: &Text,
        scope: &Arc<dyn Scope>,
        site: &Site,
        options: &FileOptions,
    ) -> Result<String, TemplateError> {
        file::render(&self.engine, text, &self.world(scope, site), options)
    }

    /// Runs a lookup by name, as `with_X` does: terms are rendered already; the result is a list.
    ///
    /// # Errors
    /// The lookup is unknown or failed.
    pub fn lookup(
        &self,
        name: &str,
        terms: &Value,
        scope: &Arc<dyn Scope>,
        site: &Site,
    ) -> Result<Vec<Value>, TemplateError> {
        let world = self.world(scope, site);
        extend::run(&self.engine, name, &functions::terms(terms), &world)
    }

    /// Whether there is a lookup of that name (`with_X` is checked when a playbook is loaded).
    #[must_use]
    pub fn has_lookup(name: &str) -> bool {
        extend::has_lookup(name)
    }
}

/// Options of the `template` module.
#[derive(Debug, Clone)]
pub struct FileOptions {
    /// `trim_blocks`, default true.
    pub trim_blocks: bool,
    /// `lstrip_blocks`, default false.
    pub lstrip_blocks: bool,
    /// `newline_sequence`, default `\n`.
    pub newline: String,
    /// Delimiters if changed: block start and end, variable start and end, comment start and end.
    pub delimiters: Option<[String; 6]>,
}

fn holds_omit(value: &Value) -> bool {
    match value {
        Value::Omit => true,
        Value::List(items) => items.iter().any(holds_omit),
        Value::Map(map) => map.values().any(holds_omit),
        _ => false,
    }
}
