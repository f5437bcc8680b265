//! The output of `ansible`: one result a host, the output of commands as it is.
//!
//! Source of the rules: the `minimal` and `oneline` outputs of ansible-core 2.19, observed.

use super::json;
use super::sanitise::sanitise;
use crate::event::{Envelope, Event, Listener, TaskResult, Verdict};
use mainstay_language::value::{Map, Value, string};
use std::io::Write;

/// How it looks.
#[derive(Debug, Clone, Copy)]
pub struct Terse {
    /// ANSI colours.
    pub color: bool,
    /// `-v` count.
    pub verbosity: u8,
    /// `-o`: one line a host.
    pub one_line: bool,
    /// `--diff`
    pub diff: bool,
}

/// Writes to standard output, and warnings to standard error.
pub struct MinimalReport {
    look: Terse,
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    broken: Option<String>,
}

const RED: &str = "0;31";
const GREEN: &str = "0;32";
const YELLOW: &str = "0;33";
const CYAN: &str = "0;36";
const BRIGHT_RED: &str = "1;31";
const PURPLE: &str = "1;35";

/// Modules whose result is the output of a command.
const COMMANDS: [&str; 3] = ["command", "shell", "raw"];

impl MinimalReport {
    /// To these streams.
    #[must_use]
    pub fn new(look: Terse, out: Box<dyn Write + Send>, err: Box<dyn Write + Send>) -> Self {
        Self { look, out, err, broken: None }
    }

    /// Text without power over a terminal.
    fn write(&mut self, error: bool, color: &str, text: &str) {
        self.write_painted(error, color, &sanitise(text));
    }

    fn write_painted(&mut self, error: bool, color: &str, text: &str) {
        let text = text.strip_suffix('\n').unwrap_or(text);
        let stream = if error { &mut self.err } else { &mut self.out };
        let written = if self.look.color && !color.is_empty() {
            writeln!(stream, "\x1b[{color}m{text}\x1b[0m")
        } else {
            writeln!(stream, "{text}")
        };
        if let Err(error) = written.and_then(|()| stream.flush()) {
            self.broken.get_or_insert_with(|| error.to_string());
        }
    }

    fn done(&mut self, result: &TaskResult) {
        if let Some(Value::List(warnings)) = result.fields.get("warnings") {
            for warning in warnings.iter() {
                self.write(true, PURPLE, &format!("[WARNING]: {}", string(warning)));
            }
        }
        if let Some(diagnostic) = &result.diagnostic {
            self.write(true, RED, &format!("[ERROR]: {}", diagnostic.body()));
        }
        if self.look.diff && result.changed {
            for diff in &result.diff {
                let text = super::diff::render(diff, self.look.color);
                if !text.is_empty() {
                    self.write_painted(false, "", &format!("{text}\n"));
                }
            }
        }
        let (color, caption) = match result.verdict {
            Verdict::Skipped => {
                return self.write(false, CYAN, &format!("{} | SKIPPED", result.host));
            }
            Verdict::Failed => (RED, "FAILED"),
            Verdict::Unreachable => (BRIGHT_RED, "UNREACHABLE"),
            Verdict::Ok if result.changed => (YELLOW, "CHANGED"),
            Verdict::Ok => (GREEN, "SUCCESS"),
        };
        let is_command = COMMANDS.contains(&result.action.as_str())
            && result.verdict != Verdict::Unreachable
            && result.fields.get("ansible_job_id").is_none();
        let mark =
            if matches!(result.verdict, Verdict::Failed | Verdict::Unreachable) { "!" } else { "" };
        let text = match (is_command, self.look.one_line) {
            (true, false) => command(result, caption),
            (true, true) => command_line(result, caption),
            (false, one_line) => {
                format!(
                    "{} | {caption}{mark} => {}",
                    result.host,
                    dump(result, self.look.verbosity, one_line)
                )
            }
        };
        self.write(false, color, &text);
    }
}

fn field(result: &TaskResult, name: &str) -> String {
    result.fields.get(name).map(string).unwrap_or_default()
}

fn status(result: &TaskResult) -> String {
    result.fields.get("rc").map_or_else(|| "-1".to_owned(), string)
}

/// The streams one after the other, as they came, and the message.
fn command(result: &TaskResult, caption: &str) -> String {
    let [stdout, stderr, msg] = ["stdout", "stderr", "msg"].map(|name| field(result, name));
    format!("{} | {caption} | rc={} >>\n{stdout}{stderr}{msg}\n", result.host, status(result))
}

