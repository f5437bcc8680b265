//! The text of a template file.

use super::engine::Engine;
use super::world::World;
use super::{FileOptions, TemplateError, machine, native, report};
use crate::value::Text;
use std::sync::Arc;

/// Renders a template file to text.
pub(super) fn render(
    engine: &Engine,
    text: &Text,
    world: &Arc<World>,
    _options: &FileOptions,
) -> Result<String, TemplateError> {
    let code = machine::template(text.as_str(), &native::syntax())
        .map_err(|e| report::syntax(&e, text))?;
    engine.run(&code, text, world).map(|v| v.to_string())
}
