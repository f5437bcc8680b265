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

impl TemplateError {
    /// An error of this kind without a place yet.
    #[must_use]
    pub fn new(kind: TemplateErrorKind, message: impl Into<String>) -> Self {
        Self { kind, diagnostic: Box::new(Diagnostic::error(message)) }
    }
}

/// One of our errors on its way through the engine, with the variable whose template failed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{error}")]
pub(super) struct Carried {
    /// As the inner template failed.
    pub error: TemplateError,
    /// The variable that holds the inner template.
    pub variable: Option<String>,
}

/// Wraps an error so that the engine carries it unchanged to the evaluation around it.
pub(super) fn into_jinja(error: TemplateError, variable: Option<&str>) -> minijinja::Error {
    let kind = match error.kind {
        TemplateErrorKind::Undefined => minijinja::ErrorKind::UndefinedError,
        _ => minijinja::ErrorKind::InvalidOperation,
    };
    let message = error.diagnostic.message.clone();
    let carried = Carried { error, variable: variable.map(str::to_owned) };
    minijinja::Error::new(kind, message).with_source(carried)
}

/// A value that fails as soon as it is used.
pub(super) fn invalid_variable(error: TemplateError, variable: &str) -> minijinja::Value {
    minijinja::Value::from(into_jinja(error, Some(variable)))
}

/// The error that [`into_jinja`] wrapped, if this is one.
pub(super) fn carried(error: &minijinja::Error) -> Option<&Carried> {
    let mut at: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(inner) = at {
        if let Some(found) = inner.downcast_ref::<Carried>() {
            return Some(found);
        }
        at = inner.source();
    }
    None
}
