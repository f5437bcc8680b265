//! The one question before something disruptive.

use super::exit;
use super::refusal::Refusal;
use super::terminal::{Terminal, is_interactive};
use crate::engine::Prompter;

/// Whether the user says yes to what was just shown. `--yes` is asked for where there is no terminal.
///
/// # Errors
/// Nobody can be asked.
pub(super) fn confirmed() -> Result<bool, Refusal> {
    if !is_interactive() {
        return Err(Refusal::because(
            exit::REFUSED,
            "there is no terminal to ask on: add --yes, or --plan to see the plan only",
        ));
    }
    let answer = Terminal
        .ask("carry this out? [y/N] ", false)
        .map_err(|e| Refusal::because(exit::GENERAL, format!("cannot ask: {e}")))?;
    Ok(matches!(answer.as_deref(), Some("y" | "Y" | "yes")))
}
