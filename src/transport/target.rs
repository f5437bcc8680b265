//! The contract of a transport.

use super::TransportError;
use async_trait::async_trait;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

/// A password or passphrase: no Debug, no Display, wiped when dropped.
pub type Secret = secrecy::SecretString;

/// A byte stream to a port that the host can reach.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Whose rights a command runs with.
#[derive(Clone)]
pub struct Become {
    /// `sudo` or `su`.
    pub method: String,
    /// Default `root`.
    pub user: String,
    /// Executable, if not the method's own name.
    pub exe: Option<String>,
    /// Extra flags, split as a shell does. Default for sudo: `-H -S -n` (without `-n` if there is a password).
    pub flags: Option<String>,
    /// Sent only after the program's own prompt (a nonce, for sudo).
    pub password: Option<Secret>,
}

/// One script, run in a fresh `/bin/sh` of its own.
#[derive(Clone, Default)]
pub struct Command {
    /// POSIX shell text. Values inside are quoted by whoever wrote it (see [`crate::transport::quote`]).
    pub script: String,
    /// The script's standard input; empty means `/dev/null`.
    pub stdin: Vec<u8>,
    /// Other rights than the login's.
    pub become_: Option<Become>,
    /// The process group is killed after this; `None` only where something else bounds it.
    pub timeout: Option<Duration>,
}

/// One captured stream: the first bytes, and what there was in all. 4 MiB are kept (head and tail, with the count of
/// bytes left out between them when it is turned into text); the rest is counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Captured {
    /// What was kept.
    pub bytes: Vec<u8>,
    /// Bytes left out after `bytes[..head]`.
    pub omitted: u64,
}

impl Captured {
    /// Bytes kept in all: 4 MiB.
    pub const LIMIT: usize = 4 << 20;
    /// Bytes kept from the beginning; what was left out was between these and the rest.
    pub const HEAD: usize = Self::LIMIT / 2;

    /// As text; bytes that are not UTF-8 are replaced, and bytes left out are counted where they were.
    #[must_use]
    pub fn text(&self) -> String {
        match self.bytes.split_at_checked(Self::HEAD) {
            Some((head, tail)) if self.omitted > 0 => format!(
                "{}\n[{} bytes left out]\n{}",
                String::from_utf8_lossy(head),
                self.omitted,
                String::from_utf8_lossy(tail)
            ),
            _ => String::from_utf8_lossy(&self.bytes).into_owned(),
        }
    }
}

/// How a script ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Its exit status.
    Exited(i32),
    /// A signal, by name without SIG.
    Signalled(String),
}

impl Status {
    /// As a shell shows it: the exit status, or 128 + the signal's number (128 if unknown).
    #[must_use]
    pub fn code(&self) -> i32 {
        match self {
            Self::Exited(code) => *code,
            Self::Signalled(name) => {
                128 + match name.as_str() {
                    "HUP" => 1,
                    "INT" => 2,
                    "QUIT" => 3,
                    "ABRT" => 6,
                    "KILL" => 9,
                    "SEGV" => 11,
                    "PIPE" => 13,
                    "ALRM" => 14,
                    "TERM" => 15,
                    _ => 0,
                }
            }
        }
    }
}

/// What a script did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// How it ended.
    pub status: Status,
    /// Standard output.
    pub stdout: Captured,
    /// Standard error.
    pub stderr: Captured,
}

impl Output {
    /// Whether it exited with 0.
    #[must_use]
    pub fn ok(&self) -> bool {
        self.status == Status::Exited(0)
    }
}

/// A host that can be asked. One connection, opened on first use, shared by everything that runs on it.
#[async_trait]
pub trait Target: Send + Sync {
    /// Runs a script to its end.
    ///
    /// # Errors
    /// [`TransportError`]; a script that fails is not an error here.
    async fn run(&self, command: Command) -> Result<Output, TransportError>;

    /// Copies a local file to a path on the host (whole or not at all; mode 0600, owner the login user). For large files;
    /// small ones travel inside a script.
    ///
    /// # Errors
    /// The local file cannot be read, or [`TransportError`].
    async fn upload(&self, local: &Path, remote: &str) -> Result<(), TransportError>;

    /// Opens a stream from the host to an address that it can reach (`127.0.0.1:6443`).
    ///
    /// # Errors
    /// The dial was refused, or forwarding is forbidden, or [`TransportError`].
    async fn open_stream(&self, host: &str, port: u16) -> Result<Box<dyn Stream>, TransportError>;

    /// Ends the connection; the next use opens a new one (`meta: reset_connection`, after a reboot).
    async fn disconnect(&self);

    /// Whether it is the controller itself.
    fn is_local(&self) -> bool;
}
