//! The renderer. One for a run: compiled templates are kept.

use super::TemplateError;
use crate::outside::Outside;
use crate::value::{Scope, Text, Value};
use std::path::PathBuf;
use std::sync::Arc;

/// Renders values and evaluates expressions in a scope. Shared by all tasks; compiled templates are cached by their text.
pub struct Templar {
    #[expect(dead_code, reason = "filled in with the renderer")]
    outside: Arc<dyn Outside>,
}

/// What lookups and filters of one evaluation may see besides the variables.
#[derive(Clone, Default)]
pub struct Site {
    /// Directories for relative files (`lookup('file')`, `include`, `fileglob`), in order (`ansible_search_path`).
    pub search: Vec<PathBuf>,
}

impl Templar {
    /// A renderer that sees this world. `vaults` decrypts `!vault` values.
    #[must_use]
    pub fn new(outside: Arc<dyn Outside>) -> Self {
        Self { outside }
    }

    /// Renders a value as deep as it goes: templates in written text are evaluated (a lone `{{ x }}` keeps its type),
    /// vaults are decrypted, elements that are `omit` are removed, scopes become maps. Computed text stays as it is.
    ///
    /// # Errors
    /// [`TemplateError`]: undefined, syntax, a filter or lookup that failed; with the place of the innermost template.
    pub fn render(
        &self,
        _value: &Value,
        _scope: &Arc<dyn Scope>,
        _site: &Site,
    ) -> Result<Value, TemplateError> {
        todo!()
    }

    /// Evaluates a condition: a bare expression (`when`, `failed_when`, `until`, `assert`). A bool literal is itself.
    ///
    /// # Errors
    /// Not boolean, undefined, syntax… as Ansible 2.19.
    pub fn condition(
        &self,
        _value: &Value,
        _scope: &Arc<dyn Scope>,
        _site: &Site,
    ) -> Result<bool, TemplateError> {
        todo!()
    }

    /// Evaluates a bare expression (`foo.bar | default(1)`, as in `debug: var=` and `until`) to its native value.
    ///
    /// # Errors
    /// As for `render`.
    pub fn expression(
        &self,
        _text: &Text,
        _scope: &Arc<dyn Scope>,
        _site: &Site,
    ) -> Result<Value, TemplateError> {
        todo!()
    }

    /// Renders the text of a template file (the `template` module, `lookup('template')`): always text, with
    /// `trim_blocks` on, `lstrip_blocks` off unless said, a `#jinja2:` header honoured, the final newline kept.
    ///
    /// # Errors
    /// As for `render`.
    pub fn file(
        &self,
        _text: &Text,
        _scope: &Arc<dyn Scope>,
        _site: &Site,
        _options: &FileOptions,
    ) -> Result<String, TemplateError> {
        todo!()
    }

    /// Runs a lookup by name, as `with_X` does: terms are rendered already; the result is a list.
    ///
    /// # Errors
    /// The lookup is unknown or failed.
    pub fn lookup(
        &self,
        _name: &str,
        _terms: &Value,
        _scope: &Arc<dyn Scope>,
        _site: &Site,
    ) -> Result<Vec<Value>, TemplateError> {
        todo!()
    }

    /// Whether there is a lookup of that name (`with_X` is checked when a playbook is loaded).
    #[must_use]
    pub fn has_lookup(_name: &str) -> bool {
        todo!()
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
