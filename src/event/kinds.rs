//! The events of a run. A statistic is a fold over them.

use indexmap::IndexMap;
use mainstay_language::diag::{Diagnostic, Place};
use mainstay_language::value::{Map, Value};
use std::sync::Arc;

/// An event with its number and time.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// From 1, without gaps.
    pub seq: u64,
    /// When, UTC.
    pub at: jiff::Timestamp,
    /// What.
    pub event: Event,
}

/// What happened. Secrets are redacted before an event is made.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// A run begins.
    RunStarted {
        /// Its id; also the name of its directory.
        run: Arc<str>,
    },
    /// A playbook file begins.
    PlaybookStarted {
        /// As given on the command line.
        file: String,
        /// How many plays it has, imported ones included.
        plays: usize,
    },
    /// A play begins. Hosts: in order, after `--limit`.
    PlayStarted {
        /// `name`, or the pattern.
        name: String,
        /// The hosts.
        hosts: Vec<Arc<str>>,
    },
    /// No host of the inventory matches the play.
    PlaySkipped {
        /// `name`, or the pattern.
        name: String,
    },
    /// A batch of a play with `serial` begins.
    BatchStarted {
        /// From 1.
        number: usize,
        /// The hosts.
        hosts: Vec<Arc<str>>,
    },
    /// A task begins, on the first host that needs it.
    TaskStarted {
        /// Stable path of the task.
        path: Arc<str>,
        /// `role : name`, rendered best-effort.
        name: String,
        /// The action's name as the module table knows it.
        action: String,
        /// `file:line`
        place: String,
        /// The hosts that need it.
        hosts: Vec<Arc<str>>,
        /// A handler.
        handler: bool,
        /// `check_mode` holds for it.
        check: bool,
    },
    /// One element of a loop ended on a host.
    ItemDone {
        /// As for [`Event::TaskDone`]; `result.label` is the element.
        result: Box<TaskResult>,
    },
    /// A task is tried again.
    TaskRetry {
        /// Host.
        host: Arc<str>,
        /// Task name.
        name: String,
        /// Attempts left.
        left: u64,
    },
    /// A background job was asked for its state.
    AsyncPoll {
        /// Host.
        host: Arc<str>,
        /// Job id.
        job: String,
        /// Its result so far.
        result: Value,
    },
    /// A task ended on a host.
    TaskDone {
        /// How.
        result: Box<TaskResult>,
    },
    /// The failure of the task that just ended was taken by a `rescue`.
    Rescued {
        /// Host.
        host: Arc<str>,
    },
    /// Files were included on hosts.
    Included {
        /// File.
        file: String,
        /// Hosts.
        hosts: Vec<Arc<str>>,
        /// Element label of a looped include.
        label: Option<String>,
    },
    /// A meta action was carried out (or not) for a host.
    Meta {
        /// Host.
        host: Arc<str>,
        /// What was done.
        message: String,
        /// A condition did not hold.
        skipped: bool,
        /// Nobody wrote it: the flush after a section.
        implicit: bool,
    },
    /// Every host of a play failed or was lost.
    NoMoreHosts,
    /// `max_fail_percentage` or the like stopped the play.
    Stopped {
        /// Why.
        reason: String,
    },
    /// A step of a maintenance bracket on a node (cordoned, draining, blocked by a budget, uncordoned, held…).
    Node {
        /// The host.
        host: Arc<str>,
        /// The node.
        node: String,
        /// What happened.
        step: NodeStep,
    },
    /// A host failed outside of any task: its node could not be drained, did not become ready, a gate did not hold.
    HostFailed {
        /// Host.
        host: Arc<str>,
        /// Why.
        why: String,
    },
    /// Something the reader should know.
    Warning {
        /// Text.
        message: String,
    },
    /// The run ends.
    RunEnded {
        /// Per host, in order of first appearance.
        stats: Stats,
        /// `set_stats` data.
        custom: Map,
        /// Nodes that are still held, with the command that releases them.
        held: Vec<(String, String)>,
        /// Exit code.
        exit: u8,
    },
}

/// One step of a maintenance bracket.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum NodeStep {
    /// It waits for a slot: nodes that are out, of how many.
    Waiting(String),
    /// Nothing to do: `needed` is false.
    NotNeeded,
    /// Cordoned by us, or found cordoned (kept as it is).
    Cordoned {
        /// It was cordoned before.
        before: bool,
    },
    /// Pods to evict.
    Draining {
        /// How many.
        pods: usize,
    },
    /// An eviction is refused for now.
    Blocked {
        /// `namespace/pod`
        pod: String,
        /// Which budget, and its figures.
        why: String,
    },
    /// A pod has gone.
    Gone {
        /// `namespace/pod`
        pod: String,
    },
    /// No pod is left that must go.
    Drained,
    /// Ready again with the wanted state.
    Ready,
    /// Uncordoned by us.
    Uncordoned,
    /// A gate holds, or is waited for.
    Gate {
        /// Which, and what it says.
        text: String,
        /// It holds.
        passed: bool,
    },
    /// It stays cordoned.
    Held {
        /// Why.
        reason: String,
    },
    /// Done; the slot is free.
    Released,
}

/// How a task ended on a host.
#[derive(Debug, Clone)]
pub struct TaskResult {
    /// The host that the task belongs to.
    pub host: Arc<str>,
    /// The host that it ran on, if delegated.
    pub delegate: Option<Arc<str>>,
    /// Task name, as [`Event::TaskStarted`].
    pub name: String,
    /// Action name.
    pub action: String,
    /// Where the task is written, for excerpts.
    pub origin: Option<Place>,
    /// `file:line:column` of the task.
    pub place: String,
    /// The verdict.
    pub verdict: Verdict,
    /// It changed something.
    pub changed: bool,
    /// A failure that does not count (`ignore_errors`, `ignore_unreachable`).
    pub ignored: bool,
    /// The result as `register` sees it; censored where `no_log` says so.
    pub fields: Map,
    /// Label of the loop element.
    pub label: Option<String>,
    /// Before and after, if asked for.
    pub diff: Vec<Value>,
    /// The task printed its own result in full (`debug`).
    pub verbose_always: bool,
    /// The error in what was written, if that is why the task failed.
    pub diagnostic: Option<Box<Diagnostic>>,
}

/// A verdict on a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Done.
    Ok,
    /// Failed.
    Failed,
    /// The host could not be reached.
    Unreachable,
    /// Not run.
    Skipped,
}

/// The recap, folded from events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// Per host.
    pub hosts: IndexMap<Arc<str>, HostOutcome>,
}

/// One line of the recap.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the recap's columns")]
pub struct HostOutcome {
    pub ok: u64,
    pub changed: u64,
    pub unreachable: u64,
    pub failed: u64,
    pub skipped: u64,
    pub rescued: u64,
    pub ignored: u64,
}
