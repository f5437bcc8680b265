//! One script as a child process in a process group of its own.

#![expect(
    clippy::disallowed_methods,
    reason = "commands of the local target, with their deadlines"
)]

use crate::transport::capture::Capture;
use crate::transport::shell::{self, Greeting, Launch, Step};
use crate::transport::{Become, Command, Output, Status, TransportError};
use rustix::process::{Pid, Signal, kill_process_group};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use tokio::time::{Instant, sleep_until, timeout};

/// How long output may stay silent, and go on, after the script ended while something still holds its streams.
const SILENCE: Duration = Duration::from_millis(200);
const DRAIN: Duration = Duration::from_secs(1);
/// How long the kill through become may take.
const KILL: Duration = Duration::from_secs(5);
/// Bytes read at once.
const CHUNK: usize = 64 << 10;

/// Runs a script to its end, or kills its group at the deadline.
pub(super) async fn run(
    command: Command,
    directory: Option<&Path>,
) -> Result<Output, TransportError> {
    let limit = command.timeout;
    let rights = command.become_.clone();
    let mut running = Running::start(&command, directory)?;
    let status = match limit {
        None => running.finish().await?,
        Some(limit) => match timeout(limit, running.finish()).await {
            Ok(status) => status?,
            Err(_) => {
                let pid = running.pid;
                drop(running);
                if let (Some(rights), Some(pid)) = (rights, pid) {
                    kill_with(rights, pid, directory).await;
                }
                return Err(TransportError::TimedOut(limit));
            }
        },
    };
    if !running.out.has_begun() {
        return Err(TransportError::Unsupported(format!(
            "the shell ended before it had read the script (status {})",
            status.code()
        )));
    }
    Ok(Output { status, stdout: running.out.finish(), stderr: running.err.finish() })
}

/// Processes of another user ignore our signals: kill them with their own rights, as far as that is possible.
async fn kill_with(rights: Become, pid: u32, directory: Option<&Path>) {
    let command = Command {
        script: shell::kill_script(pid),
        become_: Some(rights),
        timeout: Some(KILL),
        ..Command::default()
    };
    if let Err(error) = Box::pin(run(command, directory)).await {
        tracing::debug!(%error, pid, "killing a process group with its own rights failed");
    }
}

/// Kills a process group unless it ended by itself, also when the run is cancelled.
struct Group(Option<Pid>);

impl Group {
    fn disarm(&mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0
            && let Err(error) = kill_process_group(pid, Signal::KILL)
        {
            tracing::debug!(%error, ?pid, "killing a process group failed");
        }
    }
}

struct Running {
    child: Child,
    group: Group,
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    /// Bytes to be written, and how many of them were.
    pending: Vec<u8>,
    written: usize,
    /// The framed script, until it is pending.
    frame: Option<Vec<u8>>,
    greeting: Option<Greeting>,
    /// Of the waiting shell, once it said so.
    pid: Option<u32>,
    out: Capture,
    err: Capture,
}

impl Running {
    fn start(command: &Command, directory: Option<&Path>) -> Result<Self, TransportError> {
        let nonce = shell::nonce();
        let launch = Launch::new(command.become_.as_ref(), &nonce)?;
        let frame = shell::frame(command, &nonce)?;
        let mut process = tokio::process::Command::new("/bin/sh");
        process.arg("-c").arg(&launch.line).process_group(0).kill_on_drop(true);
        process.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(directory) = directory {
            process.current_dir(directory);
        }
        let mut child = process.spawn().map_err(|error| {
            TransportError::Unsupported(format!("cannot start /bin/sh: {error}"))
        })?;
        let leader = child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
        let mut running = Self {
            stdin: child.stdin.take(),
            stdout: child.stdout.take(),
            stderr: child.stderr.take(),
            child,
            group: Group(leader),
            pending: Vec::new(),
            written: 0,
            frame: Some(frame),
            pid: None,
            out: Capture::after(shell::STARTED.as_bytes()),
            err: Capture::default(),
            greeting: None,
        };
        if launch.eager() {
            running.send_frame();
        }
        running.greeting = Some(Greeting::new(launch));
        Ok(running)
    }

    /// Moves bytes until the process has ended. Standard output comes first: once the script says anything on standard
    /// error the marker is in the other pipe, and what comes before the marker is not the script's.
    async fn finish(&mut self) -> Result<Status, TransportError> {
        let (mut out, mut err) = (Vec::with_capacity(CHUNK), Vec::with_capacity(CHUNK));
        loop {
            tokio::select! {
                biased;
                open = read(self.stdout.as_mut(), &mut out) => {
                    if !open { self.stdout = None; }
                    self.on_stdout(&out)?;
                    out.clear();
                }
                open = read(self.stderr.as_mut(), &mut err) => {
                    if !open { self.stderr = None; }
                    self.on_stderr(&err)?;
                    err.clear();
                }
                count = write(self.stdin.as_mut(), self.pending.get(self.written..).unwrap_or_default()) => {
                    self.on_written(&count);
                }
                ended = self.child.wait() => {
                    let status = ended.map(status_of).map_err(|error| {
                        TransportError::Lost(format!("waiting for the process failed: {error}"))
                    })?;
                    return self.ended(status).await;
                }
            }
        }
    }

