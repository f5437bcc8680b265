//! One reading of a playbook or an included file: where it is, what went wrong so far.

use super::ast::{BlockKind, Item, Keywords, Lineage, Role};
use super::loader::{Loader, Parsed};
use crate::diag::{Diagnostic, Diagnostics, Place, Severity};
use crate::value::{Map, Text, Value};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// State of one reading.
pub(super) struct Reader<'l> {
    pub(super) loader: &'l Loader,
    /// Errors and warnings in the order in which they were found.
    pub(super) found: Diagnostics,
    /// Directory of the playbook whose play is read.
    pub(super) directory: PathBuf,
    /// `vars_files` of the play, raw: names of static imports may use them.
    pub(super) vars_files: Option<Value>,
    /// Handlers of roles that were imported or included on the way.
    pub(super) handlers: Vec<Item>,
    /// Roles that the play sees: those of `roles:` and imported ones.
    pub(super) roles: Vec<Arc<Role>>,
}

/// What encloses the items that are read.
#[derive(Clone)]
pub(super) struct Here {
    /// The enclosing level.
    pub(super) parent: Arc<Lineage>,
    /// The items are handlers.
    pub(super) handlers: bool,
}

impl Here {
    /// The same under another level.
    pub(super) fn under(&self, parent: Arc<Lineage>) -> Self {
        Self { parent, handlers: self.handlers }
    }
}

impl Here {
    /// A new level under this one.
    pub(super) fn level(&self, keywords: Keywords, kind: BlockKind, place: &Place) -> Arc<Lineage> {
        lineage(keywords, kind, Some(Arc::clone(&self.parent)), place)
    }
}

impl<'l> Reader<'l> {
    pub(super) fn new(loader: &'l Loader, directory: PathBuf) -> Self {
        Self {
            loader,
            found: Diagnostics::default(),
            directory,
            vars_files: None,
            handlers: Vec::new(),
            roles: Vec::new(),
        }
    }

    pub(super) fn error(&mut self, diagnostic: Diagnostic) {
        let known = |d: &Diagnostic| d.message == diagnostic.message && d.place == diagnostic.place;
        if diagnostic.place.is_none() || !self.found.0.iter().any(known) {
            self.found.push(diagnostic);
        }
    }

    /// Reads a file that something at `place` names; its warnings are noted.
    pub(super) fn open(&mut self, path: &Path, how: &str, place: &Place) -> Option<Arc<Parsed>> {
        match self.loader.file(path) {
            Ok(parsed) => {
                for warning in &parsed.warnings {
                    debug_assert_eq!(warning.severity, Severity::Warning);
                    self.error(warning.clone());
                }
                Some(parsed)
            }
            Err(wrong) => {
                let wrong =
                    if wrong.place.is_some() { wrong.via(how, place) } else { wrong.at(place) };
                self.error(wrong);
                None
            }
        }
    }

    /// The name of a static import: rendered with what is known before any host is.
    pub(super) fn static_name(
        &mut self,
        value: &Value,
        place: &Place,
        here: &Here,
        own: &Map,
    ) -> Option<Text> {
        let rendered = if value.needs_rendering() {
            let vars = self.static_vars(here, own);
            self.loader.setup.names.render(value, &vars)
        } else {
            Ok(value.clone())
        };
        match rendered {
            Ok(value @ (Value::Text(_) | Value::Int(_) | Value::Float(_))) => {
                let place = value.place().unwrap_or(place).clone();
                Some(Text::written(crate::value::string(&value), place))
            }
            Ok(other) => {
                let message = format!("a name must be text, not a {}", other.type_name());
                self.error(Diagnostic::error(message).at(place));
                None
            }
            Err(wrong) => {
                let wrong = wrong.at(place);
                let hint = "the name of a static import is rendered before any host is known: only vars \
                            of the play and extra vars can be in it";
                self.error(if wrong.hint.is_none() { wrong.hint(hint) } else { wrong });
                None
            }
        }
    }

    /// Variables that static imports may use: defaults of roles, vars of the play and its `vars_files`, vars of roles
    /// and blocks, `own`, role parameters, extra vars.
    pub(super) fn static_vars(&mut self, here: &Here, own: &Map) -> Map {
        let levels: Vec<_> = here.parent.levels().cloned().collect();
        let mut vars = Map::new();
        let roles = |apply: &mut dyn FnMut(&Role)| {
            for level in levels.iter().rev() {
                if let BlockKind::Role(role) = &level.kind {
                    apply(role);
                }
            }
        };
        roles(&mut |role| vars.extend_with(&role.defaults));
        if let Some(play) = levels.last() {
            vars.extend_with(&play.keywords.vars);
        }
        let files = self.static_vars_files(&vars);
        vars.extend_with(&files);
        roles(&mut |role| vars.extend_with(&role.vars));
        for level in levels.iter().rev().skip(1) {
            vars.extend_with(&level.keywords.vars);
        }
        vars.extend_with(own);
        roles(&mut |role| vars.extend_with(&role.params));
        vars.extend_with(&self.loader.setup.extra_vars);
        vars.insert("playbook_dir", self.directory.display().to_string());
        if let Some(role) = here.parent.role() {
            vars.insert("role_path", role.path.display().to_string());
            vars.insert("role_name", role.name.clone());
        }
        vars
    }

    /// What of `vars_files` can be read already. The rest is for the hosts: nothing is reported here.
    fn static_vars_files(&mut self, vars: &Map) -> Map {
        let mut out = Map::new();
        let files = match &self.vars_files {
            Some(Value::List(list)) => list.to_vec(),
            Some(one) => vec![one.clone()],
            None => Vec::new(),
        };
        for entry in files {
            let choices = entry.as_list().map_or_else(|| vec![entry.clone()], <[Value]>::to_vec);
            let first = choices.iter().find_map(|choice| {
                let mut known = vars.clone();
                known.extend_with(&out);
                known.extend_with(&self.loader.setup.extra_vars);
                let name = if choice.needs_rendering() {
                    self.loader.setup.names.render(choice, &known).ok()?
                } else {
                    choice.clone()
                };
                let parsed = self.loader.file(&self.directory.join(name.as_str()?)).ok()?;
                Some(parsed.node.as_ref()?.to_value())
            });
            if let Some(Value::Map(map)) = first {
                out.extend_with(&map);
            }
        }
        out
    }
}

/// A level of a lineage.
pub(super) fn lineage(
    keywords: Keywords,
    kind: BlockKind,
    parent: Option<Arc<Lineage>>,
    place: &Place,
) -> Arc<Lineage> {
    Arc::new(Lineage { keywords, kind, parent, place: place.clone(), derived: OnceLock::new() })
}

/// In the order of their lines, files in the order in which they were read.
pub(super) fn sort(found: &mut Diagnostics) {
    let mut files: Vec<String> = Vec::new();
    for place in found.0.iter().filter_map(|d| d.place.as_ref()) {
        if !files.contains(&place.source.name) {
            files.push(place.source.name.clone());
        }
    }
    found.0.sort_by_key(|d| {
        d.place.as_ref().map(|place| {
            let file = files.iter().position(|name| *name == place.source.name);
            (file, place.line, place.column)
        })
    });
}
