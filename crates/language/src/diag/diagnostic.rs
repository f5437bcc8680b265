//! One thing wrong with what a person wrote, and many of them.

use super::Place;
use std::fmt;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Nothing runs.
    Error,
    /// It runs; the reader should know.
    Warning,
}

/// What kind of mistake something is, as far as Ansible tells kinds apart by its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nature {
    /// None of the others.
    General,
    /// Text that cannot be parsed.
    Syntax,
    /// A file or role that is named is not there.
    Missing,
}

/// A message for the author of a file: lower-case fragment, place, what was expected, a hint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// What kind of mistake it is.
    pub nature: Nature,
    /// Error or warning.
    pub severity: Severity,
    /// A lower-case fragment without a full stop: `unknown keyword "hots"`.
    pub message: String,
    /// Where; none for things that are not written anywhere (a missing file named by nobody).
    pub place: Option<Place>,
    /// What to do about it: `did you mean "hosts"?`.
    pub hint: Option<String>,
    /// How we got there, innermost first: (`included from`, place).
    pub chain: Vec<(String, Place)>,
}

impl Diagnostic {
    /// The same, of this kind.
    #[must_use]
    pub fn of(mut self, nature: Nature) -> Self {
        self.nature = nature;
        self
    }

    /// An error without a place yet.
    #[must_use]
    pub fn error(message: impl Into<String>) -> Self {
        Self {
            nature: Nature::General,
            severity: Severity::Error,
            message: message.into(),
            place: None,
            hint: None,
            chain: Vec::new(),
        }
    }

    /// A warning without a place yet.
    #[must_use]
    pub fn warning(message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(message) }
    }

    /// The same, at this place, unless it has a nearer one already.
    #[must_use]
    pub fn at(mut self, place: &Place) -> Self {
        self.place.get_or_insert_with(|| place.clone());
        self
    }

    /// The same, at this place if there is one.
    #[must_use]
    pub fn at_opt(self, place: Option<&Place>) -> Self {
        match place {
            Some(place) => self.at(place),
            None => self,
        }
    }

    /// The same with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same with one more step of how we got there.
    #[must_use]
    pub fn via(mut self, how: impl Into<String>, place: &Place) -> Self {
        self.chain.push((how.into(), place.clone()));
        self
    }
}

impl fmt::Display for Diagnostic {
    /// One line: `file:line:column: message (hint)`. [`Diagnostic::render`] draws the caret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, " ({hint})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}

/// All that is wrong with a file or a run's input: never empty as an error.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// One more.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Keeps the value, or the error and nothing.
    pub fn keep<T>(&mut self, result: Result<T, Diagnostic>) -> Option<T> {
        result.map_err(|d| self.push(d)).ok()
    }

    /// Whether any is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|d| d.severity == Severity::Error)
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, diagnostic) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{diagnostic}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}
