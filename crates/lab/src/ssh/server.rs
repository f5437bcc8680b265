//! One node's server: its address, its key, its connections.

use super::link::{Link, serve};
use super::login::Connection;
use crate::fault::Faults;
use crate::pace::Pace;
use crate::sandbox::Sandbox;
use russh::keys::{PrivateKey, PublicKey};
use russh::server::Config;
use russh::{MethodKind, MethodSet, SshId};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// What the server calls itself: clients that ask for the version of an OpenSSH find it.
const NAME: &str = "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u6";
/// Attempts to log in on one connection (`MaxAuthTries`).
const ATTEMPTS: usize = 6;

/// What a node's server is made of.
pub struct ServerConfig {
    /// Where it listens; port 0 is any that is free.
    pub address: SocketAddr,
    /// Name of the node, by which faults are looked up.
    pub node: String,
    /// Its host key.
    pub host_key: PrivateKey,
    /// Keys that every user may log in with.
    pub authorized: Vec<PublicKey>,
    /// Passwords of users.
    pub passwords: BTreeMap<String, String>,
    /// Who can log in.
    pub users: Users,
    /// Where their programs run.
    pub sandbox: Arc<Sandbox>,
    /// What goes wrong.
    pub faults: Arc<Faults>,
    /// How long a refused password takes.
    pub pace: Pace,
    /// Where a connection that a client wants forwarded goes; `None` refuses it.
    pub forward: Forwarding,
}

/// From a login name to the user.
pub type Users = Box<dyn Fn(&str) -> Option<Login> + Send + Sync>;

/// From host and port, as the client names them, to an address of the lab.
pub type Forwarding = Box<dyn Fn(&str, u16) -> Option<SocketAddr> + Send + Sync>;

/// A user of a node.
#[derive(Debug, Clone)]
pub struct Login {
    /// Login name.
    pub name: String,
    /// Number of the user.
    pub uid: u32,
    /// Number of the primary group.
    pub gid: u32,
    /// Where programs start.
    pub home: PathBuf,
    /// What runs commands.
    pub shell: PathBuf,
}

/// A server that runs. Dropped, it ends with all its connections.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
}

/// What all connections of a server know.
pub(super) struct Shared {
    pub(super) config: ServerConfig,
    protocol: Mutex<Arc<Config>>,
    connections: AtomicU64,
    /// Commands started so far.
    pub(super) commands: AtomicU64,
}

impl Server {
    /// Listens, and serves whoever comes.
    ///
    /// # Errors
    /// The address cannot be had.
    pub async fn start(config: ServerConfig) -> io::Result<Self> {
        let listener = TcpListener::bind(config.address).await?;
        let address = listener.local_addr()?;
        let protocol = Mutex::new(Arc::new(protocol(config.host_key.clone())));
        let (connections, commands) = (AtomicU64::new(0), AtomicU64::new(0));
        let shared = Arc::new(Shared { config, protocol, connections, commands });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { address, shared, tasks })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Connections taken so far.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// Commands started so far, over all connections.
    #[must_use]
    pub fn commands(&self) -> u64 {
        self.shared.commands.load(Ordering::Relaxed)
    }

    /// Has another host key from the next connection on.
    pub fn change_host_key(&self, key: PrivateKey) {
        *self.shared.lock() = Arc::new(protocol(key));
    }

    /// Cuts all connections and gives the address back.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Arc<Config>> {
        // It is replaced in one step.
        self.protocol.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes connections; they end with this task.
async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // One that was gone before it was taken is nobody's loss.
                let Ok((stream, peer)) = accepted else { continue };
                shared.connections.fetch_add(1, Ordering::Relaxed);
                let link = Link::new(&shared.config.node, &shared.config.faults);
                let connection = Connection::new(Arc::clone(&shared), peer, link.cut());
                let protocol = Arc::clone(&shared.lock());
                connections.spawn(serve(stream, link, protocol, connection));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

fn protocol(host_key: PrivateKey) -> Config {
    Config {
        server_id: SshId::Standard(Cow::Borrowed(NAME)),
        methods: MethodSet::from(&[MethodKind::PublicKey, MethodKind::Password][..]),
        // A refused key costs nothing; a refused password is delayed where it is refused.
        auth_rejection_time: Duration::ZERO,
        auth_rejection_time_initial: Some(Duration::ZERO),
        keys: vec![host_key],
        max_auth_attempts: ATTEMPTS,
        inactivity_timeout: None,
        nodelay: true,
        ..Config::default()
    }
}
