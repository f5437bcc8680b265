//! The end of a run's report: what became of each host, why hosts failed, what is still held.

use super::elapsed::{millis_between, span};
use super::host_set::{host_set, natural};
use super::json;
use super::line::{Line, Tone};
use super::sanitise::one_line;
use crate::event::{HostOutcome, Stats};
use jiff::Timestamp;
use mainstay_language::value::{Map, string};
use std::sync::Arc;

/// Columns that host names take in the recap at most, unless one alone is longer.
const NAMES_COLUMNS_MAX: usize = 32;

/// A host that failed or was lost, and did not recover.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Loss {
    /// Host.
    pub host: Arc<str>,
    /// `failed` or `unreachable`.
    pub word: &'static str,
    /// Task, place, reason.
    pub text: String,
}

/// What the recap tells.
pub(super) struct Recap<'a> {
    /// Per host.
    pub stats: &'a Stats,
    /// `set_stats` data, if it is to be shown.
    pub custom: Option<&'a Map>,
    /// Nodes and the commands that release them.
    pub held: &'a [(String, String)],
    /// Hosts that did not make it.
    pub losses: &'a [Loss],
    /// Begin and end.
    pub times: (Timestamp, Timestamp),
    /// `--check`
    pub check: bool,
}

impl Recap<'_> {
    /// Its lines; none after a command that had nothing to do with hosts.
    #[must_use]
    pub(super) fn lines(&self) -> Vec<Line> {
        if self.stats.hosts.is_empty() && self.losses.is_empty() && self.held.is_empty() {
            return Vec::new();
        }
        let (from, to) = self.times;
        let check = if self.check { ", nothing was changed (check mode)" } else { "" };
        let mut lines = vec![Line::empty()];
        lines.push(Line::whole(
            Tone::Head,
            format!("recap: {}{check}", span(millis_between(from, to))),
        ));
        lines.extend(self.hosts());
        if let Some(custom) = self.custom.filter(|custom| !custom.is_empty()) {
            for (who, data) in custom.iter() {
                let who = string(who);
                let who = if who == "_run" { "run".to_owned() } else { who };
                lines.push(Line::entry(
                    Tone::Note,
                    "stats",
                    &one_line(&format!("{who}: {}", json::dump(data, None))),
                ));
            }
        }
        lines.extend(self.lost());
        for (node, release) in self.held {
            let text = format!("{node} is still cordoned; to release it: {release}");
            lines.push(Line::entry(Tone::Bad, "held", &one_line(&text)));
        }
        lines
    }

    /// Hosts with the same figures share a line.
    fn hosts(&self) -> Vec<Line> {
        let mut groups: Vec<(HostOutcome, Vec<&str>)> = Vec::new();
        let mut hosts: Vec<_> = self.stats.hosts.iter().collect();
        hosts.sort_by_cached_key(|(host, _)| natural(host));
        for (host, outcome) in hosts {
            match groups.iter_mut().find(|(same, _)| same == outcome) {
                Some((_, hosts)) => hosts.push(host),
                None => groups.push((*outcome, vec![host])),
            }
        }
        let groups: Vec<(HostOutcome, String)> = groups
            .into_iter()
            .map(|(outcome, hosts)| (outcome, one_line(&host_set(&hosts)).into_owned()))
            .collect();
        let width = groups.iter().map(|(_, hosts)| hosts.chars().count()).max().unwrap_or(0);
        let width = width.min(NAMES_COLUMNS_MAX);
        groups
            .iter()
            .map(|(outcome, hosts)| {
                let line = format!("  {hosts:<width$}");
                Line { rest: format!("  {}", figures(outcome)), ..Line::whole(tone(outcome), line) }
            })
            .collect()
    }

    /// Hosts that were lost for the same reason share a line.
    fn lost(&self) -> Vec<Line> {
        let mut groups: Vec<(&Loss, Vec<&str>)> = Vec::new();
        for loss in self.losses {
            let same = |(other, _): &&mut (&Loss, Vec<&str>)| {
                other.word == loss.word && other.text == loss.text
            };
            match groups.iter_mut().find(same) {
                Some((_, hosts)) => hosts.push(&loss.host),
                None => groups.push((loss, vec![&loss.host])),
            }
        }
        groups
            .iter()
            .map(|(loss, hosts)| {
                Line::entry(
                    Tone::Bad,
                    loss.word,
                    &one_line(&format!("{}: {}", host_set(hosts), loss.text)),
                )
            })
            .collect()
    }
}

fn tone(outcome: &HostOutcome) -> Tone {
    if outcome.failed + outcome.unreachable > 0 {
        Tone::Bad
    } else if outcome.changed > 0 {
        Tone::Changed
    } else {
        Tone::Good
    }
}

/// `ok 12, changed 4`; `ok` always, the others where they are not 0.
fn figures(outcome: &HostOutcome) -> String {
    let mut text = format!("ok {}", outcome.ok);
    for (name, count) in [
        ("changed", outcome.changed),
        ("unreachable", outcome.unreachable),
        ("failed", outcome.failed),
        ("skipped", outcome.skipped),
        ("rescued", outcome.rescued),
        ("ignored", outcome.ignored),
    ] {
        if count > 0 {
            text.push_str(&format!(", {name} {count}"));
        }
    }
    text
}
