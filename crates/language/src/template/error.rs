//! Why a template has no value.

use crate::diag::Diagnostic;

/// A template that has no value. `diagnostic` has the place of the template (and of the inner template that failed, in
/// its chain: variable by variable).
#[derive(Debug, Clone, thiserror::Error)]
#[error("{diagnostic}")]
pub struct TemplateError {
    /// What happened.
    pub kind: TemplateErrorKind,
    /// For the reader.
    pub diagnostic: Box<Diagnostic>,
}

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TemplateErrorKind {
    /// A variable, attribute or element does not exist.
    Undefined,
    /// It cannot be parsed.
    Syntax,
    /// A condition is not true or false.
    NotBoolean,
    /// Anything else: a filter refused its input, a lookup failed.
    Other,
}
