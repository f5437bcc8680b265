//! Why a command did nothing: an exit code and all that is wrong.

use super::exit;
use super::terminal::complain;
use crate::engine::{Kind, Refused};
use mainstay_language::diag::{Diagnostic, Diagnostics, Severity};

/// Why nothing was run.
#[derive(Debug)]
pub(super) struct Refusal {
    /// Exit code.
    pub code: u8,
    /// Never empty.
    pub diagnostics: Diagnostics,
}

impl Refusal {
    /// One error.
    #[must_use]
    pub(super) fn new(code: u8, diagnostic: Diagnostic) -> Self {
        Self { code, diagnostics: Diagnostics::from(diagnostic) }
    }

    /// One error without a place.
    #[must_use]
    pub(super) fn because(code: u8, message: impl Into<String>) -> Self {
        Self::new(code, Diagnostic::error(message))
    }

    /// The same, told after these warnings: they are often the cause.
    #[must_use]
    pub(super) fn after(mut self, warnings: Diagnostics) -> Self {
        self.diagnostics.0.splice(0..0, warnings.0);
        self
    }

    /// Tells the user and gives the exit code.
    #[must_use]
    pub(super) fn tell(self) -> u8 {
        for diagnostic in &self.diagnostics.0 {
            tell(diagnostic);
        }
        self.code
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        let code = match refused.kind {
            Kind::General => exit::GENERAL,
            Kind::Guard => exit::REFUSED,
            Kind::Locked => exit::LOCKED,
            Kind::Journal => exit::JOURNAL,
        };
        Self { code, diagnostics: Diagnostics::from(*refused.diagnostic) }
    }
}

/// One error or warning to standard error, in the form of Ansible's first line.
pub(super) fn tell(diagnostic: &Diagnostic) {
    let word = match diagnostic.severity {
        Severity::Error => "ERROR",
        Severity::Warning => "WARNING",
    };
    complain(&format!("[{word}]: {}", diagnostic.body()));
}
