//! Files of plays, and the playbooks that they import.

use super::ast::Playbook;
use super::check::shape;
use super::keyword::{BLOCK, Keyword, TASK, keyword};
use super::keywords::{bad_variable, conditions, is_variable_name, tags, unknown};
use super::loader::{LoadError, Loader, Parsed};
use super::play::Imported;
use super::reader::{Here, Reader, lineage, sort};
use crate::diag::{Diagnostic, Diagnostics, Nature, Place};
use crate::value::{Map, Value};
use crate::yaml::{Node, NodeKind};
use std::path::{Path, PathBuf};

impl Loader {
    /// Loads a playbook with everything that is static: imports, roles, their dependencies. The warnings come with it.
    ///
    /// # Errors
    /// [`LoadError::Missing`] if the file itself cannot be read; else everything that is wrong, in the order of reading.
    pub fn playbook(&self, path: &Path) -> Result<(Playbook, Vec<Diagnostic>), LoadError> {
        let path = self.absolute(path);
        if !self.is_file(&path) {
            let shown = self.shown(&path);
            let wrong = Diagnostic::error(format!("there is no playbook {shown}"));
            return Err(LoadError::Missing(if self.is_directory(&path) {
                wrong.hint("it is a directory; name a file in it")
            } else {
                wrong
            }));
        }
        let parsed = match self.file(&path) {
            Ok(parsed) => parsed,
            Err(wrong) if wrong.place.is_none() => return Err(LoadError::Missing(wrong)),
            Err(wrong) => return Err(LoadError::Invalid(wrong.into())),
        };
        let mut book = Book {
            loader: self,
            plays: Vec::new(),
            found: Diagnostics::default(),
            open: Vec::new(),
        };
        book.file(&path, &parsed, &Imported::default());
        if book.found.has_errors() {
            sort(&mut book.found);
            return Err(LoadError::Invalid(book.found));
        }
        Ok((Playbook { plays: book.plays }, book.found.0))
    }
}

/// One reading of a playbook file and what it imports.
struct Book<'l> {
    loader: &'l Loader,
    plays: Vec<super::Play>,
    found: Diagnostics,
    /// Files on the way here, to notice circles.
    open: Vec<PathBuf>,
}

impl Book<'_> {
    fn file(&mut self, path: &Path, parsed: &Parsed, imported: &Imported) {
        for warning in &parsed.warnings {
            if !self.found.0.contains(warning) {
                self.found.push(warning.clone());
            }
        }
        let Some(node) = &parsed.node else {
            let wrong = Diagnostic::error("the playbook is empty").at(&parsed.source.start());
            self.found.push(wrong.hint("a playbook is a list of plays: `- hosts: all`"));
            return;
        };
        let NodeKind::List(entries) = &node.kind else {
            let message = format!("a playbook must be a list of plays, not {}", shape(node));
            let wrong = Diagnostic::error(message).at(&node.place);
            self.found.push(match node.kind {
                NodeKind::Map(_) => wrong.hint("start each play with a dash"),
                _ => wrong,
            });
            return;
        };
        if entries.is_empty() {
            self.found.push(Diagnostic::error("the playbook is empty").at(&node.place));
        }
        self.open.push(path.to_path_buf());
        for entry in entries {
            self.entry(entry, path, imported);
        }
        self.open.pop();
    }

    fn entry(&mut self, node: &Node, path: &Path, imported: &Imported) {
        let NodeKind::Map(entries) = &node.kind else {
            let message = format!("a play must be a map, not {}", shape(node));
            self.found.push(Diagnostic::error(message).at(&node.place));
            return;
        };
        let directory = path.parent().map(Path::to_path_buf).unwrap_or_default();
        let mut reader = Reader::new(self.loader, directory);
        let import = entries.iter().find(|(key, _)| {
            key.as_str().is_some_and(|k| {
                [
                    "import_playbook",
                    "ansible.builtin.import_playbook",
                    "ansible.legacy.import_playbook",
                ]
                .contains(&k)
            })
        });
        let target = match import {
            Some((key, value)) => reader.playbook_import(node, key, value, imported),
            None => {
                if let Some((key, _)) = entries.iter().find(|(k, _)| k.as_str() == Some("include"))
                {
                    let wrong = Diagnostic::error("\"include\" was removed from the language");
                    reader.error(wrong.at(&key.place).hint("use import_playbook"));
                } else if let Some(play) = reader.play(node, path, imported) {
                    self.plays.push(play);
                }
                None
            }
        };
        self.found.0.append(&mut reader.found.0);
        if let Some((target, imported, place)) = target {
            self.import(&target, &imported, &place);
        }
    }

    fn import(&mut self, target: &Path, imported: &Imported, place: &Place) {
        if self.open.iter().any(|open| open == target) {
            let message = format!("{} imports itself", self.loader.shown(target));
            self.found.push(Diagnostic::error(message).at(place));
            return;
        }
        if !self.loader.is_file(target) {
            let message = format!("there is no playbook {}", self.loader.shown(target));
            self.found.push(Diagnostic::error(message).at(place).of(Nature::Missing));
            return;
        }
        match self.loader.file(target) {
            Ok(parsed) => {
                let before = self.found.0.len();
                self.file(target, &parsed, imported);
                for wrong in self.found.0.iter_mut().skip(before) {
                    wrong.chain.push(("imported from".to_owned(), place.clone()));
                }
            }
            Err(wrong) => {
                let wrong = if wrong.place.is_some() {
                    wrong.via("imported from", place)
                } else {
                    wrong.at(place)
                };
                self.found.push(wrong);
            }
        }
    }
}

