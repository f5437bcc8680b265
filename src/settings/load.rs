//! Environment over file over default.

use super::file;
use super::table::{Kind, SETTINGS, Setting};
use mainstay_language::diag::{Diagnostic, Source};
use mainstay_language::outside::{FileKind, Outside};
use mainstay_language::value::{Map, Value};
use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nothing set it.
    Default,
    /// This environment variable.
    Environment(&'static str),
    /// This file and line.
    File(PathBuf, u32),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Environment(name) => write!(f, "env: {name}"),
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
        }
    }
}

/// All settings.
#[derive(Debug)]
pub struct Settings {
    /// The configuration file in use.
    pub file: Option<PathBuf>,
    /// Directories that relative paths of the file are relative to, and home.
    directory: PathBuf,
    home: Option<PathBuf>,
    values: HashMap<&'static str, (String, Origin)>,
    /// What the user should know (a file that was passed over).
    pub warnings: Vec<String>,
}

impl Settings {
    /// Reads the first of `ANSIBLE_CONFIG`, `./ansible.cfg`, `~/.ansible.cfg`, `/etc/ansible/ansible.cfg`.
    ///
    /// # Errors
    /// The file cannot be read or is not INI.
    pub fn load(outside: &dyn Outside) -> Result<Self, Diagnostic> {
        let home = outside.env("HOME").map(PathBuf::from);
        let file = find(outside, home.as_deref());
        Self::from_file(outside, file)
    }

    /// Reads this file and no other.
    ///
    /// # Errors
    /// As [`Settings::load`].
    pub fn load_file(outside: &dyn Outside, path: &Path) -> Result<Self, Diagnostic> {
        Self::from_file(outside, Some(path.to_path_buf()))
    }

    fn from_file(outside: &dyn Outside, file: Option<PathBuf>) -> Result<Self, Diagnostic> {
        let home = outside.env("HOME").map(PathBuf::from);
        let mut warnings = Vec::new();
        let mut read = file::Values::new();
        if let Some(path) = &file {
            let bytes = outside
                .read(path)
                .map_err(|e| Diagnostic::error(format!("cannot read {}: {e}", path.display())))?;
            let text = String::from_utf8_lossy(&bytes).into_owned();
            read = file::parse(&text).map_err(|(line, message)| {
                let mut place = Source::new(path.display().to_string(), text.clone()).start();
                place.line = line;
                Diagnostic::error(message).at(&place)
            })?;
        }
        let mut values = HashMap::new();
        for setting in SETTINGS {
            values.insert(setting.name, value_of(setting, outside, &read, file.as_deref()));
        }
        if let Some(path) = &file
            && path.parent() == Some(outside.directory().as_path())
            && outside.env("ANSIBLE_CONFIG").is_none()
            && world_writable(outside)
        {
            warnings
                .push(format!("{} is in a directory that everybody may write to", path.display()));
        }
        let settings = Self { file, directory: outside.directory(), home, values, warnings };
        SETTINGS.iter().try_for_each(|setting| settings.check(setting))?;
        Ok(settings)
    }

    /// Whether the value is one that the setting may have.
    fn check(&self, setting: &Setting) -> Result<(), Diagnostic> {
        let Some(text) = self.get(setting.name) else { return Ok(()) };
        let expected = match setting.kind {
            Kind::Number if text.trim().parse::<u64>().is_err() => "a whole number".to_owned(),
            Kind::Choice(words) if !words.contains(&text) => format!("one of {}", words.join(", ")),
            _ => return Ok(()),
        };
        let message = format!("{}: {text:?} is not {expected}", setting.name);
        Err(Diagnostic::error(message).hint(format!("it is set by {}", self.origin(setting.name))))
    }

    /// Nothing but the defaults.
    #[must_use]
    pub fn empty(outside: &dyn Outside) -> Self {
        let values =
            SETTINGS.iter().map(|s| (s.name, (s.default.to_owned(), Origin::Default))).collect();
        let home = outside.env("HOME").map(PathBuf::from);
        Self { file: None, directory: outside.directory(), home, values, warnings: Vec::new() }
    }

