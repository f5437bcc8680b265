//! The real world: files, environment, programs and clock of the controller. Nothing else in the product touches them.

#![expect(clippy::disallowed_methods, reason = "this is the real world")]

use crate::clock::Clock;
use async_trait::async_trait;
use mainstay_language::outside::{FileKind, FileStatus, Outside, Ran};
use std::fs::DirBuilder;
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a program that the language asked for may run.
const PROGRAM_SECONDS_MAX: u64 = 300;

/// The controller.
#[derive(Debug, Default)]
pub(super) struct RealOutside;

impl Outside for RealOutside {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        let mut entries = std::fs::read_dir(directory)?
            .map(|e| e.map(|e| e.path()))
            .collect::<io::Result<Vec<_>>>()?;
        entries.sort();
        Ok(entries)
    }

    fn status(&self, path: &Path) -> Option<FileStatus> {
        let link = std::fs::symlink_metadata(path).ok()?.file_type().is_symlink();
        let metadata = std::fs::metadata(path).ok()?;
        let kind = if metadata.is_file() {
            FileKind::File
        } else if metadata.is_dir() {
            FileKind::Directory
        } else {
            FileKind::Other
        };
        let mode = metadata.permissions().mode();
        Some(FileStatus {
            kind,
            link,
            executable: mode & 0o111 != 0,
            world_writable: mode & 0o002 != 0,
            identity: (metadata.dev(), metadata.ino()),
        })
    }

    fn write(&self, path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
        let directory = path.parent().unwrap_or(Path::new("."));
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        let mut file = tempfile::Builder::new()
            .permissions(std::fs::Permissions::from_mode(mode))
            .tempfile_in(directory)?;
        file.write_all(content)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|e| e.error)?;
        Ok(())
    }

    fn run(&self, argv: &[&str], directory: Option<&Path>) -> io::Result<Ran> {
        let Some((program, arguments)) = argv.split_first() else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "no program is named"));
        };
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(directory) = directory {
            command.current_dir(directory);
        }
        let mut child = command.spawn()?;
        let stdout = child.stdout.take().map(drain);
        let stderr = child.stderr.take().map(drain);
        let started = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if started.elapsed() > Duration::from_secs(PROGRAM_SECONDS_MAX) {
                child.kill()?;
                child.wait()?;
                let message = format!("{program} did not end within {PROGRAM_SECONDS_MAX} s");
                return Err(io::Error::new(io::ErrorKind::TimedOut, message));
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        let status = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
        Ok(Ran { status, stdout: joined(stdout), stderr: joined(stderr) })
    }

    fn env(&self, name: &str) -> Option<String> {
        std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
    }

    fn directory(&self) -> PathBuf {
        std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"))
    }

    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::now()
    }
}

fn drain(mut stream: impl Read + Send + 'static) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // A broken pipe ends the output; what came before it counts.
        let _read = stream.read_to_end(&mut bytes);
        bytes
    })
}

fn joined(reader: Option<std::thread::JoinHandle<Vec<u8>>>) -> Vec<u8> {
    reader.and_then(|thread| thread.join().ok()).unwrap_or_default()
}

/// The clock of the controller.
#[derive(Debug, Clone, Copy)]
pub(super) struct RealClock(Instant);

impl Default for RealClock {
    fn default() -> Self {
        Self(Instant::now())
    }
}

#[async_trait]
impl Clock for RealClock {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::now()
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    fn handle(&self) -> Option<Arc<dyn Clock>> {
        Some(Arc::new(*self))
    }
}

/// Fills these bytes from the system's source of randomness.
///
/// # Errors
/// It cannot be read.
pub(super) fn random(bytes: &mut [u8]) -> io::Result<()> {
    std::fs::File::open("/dev/urandom")?.read_exact(bytes)
}

/// Opens a file for appending, readable by its owner alone.
///
/// # Errors
/// As the operating system says.
pub(super) fn append_private(path: &Path) -> io::Result<std::fs::File> {
    std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}
