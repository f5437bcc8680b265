//! The journal as those see it who change a cluster or a host for good.

use super::{Effect, Ended, Receipt, Record};
use mainstay_language::diag::Diagnostic;

/// Intent first, then the effect, then its outcome.
pub trait Effects: Send + Sync {
    /// Returns once the intent is durable.
    ///
    /// # Errors
    /// The journal cannot be written: the effect must not be tried.
    fn intend(&self, effect: Effect) -> Result<Receipt, Diagnostic>;
    /// Records how it ended.
    ///
    /// # Errors
    /// The journal cannot be written.
    fn ended(&self, receipt: Receipt, result: Ended, message: &str) -> Result<(), Diagnostic>;
    /// Records something that need not be on disk before the run goes on (a state delta).
    ///
    /// # Errors
    /// The journal cannot be written.
    fn note(&self, record: &Record) -> Result<(), Diagnostic>;
}
