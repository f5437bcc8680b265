//! The present state of a run, as a few lines that are drawn again and again: what each host does now, for how long.

use super::elapsed::{millis_between, seconds};
use super::fold::Ending;
use super::host_set::host_set;
use super::line::Tone;
use super::node::{self, count};
use super::sanitise::one_line;
use super::width::{columns, fitted};
use crate::event::{Envelope, Event, NodeStep, TaskResult};
use indexmap::IndexMap;
use jiff::Timestamp;
use std::sync::Arc;

/// Rows below the heading at most; a terminal of few rows has fewer.
const ROWS_MAX: usize = 16;

/// Up to so many hosts have each a row of their own, which stays where it is.
const ROWS_OF_HOSTS_MAX: usize = 8;

/// A step that takes longer than this shows for how long.
const SHORT_MILLIS: i64 = 2_000;

/// What hosts do now.
#[derive(Default)]
pub struct Board {
    play: String,
    started: Option<Timestamp>,
    hosts: IndexMap<Arc<str>, Doing>,
    over: bool,
}

/// What one host does.
struct Doing {
    /// The host's own step: a task, or how the last one ended.
    task: Step,
    /// Its node's, while it is in maintenance.
    node: Option<NodeState>,
    /// It waits for others or has left the play.
    idle: bool,
}

#[derive(Clone)]
struct Step {
    tone: Tone,
    text: String,
    since: Timestamp,
}

/// A node between cordon and release.
struct NodeState {
    step: Step,
    pods: usize,
    gone: usize,
}

impl Board {
    /// Takes an event in.
    pub fn on(&mut self, envelope: &Envelope) {
        let now = envelope.at;
        match &envelope.event {
            Event::PlayStarted { name, hosts } => {
                self.play = one_line(name.trim()).into_owned();
                self.started = Some(now);
                self.hosts.retain(|_, doing| doing.node.is_some());
                for host in hosts {
                    self.set(host, Tone::Dim, "waiting", now, true);
                }
            }
            Event::TaskStarted { name, hosts, .. } => {
                let name = one_line(name.trim()).into_owned();
                for host in hosts {
                    self.set(host, Tone::Plain, &name, now, false);
                }
            }
            Event::ItemDone { result } => {
                let label = one_line(result.label.as_deref().unwrap_or_default()).into_owned();
                let text = format!("{}: {label} {}", result.name.trim(), Ending::of(result).word());
                self.go_on(&result.host, &one_line(&text));
            }
            Event::TaskRetry { host, name, left } => {
                let text = format!("{}: {} left", name.trim(), tries(*left));
                self.go_on(host, &one_line(&text));
            }
            Event::AsyncPoll { host, job, .. } => {
                self.go_on(host, &one_line(&format!("background job {job}")));
            }
            Event::TaskDone { result } => self.done(result, now),
            Event::HostFailed { host, .. } => self.set(host, Tone::Bad, "failed", now, true),
            Event::Rescued { host } => self.set(host, Tone::Warn, "rescued", now, false),
            Event::Node { host, step, .. } => self.node(host, step, now),
            Event::RunEnded { .. } => self.over = true,
            _ => {}
        }
    }

    fn set(&mut self, host: &Arc<str>, tone: Tone, text: &str, now: Timestamp, idle: bool) {
        let task = Step { tone, text: text.to_owned(), since: now };
        match self.hosts.get_mut(host) {
            Some(doing) => (doing.task, doing.idle) = (task, idle),
            None => {
                self.hosts.insert(Arc::clone(host), Doing { task, node: None, idle });
            }
        }
    }

    /// The same task, one step further.
    fn go_on(&mut self, host: &Arc<str>, text: &str) {
        if let Some(doing) = self.hosts.get_mut(host) {
            text.clone_into(&mut doing.task.text);
        }
    }

    fn done(&mut self, result: &TaskResult, now: Timestamp) {
        let ending = Ending::of(result);
        let lost = matches!(ending, Ending::Failed | Ending::Unreachable);
        let (tone, text) = if lost { (ending.tone(), ending.word()) } else { (Tone::Dim, "done") };
        self.set(&result.host, tone, text, now, true);
    }

