//! What a loader needs, and the files it has read.

use crate::diag::{Diagnostic, Diagnostics, Source};
use crate::outside::Outside;
use crate::value::{Map, Value};
use crate::vault::{self, Opened, Secrets};
use crate::yaml::{self, Node};
use std::collections::HashMap;
use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// What the table of modules tells the loader.
pub trait Modules: Send + Sync {
    /// The module that a person named, fully qualified or not; `None` if there is none.
    fn resolve(&self, written: &str) -> Option<ModuleInfo>;
    /// The name of a module that was probably meant.
    fn near(&self, written: &str) -> Option<String>;
    /// Whether the module of this canonical name can be left alone on its host (`async` with `poll: 0`).
    fn detaches(&self, name: &str) -> bool;
    /// Whether there is a lookup of that name (for `with_X`).
    fn has_lookup(&self, name: &str) -> bool;
}

/// A module as the loader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleInfo {
    /// Canonical short name.
    pub name: String,
    /// Takes text that is not `k=v`.
    pub free_form: bool,
}

/// Renders what must be known before any host is: names of static imports and roles, listed `vars_files`.
pub trait Names: Send + Sync {
    /// The value rendered with these variables alone.
    ///
    /// # Errors
    /// As the renderer says: undefined, syntax.
    fn render(&self, value: &Value, vars: &Map) -> Result<Value, Diagnostic>;
}

/// What the loader is given.
pub struct Setup {
    /// Files.
    pub outside: Arc<dyn Outside>,
    /// Open files that are vaults as a whole.
    pub secrets: Arc<Secrets>,
    /// Known modules and lookups.
    pub modules: Arc<dyn Modules>,
    /// Renders names of static imports.
    pub names: Arc<dyn Names>,
    /// Directories of roles after `roles/` beside the playbook, in order.
    pub roles_path: Vec<PathBuf>,
    /// Directories that hold `ansible_collections`, after `collections/` beside the playbook: roles of collections.
    pub collections_path: Vec<PathBuf>,
    /// `-e`: wins over every other variable in names of static imports.
    pub extra_vars: Map,
    /// Whether variables of roles stay in them (`private_role_vars`); unset: those of includes do, those of imports and
    /// of `roles:` do not.
    pub private_roles: Option<bool>,
}

/// Loads playbooks, and during a run what they include. Every file is read and parsed once.
pub struct Loader {
    pub(super) setup: Setup,
    files: Mutex<HashMap<PathBuf, Arc<Parsed>>>,
}

/// A file as read.
#[derive(Debug)]
pub(super) struct Parsed {
    /// Its content; `None` if it holds nothing.
    pub(super) node: Option<Node>,
    /// Its first character.
    pub(super) source: Arc<Source>,
    /// What the YAML reader noticed (duplicate keys).
    pub(super) warnings: Vec<Diagnostic>,
}

/// Why a playbook cannot be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoadError {
    /// The playbook named on the command line does not exist or cannot be read (exit code 1).
    Missing(Diagnostic),
    /// What is written is wrong (exit code 4): all errors, and the warnings before them.
    Invalid(Diagnostics),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(diagnostic) => fmt::Display::fmt(diagnostic, f),
            Self::Invalid(diagnostics) => fmt::Display::fmt(diagnostics, f),
        }
    }
}

impl std::error::Error for LoadError {}

impl Loader {
    /// A loader that has read nothing yet.
    #[must_use]
    pub fn new(setup: Setup) -> Self {
        Self { setup, files: Mutex::new(HashMap::new()) }
    }

    /// Whether a role whose use does not say it exports its variables to the play.
    pub(super) fn exports_roles(&self, is_static: bool) -> bool {
        self.setup.private_roles.map_or(is_static, |private| !private)
    }

    /// The parsed file, from the cache if it was read before.
    pub(super) fn file(&self, path: &Path) -> Result<Arc<Parsed>, Diagnostic> {
        let path = self.absolute(path);
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(parsed) = files.get(&path) {
            return Ok(Arc::clone(parsed));
        }
        let parsed = Arc::new(self.parse(&path)?);
        files.insert(path, Arc::clone(&parsed));
        Ok(parsed)
    }

    fn parse(&self, path: &Path) -> Result<Parsed, Diagnostic> {
        let shown = self.shown(path);
        let bytes = self
            .setup
            .outside
            .read(path)
            .map_err(|e| Diagnostic::error(format!("cannot read {shown}: {e}")))?;
        let opened = vault::open(&shown, &bytes, &self.setup.secrets)?;
        parsed(&opened)
    }

    /// The path from the root, without `.` and `..`.
    pub(super) fn absolute(&self, path: &Path) -> PathBuf {
        let mut out = PathBuf::new();
        for part in self.setup.outside.directory().join(path).components() {
            match part {
                Component::CurDir => {}
                Component::ParentDir => {
                    out.pop();
                }
                other => out.push(other),
            }
        }
        out
    }

    /// The path as messages show it: relative to the working directory if it is below.
    pub(super) fn shown(&self, path: &Path) -> String {
        let directory = self.setup.outside.directory();
        path.strip_prefix(&directory).unwrap_or(path).display().to_string()
    }

    /// Whether there is a regular file.
    pub(super) fn is_file(&self, path: &Path) -> bool {
        use crate::outside::FileKind;
        self.setup.outside.status(path).is_some_and(|s| s.kind != FileKind::Directory)
    }

    /// Whether there is a directory.
    pub(super) fn is_directory(&self, path: &Path) -> bool {
        use crate::outside::FileKind;
        self.setup.outside.status(path).is_some_and(|s| s.kind == FileKind::Directory)
    }
}

/// Parses a file of one document.
fn parsed(opened: &Opened) -> Result<Parsed, Diagnostic> {
    let mut warnings = Diagnostics::default();
    let documents = yaml::load_text(&opened.source, opened.text(), &mut warnings)?;
    let mut documents = documents.into_iter();
    let node = documents.next().filter(|n| !n.is_null());
    if let Some(second) = documents.next() {
        return Err(Diagnostic::error("expected a single document, but another one starts here")
            .at(&second.place)
            .hint("remove the line `---` before it, or use a file of its own"));
    }
    Ok(Parsed { node, source: Arc::clone(&opened.source), warnings: warnings.0 })
}
