//! Conditions: `when`, `failed_when`, `until`, `assert`.
//!
//! A condition is a bare expression that a person wrote, and it is true or false: any other result is an error, and so is
//! text that was computed. A condition that is wholly one template is still understood: it gives true or false itself,
//! or leads to a written expression.

use super::engine::Engine;
use super::world::World;
use super::{TemplateError, TemplateErrorKind, convert, machine, report};
use crate::value::{Text, Value};
use minijinja::Value as Jinja;
use minijinja::value::ValueKind;
use std::sync::Arc;

/// Whether a condition holds.
pub(super) fn holds(
    engine: &Engine,
    value: &Value,
    world: &Arc<World>,
) -> Result<bool, TemplateError> {
    let text = match value {
        Value::Bool(b) => return Ok(*b),
        Value::Text(text) => text,
        Value::Null => return Err(refuse("a condition is empty")),
        Value::Encrypted(vault) => {
            return holds(engine, &convert::decrypted(vault, world)?, world);
        }
        other => {
            let message = format!("a condition is an expression, not a {}", other.type_name());
            return Err(refuse(message));
        }
    };
    let placed = |mut e: TemplateError| {
        *e.diagnostic = e.diagnostic.clone().at_opt(text.place());
        e
    };
    if text.place().is_none() {
        let message = format!(
            "{:?} is an untrusted template or expression: data is never evaluated as a condition",
            shortened(text.as_str())
        );
        return Err(placed(refuse(message)));
    }
    let bare = text.as_str().trim();
    if bare.is_empty() {
        return Err(placed(refuse("a condition is empty")));
    }
    if is_whole_template(bare) {
        return whole_template(engine, text, world).map_err(placed);
    }
    let result = engine.condition(text, world)?;
    judge(engine, &result, text, world).map_err(placed)
}

fn is_whole_template(bare: &str) -> bool {
    [("{{", "}}"), ("{%", "%}")]
        .iter()
        .any(|(open, close)| bare.starts_with(open) && bare.ends_with(close))
}

/// `{{ … }}` around a condition: its value, or the written expression that it names.
fn whole_template(engine: &Engine, text: &Text, world: &Arc<World>) -> Result<bool, TemplateError> {
    if let Some(Value::Text(inner)) = written(text, world)
        && !inner.is_template()
        && inner.place().is_some()
    {
        return holds(engine, &Value::Text(inner), world);
    }
    let place = text.place().cloned();
    let trimmed = match place {
        Some(place) => Text::written(text.as_str().trim(), place),
        None => return Err(refuse("data is never evaluated as a condition")),
    };
    let result = engine.evaluate(&trimmed, world)?;
    if result.is_none() || result.as_str() == Some("") {
        return Err(refuse("a condition is empty"));
    }
    if let (Some(computed), false) = (result.as_str(), engine.broken_conditionals) {
        return Err(refuse(format!(
            "the template gives {:?}, an untrusted template or expression: computed text is never evaluated as a condition",
            shortened(computed)
        )));
    }
    judge(engine, &result, text, world)
}

fn judge(
    engine: &Engine,
    result: &Jinja,
    text: &Text,
    world: &Arc<World>,
) -> Result<bool, TemplateError> {
    if result.kind() == ValueKind::Bool {
        return Ok(result.is_true());
    }
    let value = convert::lower(result).map_err(|e| report::placed(&e, text, None, world))?;
    if engine.broken_conditionals {
        return Ok(value.is_true());
    }
    let truth = if value.is_true() { "true" } else { "false" };
    let mut e = refuse(format!(
        "a condition must be true or false, and this one is {} ({})",
        match &value {
            Value::Null => "None".to_owned(),
            other => format!("a {}", other.type_name()),
        },
        shortened(&crate::value::repr(&value)),
    ));
    e.diagnostic.hint = Some(match &value {
        Value::Text(_) | Value::List(_) | Value::Map(_) => {
            format!(
                "`… | length > 0` asks whether it is empty, `… | bool` reads a word; alone it would be {truth}"
            )
        }
        Value::Null => "`… is not none` asks whether it has a value".to_owned(),
        _ => format!("`… | bool` makes it one; alone it would be {truth}"),
    });
    Err(e)
}

fn refuse(message: impl Into<String>) -> TemplateError {
    TemplateError::new(TemplateErrorKind::NotBoolean, message)
}

fn shortened(text: &str) -> String {
    const SHOWN: usize = 60;
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// The raw value that a path of names leads to, written as a bare path or as a lone `{{ path }}`; `None` if it is not a
/// path, or leads through a template.
pub(super) fn written(text: &Text, world: &World) -> Option<Value> {
    let bare = text.as_str().trim();
    let inner = bare.strip_prefix("{{").and_then(|s| s.strip_suffix("}}")).unwrap_or(bare);
    let path = machine::path(inner)?;
    let mut names = path.iter();
    let mut value = world.scope.get(names.next()?)?;
    for name in names {
        value = match &value {
            Value::Map(map) => map.get(name)?.clone(),
            Value::Scope(scope) => scope.get(name)?,
            _ => return None,
        };
    }
    Some(value)
}
