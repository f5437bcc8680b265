//! Syntax errors in words for the author of a file: what was expected, where, and what to do about it.

use super::build::Builder;
use super::load::MAX_DEPTH;
use crate::diag::{Diagnostic, Place};
use granit_parser::{ErrorKind, ScanError};

/// What a syntax error means.
pub(super) fn explain(error: &ScanError, builder: &Builder<'_>) -> Diagnostic {
    let place = builder.place(*error.marker());
    let line = line(builder.text(), place.line);
    if let Some(at) = template_around(builder, line, &place) {
        return unquoted_template(&at);
    }
    let diagnostic = match error.kind() {
        ErrorKind::MappingValueNotAllowed => return colon(line, &place),
        ErrorKind::TabInPlainScalar => return tab(builder, &place),
        kind => words(kind),
    };
    let diagnostic = diagnostic.at(&place);
    match builder.open().iter().rev().find(|frame| frame.flow) {
        Some(open) if open.place.line < place.line => diagnostic.via("opened at", &open.place),
        _ => diagnostic,
    }
}

/// `key: {{ x }}` without quotes.
pub(super) fn unquoted_template(place: &Place) -> Diagnostic {
    Diagnostic::error("a value that starts with a template must be quoted")
        .at(place)
        .hint("write \"{{ … }}\": without quotes `{` starts a map")
}

/// A tab where only spaces can be.
pub(super) fn tab_indentation() -> Diagnostic {
    Diagnostic::error("a tab cannot be used for indentation").hint("indent with spaces")
}

fn line(text: &str, number: u32) -> &str {
    text.lines().nth((number as usize).saturating_sub(1)).unwrap_or_default()
}

/// Where an unquoted value that starts with `{{` or `{%` is, if the error is inside it or on its line.
fn template_around(builder: &Builder<'_>, line: &str, place: &Place) -> Option<Place> {
    let opens = |text: &str| text.starts_with("{{") || text.starts_with("{%");
    let open = builder
        .open()
        .iter()
        .find(|frame| frame.flow && builder.text().get(frame.start..).is_some_and(opens));
    if let Some(frame) = open {
        return Some(frame.place.clone());
    }
    let at = value_start(line).filter(|at| line.get(*at..).is_some_and(opens))?;
    Some(Place { column: column(line, at), ..place.clone() })
}

/// The byte where the value of a line starts: after its dashes and its first key.
fn value_start(line: &str) -> Option<usize> {
    let mut at = line.len() - line.trim_start().len();
    while let Some(rest) = line.get(at..).and_then(|rest| rest.strip_prefix("- ")) {
        at = line.len() - rest.trim_start().len();
    }
    if line.get(at..)?.starts_with(['{', '[']) {
        return Some(at);
    }
    match line.get(at..)?.split_once(": ") {
        Some((_, value)) => Some(line.len() - value.trim_start().len()),
        None => Some(at),
    }
}

fn column(line: &str, byte: usize) -> u32 {
    let characters = line.get(..byte).unwrap_or(line).chars().count();
    u32::try_from(characters + 1).unwrap_or(u32::MAX)
}

/// A colon where no key can be: either a value with `: ` in it, or a line that is indented too far.
fn colon(line: &str, place: &Place) -> Diagnostic {
    let before: String = line.chars().take(place.column as usize - 1).collect();
    if before.contains(": ") {
        return Diagnostic::error("a value with `: ` in it must be quoted").at(place).hint(
            "put the whole value in quotes; without them YAML reads the second `: ` as another key",
        );
    }
    Diagnostic::error("a key cannot stand here").at(place).hint(
        "the line above has a value already, or this line is indented too far: \
         keys of one map start in the same column",
    )
}

/// The tab that broke a text is somewhere after its start.
fn tab(builder: &Builder<'_>, place: &Place) -> Diagnostic {
    let lines = builder.text().lines().enumerate().skip(place.line as usize);
    let tab = lines
        .take_while(|(_, line)| line.trim_start().len() < line.len() || line.trim().is_empty())
        .find_map(|(number, line)| {
            let indent = line.get(..line.len() - line.trim_start().len())?;
            let at = indent.find('\t')?;
            Some(Place {
                line: u32::try_from(number + 1).ok()?,
                column: column(line, at),
                ..place.clone()
            })
        });
    tab_indentation().at(&tab.unwrap_or_else(|| place.clone()))
}

fn words(kind: &ErrorKind) -> Diagnostic {
    structure(kind).or_else(|| scalars(kind)).unwrap_or_else(|| Diagnostic::error(kind.to_string()))
}

