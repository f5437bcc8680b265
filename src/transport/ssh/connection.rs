//! A live connection: channels, and the shells kept warm on them.

use super::auth;
use super::channel::{Outcome, Shell, unsent};
use super::dial::dial;
use super::endpoint::Endpoint;
use super::handler::Client;
use crate::transport::{Become, Command, Stream, TransportError, shell};
use russh::client::{Handle, Msg};
use russh::{Channel, ChannelOpenFailure, Disconnect};
use secrecy::ExposeSecret;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::timeout;

/// Most spares for one kind of rights.
const SPARES: usize = 3;
/// Logging in, with an agent that somebody may have to touch.
const LOGIN: Duration = Duration::from_secs(30);
/// How long to wait for a session to become free on a server that allows few.
const CROWDED: Duration = Duration::from_secs(600);
/// How often it is asked again meanwhile: a session is free a moment after its script has ended.
const AGAIN: Duration = Duration::from_secs(1);
/// How long a stream may take to be opened.
const STREAM: Duration = Duration::from_secs(20);
/// How long the kill through another channel may take.
const KILL: Duration = Duration::from_secs(5);

pub(super) struct Connection {
    inner: Arc<Inner>,
}

struct Inner {
    handle: Handle<Client>,
    spares: Mutex<Vec<Shell>>,
    /// How many spares are kept for one kind of rights: more where login shells start slowly.
    wanted: AtomicUsize,
    /// Spares that are being started.
    warming: AtomicUsize,
    /// The server allows too few sessions for spares beside what runs now.
    no_spares: AtomicBool,
    /// Scripts that run.
    running: AtomicUsize,
    /// A session was freed.
    freed: Notify,
}

impl Connection {
    pub(super) async fn open(endpoint: &Arc<Endpoint>) -> Result<Self, TransportError> {
        let options = &endpoint.options;
        let limit = endpoint.shared.handshakes(&options.host_name, options.port);
        let permit = limit.acquire_owned().await.map_err(|error| {
            TransportError::Unreachable(format!("the limit of handshakes is gone: {error}"))
        })?;
        let mut dialled = dial(endpoint).await?;
        timeout(LOGIN, auth::log_in(endpoint, &mut dialled)).await.map_err(|_| {
            TransportError::Authentication(format!(
                "{} did not finish the login within {} s",
                endpoint.address(),
                LOGIN.as_secs()
            ))
        })??;
        drop(permit);
        Ok(Self {
            inner: Arc::new(Inner {
                handle: dialled.handle,
                spares: Mutex::default(),
                wanted: AtomicUsize::new(1),
                warming: AtomicUsize::new(0),
                no_spares: AtomicBool::new(false),
                running: AtomicUsize::new(0),
                freed: Notify::new(),
            }),
        })
    }

    pub(super) fn is_alive(&self) -> bool {
        !self.inner.handle.is_closed()
    }

    pub(super) async fn close(&self) {
        let bye = self.inner.handle.disconnect(Disconnect::ByApplication, "", "en").await;
        if let Err(error) = bye {
            tracing::debug!(%error, "disconnecting");
        }
    }

    pub(super) async fn run(&self, command: &Command) -> Outcome {
        let _running = Running::new(&self.inner);
        let rights = command.become_.as_ref();
        let shell = match self.inner.take_spare(rights) {
            Some(shell) => shell,
            None => match self.inner.start(rights).await {
                Ok(shell) => shell,
                Err(error @ TransportError::Lost(_)) => return Outcome::NotSent(unsent(&error)),
                Err(error) => return Outcome::Done(Err(error)),
            },
        };
        self.inner.warm(rights);
        let inner = Arc::clone(&self.inner);
        shell.run(command, Arc::new(move |pid, rights| inner.kill(pid, rights))).await
    }

    /// A stream from the host to an address.
    pub(super) async fn stream(
        &self,
        host: &str,
        port: u16,
    ) -> Result<Box<dyn Stream>, TransportError> {
        let opening =
            self.inner.handle.channel_open_direct_tcpip(host, u32::from(port), "127.0.0.1", 0);
        match timeout(STREAM, opening).await {
            Ok(Ok(channel)) => Ok(Box::new(channel.into_stream())),
            Ok(Err(russh::Error::ChannelOpenFailure(
                ChannelOpenFailure::AdministrativelyProhibited,
            ))) => Err(TransportError::Unsupported(format!(
                "the host forbids forwarding to {host} port {port} (AllowTcpForwarding)"
            ))),
            Ok(Err(error)) => Err(TransportError::Unreachable(format!(
                "the host cannot reach {host} port {port}: {error}"
            ))),
            Err(_) => Err(TransportError::Unreachable(format!(
                "the host did not reach {host} port {port} within {} s",
                STREAM.as_secs()
            ))),
        }
    }

    /// A session channel, for a subsystem.
    pub(super) async fn session(&self) -> Result<Channel<Msg>, TransportError> {
        self.inner.session().await
    }
}

