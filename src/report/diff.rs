//! `--diff`: before and after as a unified diff.

use super::sanitise::sanitise;
use mainstay_language::value::{Value, string};
use similar::TextDiff;

/// One diff of a result, without power over a terminal: `{before, after, before_header, after_header}` or `{prepared}`. Empty if nothing differs.
#[must_use]
pub(super) fn render(diff: &Value, color: bool) -> String {
    let text = |key: &str| diff.get(key).map(as_text);
    if let Some(prepared) = text("prepared") {
        return sanitise(&prepared).into_owned();
    }
    let (Some(before), Some(after)) = (text("before"), text("after")) else { return String::new() };
    if before == after {
        return String::new();
    }
    let header = |key: &str, side: &str| match text(key) {
        Some(name) if !name.is_empty() => format!("{side}: {name}"),
        _ => side.to_owned(),
    };
    let lines = TextDiff::from_lines(&before, &after);
    let unified = lines
        .unified_diff()
        .context_radius(3)
        .header(&header("before_header", "before"), &header("after_header", "after"))
        .to_string();
    // A line end of another system is a difference that must be seen.
    let unified = unified.replace("\r\n", "␍\n");
    let unified = sanitise(&unified);
    if color { unified.lines().map(painted).collect() } else { unified.into_owned() }
}

/// Structured states are shown as JSON.
fn as_text(value: &Value) -> String {
    match value {
        Value::Map(_) | Value::List(_) => format!("{}\n", super::json::dump(value, Some(4))),
        other => string(other),
    }
}

fn painted(line: &str) -> String {
    let color = match line.chars().next() {
        Some('+') => "0;32",
        Some('-') => "0;31",
        Some('@') => "0;36",
        _ => return format!("{line}\n"),
    };
    format!("\x1b[{color}m{line}\x1b[0m\n")
}
