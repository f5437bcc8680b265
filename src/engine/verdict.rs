//! From a module's answer to the verdict on a task: `failed_when`, `changed_when`, and how items make up a loop's result.

use mainstay_language::value::{Map, Value, string};

/// The verdict-carrying keys of a result.
#[must_use]
pub(super) fn flag(result: &Map, key: &str) -> bool {
    result.get(key).is_some_and(Value::is_true)
}

/// Whether a result without an explicit `failed` has failed: an exit status other than 0.
#[must_use]
pub(super) fn implied_failure(result: &Map) -> bool {
    match result.get("rc") {
        Some(Value::Int(rc)) => *rc != 0,
        Some(Value::Text(rc)) => rc.as_str() != "0",
        _ => false,
    }
}

/// Adds `stdout_lines` and `stderr_lines` where the streams are there and their lines are not.
pub(super) fn add_lines(result: &mut Map) {
    for (stream, lines) in [("stdout", "stdout_lines"), ("stderr", "stderr_lines")] {
        if result.get(lines).is_none()
            && let Some(Value::Text(text)) = result.get(stream)
        {
            let split: Vec<Value> = text.as_str().lines().map(Value::text).collect();
            result.insert(lines, Value::list(split));
        }
    }
}

/// The result of a looped task from those of its items.
#[must_use]
pub(super) fn of_items(items: Vec<Map>) -> Map {
    let mut result = Map::new();
    let changed = items.iter().any(|item| flag(item, "changed"));
    let failed = items.iter().any(|item| flag(item, "failed"));
    let unreachable = items.iter().any(|item| flag(item, "unreachable"));
    let skipped = !items.is_empty() && items.iter().all(|item| flag(item, "skipped"));
    let message = if failed {
        "One or more items failed"
    } else if skipped {
        "All items skipped"
    } else {
        "All items completed"
    };
    if items.is_empty() {
        result.insert("skipped", true);
        result.insert("skipped_reason", "No items in the list");
    } else if skipped {
        result.insert("skipped", true);
    }
    if failed {
        result.insert("failed", true);
    }
    if unreachable {
        result.insert("unreachable", true);
    }
    result.insert("results", Value::list(items.into_iter().map(Value::Map).collect()));
    if result.get("skipped_reason").is_none() {
        result.insert("msg", message);
    }
    result.insert("changed", changed);
    result
}

/// What is left of a result under `no_log`.
#[must_use]
pub(super) fn censored(result: &Map) -> Map {
    const KEPT: [&str; 7] =
        ["changed", "failed", "skipped", "unreachable", "attempts", "retries", "ansible_loop_var"];
    let mut left = Map::new();
    left.insert(
        "censored",
        "the output has been hidden due to the fact that 'no_log: true' was specified for this result",
    );
    for (key, value) in result.iter() {
        if KEPT.contains(&string(key).as_str()) && !matches!(value, Value::List(_)) {
            left.insert(key.clone(), value.clone());
        }
    }
    left
}
