//! What is loaded while a playbook runs: `include_tasks` and `include_role`.

use super::ast::{BlockKind, Item, Keywords, Lineage, Role};
use super::import::FROM;
use super::loader::Loader;
use super::reader::{Here, Reader, lineage, sort};
use super::role::RoleUse;
use crate::diag::{Diagnostic, Diagnostics, Place};
use crate::value::Map;
use indexmap::IndexMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An include that is carried out: names are rendered.
#[derive(Debug, Clone)]
pub struct Include<'a> {
    /// What encloses the include task: the parent of the task's own lineage.
    pub parent: &'a Arc<Lineage>,
    /// `apply:`
    pub apply: &'a Keywords,
    /// `vars:` of the include task (with the loop variable, if the engine wants it seen): include parameters.
    pub vars: Map,
    /// The include task, for messages.
    pub place: &'a Place,
    /// The include task is a handler.
    pub handlers: bool,
    /// [`super::Play::directory`].
    pub playbook_directory: &'a Path,
}

/// `include_role`'s arguments, rendered.
#[derive(Debug, Clone, Default)]
pub struct RoleOptions {
    /// The role.
    pub name: String,
    /// `tasks_from`, `vars_from`, `defaults_from`, `handlers_from`
    pub from: IndexMap<&'static str, String>,
    /// `public`
    pub public: bool,
    /// `allow_duplicates`, default true.
    pub allow_duplicates: bool,
    /// `rolespec_validate`, default true.
    pub validate: bool,
}

/// What an include brought.
#[derive(Debug)]
pub struct Included {
    /// The level of the include; every item is under it.
    pub lineage: Arc<Lineage>,
    /// Tasks and blocks.
    pub items: Vec<Item>,
    /// Handlers to add to the play.
    pub handlers: Vec<Item>,
    /// Roles whose variables the play sees from now on (imported in the file, or the included one if it is public).
    pub roles: Vec<Arc<Role>>,
    /// Empty files, duplicate keys.
    pub warnings: Vec<Diagnostic>,
}

impl Loader {
    /// The tasks of a file that [`Loader::resolve_tasks_file`] found.
    ///
    /// # Errors
    /// Everything that is wrong in the file and what it imports.
    pub fn tasks_file(&self, path: &Path, include: &Include<'_>) -> Result<Included, Diagnostics> {
        let mut reader = Reader::new(self, include.playbook_directory.to_path_buf());
        let kind = BlockKind::Include { file: path.to_path_buf() };
        let level = level(include, kind);
        let here = Here { parent: Arc::clone(&level), handlers: include.handlers };
        let items = reader.tasks_of(path, "included from", include.place, &here);
        finish(reader, level, items)
    }

    /// The tasks and handlers of a role.
    ///
    /// # Errors
    /// There is no such role, or everything that is wrong in it.
    pub fn role(
        &self,
        options: &RoleOptions,
        include: &Include<'_>,
    ) -> Result<(Arc<Role>, Included), Diagnostics> {
        let mut reader = Reader::new(self, include.playbook_directory.to_path_buf());
        let kind = BlockKind::Include { file: PathBuf::new() };
        let around = level(include, kind);
        let here = Here { parent: Arc::clone(&around), handlers: false };
        let used = RoleUse {
            name: options.name.clone(),
            place: include.place.clone(),
            params: Map::new(),
            keywords: Keywords::default(),
            from: options
                .from
                .iter()
                .filter(|(option, _)| FROM.iter().any(|(known, _)| known == *option))
                .map(|(option, file)| (*option, file.clone()))
                .collect(),
            allow_duplicates: Some(options.allow_duplicates),
            public: options.public,
            validate: options.validate,
            dependency: false,
        };
        let Some(loaded) = reader.role(used, &here) else { return Err(reader.found) };
        reader.handlers.splice(0..0, loaded.handlers);
        if options.public {
            reader.roles.insert(0, Arc::clone(&loaded.role));
        }
        let included = finish(reader, loaded.lineage, loaded.items)?;
        Ok((loaded.role, included))
    }
}

fn level(include: &Include<'_>, kind: BlockKind) -> Arc<Lineage> {
    let mut keywords = include.apply.clone();
    keywords.vars.extend_with(&include.vars);
    lineage(keywords, kind, Some(Arc::clone(include.parent)), include.place)
}

fn finish(
    mut reader: Reader<'_>,
    lineage: Arc<Lineage>,
    items: Vec<Item>,
) -> Result<Included, Diagnostics> {
    if reader.found.has_errors() {
        sort(&mut reader.found);
        return Err(reader.found);
    }
    let (handlers, roles, warnings) = (reader.handlers, reader.roles, reader.found.0);
    Ok(Included { lineage, items, handlers, roles, warnings })
}
