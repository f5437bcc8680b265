//! A program that runs in a node, as the daemon holds it.

use super::wire::{Request, Wire};
use rustix::process::Signal;
use rustix::termios::Winsize;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use tokio::net::unix::pipe;
use tokio::sync::oneshot;

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ended {
    /// With this exit status.
    Code(u8),
    /// By this signal.
    Signal(i32),
    /// With its node.
    Lost,
}

/// A program in a node. Dropping it closes its streams and leaves it running.
#[derive(Debug)]
pub struct Process {
    /// Its standard input, or what is typed on its terminal. Dropped, the program reads its end (a terminal does not end).
    pub stdin: Option<pipe::Sender>,
    /// Its standard output, or what its terminal shows; a terminal nobody holds any more answers with an error, `EIO`.
    pub stdout: Option<pipe::Receiver>,
    /// Its standard error; none with a terminal.
    pub stderr: Option<pipe::Receiver>,
    terminal: Option<OwnedFd>,
    pid: u32,
    remote: Remote,
    ended: oneshot::Receiver<Ended>,
}

/// What can be done to a program while somebody waits for it.
#[derive(Debug, Clone)]
pub(super) struct Remote {
    pub(super) id: u64,
    pub(super) wire: Arc<Wire>,
}

/// The daemon's ends of a program's streams.
pub(super) struct Streams {
    pub(super) stdin: Option<pipe::Sender>,
    pub(super) stdout: Option<pipe::Receiver>,
    pub(super) stderr: Option<pipe::Receiver>,
    pub(super) terminal: Option<OwnedFd>,
}

impl Streams {
    /// Three pipes, and the ends that the program gets.
    pub(super) fn pipes() -> io::Result<(Self, [OwnedFd; 3])> {
        let (stdin, input) = pipe::pipe()?;
        let (output, stdout) = pipe::pipe()?;
        let (errors, stderr) = pipe::pipe()?;
        let theirs =
            [input.into_blocking_fd()?, output.into_blocking_fd()?, errors.into_blocking_fd()?];
        let (stdin, stdout, stderr) = (Some(stdin), Some(stdout), Some(stderr));
        Ok((Self { stdin, stdout, stderr, terminal: None }, theirs))
    }

    /// The two directions of the master side of a terminal.
    pub(super) fn terminal(master: OwnedFd) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&master, true)?;
        let half = || master.try_clone().map(File::from);
        Ok(Self {
            stdin: Some(pipe::Sender::from_file_unchecked(half()?)?),
            stdout: Some(pipe::Receiver::from_file_unchecked(half()?)?),
            stderr: None,
            terminal: Some(master),
        })
    }
}

impl Process {
    pub(super) fn new(
        streams: Streams,
        pid: u32,
        remote: Remote,
        ended: oneshot::Receiver<Ended>,
    ) -> Self {
        let Streams { stdin, stdout, stderr, terminal } = streams;
        Self { stdin, stdout, stderr, terminal, pid, remote, ended }
    }

    /// Its number in its node.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits for its end. May be dropped and called again until it has answered; then it answers `Lost`.
    pub async fn wait(&mut self) -> Ended {
        (&mut self.ended).await.unwrap_or(Ended::Lost)
    }

    /// Sends a signal to its process group.
    ///
    /// # Errors
    /// The node is gone.
    pub async fn signal(&self, signal: Signal) -> io::Result<()> {
        let request = Request::Signal { id: self.remote.id, signal: signal.as_raw() };
        self.remote.wire.send(&request, &[]).await
    }

    /// Gives its terminal another size, of which its foreground process group is told. Nothing without a terminal.
    ///
    /// # Errors
    /// Those of the kernel.
    pub fn resize(&self, rows: u16, columns: u16) -> io::Result<()> {
        let Some(terminal) = &self.terminal else { return Ok(()) };
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        Ok(rustix::termios::tcsetwinsize(terminal, size)?)
    }
}
