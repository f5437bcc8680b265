//! One run of a lookup: its terms and options, and the files it can find.

use crate::outside::FileKind;
use crate::template::World;
use crate::template::filters::call::{Args, fail};
use crate::template::filters::python;
use crate::value::Encrypted;
use crate::vault;
use minijinja::value::Kwargs;
use minijinja::{Error, State, Value};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a lookup does.
pub(super) type Run = fn(&mut Call) -> Result<Vec<Value>, Error>;

/// Terms, options and surroundings.
pub(super) struct Call {
    pub(super) world: Arc<World>,
    pub(super) terms: Vec<Value>,
    pub(super) options: Args,
}

impl Call {
    /// Refuses undefined terms.
    pub(super) fn new(
        state: &State<'_, '_>,
        terms: Vec<Value>,
        options: Kwargs,
    ) -> Result<Self, Error> {
        terms.iter().try_for_each(python::defined)?;
        Ok(Self { world: World::of(state)?, terms, options: Args::keywords(options) })
    }

    /// The terms as texts.
    pub(super) fn texts(&self) -> Result<Vec<String>, Error> {
        self.terms.iter().map(python::string).collect()
    }

    /// A text option with its default.
    pub(super) fn text(&mut self, name: &str, default: &str) -> Result<String, Error> {
        Ok(self.options.text_option(name)?.unwrap_or_else(|| default.to_owned()))
    }

    /// Where a file may be: under this directory of every search path, then beside it.
    pub(super) fn candidates(&self, name: &str, under: &str) -> Vec<PathBuf> {
        let path = self.expanded(name);
        if path.is_absolute() {
            return vec![path];
        }
        let search = &self.world.site().search;
        let mut found: Vec<PathBuf> = search
            .iter()
            .flat_map(|base| [base.join(under).join(&path), base.join(&path)])
            .collect();
        if search.is_empty() {
            found.push(self.world.outside().directory().join(&path));
        }
        found
    }

    fn expanded(&self, name: &str) -> PathBuf {
        let home = name.strip_prefix("~/").zip(self.world.outside().env("HOME"));
        home.map_or_else(|| PathBuf::from(name), |(rest, home)| Path::new(&home).join(rest))
    }

    /// The first of these that is a file or directory.
    pub(super) fn find(&self, name: &str, under: &str) -> Option<PathBuf> {
        let outside = self.world.outside();
        self.candidates(name, under).into_iter().find(|path| outside.status(path).is_some())
    }

    /// As `find`; a missing file is an error that names where it was looked for.
    pub(super) fn find_file(&self, name: &str, under: &str) -> Result<PathBuf, Error> {
        let outside = self.world.outside();
        let candidates = self.candidates(name, under);
        let is_file = |path: &&PathBuf| {
            outside.status(path).is_some_and(|status| status.kind != FileKind::Directory)
        };
        candidates.iter().find(is_file).cloned().ok_or_else(|| {
            let places: Vec<_> = candidates.iter().map(|p| p.display().to_string()).collect();
            fail(format!("the file '{name}' was not found; searched: {}", places.join(", ")))
        })
    }

    /// The text of a file, decrypted if it is a vault.
    pub(super) fn read(&self, path: &Path) -> Result<String, Error> {
        let outside = self.world.outside();
        let bytes = outside
            .read(path)
            .map_err(|error| fail(format!("cannot read {}: {error}", path.display())))?;
        let text = String::from_utf8(bytes)
            .map_err(|_| fail(format!("{} is not UTF-8", path.display())))?;
        if !vault::is_encrypted(text.as_bytes()) {
            return Ok(text);
        }
        let envelope = Encrypted { envelope: text, place: None };
        let secrets = self.world.secrets();
        secrets.decrypt(&envelope).map_err(|error| fail(format!("{}: {error}", path.display())))
    }

    /// The directory of the playbook, from which relative paths of new files count.
    pub(super) fn base(&self) -> PathBuf {
        self.world.site().search.last().cloned().unwrap_or_else(|| self.world.outside().directory())
    }
}

/// `key=value` words of a term, after its first word.
pub(super) struct Words {
    pub(super) first: String,
    pub(super) options: Vec<(String, String)>,
}

/// Splits a term such as `user section=global file=users.ini`; quotes keep white space together.
pub(super) fn words(term: &str, known: &[&str]) -> Result<Words, Error> {
    let mut first: Vec<String> = Vec::new();
    let mut options = Vec::new();
    for word in split_quoted(term)? {
        match word.split_once('=') {
            Some((name, value)) if known.contains(&name) => {
                options.push((name.to_owned(), value.to_owned()));
            }
            Some((name, _)) if !first.is_empty() => {
                return Err(fail(format!("there is no option '{name}'")));
            }
            _ => first.push(word),
        }
    }
    Ok(Words { first: first.join(" "), options })
}

/// Words as a shell splits them.
pub(super) fn split_quoted(text: &str) -> Result<Vec<String>, Error> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in text.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '"' || c == '\'' => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            None if c.is_whitespace() => words.extend(word.take()),
            Some(_) | None => word.get_or_insert_default().push(c),
        }
    }
    if quote.is_some() {
        return Err(fail("a quote is not closed"));
    }
    words.extend(word);
    Ok(words)
}
