//! Why a host did not do what it was asked. The difference that matters: did anything reach it?

use std::time::Duration;

/// Why. `Unreachable`, `Authentication`, `HostKey` mean that nothing was sent; `Lost` means that the outcome is unknown.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// No connection: name, route, refusal, deadline.
    #[error("{0}")]
    Unreachable(String),
    /// The server refused every way to log in that was tried.
    #[error("{0}")]
    Authentication(String),
    /// The server's key is unknown, changed or revoked.
    #[error("{0}")]
    HostKey(String),
    /// The connection ended after the script was sent and before its exit status came: it may or may not have run.
    #[error("connection lost after the command was sent: {0}")]
    Lost(String),
    /// The deadline passed; the process group was killed.
    #[error("timed out after {} s, the process group was killed", .0.as_secs_f64())]
    TimedOut(Duration),
    /// Become failed: wrong password, not in sudoers, password required. Ansible counts it as a failed task.
    #[error("{0}")]
    Become(String),
    /// The host cannot do it: SFTP off, forwarding forbidden, not a POSIX shell.
    #[error("{0}")]
    Unsupported(String),
    /// A local file could not be read or written, or the remote side refused a file.
    #[error("{0}")]
    File(String),
}

impl TransportError {
    /// Whether the task counts as unreachable (the host leaves the run) rather than failed.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        matches!(
            self,
            Self::Unreachable(_) | Self::Authentication(_) | Self::HostKey(_) | Self::Lost(_)
        )
    }
}
