//! A controller in memory, for tests of what asks the world.

use crate::diag::Source;
use crate::outside::{FileKind, FileStatus, Outside, Ran};
use crate::template::{Site, Templar, TemplateError};
use crate::value::{Map, Scope, Text, Value};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// What a path of this controller is.
#[derive(Clone)]
pub(in crate::template) enum Entry {
    File(Vec<u8>),
    Link(PathBuf),
    /// A directory on a device of its own.
    Mount,
}

/// Files, programs and environment in memory.
#[derive(Default)]
pub(in crate::template) struct Controller {
    pub(in crate::template) files: Mutex<BTreeMap<PathBuf, Entry>>,
    pub(in crate::template) modes: Mutex<BTreeMap<PathBuf, u32>>,
    pub(in crate::template) programs: BTreeMap<String, Ran>,
    pub(in crate::template) environment: BTreeMap<String, String>,
}

impl Controller {
    pub(in crate::template) fn file(self, path: &str, content: &str) -> Self {
        self.entry(path, Entry::File(content.as_bytes().to_vec()))
    }

    pub(in crate::template) fn entry(self, path: &str, entry: Entry) -> Self {
        self.files.lock().unwrap().insert(PathBuf::from(path), entry);
        self
    }

    pub(in crate::template) fn program(mut self, command: &str, status: i32, stdout: &str) -> Self {
        let ran = Ran { status, stdout: stdout.as_bytes().to_vec(), stderr: Vec::new() };
        self.programs.insert(command.to_owned(), ran);
        self
    }

    pub(in crate::template) fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Without `.` and `..`, links followed.
    fn resolved(&self, path: &Path) -> PathBuf {
        let mut found = PathBuf::from("/");
        for part in path.components() {
            match part {
                std::path::Component::ParentDir => {
                    found.pop();
                }
                std::path::Component::Normal(name) => found.push(name),
                _ => {}
            }
            if let Some(Entry::Link(to)) = self.files.lock().unwrap().get(&found).cloned() {
                found = to;
            }
        }
        found
    }
}

impl Outside for Controller {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let path = self.resolved(path);
        match self.files.lock().unwrap().get(&path) {
            Some(Entry::File(content)) => Ok(content.clone()),
            _ => Err(io::Error::from(io::ErrorKind::NotFound)),
        }
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        let directory = self.resolved(directory);
        let files = self.files.lock().unwrap();
        let mut found: Vec<PathBuf> = files
            .keys()
            .filter_map(|path| path.strip_prefix(&directory).ok()?.components().next())
            .map(|name| directory.join(name))
            .collect();
        found.dedup();
        Ok(found)
    }

    fn status(&self, path: &Path) -> Option<FileStatus> {
        let link = matches!(self.files.lock().unwrap().get(path), Some(Entry::Link(_)));
        let path = self.resolved(path);
        let files = self.files.lock().unwrap();
        let kind = match files.get(&path) {
            Some(Entry::File(_)) => FileKind::File,
            None if !files.keys().any(|known| known.starts_with(&path)) => return None,
            _ => FileKind::Directory,
        };
        let device = u64::from(matches!(files.get(&path), Some(Entry::Mount)));
        let number =
            path.to_string_lossy().bytes().fold(7, |n: u64, b| n * 31 % 1_000_003 + u64::from(b));
        Some(FileStatus {
            kind,
            link,
            executable: false,
            world_writable: false,
            identity: (device, number),
        })
    }

    fn write(&self, path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
        self.files.lock().unwrap().insert(path.to_owned(), Entry::File(content.to_vec()));
        self.modes.lock().unwrap().insert(path.to_owned(), mode);
        Ok(())
    }

    fn run(&self, argv: &[&str], _: Option<&Path>) -> io::Result<Ran> {
        let known = self.programs.get(&argv.join(" "));
        known.cloned().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }

    fn env(&self, name: &str) -> Option<String> {
        self.environment.get(name).cloned()
    }

    fn directory(&self) -> PathBuf {
        PathBuf::from("/site")
    }

    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::from_second(1_441_357_287).unwrap()
    }
}

struct Variables(Map);

impl Scope for Variables {
    fn get(&self, name: &str) -> Option<Value> {
        self.0.get(name).cloned()
    }

    fn names(&self) -> Vec<Arc<str>> {
        self.0.keys().filter_map(|name| name.as_str().map(Arc::from)).collect()
    }
}

/// Evaluates expressions with these variables and this search path.
pub(in crate::template) struct Bench {
    templar: Templar,
    scope: Arc<dyn Scope>,
    site: Site,
}

impl Bench {
    pub(in crate::template) fn new(
        outside: Arc<Controller>,
        variables: Map,
        search: &[&str],
    ) -> Self {
        let site = Site { search: search.iter().map(PathBuf::from).collect() };
        Self { templar: Templar::new(outside), scope: Arc::new(Variables(variables)), site }
    }

    pub(in crate::template) fn evaluate(&self, expression: &str) -> Result<Value, TemplateError> {
        let source = Source::new("table", expression);
        let text = Text::written(expression, source.start());
        self.templar.expression(&text, &self.scope, &self.site)
    }

    pub(in crate::template) fn lookup(
        &self,
        name: &str,
        terms: &Value,
    ) -> Result<Vec<Value>, TemplateError> {
        self.templar.lookup(name, terms, &self.scope, &self.site)
    }

    /// Compares a table of `expression<TAB>repr`, `!` for an error.
    pub(in crate::template) fn compare(&self, table: &str, at_least: usize) {
        let mut wrong = Vec::new();
        let mut rows = 0;
        for line in table.lines().filter(|line| !line.is_empty()) {
            let (expression, expected) = line.split_once('\t').expect("a tab in each row");
            rows += 1;
            let found = match self.evaluate(expression) {
                Ok(value) => crate::value::repr(&value),
                Err(error) => format!("! {}", error.diagnostic.message),
            };
            let same =
                if expected.starts_with('!') { found.starts_with('!') } else { found == expected };
            if !same {
                wrong.push(format!("{expression}\n    expected {expected}\n    found    {found}"));
            }
        }
        assert!(wrong.is_empty(), "{} of {rows} rows differ:\n{}", wrong.len(), wrong.join("\n"));
        assert!(rows >= at_least, "only {rows} rows");
    }
}
