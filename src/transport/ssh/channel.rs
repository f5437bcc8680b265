//! One waiting shell on a channel of its own: started, drained, given its script, ended.

use crate::transport::capture::Capture;
use crate::transport::shell::{self, Greeting, Launch, Step};
use crate::transport::{Become, Command, Output, Secret, Status, TransportError};
use russh::client::Msg;
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Sig};
use secrecy::ExposeSecret;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout, timeout_at};

/// How long output may stay silent, and go on, after the exit status while something still holds the streams.
const SILENCE: Duration = Duration::from_millis(250);
const DRAIN: Duration = Duration::from_secs(1);
/// How long a killed script may take to be reported.
const KILLED: Duration = Duration::from_secs(2);

/// How long a shell whose script is to be killed may take to start.
const STARTING: Duration = Duration::from_secs(30);

/// Kills the process group of a shell through another channel: process id, rights.
pub(super) type Kill = Arc<dyn Fn(u32, Option<Become>) + Send + Sync>;

/// What came of a command.
pub(super) enum Outcome {
    Done(Result<Output, TransportError>),
    /// It did not reach the host: it may be tried again.
    NotSent(TransportError),
}

/// How far a shell is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    Starting,
    /// Waits for its script; its process id.
    Ready(u32),
    /// Will never be ready.
    Over,
}

/// A shell that waits for its script.
pub(super) struct Shell {
    pub(super) rights: Option<Become>,
    nonce: String,
    eager: bool,
    write: Arc<ChannelWriteHalf<Msg>>,
    phase: watch::Receiver<Phase>,
    end: oneshot::Receiver<Outcome>,
}

impl Shell {
    /// Starts one on an open channel.
    ///
    /// # Errors
    /// The become method is not supported, or the connection is dead.
    pub(super) async fn start(
        channel: Channel<Msg>,
        rights: Option<&Become>,
    ) -> Result<Self, TransportError> {
        let nonce = shell::nonce();
        let launch = Launch::new(rights, &nonce)?;
        let eager = launch.eager();
        let (read, write) = channel.split();
        let write = Arc::new(write);
        write.exec(true, launch.line.as_str()).await.map_err(|error| dead(&error))?;
        let (phase_sender, phase) = watch::channel(Phase::Starting);
        let (end_sender, end) = oneshot::channel();
        let (passwords, mut wanted) = mpsc::channel::<Secret>(1);
        let writer = Arc::clone(&write);
        tokio::spawn(async move {
            while let Some(password) = wanted.recv().await {
                let mut line = password.expose_secret().as_bytes().to_vec();
                line.push(b'\n');
                if let Err(error) = writer.data_bytes(line).await {
                    tracing::debug!(%error, "the password was not sent");
                }
            }
        });
        let drain = Drain {
            greeting: Some(Greeting::new(launch)),
            phase: phase_sender,
            passwords: Some(passwords),
            out: Capture::after(shell::STARTED.as_bytes()),
            err: Capture::default(),
            status: None,
            refused: None,
        };
        let writer = Arc::clone(&write);
        tokio::spawn(async move {
            let end = drain.run(read).await;
            // Ends the channel also where a background process holds it open.
            if let Err(error) = writer.close().await {
                tracing::trace!(%error, "closing a channel");
            }
            drop(end_sender.send(end));
        });
        Ok(Self { rights: rights.cloned(), nonce, eager, write, phase, end })
    }

    /// Whether it waits for its script.
    pub(super) fn is_ready(&self) -> bool {
        matches!(*self.phase.borrow(), Phase::Ready(_))
    }

    /// Whether it can still take a script.
    pub(super) fn is_usable(&mut self) -> bool {
        *self.phase.borrow() != Phase::Over
            && matches!(self.end.try_recv(), Err(oneshot::error::TryRecvError::Empty))
    }

    /// Ends it unused, and returns when the server has freed its session.
    pub(super) async fn dismiss(mut self) {
        if self.write.eof().await.is_ok() {
            // Whether it ended well is of no interest: it ran nothing.
            drop(timeout(KILLED, &mut self.end).await);
        }
    }

