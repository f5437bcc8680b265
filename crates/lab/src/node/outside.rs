//! What a node needs from the rest of the lab, as traits: the API, the store behind etcd, processes. The model and the
//! tools know nothing else of the world.

use async_trait::async_trait;
use serde_json::Value;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

/// What a kubeconfig says about who asks.
#[derive(Clone, Default)]
pub struct Identity {
    /// PEM of the certificate authority of the server.
    pub authority: Option<Vec<u8>>,
    /// PEM of the client's certificate and key.
    pub certificate: Option<(Vec<u8>, Vec<u8>)>,
    /// Bearer token.
    pub token: Option<String>,
    /// Name that the server's certificate must be for, if it is not the address.
    pub server_name: Option<String>,
    /// The server's certificate is not checked.
    pub insecure: bool,
}

/// How an answer is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Accept {
    /// `application/json`
    #[default]
    Json,
    /// A `Table` of `meta.k8s.io/v1`
    Table,
}

/// One request to an API server.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// `GET`, `POST`, `PUT`, `PATCH`, `DELETE`.
    pub method: &'static str,
    /// Path and query.
    pub path: String,
    /// How the answer is wanted.
    pub accept: Accept,
    /// Of the body, such as `application/merge-patch+json`.
    pub content_type: &'static str,
    /// JSON.
    pub body: Option<Value>,
}

/// What an API server said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub code: u16,
    /// As it came.
    pub body: Vec<u8>,
}

/// Why no answer came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoAnswer {
    /// Nobody listens there.
    Refused,
    /// The server's certificate is not to be trusted, and why.
    Certificate(String),
    /// Anything else, in the words of whoever tried.
    Broken(String),
}

/// The way to API servers.
#[async_trait]
pub trait Api: Send + Sync {
    /// Asks the server at this address, which is one of a node of the lab.
    async fn ask(
        &self,
        server: SocketAddr,
        identity: &Identity,
        request: Request,
    ) -> Result<Answer, NoAnswer>;
}

/// What etcd holds, which is the store of the API.
pub trait Database: Send + Sync {
    /// Of the store.
    fn revision(&self) -> u64;
    /// All keys with their values, such as `/registry/pods/default/web` and its JSON.
    fn dump(&self) -> Vec<(String, Vec<u8>)>;
    /// Replaces everything.
    ///
    /// # Errors
    /// The dump is none.
    fn restore(&self, keys: Vec<(String, Vec<u8>)>) -> Result<(), String>;
}

/// A program to be started in a node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Program {
    /// The first word is looked for in PATH.
    pub argv: Vec<String>,
    /// All of it.
    pub environment: Vec<(String, String)>,
    /// Where it starts.
    pub directory: String,
    /// User and group.
    pub user: (u32, u32),
    /// The master's side of a pty is its input and output; otherwise three pipes.
    pub terminal: bool,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// With this code.
    Code(u8),
    /// By this signal.
    Signal(u8),
}

/// A program that runs in a node. Dropping it leaves it running.
#[async_trait]
pub trait Running: Send + Sync {
    /// Its input, once; it ends when this is dropped.
    fn input(&mut self) -> Option<Box<dyn AsyncWrite + Send + Unpin>>;
    /// Its output, once.
    fn output(&mut self) -> Option<Box<dyn AsyncRead + Send + Unpin>>;
    /// Its errors, once; none with a terminal.
    fn errors(&mut self) -> Option<Box<dyn AsyncRead + Send + Unpin>>;
    /// Inside the node.
    fn pid(&self) -> u32;
    /// Waits for its end; may be asked again.
    async fn wait(&self) -> Ended;
    /// Sends a signal to it and all that it started.
    async fn signal(&self, number: i32);
}

/// Programs and power of the nodes.
#[async_trait]
pub trait Processes: Send + Sync {
    /// Starts a program in this node.
    ///
    /// # Errors
    /// Why not, in one line.
    async fn start(&self, node: &str, program: Program) -> Result<Box<dyn Running>, String>;
    /// Lets a program of this node start another with its own streams, whoever it runs as: what it takes to the node
    /// ([`crate::sandbox::redeem`]). There it is good once.
    ///
    /// # Errors
    /// Why not, in one line.
    async fn ticket(&self, node: &str, program: Program) -> Result<String, String>;
    /// The node goes down after `delay` and, if `again`, comes back with another boot id.
    fn power(&self, node: &str, delay: Duration, again: bool);
}
