//! Errors of the engine as ours: what is wrong in plain words, and where in the text that a person wrote.

use super::error::carried;
use super::machine::{self, Code, Kind};
use super::world::World;
use super::{TemplateError, TemplateErrorKind, escape};
use crate::diag::{Place, Source};
use crate::value::Text;
use minijinja::{Error, ErrorKind};
use std::ops::Range;
use std::sync::Arc;

/// A text that cannot be compiled.
pub(super) fn syntax(error: &Error, text: &Text) -> TemplateError {
    let e = TemplateError::new(
        TemplateErrorKind::Syntax,
        format!("the template cannot be parsed: {}", words(error)),
    );
    at(e, text, offset(error, None, text.as_str()))
}

/// An error of an evaluation of this text, with its place.
pub(super) fn placed(
    error: &Error,
    text: &Text,
    code: Option<&Code>,
    world: &Arc<World>,
) -> TemplateError {
    let range = offset(error, code, text.as_str());
    if let Some(inner) = carried(error) {
        return via_at(inner.error.clone(), inner.variable.as_deref(), text, range);
    }
    if let Some(place) = included(error, world) {
        let mut e = match innermost(error).kind() {
            ErrorKind::UndefinedError => TemplateError::new(
                TemplateErrorKind::Undefined,
                format!("something in `{}` is undefined", place.line_text().unwrap_or("").trim()),
            ),
            ErrorKind::SyntaxError => TemplateError::new(TemplateErrorKind::Syntax, words(error)),
            _ => TemplateError::new(TemplateErrorKind::Other, words(error)),
        };
        e.diagnostic.place = Some(place);
        return via_at(e, None, text, range);
    }
    if innermost(error).kind() == ErrorKind::UndefinedError {
        if let Some(detail) = innermost(error).detail() {
            let e = TemplateError::new(TemplateErrorKind::Undefined, detail.to_owned());
            return at(e, text, range);
        }
        let blame = code.and_then(|code| machine::blame(code, error, world));
        let message = match &blame {
            Some(blame) => blame.message.clone(),
            None => format!("something in `{}` is undefined", text.as_str().trim()),
        };
        let mut e = TemplateError::new(TemplateErrorKind::Undefined, message);
        e.diagnostic.hint = blame.as_ref().and_then(|b| b.hint.clone());
        let start = blame.map(|b| back(code, text.as_str(), b.at + shift(code)));
        return at(e, text, start.map(|s| s..s).or(range));
    }
    let kind = match innermost(error).kind() {
        ErrorKind::UnknownFunction => TemplateErrorKind::Undefined,
        ErrorKind::SyntaxError | ErrorKind::UnknownFilter | ErrorKind::UnknownTest => {
            TemplateErrorKind::Syntax
        }
        _ => TemplateErrorKind::Other,
    };
    at(TemplateError::new(kind, words(error)), text, range)
}

/// The error of an inner template, which this text needed.
pub(super) fn via(error: TemplateError, variable: Option<&str>, text: &Text) -> TemplateError {
    via_at(error, variable, text, None)
}

fn via_at(
    mut error: TemplateError,
    variable: Option<&str>,
    text: &Text,
    range: Option<Range<usize>>,
) -> TemplateError {
    let named = || variable.and_then(|name| text.as_str().find(name)).map(|at| at..at);
    let range = range.or_else(named);
    let Some(place) = text.place().map(|p| place(p, text.as_str(), range)) else { return error };
    if error.diagnostic.place.is_none() {
        error.diagnostic.place = Some(place);
        return error;
    }
    let how = match variable {
        Some(name) => format!("in the variable {name}, needed at"),
        None => "needed at".to_owned(),
    };
    error.diagnostic.chain.push((how, place));
    error
}

fn at(mut error: TemplateError, text: &Text, range: Option<Range<usize>>) -> TemplateError {
    if let Some(at) = text.place() {
        error.diagnostic.place = Some(place(at, text.as_str(), range));
    }
    error
}