    /// The process ended: a shell that was never ready has not run the script.
    async fn ended(&mut self, status: Status) -> Result<Status, TransportError> {
        self.group.disarm();
        self.drain().await;
        match &self.greeting {
            Some(greeting) => Err(greeting.ended(&status)),
            None => Ok(status),
        }
    }

    /// What was written before the end is still in the pipes; a background process may hold them open for ever.
    async fn drain(&mut self) {
        let end = Instant::now() + DRAIN;
        let (mut out, mut err) = (Vec::with_capacity(CHUNK), Vec::with_capacity(CHUNK));
        while self.stdout.is_some() || self.stderr.is_some() {
            let quiet = (Instant::now() + SILENCE).min(end);
            let taken = tokio::select! {
                biased;
                open = read(self.stdout.as_mut(), &mut out) => {
                    if !open { self.stdout = None; }
                    let taken = self.on_stdout(&out);
                    out.clear();
                    taken
                }
                open = read(self.stderr.as_mut(), &mut err) => {
                    if !open { self.stderr = None; }
                    let taken = self.on_stderr(&err);
                    err.clear();
                    taken
                }
                () = sleep_until(quiet) => break,
            };
            if taken.is_err() || Instant::now() >= end {
                break;
            }
        }
        self.stdout = None;
        self.stderr = None;
    }

    fn on_stdout(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        match &mut self.greeting {
            Some(greeting) => {
                let step = greeting.stdout(bytes);
                self.take(step)
            }
            None => {
                self.out.push(bytes);
                Ok(())
            }
        }
    }

    fn on_stderr(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        match &mut self.greeting {
            Some(greeting) => {
                let step = greeting.stderr(bytes);
                self.take(step)
            }
            None => {
                self.err.push(bytes);
                Ok(())
            }
        }
    }

    fn take(&mut self, step: Step) -> Result<(), TransportError> {
        match step {
            Step::Wait => Ok(()),
            Step::Refused(error) => Err(error),
            Step::Password(password) => {
                use secrecy::ExposeSecret;
                self.pending.extend_from_slice(password.expose_secret().as_bytes());
                self.pending.push(b'\n');
                Ok(())
            }
            Step::Ready { pid, rest } => {
                self.pid = Some(pid);
                self.greeting = None;
                self.out.push(&rest);
                self.send_frame();
                Ok(())
            }
        }
    }

    fn send_frame(&mut self) {
        if let Some(frame) = self.frame.take() {
            self.pending.extend(frame);
        }
    }

    /// Closes standard input after the last byte, or when nobody reads it any more.
    fn on_written(&mut self, count: &std::io::Result<usize>) {
        match count {
            Ok(count) => self.written += count,
            Err(_) => self.stdin = None,
        }
        if self.frame.is_none() && self.written >= self.pending.len() {
            self.stdin = None;
        }
    }
}

/// Appends what is there; `false` at the end. Never ready if the stream is closed.
async fn read<R: AsyncRead + Unpin>(stream: Option<&mut R>, into: &mut Vec<u8>) -> bool {
    match stream {
        Some(stream) => stream.read_buf(into).await.is_ok_and(|count| count > 0),
        None => std::future::pending().await,
    }
}

/// Writes some bytes; never ready if there are none.
async fn write(stream: Option<&mut ChildStdin>, bytes: &[u8]) -> std::io::Result<usize> {
    match stream {
        Some(stream) if !bytes.is_empty() => stream.write(bytes).await,
        _ => std::future::pending().await,
    }
}

fn status_of(status: ExitStatus) -> Status {
    match (status.code(), status.signal()) {
        (Some(code), _) => Status::Exited(code),
        (None, signal) => Status::Signalled(signal_name(signal.unwrap_or_default())),
    }
}

/// As SSH names signals; others by number.
fn signal_name(signal: i32) -> String {
    let name = match signal {
        1 => "HUP",
        2 => "INT",
        3 => "QUIT",
        4 => "ILL",
        6 => "ABRT",
        8 => "FPE",
        9 => "KILL",
        10 => "USR1",
        11 => "SEGV",
        12 => "USR2",
        13 => "PIPE",
        14 => "ALRM",
        15 => "TERM",
        other => return other.to_string(),
    };
    name.to_owned()
}