/// Keywords that every play, block and task may have do nothing here, but are allowed.
const IDLE: &str = "put it on the plays of the imported file";

impl Reader<'_> {
    /// An `import_playbook` statement: the file and what it adds to the plays in it.
    fn playbook_import(
        &mut self,
        node: &Node,
        key: &Node,
        value: &Node,
        outer: &Imported,
    ) -> Option<(PathBuf, Imported, Place)> {
        let mut imported = Imported {
            vars: Map::new(),
            tags: outer.tags.clone(),
            conditions: outer.conditions.clone(),
            file: PathBuf::new(),
        };
        let NodeKind::Map(entries) = &node.kind else { return None };
        for (k, v) in entries {
            let name = k.as_str().unwrap_or_default();
            let known =
                keyword(name).filter(|known| known.on & (BLOCK | TASK) != 0 && known.simple);
            match name {
                _ if std::ptr::eq(k, key) => {}
                "vars" | "tags" | "when" | "name" | "environment" | "module_defaults" => {
                    self.import_keyword(name, k, v, &mut imported);
                }
                _ if known.is_some() => {
                    if let Some(Err(wrong)) = known.map(|known| super::check::literal(known, v)) {
                        self.error(wrong.at(&v.place));
                    }
                    let message = format!("{name:?} does nothing on import_playbook");
                    self.error(Diagnostic::warning(message).at(&k.place).hint(IDLE));
                }
                _ => {
                    let wrong = unknown(name, 0, "import_playbook").at(&k.place);
                    self.error(wrong.hint("known are name, vars, when, tags"));
                }
            }
        }
        imported.vars.extend_with(&outer.vars);
        let place = &value.place;
        if value.is_null() {
            self.error(Diagnostic::error("import_playbook names no file").at(&key.place));
            return None;
        }
        let level = lineage(super::Keywords::default(), super::BlockKind::Play, None, &node.place);
        let here = Here { parent: level, handlers: false };
        let vars = imported.vars.clone();
        let name = self.static_name(&value.to_value(), place, &here, &vars)?;
        let target = self.loader.expand(&self.directory, name.as_str().trim());
        imported.file = self.loader.absolute(&target);
        Some((imported.file.clone(), imported, place.clone()))
    }

    fn import_keyword(&mut self, name: &str, key: &Node, value: &Node, imported: &mut Imported) {
        let Some(known) = keyword(name) else { return };
        let known: &Keyword = known;
        if let Err(wrong) = super::check::literal(known, value) {
            self.error(wrong.at(&value.place));
            return;
        }
        match name {
            "vars" => imported.vars = self.variables(value),
            "tags" => imported.tags.extend(tags(value)),
            "when" if !value.is_null() => {
                imported.conditions.push((conditions(value), key.place.clone()));
            }
            "environment" | "module_defaults" => {
                let message = format!("{name:?} does nothing on import_playbook");
                self.error(Diagnostic::warning(message).at(&key.place).hint(IDLE));
            }
            _ => {}
        }
    }
}

/// Names of variables given on the command line are checked by the same rule as those in files.
///
/// # Errors
/// The first name that no template can use.
pub fn check_names(vars: &Map) -> Result<(), Diagnostic> {
    let bad = vars.keys().find(|key| !key.as_str().is_some_and(is_variable_name));
    match bad {
        Some(Value::Text(text)) => Err(bad_variable(text.as_str()).at_opt(text.place())),
        Some(other) => Err(bad_variable(&crate::value::string(other))),
        None => Ok(()),
    }
}
