//! Why a lab cannot be.

use crate::sandbox::{Refused, SandboxError};
use std::io;
use std::path::{Path, PathBuf};

/// Why a lab could not be started, or not be ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabError {
    /// Nodes cannot be kept apart on this machine; the text says what to switch on.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// A shape that no cluster has.
    #[error("{0}")]
    Shape(String),
    /// A version that the lab does not know.
    #[error("the lab knows no Kubernetes {0}")]
    Version(semver::Version),
    /// The directory holds something already.
    #[error("{} is not empty", .0.display())]
    NotEmpty(PathBuf),
    /// No free network was found on the loopback.
    #[error("no free addresses were found on the loopback network")]
    NoAddress,
    /// A node did not start.
    #[error("node {node}: {source}")]
    Node {
        /// Its name.
        node: String,
        /// Why.
        source: SandboxError,
    },
    /// A file, socket or process.
    #[error("{what}: {source}")]
    System {
        /// Which.
        what: String,
        /// Why.
        source: io::Error,
    },
    /// The cluster is not as it should be in time.
    #[error("the cluster is not ready after {0} s: {1}")]
    Late(u64, String),
}

impl LabError {
    pub(super) fn file(path: &Path, source: io::Error) -> Self {
        Self::System { what: path.display().to_string(), source }
    }

    pub(super) fn system(what: impl Into<String>, source: io::Error) -> Self {
        Self::System { what: what.into(), source }
    }

    pub(super) fn node(node: &str) -> impl Fn(SandboxError) -> Self {
        let node = node.to_owned();
        move |source| Self::Node { node: node.clone(), source }
    }

    /// What may help.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotEmpty(_) => Some("a lab takes a directory of its own and removes it whole"),
            Self::Version(_) => Some("it knows 1.32.0 to 1.32.13, and so on to 1.37.2"),
            _ => None,
        }
    }
}
