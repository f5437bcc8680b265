//! One run's journal, open for writing.

use super::Effects;
use super::{Contents, Disk, Effect, End, Ended, FORMAT, Receipt, Record, disk, fold, frame};
use mainstay_language::diag::Diagnostic;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Name of the file in a run's directory.
pub(super) const FILE: &str = "journal";

/// Why a journal cannot be written or read. Exit code 13 where a run needed it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The operating system refused.
    #[error("cannot {what} the journal {path}: {error}")]
    Io {
        /// `create`, `write`, `read`, `open`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// An earlier write failed: what is on the disk is not known, so nothing is written after it.
    #[error("the journal cannot be written any more: {0}")]
    Broken(String),
    /// Another process writes this journal.
    #[error("the run of {0} is still being written by another process")]
    InUse(PathBuf),
    /// A record that has no JSON.
    #[error("cannot write a record: {0}")]
    Record(String),
    /// The first record is not a header of ours.
    #[error("{0} is not a journal")]
    NotAJournal(PathBuf),
    /// Written by a version of the program that changed the format.
    #[error("{path} has format {found}, this program reads {}.x", FORMAT.0)]
    Version {
        /// The file.
        path: PathBuf,
        /// Major version found.
        found: u32,
    },
    /// Bytes in the middle were changed.
    #[error("{path} is damaged at byte {at}: records follow that cannot be trusted")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Offset.
        at: u64,
    },
}

impl From<JournalError> for Diagnostic {
    fn from(error: JournalError) -> Self {
        let hint = match &error {
            JournalError::Io { .. } | JournalError::Broken(_) => {
                "no step starts without its record: free space or fix permissions, then resume"
            }
            JournalError::InUse(_) => "wait for it, or stop it first",
            JournalError::Record(_) => "this is a defect of mainstay",
            JournalError::NotAJournal(_) | JournalError::Damaged { .. } => {
                "keep the file; `mainstay show` prints what can be read"
            }
            JournalError::Version { .. } => "use the version of mainstay that wrote it",
        };
        Diagnostic::error(error.to_string()).hint(hint)
    }
}

/// The journal of a run. Shared by everything in the run; writes are in one order.
pub struct Journal {
    inner: Mutex<Inner>,
    path: PathBuf,
}

struct Inner {
    disk: Box<dyn Disk>,
    next: u64,
    broken: Option<String>,
}

impl Journal {
    /// A new journal in a directory of its own (made if needed, 0700); its header is durable on return. The lock on the
    /// file is held as long as the journal is open.
    ///
    /// # Errors
    /// The directory or file cannot be made or written, or there is a journal already.
    pub fn create(directory: &Path, header: &Record) -> Result<Self, JournalError> {
        let path = directory.join(FILE);
        let failed = |error| JournalError::Io { what: "create", path: path.clone(), error };
        disk::create_directory(directory).map_err(failed)?;
        let file = disk::create_file(&path).map_err(failed)?;
        Self::on(Box::new(file), path, header)
    }

    /// A new journal on any disk.
    ///
    /// # Errors
    /// The header cannot be written.
    pub fn on(disk: Box<dyn Disk>, path: PathBuf, header: &Record) -> Result<Self, JournalError> {
        let inner = Mutex::new(Inner { disk, next: 1, broken: None });
        let journal = Self { inner, path };
        journal.append_durable(header)?;
        Ok(journal)
    }

    /// Opens the journal of a stopped run to go on with it, and says what it holds. A torn tail is cut off.
    ///
    /// # Errors
    /// As for [`read`]; it is damaged; another process writes it.
    pub fn open(directory: &Path) -> Result<(Self, Vec<Record>), JournalError> {
        let path = directory.join(FILE);
        let failed = |error| JournalError::Io { what: "open", path: path.clone(), error };
        let file = disk::open_file(&path).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => JournalError::InUse(path.clone()),
            _ => failed(error),
        })?;
        let contents = read(&path)?;
        match contents.end {
            End::Clean => {}
            End::Torn { at } => {
                file.set_len(at).and_then(|()| file.sync_all()).map_err(failed)?;
            }
            End::Damaged { at } => return Err(JournalError::Damaged { path, at }),
        }
        let next = fold(&contents.records).last_id + 1;
        let inner = Mutex::new(Inner { disk: Box::new(file), next, broken: None });
        Ok((Self { inner, path }, contents.records))
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a record. It outlives this process at once, and the machine after the next durable record.
    ///
    /// # Errors
    /// The journal cannot be written, now or since an earlier failure.
    pub fn append(&self, record: &Record) -> Result<(), JournalError> {
        self.write(record, false)
    }

    /// Writes a record and waits until it, and everything before it, is on the disk.
    ///
    /// # Errors
    /// As for [`Journal::append`].
    pub fn append_durable(&self, record: &Record) -> Result<(), JournalError> {
        self.write(record, true)
    }

    fn write(&self, record: &Record, durable: bool) -> Result<(), JournalError> {
        let frame = frame::encode(record)?;
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.write(&frame, durable, &self.path)
    }
}

impl Inner {
    fn write(&mut self, frame: &[u8], durable: bool, path: &Path) -> Result<(), JournalError> {
        if let Some(why) = &self.broken {
            return Err(JournalError::Broken(why.clone()));
        }
        let mut written = self.disk.append(frame);
        if durable && written.is_ok() {
            written = self.disk.sync();
        }
        // After a failure nothing is known about the tail: a later record behind a torn one would be lost when read.
        written.map_err(|error| {
            self.broken = Some(error.to_string());
            JournalError::Io { what: "write", path: path.to_owned(), error }
        })
    }
}

impl Effects for Journal {
    fn intend(&self, effect: Effect) -> Result<Receipt, Diagnostic> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let id = inner.next;
        let frame = frame::encode(&Record::Intent { id, effect: effect.clone() })?;
        inner.write(&frame, true, &self.path)?;
        inner.next = id + 1;
        Ok(Receipt { id, effect })
    }

    fn ended(&self, receipt: Receipt, result: Ended, message: &str) -> Result<(), Diagnostic> {
        let record = Record::Outcome { id: receipt.id, result, message: message.to_owned() };
        Ok(self.append_durable(&record)?)
    }

    fn note(&self, record: &Record) -> Result<(), Diagnostic> {
        Ok(self.append(record)?)
    }
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Reads a journal, without changing it.
///
/// # Errors
/// It cannot be read, is no journal, or has another major version. A torn or damaged end is no error: it is said in
/// [`Contents::end`].
#[expect(clippy::disallowed_methods, reason = "the journal owns its files")]
pub fn read(path: &Path) -> Result<Contents, JournalError> {
    let bytes = std::fs::read(path).map_err(|error| JournalError::Io {
        what: "read",
        path: path.to_owned(),
        error,
    })?;
    let contents = frame::decode(&bytes);
    match contents.records.first() {
        Some(Record::Header { version: (major, _), .. }) if *major == FORMAT.0 => Ok(contents),
        Some(Record::Header { version: (major, _), .. }) => {
            Err(JournalError::Version { path: path.to_owned(), found: *major })
        }
        _ => Err(JournalError::NotAJournal(path.to_owned())),
    }
}
