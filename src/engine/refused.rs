//! Why a run ends before its plays do.

use crate::cluster::ClusterError;
use mainstay_language::diag::Diagnostic;

/// What kind of end it is; the command line makes an exit code of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Something written, or found, cannot be used.
    General,
    /// A preflight check or a guard says no; nothing was changed.
    Guard,
    /// Another run holds the cluster.
    Locked,
    /// The journal cannot be written.
    Journal,
}

/// The end and its reason.
#[derive(Debug, Clone)]
pub struct Refused {
    /// What kind.
    pub kind: Kind,
    /// Why.
    pub diagnostic: Box<Diagnostic>,
}

impl Refused {
    /// A guard says no.
    #[must_use]
    pub fn guard(diagnostic: Diagnostic) -> Self {
        Self { kind: Kind::Guard, diagnostic: Box::new(diagnostic) }
    }

    /// The journal cannot be written.
    #[must_use]
    pub fn journal(diagnostic: Diagnostic) -> Self {
        Self { kind: Kind::Journal, diagnostic: Box::new(diagnostic) }
    }
}

impl From<Diagnostic> for Refused {
    fn from(diagnostic: Diagnostic) -> Self {
        Self { kind: Kind::General, diagnostic: Box::new(diagnostic) }
    }
}

impl From<ClusterError> for Refused {
    /// What the API says before anything was changed.
    fn from(error: ClusterError) -> Self {
        let kind =
            if matches!(error, ClusterError::Held { .. }) { Kind::Locked } else { Kind::Guard };
        Self { kind, diagnostic: Box::new(Diagnostic::error(error.to_string())) }
    }
}