    /// Runs a script. `kill` is called with the shell's process id if the deadline passes or the caller gives up.
    pub(super) async fn run(mut self, command: &Command, kill: Kill) -> Outcome {
        let frame = match shell::frame(command, &self.nonce) {
            Ok(frame) => frame,
            Err(error) => return Outcome::Done(Err(error)),
        };
        let mut guard = Guard {
            write: Arc::clone(&self.write),
            phase: self.phase.clone(),
            rights: self.rights.clone(),
            kill,
            armed: true,
        };
        let limit = command.timeout;
        let deadline = limit.map(|limit| Instant::now() + limit);
        let work = self.talk(frame);
        let result = match deadline {
            None => work.await,
            Some(deadline) => match timeout_at(deadline, work).await {
                Ok(result) => result,
                Err(_) => {
                    guard.fire();
                    guard.armed = false;
                    drop(timeout(KILLED, &mut self.end).await);
                    return Outcome::Done(Err(TransportError::TimedOut(limit.unwrap_or_default())));
                }
            },
        };
        guard.armed = false;
        result
    }

    async fn talk(&mut self, frame: Vec<u8>) -> Outcome {
        if !self.eager {
            let ready = self
                .phase
                .wait_for(|phase| *phase != Phase::Starting)
                .await
                .is_ok_and(|phase| *phase != Phase::Over);
            if !ready {
                return match (&mut self.end).await {
                    Ok(Outcome::Done(Err(error @ TransportError::Lost(_)))) => {
                        Outcome::NotSent(unsent(&error))
                    }
                    Ok(outcome) => outcome,
                    Err(_) => Outcome::NotSent(unsent(&"its reader ended")),
                };
            }
        }
        let write = Arc::clone(&self.write);
        let sending = async {
            write.data_bytes(frame).await?;
            write.eof().await
        };
        tokio::pin!(sending);
        let mut sent = false;
        loop {
            tokio::select! {
                result = &mut sending, if !sent => {
                    // A failure shows as the end of the channel, which says more.
                    if let Err(error) = result {
                        tracing::debug!(%error, "sending a script");
                    }
                    sent = true;
                }
                end = &mut self.end => {
                    return end.unwrap_or_else(|_| {
                        Outcome::Done(Err(TransportError::Lost("its reader ended".to_owned())))
                    });
                }
            }
        }
    }
}

fn dead(error: &russh::Error) -> TransportError {
    TransportError::Lost(error.to_string())
}

pub(super) fn unsent(error: &dyn std::fmt::Display) -> TransportError {
    TransportError::Unreachable(format!(
        "the connection ended before the command was sent: {error}"
    ))
}

/// Kills what runs when nobody waits for it any more.
struct Guard {
    write: Arc<ChannelWriteHalf<Msg>>,
    phase: watch::Receiver<Phase>,
    rights: Option<Become>,
    kill: Kill,
    armed: bool,
}

impl Guard {
    /// At a signal OpenSSH kills the whole process group, unless it belongs to another user or root logged in; others may
    /// not know the request. So it is also killed through another channel. Closing this one is the last resort.
    fn fire(&self) {
        let (write, mut phase) = (Arc::clone(&self.write), self.phase.clone());
        let (kill, rights) = (Arc::clone(&self.kill), self.rights.clone());
        tokio::spawn(async move {
            if let Err(error) = write.signal(Sig::KILL).await {
                tracing::debug!(%error, "the signal was not sent");
            }
            // A shell that is still starting has its script already, and would run it.
            let started = phase.wait_for(|phase| *phase != Phase::Starting);
            let pid = match timeout(STARTING, started).await {
                Ok(Ok(phase)) => match *phase {
                    Phase::Ready(pid) => Some(pid),
                    Phase::Starting | Phase::Over => None,
                },
                _ => None,
            };
            if let Some(pid) = pid {
                kill(pid, rights);
            }
            drop(timeout(KILLED, until_over(&mut phase)).await);
            if let Err(error) = write.close().await {
                tracing::trace!(%error, "the channel was not closed");
            }
        });
    }
}

