//! The `maintenance:` keyword of a play: its keys and literal values. The engine renders and types it.

use super::ast::Maintenance;
use super::check::{is_bool, is_template, shape};
use super::keyword::nearest;
use super::reader::Reader;
use crate::diag::Diagnostic;
use crate::value::Value;
use crate::yaml::{Node, NodeKind};

/// What a key holds.
#[derive(Clone, Copy)]
enum Holds {
    Condition,
    /// A number, or a percentage.
    Share,
    /// Seconds, or a number with a unit: `15m`, `1h30m`.
    Duration,
    /// A duration, or null for none.
    MaybeDuration,
    Bool,
    Text,
    MaybeText,
    Whole,
    Choice(&'static [&'static str]),
    Map(&'static [(&'static str, Holds)]),
    /// A list of maps.
    Maps(&'static [(&'static str, Holds)]),
    /// A key of the language that cannot be carried out yet.
    Later,
}

const TOP: &[(&str, Holds)] = &[
    ("needed", Holds::Condition),
    ("node", Holds::Text),
    ("max_unavailable", Holds::Share),
    ("max_failures", Holds::Share),
    ("canary", Holds::Share),
    ("soak", Holds::Duration),
    ("drain", Holds::Map(DRAIN)),
    ("ready", Holds::Map(READY)),
    ("gates", Holds::Maps(GATE)),
    ("window", Holds::Later),
    ("on_failure", Holds::Choice(&["hold", "uncordon"])),
];
const DRAIN: &[(&str, Holds)] = &[
    ("timeout", Holds::Duration),
    ("on_timeout", Holds::Choice(&["fail", "skip", "delete"])),
    ("grace", Holds::MaybeDuration),
    ("delete_emptydir_data", Holds::Bool),
    ("force", Holds::Bool),
    ("pod_selector", Holds::MaybeText),
    ("order", Holds::Maps(ORDER)),
];
const ORDER: &[(&str, Holds)] =
    &[("selector", Holds::Text), ("priority", Holds::Whole), ("wait_completed", Holds::Bool)];
const READY: &[(&str, Holds)] =
    &[("timeout", Holds::Duration), ("stable", Holds::Duration), ("daemonsets", Holds::Bool)];
const GATE: &[(&str, Holds)] = &[
    ("workloads", Holds::Choice(&["no_worse"])),
    ("command", Holds::Text),
    ("on", Holds::Text),
    ("timeout", Holds::Duration),
    ("prometheus", Holds::Later),
];

impl Reader<'_> {
    /// Checks `maintenance:`; all that is wrong in it is reported.
    pub(super) fn maintenance(&mut self, node: &Node) -> Option<Maintenance> {
        self.holds("maintenance", Holds::Map(TOP), node);
        let options = named(&node.to_value()).as_map().cloned()?;
        Some(Maintenance { place: node.place.clone(), options })
    }

    fn holds(&mut self, name: &str, holds: Holds, node: &Node) {
        let value = match &node.kind {
            NodeKind::Scalar(value) => Some(value),
            _ => None,
        };
        let fits = match holds {
            Holds::Map(keys) if matches!(node.kind, NodeKind::Map(_)) => {
                return self.map(name, keys, node);
            }
            Holds::Maps(keys) => {
                if let NodeKind::List(items) = &node.kind {
                    for item in items {
                        self.entry_of(name, keys, item);
                    }
                    return;
                }
                false
            }
            _ if is_template(node) => !matches!(holds, Holds::Map(_)),
            Holds::Map(_) | Holds::Later => false,
            Holds::Condition => {
                matches!(node.kind, NodeKind::List(_))
                    || value.is_some_and(|v| {
                        !node.is_null() && !matches!(v, Value::Int(_) | Value::Float(_))
                    })
            }
            Holds::Share => value.is_some_and(is_share),
            Holds::Duration => value.is_some_and(is_duration),
            Holds::MaybeDuration => node.is_null() || value.is_some_and(is_duration),
            Holds::Bool => value.is_some_and(is_bool),
            Holds::Text => node.as_str().is_some(),
            Holds::MaybeText => node.is_null() || node.as_str().is_some(),
            Holds::Whole => matches!(value, Some(Value::Int(_))),
            Holds::Choice(choices) => node.as_str().is_some_and(|s| choices.contains(&s)),
        };
        if !fits {
            let message = format!("{name:?} must be {}, not {}", holds.expected(), shape(node));
            self.error(Diagnostic::error(message).at(&node.place));
        }
    }

    fn map(&mut self, name: &str, keys: &'static [(&'static str, Holds)], node: &Node) {
        let NodeKind::Map(entries) = &node.kind else { return };
        for (key, value) in entries {
            let written = key_name(key);
            match keys.iter().find(|(known, _)| *known == written) {
                Some((_, Holds::Later)) => {
                    let message = format!("{written:?} of {name} is not supported yet");
                    self.error(Diagnostic::error(message).at(&key.place));
                }
                Some((known, holds)) => self.holds(known, *holds, value),
                None => {
                    let wrong = Diagnostic::error(format!("unknown key {written:?} of {name}"));
                    let names: Vec<_> = keys.iter().map(|(known, _)| *known).collect();
                    self.error(wrong.at(&key.place).hint(
                        match nearest(written, names.iter().copied()) {
                            Some(near) => format!("did you mean {near:?}?"),
                            None => format!("known are {}", names.join(", ")),
                        },
                    ));
                }
            }
        }
    }

    /// An entry of `gates` or `order`.
    fn entry_of(&mut self, name: &str, keys: &'static [(&'static str, Holds)], node: &Node) {
        if !matches!(node.kind, NodeKind::Map(_)) {
            let message = format!("an entry of {name:?} must be a map, not {}", shape(node));
            self.error(Diagnostic::error(message).at(&node.place));
            return;
        }
        self.map(name, keys, node);
        if name == "order" && node.get("selector").is_none() {
            let wrong = Diagnostic::error("an entry of \"order\" has no \"selector\"");
            self.error(wrong.at(&node.place));
        }
        if name != "gates" {
            return;
        }
        let kinds = ["workloads", "command", "prometheus"];
        let found: Vec<_> = kinds.iter().filter(|kind| node.get(kind).is_some()).collect();
        if found.len() != 1 {
            let message = match found.len() {
                0 => "the gate checks nothing".to_owned(),
                _ => "a gate checks one thing".to_owned(),
            };
            let hint = format!("one of {} in each entry", kinds.join(", "));
            self.error(Diagnostic::error(message).at(&node.place).hint(hint));
        }
        if node.get("workloads").is_some() && has_on(node) {
            let wrong = Diagnostic::error("\"on\" belongs to a gate with \"command\"");
            self.error(wrong.at(&node.place));
        }
    }
}

