//! The files of known_hosts: read once, added to at first contacts.

#![expect(
    clippy::disallowed_methods,
    reason = "the files of known_hosts are read and added to here alone"
)]

use super::parse::{Entry, Lines, hash, parse};
use super::{Names, Offered, Verdict, decide};
use rustix::fs::{FlockOperation, flock};
use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Files by path, for one run.
#[derive(Default)]
pub(crate) struct Book {
    files: Mutex<HashMap<PathBuf, Arc<Vec<Entry>>>>,
}

impl Book {
    /// The lines of these files in order. A file that does not exist is empty.
    ///
    /// # Errors
    /// One exists and cannot be read: nothing may be trusted then.
    pub(crate) fn entries(&self, files: &[PathBuf]) -> Result<Lines, String> {
        let mut all = Lines::default();
        for file in files {
            let mut known = self.files.lock().unwrap_or_else(PoisonError::into_inner);
            let entries = match known.get(file) {
                Some(entries) => Arc::clone(entries),
                None => {
                    let text = match std::fs::read(file) {
                        Ok(text) => text,
                        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
                        Err(error) => {
                            return Err(format!("cannot read {}: {error}", file.display()));
                        }
                    };
                    let entries = Arc::new(parse(&text, file));
                    known.insert(file.clone(), Arc::clone(&entries));
                    entries
                }
            };
            all.0.push(entries);
        }
        Ok(all)
    }

    /// Adds one line for a host that nothing is known of: one write under a lock, so that neither a crash nor another
    /// process leaves half a line or a second one. `hashed`: the name is not readable (`HashKnownHosts`).
    ///
    /// # Errors
    /// The file cannot be written, or another process has added another key meanwhile.
    pub(crate) fn add(
        &self,
        file: &Path,
        names: &Names,
        key: Offered<'_>,
        hashed: bool,
    ) -> Result<(), String> {
        let Offered::Key(key) = key else { return Ok(()) };
        let fail = |error: io::Error| format!("cannot add to {}: {error}", file.display());
        if let Some(directory) = file.parent()
            && !directory.as_os_str().is_empty()
        {
            let mut builder = std::fs::DirBuilder::new();
            builder.recursive(true).mode(0o700).create(directory).map_err(fail)?;
        }
        let mut open = OpenOptions::new();
        let mut file_now =
            open.read(true).append(true).create(true).mode(0o600).open(file).map_err(fail)?;
        flock(&file_now, FlockOperation::LockExclusive).map_err(|error| fail(error.into()))?;
        let mut text = Vec::new();
        file_now.seek(SeekFrom::Start(0)).map_err(fail)?;
        file_now.read_to_end(&mut text).map_err(fail)?;
        match decide(&Lines(vec![Arc::new(parse(&text, file))]), names, Offered::Key(key), 0) {
            Verdict::Known => {}
            Verdict::Unknown => {
                let key = key.to_openssh().map_err(|error| error.to_string())?;
                let mut words = key.split(' ');
                let (kind, blob) =
                    (words.next().unwrap_or_default(), words.next().unwrap_or_default());
                let start = if text.is_empty() || text.ends_with(b"\n") { "" } else { "\n" };
                let name = if hashed { hash(&names.name) } else { names.name.clone() };
                let line = format!("{start}{name} {kind} {blob}\n");
                file_now.write_all(line.as_bytes()).map_err(fail)?;
                file_now.sync_all().map_err(fail)?;
            }
            _ => return Err(format!("another key was added to {} meanwhile", file.display())),
        }
        self.files.lock().unwrap_or_else(PoisonError::into_inner).remove(file);
        Ok(())
    }
}
