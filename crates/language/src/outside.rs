//! What the language may ask of the world. The command line implements it with the real one; tests with what they need.

use std::io;
use std::path::{Path, PathBuf};

/// What a path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// Anything else that exists (device, socket, FIFO).
    Other,
}

/// What is known about a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileStatus {
    /// After following links.
    pub kind: FileKind,
    /// The path itself is a symbolic link.
    pub link: bool,
    /// Somebody may execute it.
    pub executable: bool,
    /// Everybody may write to it.
    pub world_writable: bool,
    /// Device and inode, for `is same_file` and mount points.
    pub identity: (u64, u64),
}

/// How a local program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// Exit status; 128 + signal if a signal ended it.
    pub status: i32,
    /// All of standard output.
    pub stdout: Vec<u8>,
    /// All of standard error.
    pub stderr: Vec<u8>,
}

/// The controller's files, environment, programs and clock.
pub trait Outside: Send + Sync {
    /// The bytes of a file.
    ///
    /// # Errors
    /// As the operating system says.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// The entries of a directory as full paths, sorted by name.
    ///
    /// # Errors
    /// As the operating system says.
    fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>>;
    /// What a path is; `None` if nothing is there (or a link leads nowhere).
    fn status(&self, path: &Path) -> Option<FileStatus>;
    /// Creates or replaces a file atomically, with this mode (`lookup('password')`).
    ///
    /// # Errors
    /// As the operating system says.
    fn write(&self, path: &Path, content: &[u8], mode: u32) -> io::Result<()>;
    /// Runs a program to its end (`lookup('pipe')`, inventory scripts, vault clients), bounded by the caller's deadline.
    ///
    /// # Errors
    /// It could not be started, or ran longer than five minutes.
    fn run(&self, argv: &[&str], directory: Option<&Path>) -> io::Result<Ran>;
    /// An environment variable.
    fn env(&self, name: &str) -> Option<String>;
    /// The working directory.
    fn directory(&self) -> PathBuf;
    /// Seconds since 1970, UTC, with fraction.
    fn now(&self) -> jiff::Timestamp;
}