/// YAML 1.1 reads a bare `on` as true.
fn key_name(key: &Node) -> &str {
    match &key.kind {
        NodeKind::Scalar(Value::Bool(true)) => "on",
        _ => key.as_str().unwrap_or_default(),
    }
}

fn has_on(node: &Node) -> bool {
    matches!(&node.kind, NodeKind::Map(entries) if entries.iter().any(|(k, _)| key_name(k) == "on"))
}

/// The same with `on` as the text that was meant.
fn named(value: &Value) -> Value {
    match value {
        Value::List(items) => Value::list(items.iter().map(named).collect()),
        Value::Map(map) => Value::Map(
            map.iter()
                .map(|(key, value)| {
                    let key = if matches!(key, Value::Bool(true)) {
                        Value::text("on")
                    } else {
                        key.clone()
                    };
                    (key, named(value))
                })
                .collect(),
        ),
        other => other.clone(),
    }
}

impl Holds {
    fn expected(self) -> String {
        match self {
            Self::Condition => "a condition".to_owned(),
            Self::Share => "a number or a percentage".to_owned(),
            Self::Duration | Self::MaybeDuration => "a duration such as 30s or 15m".to_owned(),
            Self::Bool => "true or false".to_owned(),
            Self::Text | Self::MaybeText => "text".to_owned(),
            Self::Whole => "a whole number".to_owned(),
            Self::Choice(choices) => format!("one of {}", choices.join(", ")),
            Self::Map(_) => "a map".to_owned(),
            Self::Maps(_) => "a list of maps".to_owned(),
            Self::Later => "left out".to_owned(),
        }
    }
}

fn is_share(value: &Value) -> bool {
    let whole = |text: &str| text.trim().parse::<u64>().is_ok();
    match value {
        Value::Int(i) => *i >= 0,
        Value::Text(text) => {
            whole(text.as_str())
                || text
                    .as_str()
                    .trim()
                    .strip_suffix('%')
                    .is_some_and(|s| s.trim().parse::<f64>().is_ok())
        }
        _ => false,
    }
}

/// `15m`, `1h30m`, `90`, `90s`, `500ms`.
fn is_duration(value: &Value) -> bool {
    let text = match value {
        Value::Int(i) => return *i >= 0,
        Value::Float(f) => return *f >= 0.0,
        Value::Text(text) => text.as_str().trim(),
        _ => return false,
    };
    if text.parse::<u64>().is_ok() {
        return true;
    }
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        if digits.len() == rest.len() {
            return false;
        }
        let Some(tail) = ["ms", "s", "m", "h", "d"].iter().find_map(|unit| {
            digits
                .strip_prefix(unit)
                .filter(|t| t.is_empty() || t.starts_with(|c: char| c.is_ascii_digit()))
        }) else {
            return false;
        };
        rest = tail;
    }
    !text.is_empty()
}
