//! Hosts over SSH: one connection each, and waiting shells on its channels.
//!
//! `dial` reaches the address (directly, through jump hosts or a command), `handler` judges the host key, `auth` logs in,
//! `connection` keeps shells warm, `channel` runs one script, `files` moves large files. [`SshTarget`] is the whole seen
//! from outside. Jump hosts are targets themselves, shared by all hosts behind them.

mod algorithms;
mod auth;
mod channel;
mod connection;
mod dial;
mod endpoint;
mod files;
mod handler;
#[cfg(test)]
mod tests;

pub(crate) use endpoint::{Credentials, Endpoint, Shared};

use super::{Command, Output, Stream, Target, TransportError};
use async_trait::async_trait;
use channel::Outcome;
use connection::Connection;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::Mutex;

/// A host over SSH. Connects on first use; whoever comes meanwhile waits for the same connection.
pub struct SshTarget {
    endpoint: Arc<Endpoint>,
    current: Mutex<Option<Arc<Connection>>>,
}

impl SshTarget {
    pub(crate) fn new(endpoint: Endpoint) -> Self {
        Self { endpoint: Arc::new(endpoint), current: Mutex::new(None) }
    }

    /// The live connection, or a new one.
    async fn connection(&self) -> Result<Arc<Connection>, TransportError> {
        let mut current = self.current.lock().await;
        if let Some(connection) = current.as_ref().filter(|connection| connection.is_alive()) {
            return Ok(Arc::clone(connection));
        }
        let connection = Arc::new(Connection::open(&self.endpoint).await?);
        *current = Some(Arc::clone(&connection));
        Ok(connection)
    }

    /// Forgets a connection that turned out to be dead.
    async fn forget(&self, dead: &Arc<Connection>) {
        let mut current = self.current.lock().await;
        if current.as_ref().is_some_and(|connection| Arc::ptr_eq(connection, dead)) {
            *current = None;
        }
    }

    /// A stream to an address that this host can reach; a dead connection is replaced once.
    pub(super) async fn stream(
        &self,
        host: &str,
        port: u16,
    ) -> Result<Box<dyn Stream>, TransportError> {
        let connection = self.connection().await?;
        match connection.stream(host, port).await {
            Err(_) if !connection.is_alive() => {
                self.forget(&connection).await;
                self.connection().await?.stream(host, port).await
            }
            other => other,
        }
    }
}

#[async_trait]
impl Target for SshTarget {
    async fn run(&self, command: Command) -> Result<Output, TransportError> {
        let connection = self.connection().await?;
        match connection.run(&command).await {
            Outcome::Done(result) => result,
            // Nothing was sent: once more on a new connection.
            Outcome::NotSent(_) => {
                self.forget(&connection).await;
                let connection = self.connection().await?;
                match connection.run(&command).await {
                    Outcome::Done(result) => result,
                    Outcome::NotSent(error) => {
                        self.forget(&connection).await;
                        Err(error)
                    }
                }
            }
        }
    }

    async fn upload(&self, local: &Path, remote: &str) -> Result<(), TransportError> {
        files::upload(&*self.connection().await?, local, remote).await
    }

    async fn open_stream(&self, host: &str, port: u16) -> Result<Box<dyn Stream>, TransportError> {
        self.stream(host, port).await
    }

    async fn disconnect(&self) {
        let current = self.current.lock().await.take();
        if let Some(connection) = current {
            connection.close().await;
        }
    }

    fn is_local(&self) -> bool {
        false
    }
}
