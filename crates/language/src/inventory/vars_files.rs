//! `group_vars/` and `host_vars/` of one directory, read when they are asked for.

use super::files::{Files, document};
use crate::diag::{Diagnostic, Diagnostics};
use crate::value::Map;
use crate::yaml::NodeKind;
use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

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
    group_vars: Option<Directory>,
    host_vars: Option<Directory>,
    read: Mutex<Read>,
}

/// A directory and the names in it: most hosts have no file, and are not looked for one by one.
#[derive(Debug)]
struct Directory {
    path: PathBuf,
    names: HashSet<OsString>,
}

#[derive(Debug, Default)]
struct Read {
    maps: HashMap<(Entity, String), Result<Map, Diagnostic>>,
    warnings: Diagnostics,
}

impl VarsFiles {
    /// The `group_vars` and `host_vars` of a directory. No file is read yet; that one of them is a file, or cannot be
    /// listed, is a warning.
    #[must_use]
    pub fn new(directory: &Path, files: Files<'_>, warnings: &mut Diagnostics) -> Self {
        let mut find = |entity: Entity| {
            let path = directory.join(entity.directory());
            files.status(&path)?;
            let listed = if files.is_directory(&path) {
                files
                    .outside
                    .list(&path)
                    .map_err(|e| format!("cannot list {}: {e}", path.display()))
            } else {
                Err(format!("{} is skipped: it is no directory", path.display()))
            };
            let listed = listed.map_err(|why| warnings.push(Diagnostic::warning(why))).ok()?;
            let names = listed.iter().filter_map(|p| Some(p.file_name()?.to_owned())).collect();
            Some(Directory { path, names })
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
        let Some(start) = directory.as_ref().and_then(|d| d.first(name)) else {
            return Ok(Map::new());
        };
        let key = (entity, name.to_owned());
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = read.maps.get(&key) {
            return known.clone();
        }
        let loaded = load(start, files, &mut read.warnings);
        read.maps.insert(key, loaded.clone());
        loaded
    }

    /// What the reader should know of the files read since the last call (duplicate keys).
    #[must_use]
    pub fn take_warnings(&self) -> Diagnostics {
        std::mem::take(&mut self.read.lock().unwrap_or_else(PoisonError::into_inner).warnings)
    }
}

/// Ends of names that are looked for, in order.
const EXTENSIONS: [&str; 4] = ["", ".yml", ".yaml", ".json"];

impl Directory {
    /// The file or directory that counts for a name. A name with a slash would lead elsewhere and has none.
    fn first(&self, name: &str) -> Option<PathBuf> {
        if name.is_empty() || name.contains('/') {
            return None;
        }
        EXTENSIONS
            .iter()
            .map(|extension| format!("{name}{extension}"))
            .find(|file| self.names.contains(OsStr::new(file)))
            .map(|file| self.path.join(file))
    }
}

fn load(start: PathBuf, files: Files<'_>, warnings: &mut Diagnostics) -> Result<Map, Diagnostic> {
    let mut found = Vec::new();
    if files.is_directory(&start) {
        below(&start, files, &mut found)?;
    } else {
        found.push(start);
    }
    let mut all = Map::new();
    for path in found {
        all.extend_with(&vars_file(&path, files, warnings)?);
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

/// The dictionary in a variables file, perhaps in a vault; an empty file is an empty one.
///
/// # Errors
/// It cannot be read, opened or parsed, or is no dictionary.
pub fn vars_file(
    path: &Path,
    files: Files<'_>,
    warnings: &mut Diagnostics,
) -> Result<Map, Diagnostic> {
    let node = document(&files.read(path)?, warnings)?;
    match (&node.kind, node.to_value()) {
        (NodeKind::Map(_), crate::value::Value::Map(map)) => Ok(map),
        (_, value) if !value.is_true() => Ok(Map::new()),
        _ => Err(Diagnostic::error("a file of variables must be a dictionary").at(&node.place)),
    }
}
