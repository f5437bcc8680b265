//! A place in something that a person wrote.

use super::window::Window;
use std::fmt;
use std::sync::Arc;

/// A file, or another text that a person wrote (the command line).
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Source {
    /// As it is shown: the path as the user gave it, or `<command line>`.
    pub name: String,
    /// The whole text; carets are drawn under its lines. Empty for text that must not be shown (a decrypted vault).
    pub text: String,
}

impl Source {
    /// A source whose errors show its lines.
    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { name: name.into(), text: text.into() })
    }

    /// The place of the first character.
    #[must_use]
    pub fn start(self: &Arc<Self>) -> Place {
        Place { source: Arc::clone(self), line: 1, column: 1 }
    }
}

/// A line and column (both from 1; columns count characters) in a [`Source`].
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Place {
    /// What the line and column count in.
    pub source: Arc<Source>,
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
}

impl Place {
    /// The text of this line, without its end; `None` where the source may not be shown.
    #[must_use]
    pub fn line_text(&self) -> Option<&str> {
        self.source.text.lines().nth(self.line as usize - 1)
    }
}

impl Place {
    /// The line with as many before it, numbered, and a mark under the column; empty where the source may not be shown.
    /// Of long lines the part around the column is shown.
    #[must_use]
    pub fn excerpt(&self, before: u32) -> String {
        use fmt::Write as _;
        let mut out = String::new();
        let first = self.line.saturating_sub(before).max(1);
        let width = self.line.to_string().len();
        let window = Window::around(self.line_text().unwrap_or_default(), self.column);
        for (number, line) in (1..=self.line).zip(self.source.text.lines()) {
            if number >= first {
                let _ = writeln!(
                    out,
                    "{number:<width$} {}",
                    if number == self.line { window } else { Window::LEFT }.cut(line)
                );
            }
        }
        if !out.is_empty() {
            let _ = writeln!(
                out,
                "{:>1$} column {2}",
                '^',
                width + 2 + window.offset(self.column),
                self.column
            );
        }
        out
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.source.name, self.line, self.column)
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