    fn node(&mut self, host: &Arc<str>, step: &NodeStep, now: Timestamp) {
        if !self.hosts.contains_key(host) {
            self.set(host, Tone::Dim, "waiting", now, true);
        }
        let Some(doing) = self.hosts.get_mut(host) else { return };
        let (pods, gone) = doing.node.as_ref().map_or((0, 0), |node| (node.pods, node.gone));
        let (pods, gone) = match step {
            NodeStep::Draining { pods } => (*pods, 0),
            NodeStep::Gone { .. } => (pods, (gone + 1).min(pods)),
            _ => (pods, gone),
        };
        let draining = || format!("draining: {gone} of {} gone", count(pods, "pod"));
        let (tone, text) = match (step, node::words(step)) {
            (NodeStep::Released | NodeStep::NotNeeded, _) => {
                doing.node = None;
                return;
            }
            (NodeStep::Draining { .. } | NodeStep::Gone { .. }, _) => (Tone::Changed, draining()),
            (NodeStep::Blocked { pod, why }, _) => {
                (Tone::Warn, format!("{}, {pod} is refused: {why}", draining()))
            }
            (_, Some(words)) if words.text.is_empty() => (words.tone, words.word.to_owned()),
            (_, Some(words)) => (words.tone, format!("{}: {}", words.word, words.text)),
            (_, None) => return,
        };
        let since = match &doing.node {
            Some(node) if matches!(step, NodeStep::Gone { .. } | NodeStep::Blocked { .. }) => {
                node.step.since
            }
            _ => now,
        };
        let step = Step { tone, text: one_line(&text).into_owned(), since };
        doing.node = Some(NodeState { step, pods, gone });
    }

    /// The lines for a terminal of this size, painted. None before the first play and after the end.
    #[must_use]
    pub fn draw(&self, now: Timestamp, width: usize, height: usize, color: bool) -> Vec<String> {
        let (Some(started), false) = (self.started, self.over) else { return Vec::new() };
        let rows_max = ROWS_MAX.min(height.saturating_sub(2));
        let idle = self.hosts.values().filter(|doing| doing.idle && doing.node.is_none()).count();
        let heading = format!(
            "{}: {} of {} at work",
            self.play,
            self.hosts.len() - idle,
            count(self.hosts.len(), "host")
        );
        let mut lines =
            vec![row(Tone::Head, &heading, &seconds(millis_between(started, now)), width, color)];
        let rows = match self.hosts.len() {
            few if few <= ROWS_OF_HOSTS_MAX.min(rows_max) => self.rows_of_hosts(),
            _ => self.rows(),
        };
        let left_out = if rows.len() > rows_max { rows.len() + 1 - rows_max.max(1) } else { 0 };
        for (who, step) in rows.iter().take(rows.len() - left_out) {
            let millis = millis_between(step.since, now);
            let took = if millis < SHORT_MILLIS { String::new() } else { seconds(millis) };
            lines.push(row(step.tone, &format!("  {who}  {}", step.text), &took, width, color));
        }
        if left_out > 0 && rows_max > 0 {
            lines.push(row(Tone::Dim, &format!("  and {left_out} more"), "", width, color));
        }
        lines
    }

    /// One row a host, in the order of the play.
    fn rows_of_hosts(&self) -> Vec<(String, Step)> {
        let names: Vec<_> = self.hosts.keys().map(|host| one_line(host)).collect();
        let width = names.iter().map(|name| columns(name)).max().unwrap_or(0);
        let padded = names.iter().map(|name| format!("{name:<width$}"));
        padded.zip(self.hosts.values().map(Doing::step)).collect()
    }

    /// Hosts that do the same share a row: nodes in maintenance first, then hosts at work, then the rest.
    fn rows(&self) -> Vec<(String, Step)> {
        let mut groups: IndexMap<(u8, String), (Vec<&str>, Step)> = IndexMap::new();
        for (host, doing) in &self.hosts {
            let rank = match (&doing.node, doing.idle) {
                (Some(_), _) => 0,
                (None, false) => 1,
                (None, true) => 2,
            };
            let step = doing.step();
            match groups.get_mut(&(rank, step.text.clone())) {
                Some((hosts, first)) => {
                    hosts.push(host);
                    first.since = first.since.min(step.since);
                }
                None => {
                    groups.insert((rank, step.text.clone()), (vec![host], step));
                }
            }
        }
        groups.sort_by(|a, _, b, _| a.0.cmp(&b.0));
        let named = groups
            .into_values()
            .map(|(hosts, step)| (one_line(&host_set(&hosts)).into_owned(), step));
        named.collect()
    }
}

impl Doing {
    /// The node's step and the task in it.
    fn step(&self) -> Step {
        match &self.node {
            Some(node) if self.idle => node.step.clone(),
            Some(node) => {
                let text = format!("{}, {}", node.step.text, self.task.text);
                Step { text, ..self.task.clone() }
            }
            None => self.task.clone(),
        }
    }
}
fn tries(left: u64) -> String {
    count(usize::try_from(left).unwrap_or(usize::MAX), "attempt")
}

/// Text on the left, a time on the right, within the width less one column, where some terminals wrap.
fn row(tone: Tone, text: &str, time: &str, width: usize, color: bool) -> String {
    let width = width.saturating_sub(1);
    let room = if time.is_empty() { width } else { width.saturating_sub(columns(time) + 2) };
    let text = fitted(text, room);
    let gap =
        if time.is_empty() { 0 } else { width.saturating_sub(columns(&text) + columns(time)) };
    format!("{}{}{}", tone.paint(&text, color), " ".repeat(gap), fitted(time, width))
}
