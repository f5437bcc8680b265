//! What is done about group names that are not variable names (`force_valid_group_names`).

use crate::diag::{Diagnostic, Place};

/// What happens to group names with other characters than letters, digits and `_`, or a digit first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum InvalidGroupNames {
    /// They stay, with one warning.
    #[default]
    Never,
    /// They stay without a warning.
    Ignore,
    /// Every other character becomes `_`, with one warning.
    Always,
    /// Every other character becomes `_` without a warning.
    Silently,
}

/// Applies the rule and remembers whether to warn.
#[derive(Debug, Default)]
pub(super) struct GroupNames {
    rule: InvalidGroupNames,
    /// The first such name and its place.
    first: Option<(String, Place)>,
}

impl GroupNames {
    pub(super) fn new(rule: InvalidGroupNames) -> Self {
        Self { rule, first: None }
    }

    /// The name to use.
    pub(super) fn safe(&mut self, name: &str, place: &Place) -> String {
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let digit_first = name.starts_with(|c: char| c.is_numeric());
        if !digit_first && name.chars().all(word) {
            return name.to_owned();
        }
        self.first.get_or_insert_with(|| (name.to_owned(), place.clone()));
        match self.rule {
            InvalidGroupNames::Never | InvalidGroupNames::Ignore => name.to_owned(),
            InvalidGroupNames::Always | InvalidGroupNames::Silently => name
                .chars()
                .enumerate()
                .map(|(i, c)| if !word(c) || (i == 0 && c.is_numeric()) { '_' } else { c })
                .collect(),
        }
    }

    /// The warning, if one is due.
    pub(super) fn warning(self) -> Option<Diagnostic> {
        let (name, place) = self.first?;
        let what = match self.rule {
            InvalidGroupNames::Ignore | InvalidGroupNames::Silently => return None,
            InvalidGroupNames::Never => "stays as it is",
            InvalidGroupNames::Always => "is changed: other characters become \"_\"",
        };
        Some(
            Diagnostic::warning(format!(
                "group name \"{name}\" is not a valid variable name; it {what}"
            ))
            .at(&place)
            .hint("use letters, digits and \"_\" only, or set force_valid_group_names to ignore"),
        )
    }
}
