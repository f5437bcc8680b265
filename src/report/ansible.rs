//! The output of `ansible-playbook`, line for line where people grep it: banners, one line a host, the recap.
//!
//! Source of the rules: the default output of ansible-core 2.19, observed.

use super::json;
use super::line::Tone;
use super::sanitise::sanitise;
use super::width::banner;
use crate::event::{Envelope, Event, HostOutcome, Listener, NodeStep, Stats, TaskResult, Verdict};
use mainstay_language::diag::Diagnostic;
use mainstay_language::value::{Map, Value, string};
use std::io::Write;
use std::sync::Arc;

/// How it looks.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct Look {
    /// ANSI colours.
    pub color: bool,
    /// `-v` count.
    pub verbosity: u8,
    /// Lines of skipped hosts.
    pub skipped_hosts: bool,
    /// Lines of hosts where nothing changed.
    pub ok_hosts: bool,
    /// What is done implicitly is told too.
    pub debug: bool,
    /// `--check`: marks banners.
    pub check_markers: bool,
    /// Failed hosts go to standard error.
    pub failed_to_stderr: bool,
    /// Custom statistics after the recap.
    pub custom_stats: bool,
    /// `--diff` output of changed tasks.
    pub diff: bool,
}

/// Writes to standard output and standard error.
pub struct AnsibleReport {
    look: Look,
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    /// Task whose banner is due or was printed.
    task: Option<Banner>,
    broken: Option<String>,
}

struct Banner {
    path: Arc<str>,
    text: String,
    place: String,
    printed: bool,
}

const RED: &str = "0;31";
const GREEN: &str = "0;32";
const YELLOW: &str = "0;33";
const CYAN: &str = "0;36";
const BRIGHT_RED: &str = "1;31";
const PURPLE: &str = "1;35";
const GRAY: &str = "1;30";

impl AnsibleReport {
    /// To these streams.
    #[must_use]
    pub fn new(look: Look, out: Box<dyn Write + Send>, err: Box<dyn Write + Send>) -> Self {
        Self { look, out, err, task: None, broken: None }
    }

