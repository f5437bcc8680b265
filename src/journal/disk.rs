//! Where a journal's bytes go.

#![expect(clippy::disallowed_methods, reason = "the journal owns its files")]

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// An append-only file.
pub trait Disk: Send {
    /// Appends all of these bytes; they outlive this process, not the machine.
    ///
    /// # Errors
    /// As the operating system says; some of the bytes may have been written.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Returns once everything that was appended is on the disk.
    ///
    /// # Errors
    /// As the operating system says; nothing is known about what is on the disk then.
    fn sync(&mut self) -> io::Result<()>;
}

impl Disk for File {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

/// A directory that only its owner may enter, with its parents; all that were made are durable.
pub(super) fn create_directory(path: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = path.ancestors().take_while(|p| !p.exists()).collect();
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    missing.into_iter().filter_map(Path::parent).try_for_each(sync_directory)
}

/// A new file of ours (0600), locked for this process; an error if there is one already.
pub(super) fn create_file(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)?;
    lock(&file)?;
    path.parent().map_or(Ok(()), sync_directory)?;
    Ok(file)
}

/// An existing file to append to, locked for this process.
pub(super) fn open_file(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().append(true).open(path)?;
    lock(&file)?;
    Ok(file)
}

fn lock(file: &File) -> io::Result<()> {
    rustix::fs::flock(file, rustix::fs::FlockOperation::NonBlockingLockExclusive)
        .map_err(io::Error::from)
}

fn sync_directory(path: &Path) -> io::Result<()> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    File::open(path)?.sync_all()
}
