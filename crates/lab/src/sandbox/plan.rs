//! What a node is to be, and what is to run in it.

use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::path::PathBuf;

/// What a node is made of.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Plan {
    /// The node's own directory; `root/` in it is the node's root. Made if it is not there. A node that is started in a
    /// directory in which one ran before is that node, booted again: `/run` and `/tmp` are empty, the rest is as it was.
    pub dir: PathBuf,
    /// A directory of the lab for what nodes without namespaces share.
    pub shared: PathBuf,
    /// Name of the node; without namespaces the kernel's name of this machine remains.
    pub hostname: String,
    /// What `/proc/sys/kernel/random/boot_id` says.
    pub boot_id: String,
    /// Programs that `player` plays. A plain name stands in `/usr/bin`; one with a `/` is the path from the root.
    /// Programs of this machine with such a name are not there.
    pub programs: Vec<String>,
    /// The program whose `main` calls [`super::entry`] first.
    pub player: PathBuf,
    /// Who can log in, beside root.
    pub accounts: Vec<Account>,
}

/// An ordinary user of a node.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Account {
    /// Login name, and name of the user's own group.
    pub name: String,
    /// Also the number of the group; 1000 or more.
    pub uid: u32,
    /// Made at the start, and the user's.
    pub home: PathBuf,
    /// Absolute.
    pub shell: PathBuf,
}

/// A program to be started. It leads a session and a process group of its own.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Exec {
    /// What is executed, if it is not `argv[0]`; without a `/` it is searched in the `PATH` of `env`.
    pub program: Option<PathBuf>,
    /// Not empty.
    pub argv: Vec<OsString>,
    /// The whole environment.
    pub env: Vec<(OsString, OsString)>,
    /// Where it starts; `/` with a line on its standard error if it cannot start there.
    pub cwd: PathBuf,
    /// As whom. Where the node has one user only, everybody is root.
    pub user: User,
    /// With one, the streams of the program are this terminal.
    pub terminal: Option<Terminal>,
}

/// A user of a node, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// User.
    pub uid: u32,
    /// Primary group; there are no others.
    pub gid: u32,
}

impl User {
    /// The superuser.
    pub const ROOT: Self = Self { uid: 0, gid: 0 };
}

/// A pseudo-terminal. `TERM` belongs into the environment.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Terminal {
    /// Height in characters.
    pub rows: u16,
    /// Width in characters.
    pub columns: u16,
    /// Modes as SSH encodes them (RFC 4254, section 8): opcode and value. Those that the system does not know are
    /// passed over, as the RFC asks.
    pub modes: Vec<(u8, u32)>,
}
