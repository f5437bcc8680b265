//! `maintenance:` as typed options. The loader has checked the keys; here the values are rendered and read.

use crate::clock;
use crate::cluster::{DrainOptions, Limit, OrderRule};
use crate::engine::keywords::{as_bool, as_int, as_number};
use mainstay_language::diag::Diagnostic;
use mainstay_language::playbook::Maintenance;
use mainstay_language::value::{Map, Value, string};
use std::time::Duration;

/// All of `maintenance:`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Options {
    /// Rendered and evaluated per host: false means that the host is done already.
    pub needed: Option<Value>,
    /// Rendered per host: the Node, if it is not found by name, address or machine id.
    pub node: Option<Value>,
    /// Nodes out at once. Default 1.
    pub max_unavailable: Limit,
    /// Failed or lost nodes after which no new one starts. Default 0.
    pub max_failures: Limit,
    /// Nodes that go first and soak before the others start; default 0.
    pub canary: usize,
    /// Healthy this long before the slot is freed. Default none.
    pub soak: Duration,
    /// How nodes are emptied.
    pub drain: DrainOptions,
    /// What happens if a drain does not end in time.
    pub on_timeout: OnTimeout,
    /// How long a node may take to be ready, and for how long it must stay so.
    pub ready: Ready,
    /// What must hold before the slot is freed.
    pub gates: Vec<Gate>,
    /// What happens to a node whose work failed.
    pub on_failure: OnFailure,
}

/// What happens if a drain does not end in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnTimeout {
    /// The node failed.
    Fail,
    /// The node is left as it was, and counts as skipped.
    Skip,
    /// The pods that are left are deleted, budgets or not.
    Delete,
}

/// What happens to a node whose work failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnFailure {
    /// It stays cordoned, with the reason in an annotation.
    Hold,
    /// It is uncordoned if it is Ready.
    Uncordon,
}

/// When a node is ready.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ready {
    /// Default 10 min.
    pub timeout: Duration,
    /// Default 10 s.
    pub stable: Duration,
    /// Default yes.
    pub daemonsets: bool,
}

/// One gate.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Gate {
    /// As many replicas available as before the node was taken.
    Workloads {
        /// Default 15 min.
        timeout: Duration,
    },
    /// A command that exits with 0.
    Command {
        /// Shell text, raw: rendered for the host.
        command: Value,
        /// Where; default the host itself. Raw.
        on: Option<Value>,
        /// Default 15 min.
        timeout: Duration,
    },
}

const MINUTE: u64 = 60;

impl Options {
    /// Reads them. `render` renders with a host's variables; what differs from host to host stays raw.
    ///
    /// # Errors
    /// A value cannot be rendered or is not what its key wants.
    pub(super) fn read(
        written: &Maintenance,
        render: &dyn Fn(&Value) -> Result<Value, Diagnostic>,
    ) -> Result<Self, Diagnostic> {
        let reader = Reader { map: &written.options, render, written };
        let drain = reader.below("drain")?;
        let ready = reader.below("ready")?;
        let drain = Reader { map: &drain, render, written };
        let ready = Reader { map: &ready, render, written };
        Ok(Self {
            needed: written.options.get("needed").cloned(),
            node: written.options.get("node").cloned(),
            max_unavailable: reader.limit("max_unavailable", Limit::Nodes(1))?,
            max_failures: reader.limit("max_failures", Limit::Nodes(0))?,
            canary: reader.count("canary")?,
            soak: reader.duration("soak", 0)?,
            drain: drain_options(&drain)?,
            on_timeout: match drain.text("on_timeout")?.as_deref() {
                None | Some("fail") => OnTimeout::Fail,
                Some("skip") => OnTimeout::Skip,
                Some("delete") => OnTimeout::Delete,
                Some(other) => {
                    return Err(drain.wrong("on_timeout", other, "fail, skip or delete"));
                }
            },
            ready: Ready {
                timeout: ready.duration("timeout", 10 * MINUTE)?,
                stable: ready.duration("stable", 10)?,
                daemonsets: ready.flag("daemonsets", true)?,
            },
            gates: gates(&reader)?,
            on_failure: match reader.text("on_failure")?.as_deref() {
                None | Some("hold") => OnFailure::Hold,
                Some("uncordon") => OnFailure::Uncordon,
                Some(other) => return Err(reader.wrong("on_failure", other, "hold or uncordon")),
            },
        })
    }
}

