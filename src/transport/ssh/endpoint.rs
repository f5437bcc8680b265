//! What is known of a host before it is connected to, and what all connections of a run share.

use super::SshTarget;
use crate::transport::Secret;
use crate::transport::known_hosts::{Book, Names};
use crate::transport::ssh_config::{Options, Person};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Handshakes at once with one server; OpenSSH begins to refuse at ten.
const HANDSHAKES: usize = 8;

/// What the inventory says beyond ssh's own options.
#[derive(Clone, Default)]
pub(crate) struct Credentials {
    pub(crate) password: Option<Secret>,
    /// Of key files that have one.
    pub(crate) passphrase: Option<Secret>,
    /// A private key itself, not a file.
    pub(crate) private_key: Option<Secret>,
}

/// A host to be connected to.
pub(crate) struct Endpoint {
    pub(crate) options: Options,
    pub(crate) credentials: Credentials,
    /// The last jump host; it has its own.
    pub(crate) via: Option<Arc<SshTarget>>,
    pub(crate) shared: Arc<Shared>,
}

impl Endpoint {
    /// Deadline of a TCP connection: 10 s unless said otherwise.
    pub(super) fn connect_timeout(&self) -> Duration {
        self.options.connect_timeout.unwrap_or(Duration::from_secs(10))
    }

    /// Under which names its key is on record.
    pub(super) fn names(&self) -> Names {
        let options = &self.options;
        Names::new(&options.host_name, options.port, options.host_key_alias.as_deref())
    }

    /// For messages.
    pub(super) fn address(&self) -> String {
        format!("{} port {}", self.options.host_name, self.options.port)
    }
}

/// What all connections of a run share.
#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) book: Book,
    pub(crate) person: Person,
    handshakes: Mutex<HashMap<(String, u16), Arc<Semaphore>>>,
}

impl Shared {
    pub(crate) fn new(person: Person) -> Self {
        Self { person, ..Self::default() }
    }

    /// Bounds handshakes with one server.
    pub(super) fn handshakes(&self, host: &str, port: u16) -> Arc<Semaphore> {
        let mut known = self.handshakes.lock().unwrap_or_else(PoisonError::into_inner);
        let limit = known
            .entry((host.to_owned(), port))
            .or_insert_with(|| Arc::new(Semaphore::new(HANDSHAKES)));
        Arc::clone(limit)
    }
}
