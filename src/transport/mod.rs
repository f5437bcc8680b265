//! What a host can be asked: run a script, move a file, open a stream. Over SSH or on the controller itself.
//!
//! [`Target`] is the whole contract; [`Host`] is what modules use (a target with become, environment and a deadline).
//! This room knows no module, no playbook and no cluster.

mod error;
pub mod files;
mod host;
mod target;

pub use error::TransportError;
pub use host::{Host, join, quote};
pub use target::{Become, Captured, Command, Output, Secret, Status, Stream, Target};

#[cfg(test)]
pub(crate) mod testing;