/// The reader of a channel drops its end of `phase` when the channel has ended.
async fn until_over(phase: &mut watch::Receiver<Phase>) {
    while phase.changed().await.is_ok() {}
}

impl Drop for Guard {
    fn drop(&mut self) {
        if self.armed {
            self.fire();
        }
    }
}

/// Reads everything that comes, at once: an unread channel would stall the whole connection.
struct Drain {
    greeting: Option<Greeting>,
    phase: watch::Sender<Phase>,
    passwords: Option<mpsc::Sender<Secret>>,
    out: Capture,
    err: Capture,
    status: Option<Status>,
    refused: Option<TransportError>,
}

impl Drain {
    async fn run(mut self, mut read: ChannelReadHalf) -> Outcome {
        let mut last: Option<Instant> = None;
        loop {
            let message = match last {
                None => read.wait().await,
                Some(last) => {
                    let until = last.min(Instant::now() + SILENCE);
                    match timeout_at(until, read.wait()).await {
                        Ok(message) => message,
                        Err(_) => break,
                    }
                }
            };
            match message {
                None | Some(ChannelMsg::Close) => break,
                Some(ChannelMsg::Eof) if self.status.is_some() => break,
                Some(message) => self.take(message),
            }
            if self.refused.is_some() {
                break;
            }
            if self.status.is_some() && last.is_none() {
                last = Some(Instant::now() + DRAIN);
            }
        }
        self.phase.send_if_modified(|phase| {
            let waiting = *phase == Phase::Starting;
            if waiting {
                *phase = Phase::Over;
            }
            waiting
        });
        self.finish()
    }

    fn take(&mut self, message: ChannelMsg) {
        match message {
            ChannelMsg::Data { data } => match &mut self.greeting {
                Some(greeting) => {
                    let step = greeting.stdout(&data);
                    self.step(step);
                }
                None => self.out.push(&data),
            },
            ChannelMsg::ExtendedData { data, ext: 1 } => match &mut self.greeting {
                Some(greeting) => {
                    let step = greeting.stderr(&data);
                    self.step(step);
                }
                None => self.err.push(&data),
            },
            ChannelMsg::ExitStatus { exit_status } => {
                // RFC 4254 sends it unsigned; servers put an `int` in.
                self.status = Some(Status::Exited(exit_status.cast_signed()));
            }
            ChannelMsg::ExitSignal { signal_name, .. } => {
                self.status = Some(Status::Signalled(name_of(&signal_name)));
            }
            ChannelMsg::Failure => {
                self.refused = Some(TransportError::Unsupported(
                    "the server refuses to run commands".to_owned(),
                ));
            }
            _ => {}
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Wait => {}
            Step::Refused(error) => self.refused = Some(error),
            Step::Password(password) => {
                if let Some(Err(error)) = self.passwords.as_ref().map(|s| s.try_send(password)) {
                    tracing::debug!(%error, "the password was not handed on");
                }
            }
            Step::Ready { pid, rest } => {
                self.greeting = None;
                self.passwords = None;
                self.out.push(&rest);
                self.phase.send_replace(Phase::Ready(pid));
            }
        }
    }

    fn finish(self) -> Outcome {
        if let Some(error) = self.refused {
            return Outcome::Done(Err(error));
        }
        let Some(status) = self.status else {
            return Outcome::Done(Err(TransportError::Lost(
                "the channel was closed without an exit status".to_owned(),
            )));
        };
        if let Some(greeting) = self.greeting {
            return Outcome::Done(Err(greeting.ended(&status)));
        }
        if !self.out.has_begun() {
            return Outcome::NotSent(unsent(&format!(
                "the waiting shell ended with status {} before it had read the script",
                status.code()
            )));
        }
        let (stdout, stderr) = (self.out.finish(), self.err.finish());
        Outcome::Done(Ok(Output { status, stdout, stderr }))
    }
}

fn name_of(signal: &Sig) -> String {
    match signal {
        Sig::Custom(name) => name.trim_end_matches("@openssh.com").to_owned(),
        known => format!("{known:?}"),
    }
}
