//! The SSH server of a node: logins, commands, terminals, files and forwarded connections, as an OpenSSH server of
//! Debian gives them.
//!
//! Between the socket and the protocol stands a link of ours ([`link`]): there a connection is cut or slowed down.

mod forward;
mod input;
mod link;
mod login;
mod server;
mod session;
mod sftp;

pub use russh::keys::{PrivateKey, PublicKey};
pub use server::{Forwarding, Login, Server, ServerConfig, Users};
pub use sftp::entry;
