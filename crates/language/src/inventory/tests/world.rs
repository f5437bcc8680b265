//! Files that exist only in a test.

use crate::inventory::Files;
use crate::outside::{FileKind, FileStatus, Outside, Ran};
use crate::vault::{Secrets, encrypt};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Files under `/w`; what scripts print; how many files were read.
#[derive(Default)]
pub(crate) struct World {
    files: BTreeMap<PathBuf, Vec<u8>>,
    scripts: BTreeMap<String, Ran>,
    secrets: Secrets,
    pub(crate) reads: AtomicUsize,
}

impl World {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let files = files
            .iter()
            .map(|(name, text)| (Path::new("/w").join(name), text.as_bytes().to_vec()))
            .collect();
        Self { files, secrets: Secrets::new().with("default", "secret"), ..Self::default() }
    }

    pub(crate) fn script(mut self, command: &str, status: i32, stdout: &str) -> Self {
        let ran = Ran { status, stdout: stdout.into(), stderr: b"oops\n".to_vec() };
        self.scripts.insert(command.to_owned(), ran);
        self
    }

    /// The same file as a vault, opened by `secret`.
    pub(crate) fn vault(mut self, name: &str, text: &str, secret: &str) -> Self {
        let envelope = encrypt(text.as_bytes(), secret.as_bytes(), None, &[7; 32]);
        self.put(name, envelope.as_bytes());
        self
    }

    pub(crate) fn put(&mut self, name: &str, content: &[u8]) {
        self.files.insert(Path::new("/w").join(name), content.to_vec());
    }

    pub(crate) fn files(&self) -> Files<'_> {
        Files { outside: self, secrets: &self.secrets }
    }
}

impl Outside for World {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.files.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        let mut entries: Vec<PathBuf> = self
            .files
            .keys()
            .filter_map(|f| f.strip_prefix(directory).ok()?.components().next())
            .map(|first| directory.join(first))
            .collect();
        entries.sort();
        entries.dedup();
        Ok(entries)
    }

    fn status(&self, path: &Path) -> Option<FileStatus> {
        let shown = path.display().to_string();
        let executable = self.scripts.keys().any(|c| c.starts_with(&shown));
        let kind = if self.files.contains_key(path) {
            FileKind::File
        } else if self.files.keys().any(|f| f.starts_with(path)) {
            FileKind::Directory
        } else {
            return None;
        };
        Some(FileStatus { kind, link: false, executable, world_writable: false, identity: (0, 0) })
    }

    fn write(&self, _: &Path, _: &[u8], _: u32) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn run(&self, argv: &[&str], _: Option<&Path>) -> io::Result<Ran> {
        self.scripts.get(&argv.join(" ")).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn env(&self, name: &str) -> Option<String> {
        (name == "HOME").then(|| "/w/home".to_owned())
    }

    fn directory(&self) -> PathBuf {
        "/w".into()
    }

    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::UNIX_EPOCH
    }
}
