//! Where files of tasks and roles are looked for.

use super::ast::{BlockKind, Lineage};
use super::loader::Loader;
use crate::diag::{Diagnostic, Nature};
use std::path::{Path, PathBuf};
use std::sync::Arc;

impl Loader {
    /// The file that `import_tasks` or `include_tasks` means by `name`: beside the files that include it (innermost
    /// first), then in the role's `tasks` (or `handlers`), the role, and the directory of the playbook.
    ///
    /// # Errors
    /// None of them exists; the hint lists where it was looked for.
    pub fn resolve_tasks_file(
        &self,
        name: &str,
        parent: &Arc<Lineage>,
        handlers: bool,
        playbook_directory: &Path,
    ) -> Result<PathBuf, Diagnostic> {
        let mut tried: Vec<PathBuf> = Vec::new();
        for directory in tasks_directories(parent, handlers, playbook_directory) {
            let path = self.absolute(&self.expand(&directory, name));
            if self.is_file(&path) {
                return Ok(path);
            }
            if !tried.contains(&path) {
                tried.push(path);
            }
        }
        let shown: Vec<_> = tried.iter().map(|path| self.shown(path)).collect();
        Err(Diagnostic::error(format!("there is no file {name:?}"))
            .hint(format!("looked for {}", shown.join(", ")))
            .of(Nature::Missing))
    }

    /// `name` in `directory`, or from the root or the home directory if it says so.
    pub(super) fn expand(&self, directory: &Path, name: &str) -> PathBuf {
        match (name.strip_prefix("~/"), self.setup.outside.env("HOME")) {
            (Some(rest), Some(home)) => Path::new(&home).join(rest),
            _ => directory.join(name),
        }
    }

    /// The directory of a role: `roles/` beside the playbook, the roles path, beside the role that uses it, the directory
    /// of the playbook, and the name as a path.
    pub(super) fn find_role(
        &self,
        name: &str,
        parent: &Arc<Lineage>,
        playbook_directory: &Path,
    ) -> Result<PathBuf, Diagnostic> {
        let mut directories = vec![playbook_directory.join("roles")];
        directories.extend(self.setup.roles_path.iter().cloned());
        directories
            .extend(parent.role().and_then(|role| role.path.parent()).map(Path::to_path_buf));
        directories.push(playbook_directory.to_path_buf());
        let mut tried: Vec<String> = Vec::new();
        for directory in directories {
            let path = self.absolute(&self.expand(&directory, name));
            if self.is_directory(&path) {
                return Ok(path);
            }
            let shown = self.shown(&self.absolute(&directory));
            let shown = if shown.is_empty() { ".".to_owned() } else { shown };
            if !tried.contains(&shown) {
                tried.push(shown);
            }
        }
        let itself = self.absolute(Path::new(name));
        if name.contains('/') && self.is_directory(&itself) {
            return Ok(itself);
        }
        Err(Diagnostic::error(format!("there is no role {name:?}"))
            .hint(format!("looked in {}", tried.join(", ")))
            .of(Nature::Missing))
    }

    /// `stem` in `directory` with the extensions of YAML files, or as it is.
    pub(super) fn entry(&self, directory: &Path, stem: &str, named: bool) -> Option<PathBuf> {
        let extensions =
            if named { ["", ".yml", ".yaml", ".json"] } else { [".yml", ".yaml", ".json", ""] };
        extensions
            .iter()
            .map(|extension| directory.join(format!("{stem}{extension}")))
            .find(|path| self.is_file(path))
    }
}

/// Directories for relative names of task files, nearest first.
fn tasks_directories(parent: &Arc<Lineage>, handlers: bool, playbook: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    let part = if handlers { "handlers" } else { "tasks" };
    let mut in_role = false;
    for level in parent.levels() {
        match &level.kind {
            BlockKind::Import { file } | BlockKind::Include { file } => {
                out.extend(file.parent().map(Path::to_path_buf));
            }
            BlockKind::Role(role) => {
                out.push(role.path.join(part));
                out.push(role.path.clone());
                in_role = true;
                break;
            }
            _ => {}
        }
    }
    if in_role {
        out.push(playbook.join(part));
    }
    out.push(playbook.to_path_buf());
    out
}
