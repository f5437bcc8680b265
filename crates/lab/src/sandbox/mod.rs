//! Where a node's programs run: namespaces and a root of their own, or a chroot.
//!
//! A node is a tree of processes of the program itself (`player`), re-executed:
//!
//! - the *keeper* (`mainstay-lab-node`), a child of the daemon, enters the namespaces before it has a thread and waits;
//! - the *init* (`mainstay-lab-init`), pid 1 of the node, builds the root, starts programs and reaps;
//! - a *leader* (`mainstay-lab-exec`) for each program: session, terminal, user, then it becomes the program.
//!
//! The daemon talks to the init over one socket. When the socket ends, for whatever reason, the init ends, and with it
//! everything in the node.

mod copies;
mod entry;
mod farm;
mod ids;
mod init;
mod isolation;
mod keeper;
mod leader;
mod mounts;
mod node;
mod plan;
mod process;
mod shared;
mod sweep;
mod terminal;
mod ticket;
mod tree;
mod wire;

pub use entry::entry;
pub use ids::{Extent, Ids, Writer};
pub use isolation::{Isolation, Refused, isolation};
pub use node::{Sandbox, SandboxError};
pub use plan::{Account, Exec, Plan, Terminal, User};
pub use process::{Ended, Process};
pub use rustix::process::Signal;
pub use sweep::{remove, sweep};
pub use ticket::redeem;
pub use tree::PLAYER;
