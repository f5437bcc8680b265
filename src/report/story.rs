//! Events as lines for people: one line for each task and way in which it ended, equal outcomes folded, details below.
//!
//! A task is told when the next one begins, so that hosts can be folded; steps of nodes, warnings and stops are told at
//! once. Deliberately absent: streams, terminals, widths.

use super::detail;
use super::fold::{Amount, Ending, Fold};
use super::host_set::host_set;
use super::line::{Line, Tone};
use super::node::{self, count};
use super::recap::{Loss, Recap};
use super::sanitise::one_line;
use crate::event::{Envelope, Event, NodeStep, TaskResult};
use jiff::Timestamp;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What a story tells besides what it must.
#[derive(Debug, Clone, Copy)]
pub struct Telling {
    /// How much of tasks.
    pub amount: Amount,
    /// `--check`
    pub check: bool,
    /// `set_stats` data at the end.
    pub custom_stats: bool,
}

/// Folds events into lines.
pub struct Story {
    telling: Telling,
    started: Option<Timestamp>,
    /// A play whose heading is due: its first batch, if any, belongs on the same line.
    play: Option<(String, Vec<Arc<str>>)>,
    tasks: Vec<Fold>,
    losses: Vec<Loss>,
    warned: HashSet<String>,
    retried: Option<String>,
    /// The last line of each node, so that what is said again and again is told once.
    nodes: HashMap<String, String>,
}

impl Story {
    /// An empty one.
    #[must_use]
    pub fn new(telling: Telling) -> Self {
        Self {
            telling,
            started: None,
            play: None,
            tasks: Vec::new(),
            losses: Vec::new(),
            warned: HashSet::new(),
            retried: None,
            nodes: HashMap::new(),
        }
    }

    /// The lines that an event makes due.
    pub fn on(&mut self, envelope: &Envelope) -> Vec<Line> {
        let now = envelope.at;
        self.started.get_or_insert(now);
        let mut lines = Vec::new();
        if !matches!(envelope.event, Event::BatchStarted { .. }) {
            lines.extend(self.heading(None));
        }
        match &envelope.event {
            Event::RunStarted { .. } | Event::AsyncPoll { .. } | Event::Meta { .. } => {}
            Event::PlayStarted { name, hosts } => {
                lines.extend(self.flush());
                self.tasks.clear();
                self.play = Some((name.clone(), hosts.clone()));
            }
            Event::PlaySkipped { .. } => {
                lines.push(Line::entry(Tone::Note, "skipped", "no host matches"));
            }
            Event::BatchStarted { number, .. } => lines.extend(self.heading(Some(*number))),
            Event::TaskStarted { name, place, hosts, .. } => {
                lines.extend(self.flush_others(name, place, hosts));
                self.task(name, place).begin(hosts, now);
            }
            Event::ItemDone { result } => {
                lines.extend(self.warnings(result));
                let amount = self.telling.amount;
                self.task(&result.name, &result.place).item(result, amount);
            }
            Event::TaskDone { result } => {
                lines.extend(self.warnings(result));
                self.done(result, now);
            }
            Event::TaskRetry { host, name, left } => lines.extend(self.retry(host, name, *left)),
            Event::Rescued { host } => self.rescued(host),
            Event::Included { file, hosts, .. } => lines.extend(self.included(file, hosts)),
            Event::NoMoreHosts => {
                lines.extend(self.flush());
                lines.push(Line::entry(Tone::Bad, "stopped", "no host is left"));
            }
            Event::Stopped { reason } => {
                lines.extend(self.flush());
                lines.push(Line::entry(Tone::Bad, "stopped", &one_line(reason)));
            }
            Event::HostFailed { host, why } => {
                lines.extend(self.flush());
                let (host, word) = (Arc::clone(host), Ending::Failed.word());
                lines.push(Line::entry(Tone::Bad, word, &one_line(&format!("{host}: {why}"))));
                self.losses.push(Loss { host, word, text: why.clone() });
            }
            Event::Node { host, node, step } => lines.extend(self.node(host, node, step)),
            Event::Warning { message } => lines.extend(self.warn(message)),
            Event::RunEnded { stats, custom, held, .. } => {
                lines.extend(self.flush());
                let recap = Recap {
                    stats,
                    custom: self.telling.custom_stats.then_some(custom),
                    held,
                    losses: &self.losses,
                    times: (self.started.unwrap_or(now), now),
                    check: self.telling.check,
                };
                lines.extend(recap.lines());
            }
        }
        lines
    }

