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
    /// Creates or replaces a file atomically, with this mode (`lookup('password')`). Directories that are not there are made,
    /// for their owner alone.
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

#[cfg(test)]
pub(crate) mod testing {
    //! A world in memory for tests.

    use super::{FileKind, FileStatus, Outside, Ran};
    use std::collections::BTreeMap;
    use std::io;
    use std::path::{Path, PathBuf};
    use std::sync::{Arc, Mutex};

    /// Files by path from the root, environment, programs that answer. Directories are those that hold a file.
    #[derive(Default)]
    pub(crate) struct World {
        files: Mutex<BTreeMap<PathBuf, Vec<u8>>>,
        env: BTreeMap<String, String>,
        programs: BTreeMap<Vec<String>, Ran>,
        /// Paths in the order in which they were read.
        pub(crate) reads: Mutex<Vec<PathBuf>>,
    }

    impl World {
        /// Files with their text; relative paths are in `/w`, the working directory.
        pub(crate) fn new(files: &[(&str, &str)]) -> Self {
            let world = Self::default();
            for (path, text) in files {
                world.put(path, text);
            }
            world
        }

        pub(crate) fn put(&self, path: &str, text: &str) {
            self.files.lock().unwrap().insert(Path::new("/w").join(path), text.into());
        }

        #[allow(dead_code, reason = "for other rooms")]
        pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
            self.env.insert(name.into(), value.into());
            self
        }

        #[allow(dead_code, reason = "for other rooms")]
        pub(crate) fn program(mut self, argv: &[&str], status: i32, stdout: &str) -> Self {
            let argv = argv.iter().map(ToString::to_string).collect();
            self.programs.insert(argv, Ran { status, stdout: stdout.into(), stderr: Vec::new() });
            self
        }

        pub(crate) fn shared(self) -> Arc<Self> {
            Arc::new(self)
        }
    }

    impl Outside for World {
        fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
            self.reads.lock().unwrap().push(path.to_path_buf());
            self.files.lock().unwrap().get(path).cloned().ok_or(io::ErrorKind::NotFound.into())
        }

        fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
            let mut out: Vec<PathBuf> = Vec::new();
            for path in self.files.lock().unwrap().keys() {
                if let Ok(rest) = path.strip_prefix(directory)
                    && let Some(first) = rest.components().next()
                    && !out.contains(&directory.join(first))
                {
                    out.push(directory.join(first));
                }
            }
            if out.is_empty() { Err(io::ErrorKind::NotFound.into()) } else { Ok(out) }
        }

        fn status(&self, path: &Path) -> Option<FileStatus> {
            let files = self.files.lock().unwrap();
            let kind = if files.contains_key(path) {
                FileKind::File
            } else if files.keys().any(|file| file.starts_with(path)) {
                FileKind::Directory
            } else {
                return None;
            };
            let inode = files.keys().position(|file| file == path).unwrap_or(0) as u64;
            Some(FileStatus {
                kind,
                link: false,
                executable: false,
                world_writable: false,
                identity: (1, inode),
            })
        }

        fn write(&self, path: &Path, content: &[u8], _mode: u32) -> io::Result<()> {
            self.files.lock().unwrap().insert(path.to_path_buf(), content.to_vec());
            Ok(())
        }

        fn run(&self, argv: &[&str], _directory: Option<&Path>) -> io::Result<Ran> {
            let argv: Vec<String> = argv.iter().map(ToString::to_string).collect();
            self.programs.get(&argv).cloned().ok_or(io::ErrorKind::NotFound.into())
        }

        fn env(&self, name: &str) -> Option<String> {
            self.env.get(name).cloned()
        }

        fn directory(&self) -> PathBuf {
            PathBuf::from("/w")
        }

        fn now(&self) -> jiff::Timestamp {
            jiff::Timestamp::UNIX_EPOCH
        }
    }
}
