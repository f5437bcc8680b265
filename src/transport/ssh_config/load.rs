//! The files, split into blocks.

#![expect(clippy::disallowed_methods, reason = "the files of ssh_config are read here alone")]

use super::keywords::{self, Use};
use super::lexer::{split, words};
use super::{Person, Place};
use crate::transport::known_hosts::{matches, matches_list};
use std::io;
use std::path::{Path, PathBuf};

/// How deep files may include files.
const DEPTH: usize = 16;

/// One thing that a file says.
#[derive(Clone, Debug)]
pub(super) enum Item {
    /// What follows is for these host patterns.
    Host(Vec<String>),
    /// What follows applies if these criteria hold.
    Match(Vec<Criterion>, Place),
    /// A file in the place of its name.
    Include(Vec<Item>),
    Set(Setting),
}

/// One criterion of `Match`.
#[derive(Clone, Debug)]
pub(super) struct Criterion {
    pub(super) negated: bool,
    pub(super) name: String,
    pub(super) value: String,
}

/// One option with its value.
#[derive(Clone, Debug)]
pub(super) struct Setting {
    pub(super) keyword: String,
    pub(super) how: Use,
    /// Words without quotes, and the rest of the line as written.
    pub(super) words: Vec<String>,
    pub(super) raw: String,
    pub(super) place: Place,
}

/// What the files say, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Config {
    pub(super) files: Vec<Vec<Item>>,
}

impl Config {
    /// Reads the person's file and then the system's; one that does not exist is empty.
    ///
    /// # Errors
    /// One cannot be read or understood.
    pub(crate) fn load(user: &Path, system: &Path, person: &Person) -> Result<Self, String> {
        let user_base = person.home.join(".ssh");
        let mut files = Vec::new();
        for (path, base) in [(user, user_base.as_path()), (system, Path::new("/etc/ssh"))] {
            match std::fs::read_to_string(path) {
                Ok(text) => files.push(Loader { base, home: &person.home }.items(&text, path, 0)?),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(format!("cannot read {}: {error}", path.display())),
            }
        }
        Ok(Self { files })
    }
}

struct Loader<'a> {
    /// Where relative includes are.
    base: &'a Path,
    home: &'a Path,
}

impl Loader<'_> {
    fn items(&self, text: &str, path: &Path, depth: usize) -> Result<Vec<Item>, String> {
        let mut items = Vec::new();
        let mut ignored: Vec<String> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let place = Place::File(path.into(), index + 1);
            let Some((keyword, rest)) = split(line) else { continue };
            let item = match keyword.as_str() {
                "host" => Item::Host(words(rest).map_err(|error| format!("{place}: {error}"))?),
                "match" => Item::Match(criteria(rest, &place)?, place),
                "include" => Item::Include(self.include(rest, &place, depth)?),
                "ignoreunknown" => {
                    ignored
                        .extend(rest.trim_matches('"').split(',').map(|p| p.trim().to_lowercase()));
                    continue;
                }
                name if keywords::lookup(name).is_none()
                    && matches_list(ignored.iter().map(String::as_str), name) =>
                {
                    continue;
                }
                _ => Item::Set(Setting::new(keyword, rest, place)?),
            };
            items.push(item);
        }
        Ok(items)
    }

    fn include(&self, rest: &str, place: &Place, depth: usize) -> Result<Vec<Item>, String> {
        if depth >= DEPTH {
            return Err(format!("{place}: files include each other more than {DEPTH} deep"));
        }
        let mut items = Vec::new();
        for word in words(rest).map_err(|error| format!("{place}: {error}"))? {
            let path = match word.strip_prefix("~/") {
                Some(below) => self.home.join(below),
                None => self.base.join(&word),
            };
            for file in glob(&path) {
                let text = match std::fs::read_to_string(&file) {
                    Ok(text) => text,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    Err(error) => {
                        return Err(format!("{place}: cannot read {}: {error}", file.display()));
                    }
                };
                // Each file begins as its includer was; its own blocks end with it.
                items.push(Item::Include(self.items(&text, &file, depth + 1)?));
            }
        }
        Ok(items)
    }
}

impl Setting {
    /// # Errors
    /// The option is not known, or has no value.
    pub(super) fn new(keyword: String, rest: &str, place: Place) -> Result<Self, String> {
        let Some(how) = keywords::lookup(&keyword) else {
            return Err(format!("{place}: `{keyword}` is not an option of ssh"));
        };
        // A command is taken as written; quotes belong to the shell.
        let words = if matches!(keyword.as_str(), "proxycommand" | "localcommand" | "remotecommand")
        {
            vec![rest.to_owned()]
        } else {
            words(rest).map_err(|error| format!("{place}: {error}"))?
        };
        if words.first().is_none_or(String::is_empty) {
            return Err(format!("{place}: `{keyword}` has no value"));
        }
        Ok(Self { keyword, how, words, raw: rest.to_owned(), place })
    }
}

fn criteria(rest: &str, place: &Place) -> Result<Vec<Criterion>, String> {
    let mut words = words(rest).map_err(|error| format!("{place}: {error}"))?.into_iter();
    let mut list = Vec::new();
    while let Some(word) = words.next() {
        let (negated, word) = match word.strip_prefix('!') {
            Some(rest) => (true, rest.to_owned()),
            None => (false, word),
        };
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name.to_lowercase(), Some(value.to_owned())),
            None => (word.to_lowercase(), None),
        };
        let value = match name.as_str() {
            "all" | "canonical" | "final" => String::new(),
            "host" | "originalhost" | "user" | "localuser" | "exec" => value
                .or_else(|| words.next())
                .ok_or_else(|| format!("{place}: `Match {name}` has no value"))?,
            other => return Err(format!("{place}: `Match {other}` is not supported")),
        };
        list.push(Criterion { negated, name, value });
    }
    if list.is_empty() {
        return Err(format!("{place}: `Match` has no criterion"));
    }
    Ok(list)
}

/// Paths that match, sorted; `*` and `?` in any component.
fn glob(path: &Path) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::new()];
    for component in path.components() {
        let name = component.as_os_str().to_string_lossy();
        if !name.contains(['*', '?']) {
            for path in &mut found {
                path.push(component);
            }
            continue;
        }
        let mut next = Vec::new();
        for directory in &found {
            let Ok(entries) = std::fs::read_dir(directory) else { continue };
            for entry in entries.flatten() {
                let entry_name = entry.file_name().to_string_lossy().into_owned();
                if matches(&name, &entry_name)
                    && (name.starts_with('.') || !entry_name.starts_with('.'))
                {
                    next.push(directory.join(entry_name));
                }
            }
        }
        next.sort();
        found = next;
    }
    found
}