    fn heading(&mut self, batch: Option<usize>) -> Vec<Line> {
        let Some((name, hosts)) = self.play.take() else { return Vec::new() };
        let names: Vec<&str> = hosts.iter().map(AsRef::as_ref).collect();
        let batch = batch.map(|number| format!(", batch {number}")).unwrap_or_default();
        let who = match hosts.len() {
            0 => String::new(),
            1 => format!(": {}", host_set(&names)),
            many => format!(": {} ({})", host_set(&names), count(many, "host")),
        };
        let check = if self.telling.check { " (check mode)" } else { "" };
        let text = format!("play {}{batch}{who}{check}", name.trim());
        vec![Line::empty(), Line::whole(Tone::Head, one_line(&text))]
    }

    /// The task of this name and place, which may have been told before.
    fn task(&mut self, name: &str, place: &str) -> &mut Fold {
        let fold = Fold::new(name, place);
        let known =
            self.tasks.iter().position(|task| task.place == fold.place && task.name == fold.name);
        let index = known.unwrap_or_else(|| {
            self.tasks.push(fold);
            self.tasks.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "the index was just found or made")]
        &mut self.tasks[index]
    }

    fn done(&mut self, result: &TaskResult, now: Timestamp) {
        let ending = Ending::of(result);
        if matches!(ending, Ending::Failed | Ending::Unreachable) {
            let reason = match detail::reason(result) {
                reason if reason.is_empty() => String::new(),
                reason => format!(": {reason}"),
            };
            let text = format!("{} ({}){reason}", result.name.trim(), result.place);
            self.losses.push(Loss { host: Arc::clone(&result.host), word: ending.word(), text });
        }
        let amount = self.telling.amount;
        self.task(&result.name, &result.place).done(result, now, amount);
    }

    fn rescued(&mut self, host: &Arc<str>) {
        if let Some(index) = self.losses.iter().rposition(|loss| loss.host == *host) {
            self.losses.remove(index);
        }
        if let Some(task) = self.tasks.last_mut() {
            task.rescued(host);
        }
    }

    fn retry(&mut self, host: &str, name: &str, left: u64) -> Option<Line> {
        let name = one_line(name.trim()).into_owned();
        if self.retried.as_ref() == Some(&name) && self.telling.amount.verbosity == 0 {
            return None;
        }
        self.retried = Some(name.clone());
        let who = if self.telling.amount.verbosity > 0 {
            format!("{}, ", one_line(host))
        } else {
            String::new()
        };
        let times = if left == 1 { "once".to_owned() } else { format!("{left} times") };
        Some(Line::entry(Tone::Dim, "retrying", &format!("{name}: {who}{times} at most")))
    }

    fn included(&self, file: &str, hosts: &[Arc<str>]) -> Option<Line> {
        let names: Vec<&str> = hosts.iter().map(AsRef::as_ref).collect();
        let text = format!("{file}: {}", host_set(&names));
        (self.telling.amount.verbosity > 0)
            .then(|| Line::entry(Tone::Note, "included", &one_line(&text)))
    }

    fn node(&mut self, host: &str, node: &str, step: &NodeStep) -> Vec<Line> {
        let Some(words) = node::words(step) else { return Vec::new() };
        let who = if host == node { node.to_owned() } else { format!("{host} (node {node})") };
        let text = if words.text.is_empty() { who } else { format!("{who}: {}", words.text) };
        let line = Line::entry(words.tone, words.word, &one_line(&text));
        let said = line.text(false);
        if self.nodes.insert(node.to_owned(), said.clone()) == Some(said) {
            return Vec::new();
        }
        let mut lines = self.flush();
        lines.push(line);
        lines
    }

    fn warnings(&mut self, result: &TaskResult) -> Vec<Line> {
        detail::warnings(result).iter().filter_map(|text| self.warn(text)).collect()
    }

    /// Each warning once a run.
    fn warn(&mut self, message: &str) -> Option<Line> {
        let new = self.warned.insert(message.to_owned());
        new.then(|| Line::entry(Tone::Warn, "warning", &one_line(message)).to_errors())
    }

    /// Tells what has ended of every task.
    fn flush(&mut self) -> Vec<Line> {
        let amount = self.telling.amount;
        self.tasks.iter_mut().flat_map(|task| task.tell(amount)).collect()
    }

    /// Tells the tasks that are not this one, which begins on these hosts; those that still run on others are
    /// remembered.
    fn flush_others(&mut self, name: &str, place: &str, hosts: &[Arc<str>]) -> Vec<Line> {
        let amount = self.telling.amount;
        let name = one_line(name.trim()).into_owned();
        let mut lines = Vec::new();
        self.tasks.retain_mut(|task| {
            let this = task.place == place && task.name == name;
            if !this {
                lines.extend(task.tell(amount));
                task.leave(hosts);
            }
            this || task.is_running()
        });
        lines
    }
}
