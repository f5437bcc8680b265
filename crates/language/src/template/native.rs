//! How values become text inside a template: as Python prints them, `None` as nothing.

use super::convert;
use super::lazy::OmitMark;
use crate::value;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind, Output, State, Value as Jinja};

/// The syntax of templates in playbooks: the defaults of Jinja, with the final newline kept.
pub(super) fn syntax() -> SyntaxConfig {
    let mut builder = SyntaxConfig::builder();
    builder.keep_trailing_newline(true).trim_blocks(true);
    builder.build().unwrap_or_default()
}

/// The text of a template with at least as many final newlines as its source has: the last of them is no part of the
/// template, and a block before it takes its own.
pub(super) fn with_final_newlines(source: &str, mut text: String) -> String {
    let count = |s: &str| s.len() - s.trim_end_matches('\n').len();
    for _ in count(&text)..count(source) {
        text.push('\n');
    }
    text
}

/// What a template has printed: a template that prints one value and nothing else is that value. `None` and `omit` are
/// not printed at all.
#[derive(Default)]
pub(super) struct Printed {
    count: usize,
    first: Option<Jinja>,
}

impl Printed {
    /// The value that a template is, given all of its text.
    pub(super) fn native(self, text: String) -> Jinja {
        match self.first {
            None if text.is_empty() => Jinja::from(()),
            Some(value) if self.count == 1 && whole(&value, &text) => value,
            _ => Jinja::from(text),
        }
    }
}

fn whole(value: &Jinja, text: &str) -> bool {
    if is_omit(value) {
        return text.is_empty();
    }
    value.kind() != ValueKind::String && printed(value).is_ok_and(|printed| printed == text)
}

fn is_omit(value: &Jinja) -> bool {
    value.downcast_object_ref::<OmitMark>().is_some()
}

/// Writes a value into the text around it.
pub(super) fn format(out: &mut Output, state: &mut State, value: &Jinja) -> Result<(), Error> {
    if value.is_none() {
        return Ok(());
    }
    let seen = state.get_or_insert_extension(Printed::default());
    seen.count += 1;
    if seen.count == 1 {
        seen.first = Some(value.clone());
    }
    if is_omit(value) {
        return Ok(());
    }
    match value.as_str() {
        Some(text) => out.write_str(text),
        None => out.write_str(&printed(value)?),
    }
    .map_err(Error::from)
}

fn printed(value: &Jinja) -> Result<String, Error> {
    Ok(match value.kind() {
        ValueKind::Undefined => return Err(Error::from(ErrorKind::UndefinedError)),
        ValueKind::Plain => value.to_string(),
        _ => value::string(&convert::lower(value)?),
    })
}
