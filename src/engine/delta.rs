//! What a task changed in the run's own state, for the journal: with it a later resume can fold a run back together.
//!
//! Deltas are written without waiting for the disk. Secrets that the run knows are taken out by value; what `no_log`
//! hides is not written at all.

use super::run::Run;
use super::task::Done;
use crate::event::Verdict;
use crate::journal::Record;
use crate::modules::Ask;
use mainstay_language::value::{Map, Value};
use serde_json::{Map as Json, Value as JsonValue, json};

/// What stands in the place of hidden values.
const HIDDEN: &str = "hidden by no_log";

impl Run {
    /// Records the outcome of a task on a host.
    pub(super) fn record(&self, host: &str, path: &str, done: &Done) {
        let mut data = Json::new();
        let verdict = match done.verdict {
            Verdict::Ok => "ok",
            Verdict::Failed => "failed",
            Verdict::Unreachable => "unreachable",
            Verdict::Skipped => "skipped",
        };
        data.insert("verdict".to_owned(), json!(verdict));
        data.insert("changed".to_owned(), json!(done.changed()));
        data.insert("ignored".to_owned(), json!(done.ignored));
        if !done.notify.is_empty() {
            data.insert("notify".to_owned(), json!(done.notify));
        }
        let asks: Vec<JsonValue> =
            done.asks.iter().filter_map(|(host, ask)| self.ask(host, ask, done)).collect();
        if !asks.is_empty() {
            data.insert("asks".to_owned(), JsonValue::Array(asks));
        }
        let facts: Vec<JsonValue> = done
            .facts
            .iter()
            .map(|(host, facts)| json!({"host": &**host, "facts": self.clean(facts, done)}))
            .collect();
        if !facts.is_empty() {
            data.insert("facts".to_owned(), JsonValue::Array(facts));
        }
        let record = Record::Delta {
            host: host.to_owned(),
            path: path.to_owned(),
            item: None,
            kind: "task".to_owned(),
            data: JsonValue::Object(data),
        };
        if let Err(diagnostic) = self.effects.note(&record) {
            self.fatal_journal(diagnostic);
        }
    }

    fn clean(&self, map: &Map, done: &Done) -> JsonValue {
        if done.no_log {
            return json!(HIDDEN);
        }
        self.redactor.value(&Value::Map(map.clone())).to_json()
    }

    fn ask(&self, host: &str, ask: &Ask, done: &Done) -> Option<JsonValue> {
        Some(match ask {
            Ask::SetFact { variables, cacheable } => {
                json!({"host": host, "set": self.clean(variables, done), "cacheable": cacheable})
            }
            Ask::IncludeVars(variables) => {
                json!({"host": host, "include_vars": self.clean(variables, done)})
            }
            Ask::AddHost { name, groups, variables } => {
                json!({"add_host": name, "groups": groups, "variables": self.clean(variables, done)})
            }
            Ask::JoinGroup { group, parents } => {
                json!({"host": host, "group": group, "parents": parents})
            }
            Ask::SetStats { data, per_host, aggregate } => {
                json!({"host": host, "stats": self.clean(data, done), "per_host": per_host, "aggregate": aggregate})
            }
            Ask::Reconnect | Ask::ShowResult => return None,
        })
    }
}
