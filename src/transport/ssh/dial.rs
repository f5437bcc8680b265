//! Reaching an address and agreeing on keys: directly, through a jump host, or through a command.

#![expect(clippy::disallowed_methods, reason = "pauses between attempts, and ProxyCommand")]

use super::algorithms;
use super::endpoint::Endpoint;
use super::handler::{Client, HandlerError, Seen};
use crate::transport::ssh_config::{Family, Proxy};
use crate::transport::{Stream, TransportError};
use russh::client::{Config, Handle};
use russh::keys::key::safe_rng;
use russh::keys::ssh_key::rand_core::Rng;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};

/// How often a server that closes before it shows its key (too many at its door) is tried again.
const TRIES: u32 = 6;

/// A connection with keys agreed and the host key trusted; not yet logged in.
pub(super) struct Dialled {
    pub(super) handle: Handle<Client>,
    pub(super) seen: Arc<Seen>,
}

/// Dials until the server talks to us.
pub(super) async fn dial(endpoint: &Arc<Endpoint>) -> Result<Dialled, TransportError> {
    let config = Arc::new(config(endpoint)?);
    for attempt in 1.. {
        match dial_once(endpoint, &config).await {
            Err(Failure::Crowded(_)) if attempt < TRIES => sleep(pause(attempt)).await,
            Err(Failure::Crowded(error) | Failure::Final(error)) => return Err(error),
            Ok(dialled) => return Ok(dialled),
        }
    }
    Err(TransportError::Unreachable(format!("{} was not tried", endpoint.address())))
}

enum Failure {
    /// Closed before the key was shown.
    Crowded(TransportError),
    Final(TransportError),
}

/// Between half and all of 0.2 s, 0.4 s, 0.8 s …
fn pause(attempt: u32) -> Duration {
    let most = 200u64 << attempt.min(5);
    Duration::from_millis(most / 2 + safe_rng().next_u64() % (most / 2))
}

fn config(endpoint: &Endpoint) -> Result<Config, TransportError> {
    let options = &endpoint.options;
    let interval = options.alive_interval.unwrap_or(Duration::from_secs(15));
    Ok(Config {
        nodelay: true,
        preferred: algorithms::preferred(endpoint)?,
        keepalive_interval: (!interval.is_zero()).then_some(interval),
        keepalive_max: options.alive_count.unwrap_or(3),
        inactivity_timeout: None,
        window_size: 2 << 20,
        maximum_packet_size: 65_535,
        ..Config::default()
    })
}

async fn dial_once(endpoint: &Arc<Endpoint>, config: &Arc<Config>) -> Result<Dialled, Failure> {
    let stream = reach(endpoint).await.map_err(Failure::Final)?;
    let seen = Arc::new(Seen::default());
    let client = Client { endpoint: Arc::clone(endpoint), seen: Arc::clone(&seen), trusted: None };
    let limit = endpoint.connect_timeout() + Duration::from_secs(10);
    let connecting = russh::client::connect_stream(Arc::clone(config), stream, client);
    let address = endpoint.address();
    let error = match timeout(limit, connecting).await {
        Ok(Ok(handle)) => return Ok(Dialled { handle, seen }),
        Ok(Err(error)) => error,
        Err(_) => {
            return Err(Failure::Final(TransportError::Unreachable(format!(
                "{address} answers but did not finish the key exchange within {} s",
                limit.as_secs()
            ))));
        }
    };
    Err(match error {
        HandlerError::HostKey(message) => Failure::Final(TransportError::HostKey(message)),
        HandlerError::Ssh(russh::Error::NoCommonAlgo { kind, theirs, .. }) => {
            Failure::Final(TransportError::Unreachable(format!(
                "{address} and this program have no {kind:?} algorithm in common; it offers {}",
                theirs.join(", ")
            )))
        }
        HandlerError::Ssh(error) => {
            let closed =
                matches!(error, russh::Error::Disconnect | russh::Error::HUP | russh::Error::IO(_));
            let failure = TransportError::Unreachable(format!(
                "{address} closed the connection during the key exchange: {error}"
            ));
            if closed && !seen.key.load(Ordering::Acquire) {
                Failure::Crowded(failure)
            } else {
                Failure::Final(failure)
            }
        }
    })
}

/// The bytes of the connection.
async fn reach(endpoint: &Endpoint) -> Result<Box<dyn Stream>, TransportError> {
    let options = &endpoint.options;
    if let Some(jump) = &endpoint.via {
        let stream = Box::pin(jump.stream(&options.host_name, options.port)).await;
        return stream.map_err(|error| match error {
            TransportError::Unsupported(text) => TransportError::Unreachable(text),
            other => other,
        });
    }
    if let Proxy::Command(command) = &options.proxy {
        return command_stream(command);
    }
    for _ in 1..options.attempts {
        match tcp(endpoint).await {
            Ok(stream) => return Ok(Box::new(stream)),
            Err(error) => tracing::debug!(%error, "trying again"),
        }
        sleep(Duration::from_secs(1)).await;
    }
    Ok(Box::new(tcp(endpoint).await?))
}

async fn tcp(endpoint: &Endpoint) -> Result<TcpStream, TransportError> {
    let options = &endpoint.options;
    let unreachable = |text: String| {
        TransportError::Unreachable(format!("cannot connect to {}: {text}", endpoint.address()))
    };
    let limit = endpoint.connect_timeout();
    let connecting = async {
        let found = tokio::net::lookup_host((options.host_name.as_str(), options.port))
            .await
            .map_err(|error| unreachable(format!("the name cannot be resolved: {error}")))?;
        let usable = |address: &SocketAddr| match options.family {
            Family::Any => true,
            Family::Inet => address.is_ipv4(),
            Family::Inet6 => address.is_ipv6(),
        };
        let mut last = "the name has no usable address".to_owned();
        for address in found.filter(usable) {
            match connect(address, options.bind_address.as_deref()).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error.to_string(),
            }
        }
        Err(unreachable(last))
    };
    match timeout(limit, connecting).await {
        Ok(result) => result,
        Err(_) => Err(unreachable(format!("no answer within {} s", limit.as_secs_f64()))),
    }
}

async fn connect(address: SocketAddr, bind: Option<&str>) -> std::io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(bind) = bind {
        let from = tokio::net::lookup_host((bind, 0))
            .await?
            .find(|from| from.is_ipv4() == address.is_ipv4())
            .ok_or_else(|| {
                std::io::Error::other(format!("BindAddress {bind} has no such address"))
            })?;
        socket.bind(from)?;
    }
    let stream = socket.connect(address).await?;
    // russh sets this only on sockets that it opens itself.
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// A command of the person's own configuration whose streams are the connection.
fn command_stream(command: &str) -> Result<Box<dyn Stream>, TransportError> {
    let fail = |text: String| {
        TransportError::Unreachable(format!("the ProxyCommand `{command}` failed: {text}"))
    };
    let mut child = tokio::process::Command::new("/bin/sh")
        .arg("-c")
        .arg(format!("exec {command}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| fail(error.to_string()))?;
    let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(fail("it has no streams".to_owned()));
    };
    Ok(Box::new(Piped { joined: tokio::io::join(stdout, stdin), _child: child }))
}

/// The streams of a command, which ends with them.
struct Piped {
    joined: tokio::io::Join<tokio::process::ChildStdout, tokio::process::ChildStdin>,
    _child: tokio::process::Child,
}

use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

impl AsyncRead for Piped {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.joined).poll_read(cx, buf)
    }
}

impl AsyncWrite for Piped {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.joined).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.joined).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.joined).poll_shutdown(cx)
    }
}
