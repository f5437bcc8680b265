//! A diagnostic as a reader sees it: place, line, caret, hint.

use super::window::Window;
use super::{Diagnostic, Diagnostics, Place, Severity};
use std::fmt::Write as _;

impl Diagnostic {
    /// Several lines without a final newline:
    ///
    /// ```text
    /// error: unknown keyword "hots"
    ///   --> site.yml:3:3
    ///    |
    ///  3 |   hots: all
    ///    |   ^
    ///   hint: did you mean "hosts"?
    /// ```
    #[must_use]
    pub fn render(&self) -> String {
        let word = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        format!("{word}: {}", self.body())
    }

    /// The same without its first word, for those who write one of their own.
    #[must_use]
    pub fn body(&self) -> String {
        let mut out = self.message.clone();
        if let Some(place) = &self.place {
            draw(&mut out, place);
        }
        for (how, place) in &self.chain {
            let _ = write!(out, "\n  {how} {place}");
        }
        if let Some(hint) = &self.hint {
            let _ = write!(out, "\n  hint: {hint}");
        }
        out
    }
}

impl Diagnostics {
    /// All of them, one after another.
    #[must_use]
    pub fn render(&self) -> String {
        self.0.iter().map(Diagnostic::render).collect::<Vec<_>>().join("\n")
    }
}

fn draw(out: &mut String, place: &Place) {
    let _ = write!(out, "\n  --> {place}");
    let Some(line) = place.line_text() else { return };
    let number = place.line.to_string();
    let gutter = " ".repeat(number.len());
    let window = Window::around(line, place.column);
    let line = window.cut(line);
    let before: String = line
        .chars()
        .take(window.offset(place.column))
        .map(|c| if c == '\t' { '\t' } else { ' ' })
        .collect();
    let _ = write!(out, "\n {gutter} |\n {number} | {line}\n {gutter} | {before}^");
}