/// Errors in how lists and maps are put together.
fn structure(kind: &ErrorKind) -> Option<Diagnostic> {
    use ErrorKind as K;
    let (message, hint) = match kind {
        K::TabNotAllowed
        | K::TabInBlockIndentation
        | K::TabInIndentation
        | K::TabAtBlockScalarStart => return Some(tab_indentation()),
        K::SimpleKeyExpected | K::InvalidSimpleKey => (
            "expected `:` after this key",
            "write `key: value` on one line, or indent the line if it belongs to the value above",
        ),
        K::ExpectedBlockMappingKey => (
            "expected a key that starts in the same column as the other keys of its map",
            "check the indentation of this line",
        ),
        K::ExpectedBlockSequenceEntry => (
            "expected another `- ` entry of the list",
            "start the line with `- `, or indent it to the column of the map that it belongs to",
        ),
        K::BlockSequenceEntryNotAllowed => (
            "a list entry cannot start here",
            "start the list on a line of its own, or quote the value if it is text",
        ),
        K::InvalidIndentation => {
            ("this line is indented differently from its neighbours", "align it with them")
        }
        K::ExpectedFlowMappingSeparator
        | K::UnexpectedEofFlowMapping
        | K::UnexpectedEofImplicitFlowMapping => {
            ("expected `,` or `}`", "close the map with `}`, or quote the text if it is none")
        }
        K::ExpectedFlowSequenceSeparator
        | K::UnexpectedEofFlowSequence
        | K::InvalidColonPlacement => {
            ("expected `,` or `]`", "close the list with `]`, or quote the text if it is none")
        }
        K::UnclosedFlowCollection { open } => {
            return Some(
                Diagnostic::error(format!("this `{open}` is not closed"))
                    .hint("close it, or quote the value if it is text"),
            );
        }
        K::MisplacedFlowCollectionEnd => {
            ("there is nothing to close here", "quote the value if it is text")
        }
        K::ExpectedDocumentStart | K::InvalidDocumentEnd => {
            ("expected the end of the document", "check the indentation of this line")
        }
        K::RecursionLimitExceeded => {
            return Some(Diagnostic::error(format!(
                "lists and maps are nested more than {MAX_DEPTH} levels deep"
            )));
        }
        _ => return None,
    };
    Some(Diagnostic::error(message).hint(hint))
}

/// Errors inside a value.
fn scalars(kind: &ErrorKind) -> Option<Diagnostic> {
    use ErrorKind as K;
    let (message, hint) = match kind {
        K::UnexpectedCharacter { character } => {
            return Some(
                Diagnostic::error(format!("a value cannot start with `{character}`"))
                    .hint("put the value in quotes"),
            );
        }
        K::UnclosedQuotedScalar => {
            ("this quote is not closed", "end the text with the quote that it starts with")
        }
        K::InvalidTrailingSingleQuotedScalar | K::InvalidTrailingDoubleQuotedScalar => (
            "unexpected text after the closing quote",
            "put the whole value in quotes of the other kind, or start it with a word",
        ),
        K::UnknownQuotedScalarEscape
        | K::InvalidQuotedScalarHexEscape
        | K::InvalidUnicodeEscape => (
            "unknown escape after `\\` in this text",
            "write `\\\\` for a backslash, or use single quotes, which know no escapes",
        ),
        K::InvalidBlockScalarHeader => (
            "unexpected text after the `|` or `>`",
            "start the text on the next line, or quote the value",
        ),
        K::InvalidBlockScalarIndent => (
            "this line is indented less than the first line of its text",
            "indent all lines of a `|` or `>` text alike",
        ),
        K::PlainScalarStartsWithDashFlowIndicator
        | K::MappingKeyNotAllowed
        | K::ExpectedNodeContent
        | K::UnexpectedEndOfPlainScalar => {
            ("expected a value here", "put the value in quotes if it is text")
        }
        K::DocumentIndicatorInQuotedScalar => (
            "a document marker (`---` or `...`) stands inside a quoted text",
            "close the quote before it, or indent the line",
        ),
        K::MissingAnchorOrAliasName => {
            ("expected a name after `&` or `*`", "quote the value if it is text")
        }
        K::CommentNotSeparated => ("a comment needs a space before its `#`", "add a space"),
        K::InvalidQuotedScalarIndent | K::InvalidFlowScalarIndent => {
            ("the lines of this text must be indented further than its key", "indent them")
        }
        _ => return None,
    };
    Some(Diagnostic::error(message).hint(hint))
}
