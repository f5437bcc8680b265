//! What a host can be asked: run a script, move a file, open a stream. Over SSH or on the controller itself.
//!
//! [`Target`] is the whole contract; [`Host`] is what modules use (a target with become, environment and a deadline).
//! This room knows no module, no playbook and no cluster.

mod capture;
mod connect;
mod error;
pub mod files;
mod host;
mod known_hosts;
mod local;
mod shell;
mod ssh;
mod ssh_config;
mod target;

pub use connect::{ConnectOptions, ConnectSettings, Connector};
pub use error::TransportError;
pub use host::{Host, join, quote};
pub use local::LocalTarget;
pub use ssh::SshTarget;
pub use ssh_config::Person;
pub use target::{Become, Captured, Command, Output, Secret, Status, Stream, Target};

#[cfg(test)]
pub(crate) mod testing;