    fn paint(&self, color: &str, text: &str) -> String {
        if self.look.color { format!("\x1b[{color}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// A line; control characters in it have no power over a terminal.
    fn say(&mut self, color: &str, text: &str) {
        let text = sanitise(text);
        let text = if color.is_empty() { text.into_owned() } else { self.paint(color, &text) };
        self.write(&text);
    }

    /// A line that is painted already.
    fn write(&mut self, text: &str) {
        if let Err(error) = writeln!(self.out, "{text}") {
            self.broken.get_or_insert_with(|| error.to_string());
        }
    }

    fn complain(&mut self, color: &str, text: &str) {
        let text = self.paint(color, &sanitise(text));
        if let Err(error) = writeln!(self.err, "{text}") {
            self.broken.get_or_insert_with(|| error.to_string());
        }
    }

    fn flush(&mut self) {
        let flushed = self.out.flush().and_then(|()| self.err.flush());
        if let Err(error) = flushed {
            self.broken.get_or_insert_with(|| error.to_string());
        }
    }

    fn start_task(&mut self, banner: Banner) {
        if self.task.as_ref().is_some_and(|b| b.path == banner.path && b.printed) {
            return;
        }
        self.task = Some(banner);
        if self.look.skipped_hosts && self.look.ok_hosts {
            self.print_banner();
        }
    }

    fn print_banner(&mut self) {
        let Some(task) = &mut self.task else { return };
        if std::mem::replace(&mut task.printed, true) {
            return;
        }
        let (text, place) = (banner(&task.text), format!("task path: {}", task.place));
        self.say("", &text);
        if self.look.verbosity >= 2 {
            self.say("", &place);
        }
    }

    fn warnings(&mut self, result: &TaskResult) {
        let Some(Value::List(warnings)) = result.fields.get("warnings") else { return };
        for warning in warnings.iter() {
            self.complain(PURPLE, &format!("[WARNING]: {}", string(warning)));
        }
    }

    fn done(&mut self, result: &TaskResult) {
        let looped = result.fields.get("results").is_some()
            && result.fields.get("msg").is_some_and(loop_message)
            || result.fields.get("skipped_reason").is_some();
        let host = label(result);
        match result.verdict {
            Verdict::Skipped => {
                if !self.look.skipped_hosts {
                    return;
                }
                self.print_banner();
                self.warnings(result);
                let mut line = format!("skipping: [{}]", result.host);
                self.add_details(&mut line, result);
                self.say(CYAN, &line);
            }
            Verdict::Ok => {
                if !result.changed && !self.look.ok_hosts {
                    return;
                }
                self.print_banner();
                self.warnings(result);
                self.diff(result);
                if !looped {
                    let (word, color) =
                        if result.changed { ("changed", YELLOW) } else { ("ok", GREEN) };
                    let mut line = format!("{word}: [{host}]");
                    self.add_details(&mut line, result);
                    self.say(color, &line);
                }
            }
            Verdict::Failed | Verdict::Unreachable => self.failed(result, &host, looped),
        }
    }

    fn failed(&mut self, result: &TaskResult, host: &str, looped: bool) {
        self.print_banner();
        self.warnings(result);
        self.why(result);
        if result.verdict == Verdict::Failed {
            self.diff(result);
        }
        let word = if result.verdict == Verdict::Failed { "FAILED" } else { "UNREACHABLE" };
        let color = if result.verdict == Verdict::Failed { RED } else { BRIGHT_RED };
        if !looped || result.verdict == Verdict::Unreachable {
            let line = format!("fatal: [{host}]: {word}! => {}", self.dump(result, false));
            if self.look.failed_to_stderr {
                self.complain(color, &line);
            } else {
                self.say(color, &line);
            }
        }
        if result.ignored {
            self.say(CYAN, "...ignoring");
        }
    }

    /// The error of a task with the lines that it stands in.
    fn why(&mut self, result: &TaskResult) {
        let Some(diagnostic) = why(result) else { return };
        let mut text = format!("[ERROR]: {}", diagnostic.message);
        if let Some(place) = &diagnostic.place {
            text.push_str(&format!("\nOrigin: {place}\n\n{}", place.excerpt(2)));
        }
        if let Some(hint) = &diagnostic.hint {
            text.push_str(&format!("hint: {hint}\n"));
        }
        if self.look.failed_to_stderr { self.complain(RED, &text) } else { self.say(RED, &text) }
    }

    fn item(&mut self, result: &TaskResult) {
        let host = label(result);
        let item = result.label.clone().unwrap_or_default();
        match result.verdict {
            Verdict::Skipped if !self.look.skipped_hosts => {}
            Verdict::Ok if !result.changed && !self.look.ok_hosts => {}
            Verdict::Skipped => {
                self.print_banner();
                let mut line = format!("skipping: [{}] => (item={item}) ", result.host);
                self.add_details(&mut line, result);
                self.say(CYAN, &line);
            }
            Verdict::Ok => {
                self.print_banner();
                self.warnings(result);
                self.diff(result);
                let (word, color) =
                    if result.changed { ("changed", YELLOW) } else { ("ok", GREEN) };
                let mut line = format!("{word}: [{host}] => (item={item})");
                self.add_details(&mut line, result);
                self.say(color, &line);
            }
            Verdict::Failed | Verdict::Unreachable => {
                self.print_banner();
                self.warnings(result);
                self.why(result);
                let line =
                    format!("failed: [{host}] (item={item}) => {}", self.dump(result, false));
                if self.look.failed_to_stderr {
                    self.complain(RED, &line);
                } else {
                    self.say(RED, &line);
                }
            }
        }
    }

    fn meta(&mut self, host: &str, message: &str, skipped: bool, implicit: bool) {
        if if implicit { self.look.debug } else { self.look.verbosity >= 2 } {
            self.say(GRAY, &format!("META: {message}"));
        }
        if skipped && self.look.skipped_hosts {
            self.say(CYAN, &format!("skipping: [{host}]"));
        }
    }

    fn job(&mut self, host: &str, job: &str, result: &Value) {
        let is = |key: &str| result.get(key).is_some_and(Value::is_true);
        let line = match (is("finished"), is("failed")) {
            (false, _) => format!(
                "ASYNC POLL on {host}: jid={job} started={} finished=False",
                if is("started") { "True" } else { "False" }
            ),
            (true, false) => format!("ASYNC OK on {host}: jid={job}"),
            (true, true) => format!("ASYNC FAILED on {host}: jid={job}"),
        };
        self.say(GRAY, &line);
    }

    fn diff(&mut self, result: &TaskResult) {
        if !self.look.diff || !result.changed {
            return;
        }
        for diff in &result.diff {
            let text = super::diff::render(diff, self.look.color);
            if !text.is_empty() {
                self.write(&text);
            }
        }
    }

    fn add_details(&self, line: &mut String, result: &TaskResult) {
        if result.verbose_always || self.look.verbosity > 0 {
            line.push_str(" => ");
            line.push_str(&self.dump(result, result.verbose_always));
        }
    }

    /// The result as JSON, keys sorted; what nobody asked for is left out.
    fn dump(&self, result: &TaskResult, always: bool) -> String {
        let mut fields = Map::new();
        let debug = result.action.rsplit('.').next() == Some("debug");
        let message = result.fields.get("msg").is_some();
        for (key, value) in result.fields.iter() {
            let name = string(key);
            // `debug` shows what it was asked for alone.
            let beside = match name.as_str() {
                "changed" | "ansible_loop_var" | "ansible_index_var" | "ansible_loop" => debug,
                name => debug && message && name != "msg",
            };
            let hidden = beside
                || name.starts_with("_ansible_")
                || matches!(
                    name.as_str(),
                    "failed"
                        | "warnings"
                        | "deprecations"
                        | "diff"
                        | "exception"
                        | "failed_when_suppressed_exception"
                )
                || (name == "invocation" && self.look.verbosity < 3)
                || (name == "stdout_lines" || name == "stderr_lines") && result.action == "raw"
                || (name == "results"
                    && result.label.is_none()
                    && !always
                    && self.look.verbosity == 0
                    && loop_like(&result.fields));
            if !hidden {
                fields.insert(key.clone(), value.clone());
            }
        }
        let indent = if always || self.look.verbosity > 2 { Some(4) } else { None };
        json::dump(&Value::Map(fields), indent)
    }

    fn node(&mut self, host: &str, node: &str, step: &NodeStep) {
        if let Some((color, text)) = super::node::line(step) {
            let color = match color {
                Tone::Good => GREEN,
                Tone::Changed | Tone::Warn => YELLOW,
                Tone::Bad => RED,
                Tone::Plain | Tone::Dim | Tone::Head | Tone::Note => GRAY,
            };
            let shown = if host == node { node.to_owned() } else { format!("{host} ({node})") };
            self.say(color, &format!("node: [{shown}] {text}"));
        }
    }

    fn recap(&mut self, stats: &Stats, custom: &Map, held: &[(String, String)]) {
        self.say("", &banner("PLAY RECAP"));
        let mut hosts: Vec<_> = stats.hosts.iter().collect();
        hosts.sort_by(|a, b| a.0.cmp(b.0));
        for (host, outcome) in hosts {
            let line = self.recap_line(&sanitise(host), outcome);
            self.write(&line);
        }
        self.say("", "");
        if self.look.custom_stats && !custom.is_empty() {
            self.say("", &banner("CUSTOM STATS: "));
            for (who, data) in custom.iter() {
                let who = string(who);
                let who = if who == "_run" { "\n\tRUN".to_owned() } else { format!("\t{who}") };
                self.say("", &format!("{who}: {}", json::dump(data, Some(1)).replace('\n', "")));
            }
            self.say("", "");
        }
        for (node, release) in held {
            self.say(RED, &format!("still cordoned: {node}; to release it: {release}"));
        }
        if self.look.check_markers {
            self.say("", &banner("DRY RUN"));
        }
    }

    fn recap_line(&self, host: &str, outcome: &HostOutcome) -> String {
        let column = |name: &str, count: u64, color: &str| {
            let text = format!("{name}={count:<4}");
            if count > 0 { self.paint(color, &text) } else { text }
        };
        let color = if outcome.failed + outcome.unreachable > 0 {
            RED
        } else if outcome.changed > 0 {
            YELLOW
        } else {
            GREEN
        };
        let name = if self.look.color {
            format!("{:<37}", self.paint(color, host))
        } else {
            format!("{host:<26}")
        };
        format!(
            "{name} : {} {} {} {} {} {} {}",
            column("ok", outcome.ok, GREEN),
            column("changed", outcome.changed, YELLOW),
            column("unreachable", outcome.unreachable, BRIGHT_RED),
            column("failed", outcome.failed, RED),
            column("skipped", outcome.skipped, CYAN),
            column("rescued", outcome.rescued, GREEN),
            column("ignored", outcome.ignored, PURPLE),
        )
    }
}

fn loop_message(message: &Value) -> bool {
    matches!(
        message.as_str(),
        Some("All items completed" | "One or more items failed" | "All items skipped")
    )
}

fn loop_like(fields: &Map) -> bool {
    fields.get("msg").is_some_and(loop_message)
}

fn label(result: &TaskResult) -> String {
    match &result.delegate {
        Some(delegate) if **delegate != *result.host => format!("{} -> {delegate}", result.host),
        _ => result.host.to_string(),
    }
}

impl Listener for AnsibleReport {
    fn on(&mut self, envelope: &Envelope) {
        match &envelope.event {
            Event::PlayStarted { name, .. } => {
                self.task = None;
                let mark = if self.look.check_markers { " [CHECK MODE]" } else { "" };
                let text = if name.is_empty() {
                    format!("PLAY{mark}")
                } else {
                    format!("PLAY [{name}]{mark}")
                };
                self.say("", &banner(&text));
            }
            Event::PlaybookStarted { file, plays } if self.look.verbosity >= 2 => {
                let name = file.rsplit('/').next().unwrap_or(file);
                self.say("", &banner(&format!("PLAYBOOK: {name}")));
                self.say("", &format!("{plays} plays in {file}"));
            }
            Event::PlaySkipped { .. } => self.say(CYAN, "skipping: no hosts matched"),
            Event::TaskStarted { path, name, place, handler, check, .. } => {
                let kind = if *handler { "RUNNING HANDLER" } else { "TASK" };
                let mark = if *check && self.look.check_markers { " [CHECK MODE]" } else { "" };
                let text = format!("{kind} [{}]{mark}", name.trim());
                let (path, place) = (Arc::clone(path), place.clone());
                self.start_task(Banner { path, text, place, printed: false });
            }
            Event::ItemDone { result } => self.item(result),
            Event::TaskDone { result } => self.done(result),
            Event::TaskRetry { host, name, left } => {
                self.print_banner();
                self.say(
                    GRAY,
                    &format!("FAILED - RETRYING: [{host}]: {name} ({left} retries left)."),
                );
            }
            Event::AsyncPoll { host, job, result } => self.job(host, job, result),
            Event::Included { file, hosts, label } => {
                let mut line = format!("included: {file} for {}", hosts.join(", "));
                if let Some(label) = label {
                    line.push_str(&format!(" => (item={label})"));
                }
                self.say(CYAN, &line);
            }
            Event::Meta { host, message, skipped, implicit } => {
                self.meta(host, message, *skipped, *implicit);
            }
            Event::NoMoreHosts => self.say("", &banner("NO MORE HOSTS LEFT")),
            Event::Stopped { reason } => self.complain(RED, reason),
            Event::HostFailed { host, why } => {
                self.say(RED, &format!("fatal: [{host}]: FAILED! => {why}"));
            }
            Event::Node { host, node, step } => self.node(host, node, step),
            Event::Warning { message } => self.complain(PURPLE, &format!("[WARNING]: {message}")),
            Event::RunEnded { stats, custom, held, .. } => self.recap(stats, custom, held),
            Event::RunStarted { .. }
            | Event::PlaybookStarted { .. }
            | Event::BatchStarted { .. }
            | Event::Rescued { .. } => {}
        }
        self.flush();
    }

    fn broken(&self) -> Option<String> {
        self.broken.clone()
    }
}

/// Why a task failed: the error in what was written, or what the module said, at the task.
fn why(result: &TaskResult) -> Option<Diagnostic> {
    if let Some(diagnostic) = &result.diagnostic {
        return Some((**diagnostic).clone());
    }
    let failed = matches!(result.verdict, Verdict::Failed | Verdict::Unreachable);
    if !failed || result.fields.get("results").is_some() {
        return None;
    }
    let message = match result.fields.get("msg").map(string) {
        Some(said) if !said.is_empty() => format!("Task failed: {said}"),
        _ => "Task failed.".to_owned(),
    };
    Some(Diagnostic::error(message).at_opt(result.origin.as_ref()))
}