/// Counts a script while it runs, also if its caller gives up. Spares are tried again after the last.
struct Running(Arc<Inner>);

impl Running {
    fn new(inner: &Arc<Inner>) -> Self {
        inner.running.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(inner))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.0.running.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.no_spares.store(false, Ordering::Release);
        }
        self.0.freed.notify_one();
    }
}

impl Inner {
    /// A session channel. If the server has too many, spares are given up, then others are waited for.
    async fn session(&self) -> Result<Channel<Msg>, TransportError> {
        let opening = async {
            loop {
                let freed = self.freed.notified();
                match self.handle.channel_open_session().await {
                    Ok(channel) => return Ok(channel),
                    Err(russh::Error::ChannelOpenFailure(
                        ChannelOpenFailure::ConnectFailed | ChannelOpenFailure::ResourceShortage,
                    )) => {
                        self.no_spares.store(true, Ordering::Release);
                        let spares = std::mem::take(&mut *self.spares());
                        if spares.is_empty() {
                            // Whether told or not, it is asked again.
                            drop(timeout(AGAIN, freed).await);
                        }
                        for spare in spares {
                            spare.dismiss().await;
                        }
                    }
                    Err(russh::Error::ChannelOpenFailure(reason)) => {
                        return Err(TransportError::Unsupported(format!(
                            "the server refuses sessions: {reason:?}"
                        )));
                    }
                    Err(error) => return Err(TransportError::Lost(error.to_string())),
                }
            }
        };
        timeout(CROWDED, opening).await.unwrap_or_else(|_| {
            Err(TransportError::Unsupported(format!(
                "the server allowed no further session for {} s (MaxSessions)",
                CROWDED.as_secs()
            )))
        })
    }

    async fn start(&self, rights: Option<&Become>) -> Result<Shell, TransportError> {
        Shell::start(self.session().await?, rights).await
    }

    fn spares(&self) -> std::sync::MutexGuard<'_, Vec<Shell>> {
        self.spares.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_spare(&self, rights: Option<&Become>) -> Option<Shell> {
        let mut spares = self.spares();
        spares.retain_mut(Shell::is_usable);
        // The oldest is the readiest.
        let at = spares.iter().position(|shell| same(shell.rights.as_ref(), rights))?;
        let shell = spares.remove(at);
        if !shell.is_ready() {
            let more = |wanted: usize| (wanted < SPARES).then_some(wanted + 1);
            // An error means that it is already at the most.
            if self.wanted.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).is_ok() {
                tracing::debug!("login shells start slowly: keeping another spare");
            }
        }
        Some(shell)
    }

    /// Starts a spare for the next script with these rights, meanwhile.
    fn warm(self: &Arc<Self>, rights: Option<&Become>) {
        let wanted = self.wanted.load(Ordering::Acquire);
        let have = self.spares().iter().filter(|shell| same(shell.rights.as_ref(), rights)).count()
            + self.warming.load(Ordering::Acquire);
        if self.no_spares.load(Ordering::Acquire) || have >= wanted {
            return;
        }
        for _ in have..wanted {
            self.warming.fetch_add(1, Ordering::AcqRel);
            let (inner, rights) = (Arc::clone(self), rights.cloned());
            tokio::spawn(async move {
                inner.warm_one(rights.as_ref()).await;
                inner.warming.fetch_sub(1, Ordering::AcqRel);
            });
        }
    }

    async fn warm_one(&self, rights: Option<&Become>) {
        match self.handle.channel_open_session().await {
            Ok(channel) => match Shell::start(channel, rights).await {
                Ok(shell) => self.spares().push(shell),
                Err(error) => tracing::debug!(%error, "no spare shell"),
            },
            Err(error) => {
                self.no_spares.store(true, Ordering::Release);
                tracing::debug!(%error, "no spare shell");
            }
        }
    }

    /// Kills the process group of a shell through another channel, with its own rights.
    fn kill(self: &Arc<Self>, pid: u32, rights: Option<Become>) {
        let inner = Arc::clone(self);
        tokio::spawn(async move {
            let command = Command {
                script: shell::kill_script(pid),
                become_: rights.clone(),
                timeout: Some(KILL),
                ..Command::default()
            };
            let started = match inner.take_spare(rights.as_ref()) {
                Some(shell) => Ok(shell),
                None => inner.start(rights.as_ref()).await,
            };
            match started {
                Ok(shell) => drop(shell.run(&command, Arc::new(|_, _| {})).await),
                Err(error) => tracing::debug!(%error, pid, "killing through another channel"),
            }
            inner.freed.notify_one();
        });
    }
}

/// Whether two scripts may use the same kind of shell.
fn same(a: Option<&Become>, b: Option<&Become>) -> bool {
    fn parts(b: &Become) -> (&str, &str, Option<&str>, Option<&str>, Option<&str>) {
        let password = b.password.as_ref().map(ExposeSecret::expose_secret);
        (&b.method, &b.user, b.exe.as_deref(), b.flags.as_deref(), password)
    }
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => parts(a) == parts(b),
        _ => false,
    }
}
