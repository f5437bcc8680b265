//! The bytes of a connection, between its socket and the protocol: counted, delayed, cut.

use super::login::Connection;
use crate::fault::{Fault, Faults};
use russh::server::{Config, run_stream};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

/// Read at once.
const PART: usize = 32 << 10;
/// Parts that may be on their way in one direction.
const PARTS: usize = 256;

/// What can happen to one connection.
pub(super) struct Link {
    node: String,
    faults: Arc<Faults>,
    cut: Arc<Notify>,
}

impl Link {
    pub(super) fn new(node: &str, faults: &Arc<Faults>) -> Self {
        Self { node: node.to_owned(), faults: Arc::clone(faults), cut: Arc::default() }
    }

    /// Who is told cuts the connection.
    pub(super) fn cut(&self) -> Arc<Notify> {
        Arc::clone(&self.cut)
    }

    fn delay(&self) -> Duration {
        let known = |fault: &Fault| match fault {
            Fault::Delay { node, by } if *node == self.node => Some(*by),
            _ => None,
        };
        self.faults.find(known).unwrap_or_default()
    }

    /// Of `length` bytes that are to be sent after `sent`: how many are, if the connection is cut among them.
    fn cut_at(&self, sent: u64, length: usize) -> Option<usize> {
        let reached = sent.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
        let cut = self.faults.take(|fault| match fault {
            Fault::CutBytes { node, bytes } if *node == self.node && *bytes <= reached => {
                Some(*bytes)
            }
            _ => None,
        })?;
        // Where more was sent before there was this fault, nothing is sent any more.
        Some(usize::try_from(cut.saturating_sub(sent)).unwrap_or(length))
    }
}

/// One connection to its end.
pub(super) async fn serve(
    stream: TcpStream,
    link: Link,
    protocol: Arc<Config>,
    connection: Connection,
) {
    // It only makes small packets slow.
    stream.set_nodelay(true).ok();
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let (from_client, to_client) = stream.into_split();
    let (from_server, to_server) = tokio::io::split(theirs);
    let session = async {
        // How a connection ended is the client's to tell.
        if let Ok(session) = run_stream(protocol, ours, connection).await {
            session.await.ok();
        }
    };
    let bytes = async {
        tokio::join!(
            carry(from_client, to_server, &link, Direction::In),
            carry(from_server, to_client, &link, Direction::Out),
        )
    };
    tokio::select! {
        () = link.cut.notified() => {}
        _ = async { tokio::join!(session, bytes) } => {}
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Direction {
    In,
    Out,
}

/// Carries one direction to its end.
async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    link: &Link,
    direction: Direction,
) {
    let (sender, mut parts) = mpsc::channel::<(Instant, Vec<u8>, bool)>(PARTS);
    let take = async move {
        let mut sent = 0_u64;
        let mut part = vec![0; PART];
        while let Ok(count @ 1..) = from.read(&mut part).await {
            let mut bytes = part.get(..count).unwrap_or_default().to_vec();
            let cut = match direction {
                Direction::Out => link.cut_at(sent, count),
                Direction::In => None,
            };
            bytes.truncate(cut.unwrap_or(count));
            sent = sent.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
            let due = Instant::now() + link.delay();
            if sender.send((due, bytes, cut.is_some())).await.is_err() {
                return;
            }
        }
    };
    let give = async move {
        while let Some((due, bytes, last)) = parts.recv().await {
            if due > Instant::now() {
                tokio::time::sleep_until(due).await;
            }
            if to.write_all(&bytes).await.is_err() {
                return;
            }
            if last {
                link.cut.notify_one();
            }
        }
        // Whoever closed its end first needs no answer.
        to.shutdown().await.ok();
    };
    tokio::join!(take, give);
}
