//! From text to documents.

use super::build::Builder;
use super::{Node, NodeKind, syntax};
use crate::diag::{Diagnostic, Diagnostics, Nature, Source};
use crate::value::Value;
use granit_parser::{Parser, options};
use std::sync::Arc;

/// How deep lists and maps may be nested, aliases expanded.
pub(super) const MAX_DEPTH: usize = 256;

/// Every document of a file. Warnings (duplicate keys) are added to `warnings`.
///
/// # Errors
/// The first thing that is wrong: syntax, an unknown tag, a value that is none, a limit; with its place.
pub fn load(source: &Arc<Source>, warnings: &mut Diagnostics) -> Result<Vec<Node>, Diagnostic> {
    load_text(source, &source.text, warnings)
}

/// As [`load`], for a text that its source does not show (a decrypted vault: `source.text` is empty).
///
/// # Errors
/// As [`load`].
pub fn load_text(
    source: &Arc<Source>,
    text: &str,
    warnings: &mut Diagnostics,
) -> Result<Vec<Node>, Diagnostic> {
    documents(Builder::new(source, text, warnings)).map_err(|wrong| wrong.of(Nature::Syntax))
}

/// The one document of a file; a file with nothing in it is null.
///
/// # Errors
/// As [`load`], and if there are several documents.
pub fn load_one(source: &Arc<Source>, warnings: &mut Diagnostics) -> Result<Node, Diagnostic> {
    load_one_text(source, &source.text, warnings)
}

/// As [`load_one`], for a text that its source does not show.
///
/// # Errors
/// As [`load_one`].
pub fn load_one_text(
    source: &Arc<Source>,
    text: &str,
    warnings: &mut Diagnostics,
) -> Result<Node, Diagnostic> {
    let mut documents = load_text(source, text, warnings)?.into_iter();
    match (documents.next(), documents.next()) {
        (None, _) => Ok(Node { place: source.start(), kind: NodeKind::Scalar(Value::Null) }),
        (Some(document), None) => Ok(document),
        (Some(_), Some(second)) => {
            Err(Diagnostic::error("expected a single document, but another one starts here")
                .at(&second.place)
                .hint("remove the line `---` before it, or use a file of its own")
                .of(Nature::Syntax))
        }
    }
}

/// Every document of a text that nobody wrote for us (`from_yaml`, a host's output): no text in it has a place, so
/// nothing in it is ever rendered. Places of errors count in `name`.
///
/// # Errors
/// As [`load`].
pub fn load_data(name: &str, text: &str) -> Result<Vec<Value>, Diagnostic> {
    let source = Source::new(name, text);
    let mut warnings = Diagnostics::default();
    let nodes = documents(Builder::new(&source, text, &mut warnings).data())?;
    Ok(nodes.iter().map(Node::to_value).collect())
}

fn documents(mut builder: Builder<'_>) -> Result<Vec<Node>, Diagnostic> {
    let options = options! {
        emit_comments: false,
        emit_unresolved_aliases: true,
        block_scalar_eof_without_line_feed: true,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    for event in Parser::new_from_str_with_options(builder.text(), options) {
        match event {
            Ok((event, span)) => builder.take(event, span)?,
            Err(error) => return Err(syntax::explain(&error, &builder)),
        }
    }
    Ok(builder.finish())
}
