//! Conditions: `when`, `failed_when`, `until`, `assert`.

use super::engine::Engine;
use super::world::World;
use super::{TemplateError, TemplateErrorKind};
use crate::value::Value;
use std::sync::Arc;

/// Whether a condition holds.
pub(super) fn holds(
    engine: &Engine,
    value: &Value,
    world: &Arc<World>,
) -> Result<bool, TemplateError> {
    let Value::Text(text) = value else {
        return Err(TemplateError::new(TemplateErrorKind::NotBoolean, "not a condition"));
    };
    let result = engine.expression(text, world)?;
    if result.kind() == minijinja::value::ValueKind::Bool {
        return Ok(result.is_true());
    }
    Err(TemplateError::new(TemplateErrorKind::NotBoolean, "the condition is not true or false"))
}
