//! Every event as one line of JSON, for programs. The types here are the format; events may change without it.
//!
//! A line: `{"v":"1.0","seq":1,"at":"2026-01-02T03:04:05.678Z","event":{"kind":"task_done",…}}`. New kinds and new keys
//! raise the minor version; readers pass over what they do not know.

use crate::event::{Envelope, Event, HostOutcome, Listener, NodeStep, TaskResult, Verdict};
use mainstay_language::value::Value;
use serde::Serialize;
use serde_json::Value as Json;
use std::io::{self, Write};
use std::sync::Arc;

/// Major and minor version of the format.
const VERSION: &str = "1.0";

/// Writes events to a file. Every line is whole when [`Listener::on`] returns.
pub struct JsonLines {
    file: Box<dyn Write + Send>,
    broken: Option<String>,
}

impl JsonLines {
    /// To this file; each line is one write.
    #[must_use]
    pub fn new(file: Box<dyn Write + Send>) -> Self {
        Self { file, broken: None }
    }

    fn write(&mut self, envelope: &Envelope) -> io::Result<()> {
        let line = LineV1 {
            v: VERSION,
            seq: envelope.seq,
            at: envelope.at.to_string(),
            event: event(&envelope.event),
        };
        let mut bytes = serde_json::to_vec(&line)?;
        bytes.push(b'\n');
        self.file.write_all(&bytes)?;
        self.file.flush()
    }
}

impl Listener for JsonLines {
    fn on(&mut self, envelope: &Envelope) {
        if self.broken.is_some() {
            return; // A line after a torn one could not be told from it.
        }
        if let Err(error) = self.write(envelope) {
            self.broken = Some(format!("events.jsonl: {error}"));
        }
    }

    fn broken(&self) -> Option<String> {
        self.broken.clone()
    }
}

#[derive(Serialize)]
struct LineV1<'a> {
    v: &'static str,
    seq: u64,
    at: String,
    event: EventV1<'a>,
}

type Hosts<'a> = &'a [Arc<str>];

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum EventV1<'a> {
    RunStarted {
        run: &'a str,
    },
    PlaybookStarted {
        file: &'a str,
        plays: usize,
    },
    PlayStarted {
        name: &'a str,
        hosts: Vec<&'a str>,
    },
    PlaySkipped {
        name: &'a str,
    },
    BatchStarted {
        number: usize,
        hosts: Vec<&'a str>,
    },
    TaskStarted {
        path: &'a str,
        name: &'a str,
        action: &'a str,
        place: &'a str,
        hosts: Vec<&'a str>,
        handler: bool,
        check: bool,
    },
    ItemDone(ResultV1<'a>),
    TaskDone(ResultV1<'a>),
    TaskRetry {
        host: &'a str,
        name: &'a str,
        left: u64,
    },
    AsyncPoll {
        host: &'a str,
        job: &'a str,
        result: Json,
    },
    Rescued {
        host: &'a str,
    },
    Included {
        file: &'a str,
        hosts: Vec<&'a str>,
        label: Option<&'a str>,
    },
    Meta {
        host: &'a str,
        message: &'a str,
        skipped: bool,
        implicit: bool,
    },
    NoMoreHosts,
    Stopped {
        reason: &'a str,
    },
    HostFailed {
        host: &'a str,
        why: &'a str,
    },
    Node {
        host: &'a str,
        node: &'a str,
        step: StepV1<'a>,
    },
    Warning {
        message: &'a str,
    },
    RunEnded {
        hosts: Vec<OutcomeV1<'a>>,
        custom: Json,
        held: Vec<HeldV1<'a>>,
        exit: u8,
    },
}

#[derive(Serialize)]
struct ResultV1<'a> {
    host: &'a str,
    delegate: Option<&'a str>,
    name: &'a str,
    action: &'a str,
    place: &'a str,
    verdict: &'static str,
    changed: bool,
    ignored: bool,
    label: Option<&'a str>,
    result: Json,
    diff: Vec<Json>,
    error: Option<String>,
}

