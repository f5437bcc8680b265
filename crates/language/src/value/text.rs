//! Text that knows whether a person wrote it.

use crate::diag::Place;
use std::fmt;
use std::sync::Arc;

/// A string and, if a person wrote it, where.
#[derive(Clone)]
pub struct Text {
    text: Arc<str>,
    place: Option<Place>,
}

impl Text {
    /// Text that was computed or came from outside: it is data and is never rendered.
    #[must_use]
    pub fn computed(text: impl Into<Arc<str>>) -> Self {
        Self { text: text.into(), place: None }
    }

    /// Text that a person wrote. Only loaders and the command line may call this.
    #[must_use]
    pub fn written(text: impl Into<Arc<str>>, place: Place) -> Self {
        Self { text: text.into(), place: Some(place) }
    }

    /// The characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The characters, shared.
    #[must_use]
    pub fn shared(&self) -> Arc<str> {
        Arc::clone(&self.text)
    }

    /// Where it was written; `None` means data.
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }

    /// Whether a person wrote it and it holds a template.
    #[must_use]
    pub fn is_template(&self) -> bool {
        self.place.is_some() && ["{{", "{%", "{#"].iter().any(|open| self.text.contains(open))
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Text {}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.text, f)
    }
}
