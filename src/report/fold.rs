//! The results of one task on many hosts, equal ones together.

use super::detail;
use super::elapsed::{millis_between, span};
use super::host_set::{host_set, natural};
use super::line::{Line, Tone};
use super::sanitise::one_line;
use crate::event::{TaskResult, Verdict};
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::Arc;

/// Columns by which details stand below their task's line.
const INDENT: usize = 4;

/// How a task ended on a host, in the order in which they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    /// Not run.
    Skipped,
    /// Nothing to do.
    Ok,
    /// Something was changed.
    Changed,
    /// A failure that does not count.
    Ignored,
    /// It failed.
    Failed,
    /// The host was lost.
    Unreachable,
    /// The failure was taken by a `rescue`.
    Rescued,
}

impl Ending {
    /// Of a result.
    #[must_use]
    pub fn of(result: &TaskResult) -> Self {
        match result.verdict {
            Verdict::Skipped => Self::Skipped,
            Verdict::Ok if result.changed => Self::Changed,
            Verdict::Ok => Self::Ok,
            Verdict::Failed | Verdict::Unreachable if result.ignored => Self::Ignored,
            Verdict::Failed => Self::Failed,
            Verdict::Unreachable => Self::Unreachable,
        }
    }

    /// In a word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Skipped => "skipped",
            Self::Ok => "ok",
            Self::Changed => "changed",
            Self::Ignored => "ignored",
            Self::Failed => "failed",
            Self::Unreachable => "unreachable",
            Self::Rescued => "rescued",
        }
    }

    /// Its colour.
    #[must_use]
    pub fn tone(self) -> Tone {
        match self {
            Self::Skipped => Tone::Dim,
            Self::Ok | Self::Rescued => Tone::Good,
            Self::Changed => Tone::Changed,
            Self::Ignored => Tone::Warn,
            Self::Failed | Self::Unreachable => Tone::Bad,
        }
    }
}

/// What is kept of a task until it is told.
pub struct Fold {
    /// Its name, on one line.
    pub name: String,
    /// Where it is written; with the name, what tells tasks apart.
    pub place: String,
    /// Since when it has been running on which hosts.
    running: HashMap<Arc<str>, Timestamp>,
    groups: Vec<Group>,
    /// Details of the items so far, of hosts that are not done.
    items: HashMap<Arc<str>, Vec<Line>>,
}

struct Group {
    ending: Ending,
    delegate: Option<Arc<str>>,
    details: Vec<Line>,
    hosts: Vec<Arc<str>>,
    /// The longest of its hosts; none where nothing ran.
    millis_max: Option<i64>,
}

/// How much is told.
#[derive(Debug, Clone, Copy)]
pub struct Amount {
    /// `-v` count.
    pub verbosity: u8,
    /// `--diff`
    pub diff: bool,
    /// Hosts on which nothing was changed.
    pub ok: bool,
    /// Hosts on which it was not run.
    pub skipped: bool,
}

impl Fold {
    /// A task that runs nowhere yet.
    #[must_use]
    pub fn new(name: &str, place: &str) -> Self {
        Self {
            name: one_line(name.trim()).into_owned(),
            place: place.to_owned(),
            running: HashMap::new(),
            groups: Vec::new(),
            items: HashMap::new(),
        }
    }

    /// It starts on these hosts.
    pub fn begin(&mut self, hosts: &[Arc<str>], now: Timestamp) {
        self.running.extend(hosts.iter().map(|host| (Arc::clone(host), now)));
    }

    /// These hosts go on with something else: what is not a module has no end of its own.
    pub fn leave(&mut self, hosts: &[Arc<str>]) {
        for host in hosts {
            self.running.remove(host);
        }
    }

    /// It still runs somewhere, so far as anybody was told.
    #[must_use]
    pub fn is_running(&self) -> bool {
        !self.running.is_empty()
    }

    /// An item ended on a host.
    pub fn item(&mut self, result: &TaskResult, amount: Amount) {
        let mut details = detail::of(result, amount.verbosity, amount.diff);
        if details.is_empty() {
            return;
        }
        let label = one_line(result.label.as_deref().unwrap_or_default()).into_owned();
        let ending = Ending::of(result);
        details = details.into_iter().map(|line| line.indented(2)).collect();
        details.insert(0, Line::whole(ending.tone(), format!("item {label}: {}", ending.word())));
        self.items.entry(Arc::clone(&result.host)).or_default().append(&mut details);
    }

    /// It ended on a host.
    pub fn done(&mut self, result: &TaskResult, now: Timestamp, amount: Amount) {
        let millis = self.running.remove(&result.host).map(|start| millis_between(start, now));
        let details = match self.items.remove(&result.host) {
            // The items have told it all, the diagnostic included.
            Some(items) => items,
            None if result.fields.get("results").is_some() => Vec::new(),
            None => detail::of(result, amount.verbosity, amount.diff),
        };
        let delegate = result.delegate.clone().filter(|delegate| **delegate != *result.host);
        self.add(Ending::of(result), delegate, details, &result.host, millis);
    }

    /// Its failure on a host was taken by a `rescue`.
    pub fn rescued(&mut self, host: &Arc<str>) {
        self.add(Ending::Rescued, None, Vec::new(), host, None);
    }

    fn add(
        &mut self,
        ending: Ending,
        delegate: Option<Arc<str>>,
        details: Vec<Line>,
        host: &Arc<str>,
        millis: Option<i64>,
    ) {
        let host = Arc::clone(host);
        let same = self.groups.iter_mut().find(|group| {
            group.ending == ending && group.delegate == delegate && group.details == details
        });
        if let Some(group) = same {
            group.hosts.push(host);
            group.millis_max = group.millis_max.max(millis);
        } else {
            let hosts = vec![host];
            self.groups.push(Group { ending, delegate, details, hosts, millis_max: millis });
        }
    }

    /// Tells what has ended since it was last told.
    pub fn tell(&mut self, amount: Amount) -> Vec<Line> {
        let mut groups = std::mem::take(&mut self.groups);
        groups.sort_by_cached_key(|group| {
            (group.ending, group.hosts.iter().map(|host| natural(host)).min())
        });
        let mut lines = Vec::new();
        for group in groups {
            let hidden = match group.ending {
                Ending::Skipped => !amount.skipped,
                Ending::Ok => !amount.ok,
                _ => false,
            };
            if hidden {
                continue;
            }
            let names: Vec<&str> = group.hosts.iter().map(AsRef::as_ref).collect();
            let on = group.delegate.map(|delegate| format!(" on {delegate}")).unwrap_or_default();
            let hosts = format!("{}{on}", host_set(&names));
            let took = match group.millis_max {
                Some(millis) if group.ending != Ending::Skipped => format!(" ({})", span(millis)),
                _ => String::new(),
            };
            let text = format!("{}: {}{took}", self.name, one_line(&hosts));
            lines.push(Line::entry(group.ending.tone(), group.ending.word(), &text));
            lines.extend(group.details.into_iter().map(|line| line.indented(INDENT)));
        }
        lines
    }
}
