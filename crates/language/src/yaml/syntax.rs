//! Syntax errors in words for the author of a file.

use super::build::Builder;
use crate::diag::{Diagnostic, Place};
use granit_parser::ScanError;

/// What a syntax error means, where, and what to do about it.
pub(super) fn explain(error: &ScanError, builder: &Builder<'_>) -> Diagnostic {
    let place = builder.place(*error.marker());
    Diagnostic::error(error.kind().to_string()).at(&place)
}

/// `key: {{ x }}` without quotes.
pub(super) fn unquoted_template(place: &Place) -> Diagnostic {
    Diagnostic::error("a value that starts with `{{` must be quoted")
        .at(place)
        .hint("write \"{{ … }}\": without quotes YAML reads `{` as the start of a map")
}
