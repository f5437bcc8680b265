//! `group_vars/` and `host_vars/` of one directory, read when they are asked for.

use super::files::{Files, document};
use crate::diag::{Diagnostic, Diagnostics};
use crate::value::Map;
use crate::yaml::NodeKind;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// What variables belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Entity {
    /// A group: `group_vars/`.
    Group,
    /// A host: `host_vars/`.
    Host,
}

impl Entity {
    fn directory(self) -> &'static str {
        match self {
            Self::Group => "group_vars",
            Self::Host => "host_vars",
        }
    }
}

/// The variables files beside an inventory or a playbook; each file is read once.
#[derive(Debug)]
pub struct VarsFiles {
    group_vars: Option<PathBuf>,
    host_vars: Option<PathBuf>,
    read: Mutex<HashMap<(Entity, String), Result<Map, Diagnostic>>>,
}

impl VarsFiles {
    /// The `group_vars` and `host_vars` of a directory. Nothing is read yet; that one of them is a file is a warning.
    #[must_use]
    pub fn new(directory: &Path, files: Files<'_>, warnings: &mut Diagnostics) -> Self {
        let mut find = |entity: Entity| {
            let path = directory.join(entity.directory());
            if files.is_directory(&path) {
                return Some(path);
            }
            if files.status(&path).is_some() {
                warnings.push(Diagnostic::warning(format!(
                    "{} is skipped: it is no directory",
                    path.display()
                )));
            }
            None
        };
        let (group_vars, host_vars) = (find(Entity::Group), find(Entity::Host));
        Self { group_vars, host_vars, read: Mutex::default() }
    }

    /// Whether the directory has neither.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.group_vars.is_none() && self.host_vars.is_none()
    }

    /// The variables of a group or host: of the first of `NAME` (a file, or a directory with all files below), `NAME.yml`,
    /// `NAME.yaml`, `NAME.json` that exists. Later files of a directory win. Empty if there is none.
    ///
    /// # Errors
    /// A file cannot be read, opened or parsed, or is no dictionary; the same again for every later call.
    pub fn get(&self, entity: Entity, name: &str, files: Files<'_>) -> Result<Map, Diagnostic> {
        let directory = match entity {
            Entity::Group => &self.group_vars,
            Entity::Host => &self.host_vars,
        };
        let Some(directory) = directory else { return Ok(Map::new()) };
        let key = (entity, name.to_owned());
        let mut read = self.read.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(known) = read.get(&key) {
            return known.clone();
        }
        let loaded = load(directory, name, files);
        read.insert(key, loaded.clone());
        loaded
    }
}

/// Ends of names that are looked for, in order.
const EXTENSIONS: [&str; 4] = ["", ".yml", ".yaml", ".json"];

fn load(directory: &Path, name: &str, files: Files<'_>) -> Result<Map, Diagnostic> {
    // A name that starts with a slash would lead out of the directory.
    if name.is_empty() || name.starts_with('/') {
        return Ok(Map::new());
    }
    let mut found = Vec::new();
    for extension in EXTENSIONS {
        let path = directory.join(format!("{name}{extension}"));
        if files.status(&path).is_none() {
            continue;
        }
        if files.is_directory(&path) {
            below(&path, files, &mut found)?;
        } else {
            found.push(path);
        }
        break;
    }
    let mut all = Map::new();
    for path in found {
        all.extend_with(&file(&path, files)?);
    }
    Ok(all)
}

fn below(directory: &Path, files: Files<'_>, out: &mut Vec<PathBuf>) -> Result<(), Diagnostic> {
    let entries = files
        .outside
        .list(directory)
        .map_err(|e| Diagnostic::error(format!("cannot list {}: {e}", directory.display())))?;
    for path in entries {
        let Some(name) = path.file_name().map(|n| n.to_string_lossy().into_owned()) else {
            continue;
        };
        if name.starts_with('.') || name.ends_with('~') {
            continue;
        }
        let extension = path.extension().map(|e| format!(".{}", e.to_string_lossy()));
        if files.is_directory(&path) {
            if extension.is_none() {
                below(&path, files, out)?;
            }
        } else if extension.is_none_or(|e| EXTENSIONS.contains(&e.as_str())) {
            out.push(path);
        }
    }
    Ok(())
}

/// The dictionary in a variables file; an empty file is an empty one.
pub(crate) fn file(path: &Path, files: Files<'_>) -> Result<Map, Diagnostic> {
    let mut warnings = Diagnostics::default();
    let node = document(&files.read(path)?, &mut warnings)?;
    match (&node.kind, node.to_value()) {
        (NodeKind::Map(_), crate::value::Value::Map(map)) => Ok(map),
        (_, value) if !value.is_true() => Ok(Map::new()),
        _ => Err(Diagnostic::error("a file of variables must be a dictionary").at(&node.place)),
    }
}
