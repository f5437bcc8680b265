//! What is told below a task's line: why it failed, what it printed, what differs.

use super::line::{Line, Tone};
use super::sanitise::{one_line, sanitise};
use super::{diff, json};
use crate::event::{TaskResult, Verdict};
use mainstay_language::value::{Map, Value, string};

/// Lines of a failed program's output that are shown, unless more output is asked for.
const OUTPUT_LINES_MAX: usize = 20;

/// Everything below the line of a task that ended so; empty for most.
#[must_use]
pub(super) fn of(result: &TaskResult, verbosity: u8, with_diff: bool) -> Vec<Line> {
    let mut lines = Vec::new();
    if with_diff && result.changed {
        result.diff.iter().for_each(|one| add_diff(&mut lines, one));
    }
    match result.verdict {
        Verdict::Failed | Verdict::Unreachable => failure(&mut lines, result, verbosity),
        Verdict::Ok if result.verbose_always => shown(&mut lines, &result.fields),
        Verdict::Ok | Verdict::Skipped if verbosity > 0 => everything(&mut lines, &result.fields),
        Verdict::Ok | Verdict::Skipped => {}
    }
    lines
}

/// What the module wants the reader to know.
#[must_use]
pub(super) fn warnings(result: &TaskResult) -> Vec<String> {
    match result.fields.get("warnings") {
        Some(Value::List(warnings)) => warnings.iter().map(string).collect(),
        _ => Vec::new(),
    }
}

/// Why it failed, in one line.
#[must_use]
pub(super) fn reason(result: &TaskResult) -> String {
    let text = match (&result.diagnostic, result.fields.get("rc")) {
        (Some(diagnostic), _) => diagnostic.message.clone(),
        (None, Some(rc)) if usual(&message(&result.fields)) => {
            format!("exit status {}", string(rc))
        }
        _ if result.fields.get("censored").is_some() => "hidden by no_log".to_owned(),
        _ => message(&result.fields),
    };
    one_line(text.lines().next().unwrap_or_default()).into_owned()
}

fn failure(lines: &mut Vec<Line>, result: &TaskResult, verbosity: u8) {
    let fields = &result.fields;
    let told = lines.len();
    if fields.get("censored").is_some() {
        lines.push(Line::whole(Tone::Plain, "its output is hidden by no_log"));
        return;
    }
    if let Some(diagnostic) = &result.diagnostic {
        text(lines, Tone::Bad, "", diagnostic.render().trim_start_matches("error: "));
    } else if !usual(&message(fields)) || fields.get("rc").is_none() {
        text(lines, Tone::Bad, "", &message(fields));
    }
    if let Some(command) = fields.get("cmd").map(command) {
        text(lines, Tone::Plain, "command: ", &command);
    }
    if let Some(rc) = fields.get("rc") {
        lines.push(Line::whole(Tone::Plain, format!("exit status {}", one_line(&string(rc)))));
    }
    if let Some(attempts @ Value::Int(2..)) = fields.get("attempts") {
        lines.push(Line::whole(Tone::Plain, format!("after {} attempts", string(attempts))));
    }
    for stream in ["stdout", "stderr"] {
        let Some(output) = fields.get(stream).map(string) else { continue };
        let lines_max = if verbosity > 0 { usize::MAX } else { OUTPUT_LINES_MAX };
        last_lines(lines, stream, &output, lines_max);
    }
    if lines.len() == told {
        lines.push(Line::whole(Tone::Plain, "it says nothing about why"));
    }
}

fn message(fields: &Map) -> String {
    fields.get("msg").map(readable).unwrap_or_default()
}

/// Messages that say no more than the exit status does, or than the items did.
fn usual(message: &str) -> bool {
    matches!(message.trim(), "" | "non-zero return code" | "One or more items failed")
}

fn command(value: &Value) -> String {
    match value {
        Value::List(words) => {
            let words: Vec<String> = words.iter().map(string).collect();
            // A word with a NUL byte cannot be quoted; it is shown as it is.
            shlex::try_join(words.iter().map(String::as_str)).unwrap_or_else(|_| words.join(" "))
        }
        other => string(other),
    }
}

/// Output with a bar before each line; of long output the end, and how much was left out.
fn last_lines(lines: &mut Vec<Line>, stream: &str, output: &str, lines_max: usize) {
    let output = sanitise(output.trim_end());
    let all: Vec<&str> = output.lines().collect();
    if all.is_empty() {
        return;
    }
    let (left_out, shown) = all.split_at(all.len().saturating_sub(lines_max));
    let note = match left_out.len() {
        0 => String::new(),
        count => format!(" (last {} of {} lines)", shown.len(), shown.len() + count),
    };
    lines.push(Line::whole(Tone::Plain, format!("{stream}{note}:")));
    lines.extend(shown.iter().map(|line| Line::whole(Tone::Plain, format!("| {line}"))));
}

/// What a task like `debug` wants to say.
fn shown(lines: &mut Vec<Line>, fields: &Map) {
    let told = visible(fields);
    match (told.len(), told.get("msg")) {
        (1, Some(message)) => text(lines, Tone::Plain, "| ", &readable(message)),
        _ => {
            for (name, value) in told.iter() {
                text(lines, Tone::Plain, "| ", &format!("{}: {}", string(name), readable(value)));
            }
        }
    }
}

/// `-v`
fn everything(lines: &mut Vec<Line>, fields: &Map) {
    let mut told = visible(fields);
    told.remove("stdout_lines");
    told.remove("stderr_lines");
    if !told.is_empty() {
        text(lines, Tone::Dim, "", &json::dump(&Value::Map(told), Some(2)));
    }
}

fn visible(fields: &Map) -> Map {
    let hidden = |name: &str| {
        name.starts_with("_ansible_")
            || matches!(
                name,
                "changed" | "failed" | "warnings" | "deprecations" | "diff" | "invocation"
            )
    };
    fields
        .iter()
        .filter(|(name, _)| !hidden(&string(name)))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Texts as they are, other values as JSON.
fn readable(value: &Value) -> String {
    match value {
        Value::Text(text) => text.as_str().to_owned(),
        other => json::dump(other, Some(2)),
    }
}

fn add_diff(lines: &mut Vec<Line>, one: &Value) {
    let rendered = diff::render(one, false);
    for line in sanitise(&rendered).lines() {
        let tone = match line.chars().next() {
            Some('+') => Tone::Good,
            Some('-') => Tone::Bad,
            Some('@') => Tone::Note,
            _ => Tone::Plain,
        };
        lines.push(Line::whole(tone, line));
    }
}

/// Text with real line ends.
fn text(lines: &mut Vec<Line>, tone: Tone, before: &str, text: &str) {
    for line in sanitise(text.trim_end()).lines() {
        lines.push(Line::whole(tone, format!("{before}{line}")));
    }
}