fn drain_options(reader: &Reader<'_>) -> Result<DrainOptions, Diagnostic> {
    let mut order = Vec::new();
    if let Some(Value::List(rules)) = reader.value("order")? {
        for rule in rules.iter() {
            let text = rule.get("selector").map(string).unwrap_or_default();
            order.push(OrderRule {
                selector: text,
                priority: rule
                    .get("priority")
                    .and_then(as_int)
                    .and_then(|n| i32::try_from(n).ok())
                    .unwrap_or(0),
                wait_completed: rule.get("wait_completed").and_then(as_bool).unwrap_or(false),
            });
        }
    }
    let grace = match reader.value("grace")? {
        None => None,
        Some(value) => {
            let seconds = duration(&value)
                .ok_or_else(|| reader.wrong("grace", &string(&value), "a duration such as 30s"))?;
            Some(u32::try_from(seconds.as_secs()).unwrap_or(u32::MAX))
        }
    };
    Ok(DrainOptions {
        timeout: reader.duration("timeout", 15 * MINUTE)?,
        grace,
        delete_emptydir_data: reader.flag("delete_emptydir_data", false)?,
        force: reader.flag("force", false)?,
        pod_selector: reader.text("pod_selector")?,
        order,
        ..DrainOptions::default()
    })
}

fn gates(reader: &Reader<'_>) -> Result<Vec<Gate>, Diagnostic> {
    let Some(Value::List(list)) = reader.map.get("gates") else { return Ok(Vec::new()) };
    let mut gates = Vec::new();
    for entry in list.iter() {
        let Value::Map(map) = entry else { continue };
        let gate = Reader { map, render: reader.render, written: reader.written };
        let timeout = gate.duration("timeout", 15 * MINUTE)?;
        match map.get("command") {
            Some(command) => gates.push(Gate::Command {
                command: command.clone(),
                on: map.get("on").cloned(),
                timeout,
            }),
            None => gates.push(Gate::Workloads { timeout }),
        }
    }
    Ok(gates)
}

struct Reader<'a> {
    map: &'a Map,
    render: &'a dyn Fn(&Value) -> Result<Value, Diagnostic>,
    written: &'a Maintenance,
}

impl Reader<'_> {
    fn value(&self, key: &str) -> Result<Option<Value>, Diagnostic> {
        let Some(raw) = self.map.get(key) else { return Ok(None) };
        let value = (self.render)(raw)?;
        Ok(Some(value).filter(|v| !matches!(v, Value::Null | Value::Omit)))
    }

    fn below(&self, key: &str) -> Result<Map, Diagnostic> {
        match self.map.get(key) {
            None | Some(Value::Null) => Ok(Map::new()),
            Some(Value::Map(map)) => Ok(map.clone()),
            Some(raw) => match (self.render)(raw)? {
                Value::Map(map) => Ok(map),
                other => Err(self.wrong(key, &string(&other), "a dictionary")),
            },
        }
    }

    fn text(&self, key: &str) -> Result<Option<String>, Diagnostic> {
        Ok(self.value(key)?.map(|v| string(&v)).filter(|text| !text.is_empty()))
    }

    fn flag(&self, key: &str, default: bool) -> Result<bool, Diagnostic> {
        match self.value(key)? {
            None => Ok(default),
            Some(value) => {
                as_bool(&value).ok_or_else(|| self.wrong(key, &string(&value), "true or false"))
            }
        }
    }

    fn count(&self, key: &str) -> Result<usize, Diagnostic> {
        match self.value(key)? {
            None => Ok(0),
            Some(value) => as_int(&value)
                .and_then(|n| usize::try_from(n).ok())
                .ok_or_else(|| self.wrong(key, &string(&value), "a number of nodes")),
        }
    }

    fn limit(&self, key: &str, default: Limit) -> Result<Limit, Diagnostic> {
        match self.value(key)? {
            None => Ok(default),
            Some(value) => {
                string(&value).parse().map_err(|why: String| self.wrong(key, &string(&value), &why))
            }
        }
    }

    fn duration(&self, key: &str, default_seconds: u64) -> Result<Duration, Diagnostic> {
        match self.value(key)? {
            None => Ok(Duration::from_secs(default_seconds)),
            Some(value) => duration(&value).ok_or_else(|| {
                self.wrong(key, &string(&value), "a duration such as 90s, 15m or 1h30m")
            }),
        }
    }

    fn wrong(&self, key: &str, found: &str, wanted: &str) -> Diagnostic {
        let place = self.map.get(key).and_then(Value::place).unwrap_or(&self.written.place);
        Diagnostic::error(format!("maintenance: {key}: {found:?} is not {wanted}")).at(place)
    }
}

/// Seconds, or a text as [`clock::duration`] reads it.
fn duration(value: &Value) -> Option<Duration> {
    match as_number(value) {
        Some(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        None => clock::duration(value.as_str()?),
    }
}

#[cfg(test)]
mod tests {
    use super::duration;
    use mainstay_language::value::Value;
    use std::time::Duration;

    #[test]
    fn numbers_are_seconds() {
        assert_eq!(duration(&Value::from(7)), Some(Duration::from_secs(7)));
        assert_eq!(duration(&Value::text("1h30m")), Some(Duration::from_secs(5400)));
        assert_eq!(duration(&Value::from(-1)), None);
    }
}
