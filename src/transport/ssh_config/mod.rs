//! ssh_config and the options of ssh, as OpenSSH reads them.
//!
//! Files are read and split once a run ([`Config::load`]); a host is looked up in what was read ([`Config::resolve`]). The
//! first value of an option wins; options given as arguments come before the files. What is not known, or known and not
//! done, is refused by name with its place: nothing is silently ignored.

mod arguments;
mod expand;
mod jump;
mod keywords;
mod lexer;
mod load;
mod lookup;
mod options;
#[cfg(test)]
mod tests;

pub(crate) use arguments::Arguments;
pub(crate) use jump::{Jump, valid_host, valid_user};
pub(crate) use load::Config;
pub(crate) use lookup::Query;
pub(crate) use options::{Agent, Family, Options, Proxy, Strict};

use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the reader must know of the person who runs us.
#[derive(Clone, Debug, Default)]
pub struct Person {
    /// `~` and `%d`.
    pub home: PathBuf,
    /// `%u`, and the login name if nothing else says one.
    pub user: String,
    /// `%i`.
    pub uid: u32,
    /// `%l`; up to the first dot `%L`.
    pub host_name: String,
    /// Environment for `${NAME}` and the agent's socket.
    pub environment: Vec<(String, String)>,
}

impl Person {
    pub(crate) fn env(&self, name: &str) -> Option<&str> {
        self.environment.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Where a line stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    File(Arc<Path>, usize),
    /// An argument of ssh, from this setting.
    Argument(String),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Argument(setting) => f.write_str(setting),
        }
    }
}