#[derive(Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
enum StepV1<'a> {
    Waiting { what: &'a str },
    NotNeeded,
    Cordoned { before: bool },
    Draining { pods: usize },
    Blocked { pod: &'a str, why: &'a str },
    Gone { pod: &'a str },
    Drained,
    Ready,
    Uncordoned,
    Gate { text: &'a str, passed: bool },
    Held { reason: &'a str },
    Released,
}

#[derive(Serialize)]
struct HeldV1<'a> {
    node: &'a str,
    release: &'a str,
}

#[derive(Serialize)]
struct OutcomeV1<'a> {
    host: &'a str,
    ok: u64,
    changed: u64,
    unreachable: u64,
    failed: u64,
    skipped: u64,
    rescued: u64,
    ignored: u64,
}

fn names(hosts: Hosts<'_>) -> Vec<&str> {
    hosts.iter().map(AsRef::as_ref).collect()
}

fn event(event: &Event) -> EventV1<'_> {
    match event {
        Event::RunStarted { run } => EventV1::RunStarted { run },
        Event::PlaybookStarted { file, plays } => EventV1::PlaybookStarted { file, plays: *plays },
        Event::PlayStarted { name, hosts } => EventV1::PlayStarted { name, hosts: names(hosts) },
        Event::PlaySkipped { name } => EventV1::PlaySkipped { name },
        Event::BatchStarted { number, hosts } => {
            EventV1::BatchStarted { number: *number, hosts: names(hosts) }
        }
        Event::TaskStarted { path, name, action, place, hosts, handler, check } => {
            let (hosts, handler, check) = (names(hosts), *handler, *check);
            EventV1::TaskStarted { path, name, action, place, hosts, handler, check }
        }
        Event::ItemDone { result } => EventV1::ItemDone(task(result)),
        Event::TaskDone { result } => EventV1::TaskDone(task(result)),
        Event::TaskRetry { host, name, left } => EventV1::TaskRetry { host, name, left: *left },
        Event::AsyncPoll { host, job, result } => {
            EventV1::AsyncPoll { host, job, result: result.to_json() }
        }
        Event::Rescued { host } => EventV1::Rescued { host },
        Event::Included { file, hosts, label } => {
            EventV1::Included { file, hosts: names(hosts), label: label.as_deref() }
        }
        Event::Meta { host, message, skipped, implicit } => {
            EventV1::Meta { host, message, skipped: *skipped, implicit: *implicit }
        }
        Event::HostFailed { host, why } => EventV1::HostFailed { host, why },
        Event::NoMoreHosts => EventV1::NoMoreHosts,
        Event::Stopped { reason } => EventV1::Stopped { reason },
        Event::Node { host, node, step: one } => EventV1::Node { host, node, step: step(one) },
        Event::Warning { message } => EventV1::Warning { message },
        Event::RunEnded { stats, custom, held, exit } => EventV1::RunEnded {
            hosts: stats.hosts.iter().map(|(host, line)| outcome(host, line)).collect(),
            custom: Value::Map(custom.clone()).to_json(),
            held: held.iter().map(|(node, release)| HeldV1 { node, release }).collect(),
            exit: *exit,
        },
    }
}

fn task(result: &TaskResult) -> ResultV1<'_> {
    let verdict = match result.verdict {
        Verdict::Ok => "ok",
        Verdict::Failed => "failed",
        Verdict::Unreachable => "unreachable",
        Verdict::Skipped => "skipped",
    };
    ResultV1 {
        host: &result.host,
        delegate: result.delegate.as_deref(),
        name: &result.name,
        action: &result.action,
        place: &result.place,
        verdict,
        changed: result.changed,
        ignored: result.ignored,
        label: result.label.as_deref(),
        result: Value::Map(result.fields.clone()).to_json(),
        diff: result.diff.iter().map(Value::to_json).collect(),
        error: result.diagnostic.as_ref().map(ToString::to_string),
    }
}

fn step(step: &NodeStep) -> StepV1<'_> {
    match step {
        NodeStep::Waiting(what) => StepV1::Waiting { what },
        NodeStep::NotNeeded => StepV1::NotNeeded,
        NodeStep::Cordoned { before } => StepV1::Cordoned { before: *before },
        NodeStep::Draining { pods } => StepV1::Draining { pods: *pods },
        NodeStep::Blocked { pod, why } => StepV1::Blocked { pod, why },
        NodeStep::Gone { pod } => StepV1::Gone { pod },
        NodeStep::Drained => StepV1::Drained,
        NodeStep::Ready => StepV1::Ready,
        NodeStep::Uncordoned => StepV1::Uncordoned,
        NodeStep::Gate { text, passed } => StepV1::Gate { text, passed: *passed },
        NodeStep::Held { reason } => StepV1::Held { reason },
        NodeStep::Released => StepV1::Released,
    }
}

fn outcome<'a>(host: &'a str, line: &HostOutcome) -> OutcomeV1<'a> {
    let HostOutcome { ok, changed, unreachable, failed, skipped, rescued, ignored } = *line;
    OutcomeV1 { host, ok, changed, unreachable, failed, skipped, rescued, ignored }
}
