//! What a module gives back.

use crate::transport::TransportError;
use mainstay_language::value::{Map, Value};

/// A task that was done (changed or not) or skipped.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// It changed something (in check mode: it would).
    pub changed: bool,
    /// The task counts as skipped (`skipped: true` in its result): in check mode the module cannot tell without running,
    /// or `debug` is not verbose enough. A command that `creates` holds back is ok, not skipped.
    pub skipped: bool,
    /// Everything that `register` sees besides `changed`: `msg`, `stdout`, `stat`, `dest`…
    pub fields: Map,
    /// `{before, after, before_header, after_header}` or `{prepared}`, if the task asked for a diff.
    pub diff: Vec<Value>,
    /// Variables for the host as facts, by their full name (`ansible_hostname`) or as `ansible_facts` keys.
    pub facts: Map,
    /// Shown once.
    pub warnings: Vec<String>,
    /// What it wants from the run.
    pub asks: Vec<Ask>,
}

impl Outcome {
    /// Nothing changed.
    #[must_use]
    pub fn ok() -> Self {
        Self::default()
    }

    /// Changed or not.
    #[must_use]
    pub fn changed(changed: bool) -> Self {
        Self { changed, ..Self::default() }
    }

    /// The same, as a failure with this message.
    #[must_use]
    pub fn failed(self, message: impl Into<String>) -> Failure {
        Failure::Failed(Box::new(self.with("msg", message.into())))
    }

    /// With one more field.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(name, value.into());
        self
    }
}

/// What a module wants from the run; the engine does it, for one host at a time, and journals it as a state delta.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Ask {
    /// `set_fact`: variables of the host at the level of `set_fact`; cacheable ones are facts too.
    SetFact {
        /// Names and values.
        variables: Map,
        /// `cacheable: true`
        cacheable: bool,
    },
    /// `include_vars`: variables of the host at that level.
    IncludeVars(Map),
    /// `add_host`
    AddHost {
        /// Name.
        name: String,
        /// Groups, created if needed.
        groups: Vec<String>,
        /// Variables.
        variables: Map,
    },
    /// `group_by`: the host joins a group.
    JoinGroup {
        /// Group.
        group: String,
        /// Its parents.
        parents: Vec<String>,
    },
    /// `set_stats`
    SetStats {
        /// Data.
        data: Map,
        /// Per host or for the run.
        per_host: bool,
        /// Added to what is there.
        aggregate: bool,
    },
    /// The connection is stale (after a reboot): drop it, and forget facts that depend on the boot.
    Reconnect,
    /// The task's result is shown in full whatever the verbosity (`debug`).
    ShowResult,
}

/// A task that failed.
#[derive(Debug)]
pub enum Failure {
    /// The module says no. `fields` has `msg` and what else it knows (`rc`, `stdout`, `stderr`…).
    Failed(Box<Outcome>),
    /// The transport failed; whether that counts as failed or unreachable, it says itself.
    Transport(TransportError),
}

impl Failure {
    /// Failed, with a message.
    #[must_use]
    pub fn msg(message: impl Into<String>) -> Self {
        Self::Failed(Box::new(Outcome::ok().with("msg", message.into())))
    }
}

impl From<TransportError> for Failure {
    fn from(error: TransportError) -> Self {
        Self::Transport(error)
    }
}