fn innermost(error: &Error) -> &Error {
    let mut at = error;
    while let Some(inner) = std::error::Error::source(at).and_then(|s| s.downcast_ref::<Error>()) {
        at = inner;
    }
    at
}

/// The engine's words, without its prefixes and places.
pub(super) fn words(error: &Error) -> String {
    let inner = innermost(error);
    let text = inner.detail().map_or_else(|| inner.kind().to_string(), str::to_owned);
    match inner.kind() {
        ErrorKind::UnknownFilter => {
            text.replace("filter ", "there is no filter named ").replace(" is unknown", "")
        }
        ErrorKind::UnknownTest => {
            text.replace("test ", "there is no test named ").replace(" is unknown", "")
        }
        ErrorKind::UnknownFunction => text
            .strip_suffix(" is unknown")
            .map_or(text.clone(), |name| format!("the function '{name}' is undefined")),
        ErrorKind::OutOfFuel => "it takes too long; is there an endless loop?".to_owned(),
        _ => text,
    }
}

/// The line of an error in a template file that this text includes.
fn included(error: &Error, world: &Arc<World>) -> Option<Place> {
    let inner = innermost(error);
    let path = inner.name().filter(|name| !name.starts_with('<'))?.split('\0').next()?;
    let bytes = world.outside().read(std::path::Path::new(path)).unwrap_or_default();
    let source = Source::new(path, String::from_utf8_lossy(&bytes));
    let line = u32::try_from(inner.line()?).unwrap_or(1).max(1);
    let place = Place { source, line, column: 1 };
    let indent = place.line_text().map_or(0, |l| l.len() - l.trim_start().len());
    Some(Place { column: u32::try_from(indent + 1).unwrap_or(1), ..place })
}

/// An offset in the compiled text as one in the written text.
fn back(code: Option<&Code>, text: &str, offset: usize) -> usize {
    match code {
        Some(code) if code.is_escaped => escape::original(text, offset),
        _ => offset,
    }
}

fn shift(code: Option<&Code>) -> usize {
    match code.map(|code| code.kind) {
        Some(Kind::Expression { at }) => at,
        _ => 0,
    }
}

/// Where in the text the error is, in bytes.
fn offset(error: &Error, code: Option<&Code>, text: &str) -> Option<Range<usize>> {
    let shift = shift(code);
    if let Some(range) = error.range() {
        return Some(back(code, text, range.start + shift)..back(code, text, range.end + shift));
    }
    let line = error.line()?;
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    (line > 1).then_some(start..start)
}

/// The place of a part of a written text. The text is not always in the source as it is (folded lines, escapes), so the
/// line of the part is looked for where it should be, and otherwise the place of the text itself has to do.
fn place(of: &Place, text: &str, range: Option<Range<usize>>) -> Place {
    let Some(start) = range.map(|r| r.start.min(text.len())) else { return of.clone() };
    let Some(before) = text.get(..start) else { return of.clone() };
    let line_start = before.rfind('\n').map_or(0, |i| i + 1);
    let line = text.get(line_start..).unwrap_or_default().lines().next().unwrap_or_default();
    let indent = line.len() - line.trim_start().len();
    let sought = line.trim();
    let number = before.matches('\n').count();
    let lines = of.source.text.lines().enumerate().skip(of.line as usize - 1);
    for (i, source) in lines.skip(number).take(40) {
        let from = if i + 1 == of.line as usize { of.column as usize - 1 } else { 0 };
        let skipped: usize = source.chars().take(from).map(char::len_utf8).sum();
        if let Some(found) = source.get(skipped..).and_then(|rest| rest.find(sought)) {
            let at = skipped + found + (start - line_start).saturating_sub(indent);
            let column = source.get(..at).map_or(0, |s| s.chars().count()) + 1;
            return Place {
                source: Arc::clone(&of.source),
                line: u32::try_from(i + 1).unwrap_or(of.line),
                column: u32::try_from(column).unwrap_or(of.column),
            };
        }
    }
    of.clone()
}