fn command_line(result: &TaskResult, caption: &str) -> String {
    let one = |text: String| text.replace('\n', "\\n").replace('\r', "\\r");
    let (stdout, stderr) = (one(field(result, "stdout")), one(field(result, "stderr")));
    let mut line =
        format!("{} | {caption} | rc={} | (stdout) {stdout}", result.host, status(result));
    if !stderr.is_empty() {
        line.push_str(&format!(" (stderr) {stderr}"));
    }
    line
}

fn dump(result: &TaskResult, verbosity: u8, one_line: bool) -> String {
    let mut fields = Map::new();
    for (key, value) in result.fields.iter() {
        let name = string(key);
        let hidden = name.starts_with("_ansible_")
            || matches!(name.as_str(), "failed" | "warnings" | "deprecations")
            || (verbosity < 3 && matches!(name.as_str(), "invocation" | "diff"))
            || (result.verbose_always && name == "changed");
        if !hidden {
            fields.insert(key.clone(), value.clone());
        }
    }
    let indent = if one_line { 0 } else { 4 };
    let text = json::dump(&Value::Map(fields), Some(indent));
    if one_line { text.replace('\n', "") } else { text }
}

impl Listener for MinimalReport {
    fn on(&mut self, envelope: &Envelope) {
        match &envelope.event {
            Event::TaskDone { result } => self.done(result),
            Event::Warning { message } => {
                self.write(true, PURPLE, &format!("[WARNING]: {message}"));
            }
            Event::Stopped { reason } => self.write(true, RED, reason),
            _ => {}
        }
    }

    fn broken(&self) -> Option<String> {
        self.broken.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::sync::Arc;

    fn result(
        action: &str,
        verdict: Verdict,
        changed: bool,
        fields: serde_json::Value,
    ) -> TaskResult {
        let Value::Map(fields) = Value::from(fields) else { panic!() };
        TaskResult {
            host: Arc::from("a"),
            delegate: None,
            name: String::new(),
            action: action.to_owned(),
            place: String::new(),
            verdict,
            changed,
            ignored: false,
            fields,
            label: None,
            diff: Vec::new(),
            verbose_always: action == "debug",
            origin: None,
            diagnostic: None,
        }
    }

    #[derive(Clone, Default)]
    struct Shared(Arc<std::sync::Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn shown(one_line: bool, result: &TaskResult) -> String {
        let out = Shared::default();
        let look = Terse { color: false, verbosity: 0, one_line, diff: false };
        MinimalReport::new(look, Box::new(out.clone()), Box::new(Shared::default())).done(result);
        let bytes = out.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    /// Observed: `ansible a -m … -a …` of ansible-core 2.19.14.
    #[test]
    fn prints_what_ansible_prints() {
        let ok = Verdict::Ok;
        for (one_line, result, expected) in [
            (
                false,
                result(
                    "command",
                    ok,
                    true,
                    json!({"stdout": "hi", "stderr": "", "rc": 0, "changed": true}),
                ),
                "a | CHANGED | rc=0 >>\nhi\n",
            ),
            (
                false,
                result("command", ok, true, json!({"stdout": "", "rc": 0})),
                "a | CHANGED | rc=0 >>\n\n",
            ),
            (
                false,
                result(
                    "shell",
                    Verdict::Failed,
                    true,
                    json!({"stdout": "o", "stderr": "e", "rc": 3, "msg": "m"}),
                ),
                "a | FAILED | rc=3 >>\noem\n",
            ),
            (
                false,
                result("ping", ok, false, json!({"ping": "pong", "changed": false})),
                "a | SUCCESS => {\n    \"changed\": false,\n    \"ping\": \"pong\"\n}\n",
            ),
            (
                false,
                result("debug", ok, false, json!({"msg": "hi", "changed": false})),
                "a | SUCCESS => {\n    \"msg\": \"hi\"\n}\n",
            ),
            (false, result("command", Verdict::Skipped, false, json!({})), "a | SKIPPED\n"),
            (
                true,
                result("stat", ok, false, json!({"changed": false, "stat": {"exists": false}})),
                "a | SUCCESS => {\"changed\": false,\"stat\": {\"exists\": false}}\n",
            ),
            (
                true,
                result(
                    "shell",
                    Verdict::Failed,
                    true,
                    json!({"stdout": "a\nb", "stderr": "c", "rc": 2}),
                ),
                "a | FAILED | rc=2 | (stdout) a\\nb (stderr) c\n",
            ),
            (
                false,
                result(
                    "ping",
                    Verdict::Unreachable,
                    false,
                    json!({"msg": "no", "unreachable": true}),
                ),
                "a | UNREACHABLE! => {\n    \"msg\": \"no\",\n    \"unreachable\": true\n}\n",
            ),
        ] {
            assert_eq!(shown(one_line, &result), expected);
        }
    }
}
