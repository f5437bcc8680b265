//! Which hosts a pattern chooses.

use super::model::{Inventory, LOCALHOST};
use super::pattern::{Operation, Pattern, Subscript, Term};
use indexmap::IndexSet;
use std::collections::HashSet;
use std::sync::Arc;

/// The hosts of a pattern.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matched {
    /// Each once, in the order of the pattern's terms and of the inventory within a term.
    pub hosts: Vec<Arc<str>>,
    /// The terms that are no host's and no group's name, as written without `!` and `&`: worth a warning
    /// (`host_pattern_mismatch`).
    pub unmatched: Vec<String>,
}

impl Inventory {
    /// The hosts of a pattern. `localhost`, `127.0.0.1` and `::1` mean the controller if no host matches them.
    #[must_use]
    pub fn matching(&self, pattern: &Pattern) -> Matched {
        let mut chosen: IndexSet<Arc<str>> = IndexSet::new();
        let mut unmatched = Vec::new();
        for term in &pattern.terms {
            if let Some((name, _)) = self.hosts.get_key_value(term.written.as_str()) {
                chosen.insert(Arc::clone(name));
                continue;
            }
            let (hosts, known) = self.term(term);
            if !known && term.expression != "all" {
                unmatched.push(term.expression.clone());
            }
            match term.operation {
                Operation::Union => chosen.extend(hosts),
                Operation::Intersection => {
                    let keep: HashSet<Arc<str>> = hosts.into_iter().collect();
                    chosen.retain(|host| keep.contains(host));
                }
                Operation::Exclusion => {
                    let drop: HashSet<Arc<str>> = hosts.into_iter().collect();
                    chosen.retain(|host| !drop.contains(host));
                }
            }
        }
        Matched { hosts: chosen.into_iter().collect(), unmatched }
    }

    /// The hosts of a pattern that are also in a limit (`--limit`), in the order of the pattern.
    #[must_use]
    pub fn matching_within(&self, pattern: &Pattern, limit: &Pattern) -> Matched {
        let mut matched = self.matching(pattern);
        let limit = self.matching(limit);
        let keep: HashSet<Arc<str>> = limit.hosts.into_iter().collect();
        matched.hosts.retain(|host| keep.contains(host));
        matched.unmatched.extend(limit.unmatched);
        matched
    }

    /// The hosts of a term, and whether it names anything.
    fn term(&self, term: &Term) -> (Vec<Arc<str>>, bool) {
        let mut hosts = Vec::new();
        let mut known = false;
        for name in self.groups.keys().filter(|name| term.matches(name)) {
            known = true;
            hosts.extend(self.group_hosts(name).iter().cloned());
        }
        if !known || term.may_be_hosts() {
            let named = self.hosts().filter(|host| term.matches(&host.name));
            hosts.extend(named.map(|host| Arc::clone(&host.name)));
        }
        if hosts.is_empty() && LOCALHOST.contains(&term.expression.as_str()) {
            hosts.extend(self.host(&term.expression).map(|host| Arc::clone(&host.name)));
        }
        known |= !hosts.is_empty();
        (subscripted(hosts, term.subscript), known)
    }
}

fn subscripted(hosts: Vec<Arc<str>>, subscript: Option<Subscript>) -> Vec<Arc<str>> {
    match subscript {
        None => hosts,
        Some(Subscript::Index(index)) => {
            let position = usize::try_from(index)
                .ok()
                .or_else(|| hosts.len().checked_sub(usize::try_from(index.unsigned_abs()).ok()?));
            position.and_then(|p| hosts.get(p).cloned()).into_iter().collect()
        }
        // As in Ansible an end of 0 means the first host only, wherever the range starts.
        Some(Subscript::Range(start, Some(0))) => hosts.into_iter().skip(start).take(1).collect(),
        Some(Subscript::Range(start, Some(end))) => {
            hosts.into_iter().take(end.saturating_add(1)).skip(start).collect()
        }
        Some(Subscript::Range(start, None)) => hosts.into_iter().skip(start).collect(),
    }
}
