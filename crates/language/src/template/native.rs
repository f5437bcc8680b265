//! How values become text inside a template: as Python prints them, `None` as nothing.

use super::convert;
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

/// What a template has printed: a template that prints one value and nothing else is that value.
#[derive(Default)]
pub(super) struct Printed {
    count: usize,
    first: Option<Jinja>,
}

impl Printed {
    /// The value that a template is, given all of its text.
    pub(super) fn native(self, text: String) -> Jinja {
        match self.first {
            Some(value) if self.count == 1 && !value.is_none() && whole(&value, &text) => value,
            Some(value) if self.count == 1 && value.is_none() && text.is_empty() => value,
            _ => Jinja::from(text),
        }
    }
}

fn whole(value: &Jinja, text: &str) -> bool {
    value.kind() != ValueKind::String && printed(value).is_ok_and(|printed| printed == text)
}

/// Writes a value into the text around it.
pub(super) fn format(out: &mut Output, state: &mut State, value: &Jinja) -> Result<(), Error> {
    let seen = state.get_or_insert_extension(Printed::default());
    seen.count += 1;
    if seen.count == 1 {
        seen.first = Some(value.clone());
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
        ValueKind::None => String::new(),
        ValueKind::Seq if value.is_tuple() => value.to_string(),
        ValueKind::Plain if value.downcast_object_ref::<super::lazy::OmitMark>().is_none() => {
            value.to_string()
        }
        _ => value::string(&convert::lower(value)?),
    })
}