    /// The text and its origin; `None` if it is not set.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(|(text, _)| text.as_str()).filter(|text| !text.is_empty())
    }

    /// All of them by name, typed, for templates.
    #[must_use]
    pub fn values(&self) -> Map {
        let typed = |setting: &Setting| match setting.kind {
            Kind::Bool => Value::Bool(self.flag(setting.name)),
            Kind::Number => {
                let number =
                    self.get(setting.name).and_then(|text| text.trim().parse::<u64>().ok());
                Value::from(number)
            }
            Kind::Paths => Value::from(
                self.paths(setting.name)
                    .iter()
                    .map(|p| p.display().to_string())
                    .collect::<Vec<_>>(),
            ),
            Kind::List => Value::from(self.list(setting.name)),
            _ => Value::from(self.get(setting.name).map(str::to_owned)),
        };
        SETTINGS.iter().map(|setting| (Value::text(setting.name), typed(setting))).collect()
    }

    /// Where it came from.
    #[must_use]
    pub fn origin(&self, name: &str) -> Origin {
        self.values.get(name).map_or(Origin::Default, |(_, origin)| origin.clone())
    }

    /// A boolean: Ansible's words for true, anything else is false.
    #[must_use]
    pub fn flag(&self, name: &str) -> bool {
        let text = self.get(name).unwrap_or_default().to_ascii_lowercase();
        matches!(text.as_str(), "true" | "yes" | "on" | "1" | "y" | "t")
    }

    /// A number.
    ///
    /// # Errors
    /// It is set to something else: a message that says where.
    pub fn number(&self, name: &str) -> Result<Option<u64>, Diagnostic> {
        let Some(text) = self.get(name) else { return Ok(None) };
        text.trim().parse().map(Some).map_err(|_| {
            let message = format!("{name}: {text:?} is not a whole number");
            Diagnostic::error(message).hint(format!("it is set by {}", self.origin(name)))
        })
    }

    /// A list split at commas.
    #[must_use]
    pub fn list(&self, name: &str) -> Vec<String> {
        let text = self.get(name).unwrap_or_default();
        text.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
    }

    /// One path: `~` is home; relative ones are relative to the file that set them.
    #[must_use]
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.get(name).map(|text| self.absolute(name, text))
    }

    /// Paths split at colons.
    #[must_use]
    pub fn paths(&self, name: &str) -> Vec<PathBuf> {
        let text = self.get(name).unwrap_or_default();
        text.split(':').filter(|p| !p.is_empty()).map(|p| self.absolute(name, p)).collect()
    }

    /// Paths split at commas (the type `pathlist`).
    #[must_use]
    pub fn path_list(&self, name: &str) -> Vec<PathBuf> {
        self.list(name).iter().map(|path| self.absolute(name, path)).collect()
    }

    fn absolute(&self, name: &str, text: &str) -> PathBuf {
        let text = text.replace("{{CWD}}", &self.directory.display().to_string());
        if let (Some(rest), Some(home)) = (text.strip_prefix("~/"), &self.home) {
            return home.join(rest);
        }
        let base = match self.origin(name) {
            Origin::File(path, _) => path.parent().map(Path::to_path_buf).unwrap_or_default(),
            _ => self.directory.clone(),
        };
        base.join(text)
    }
}

fn find(outside: &dyn Outside, home: Option<&Path>) -> Option<PathBuf> {
    let is_file = |path: &Path| outside.status(path).is_some_and(|s| s.kind == FileKind::File);
    if let Some(path) = outside.env("ANSIBLE_CONFIG").filter(|p| !p.is_empty()) {
        let mut path = PathBuf::from(path);
        if outside.status(&path).is_some_and(|s| s.kind == FileKind::Directory) {
            path.push("ansible.cfg");
        }
        if is_file(&path) {
            return Some(path);
        }
    }
    let mut candidates = Vec::new();
    if !world_writable(outside) {
        candidates.push(outside.directory().join("ansible.cfg"));
    }
    candidates.extend(home.map(|h| h.join(".ansible.cfg")));
    candidates.push(PathBuf::from("/etc/ansible/ansible.cfg"));
    candidates.into_iter().find(|path| is_file(path))
}

/// Configuration in a directory that others may write to is theirs, not the user's (S25).
fn world_writable(outside: &dyn Outside) -> bool {
    outside.status(&outside.directory()).is_some_and(|s| s.world_writable)
}

fn value_of(
    setting: &'static Setting,
    outside: &dyn Outside,
    read: &file::Values,
    path: Option<&Path>,
) -> (String, Origin) {
    for name in setting.env {
        if let Some(value) = outside.env(name) {
            return (value, Origin::Environment(name));
        }
    }
    for (section, key) in setting.ini {
        if let (Some((value, line)), Some(path)) =
            (read.get(&((*section).to_owned(), (*key).to_owned())), path)
        {
            return (value.clone(), Origin::File(path.to_path_buf(), *line));
        }
    }
    (setting.default.to_owned(), Origin::Default)
}
