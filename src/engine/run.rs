//! What all of a run shares, and the few things that change it.

use super::cluster_slot::ClusterSlot;
use super::connections::Connections;
use super::playing::Playing;
use super::prompt::Prompter;
use super::refused::Refused;
use super::tags::Selection;
use super::world::World;
use crate::clock::Clock;
use crate::cluster::Cancel;
use crate::event::{Event, Events, Redactor};
use crate::journal::Effects;
use crate::modules::Ask;
use mainstay_language::diag::{Diagnostic, Diagnostics, Place};
use mainstay_language::inventory::{Files, Inventory, LOCALHOST, Pattern};
use mainstay_language::outside::Outside;
use mainstay_language::playbook::{Action, Loader, Task};
use mainstay_language::template::Templar;
use mainstay_language::value::{Map, Scope, Value, string};
use mainstay_language::vault::Secrets;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How a host left a play.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Out {
    /// A task failed on it.
    Failed,
    /// It was lost.
    Unreachable,
    /// `end_host`, `end_play`: no fault.
    Ended,
}

/// Settings of a run, from the command line and the configuration.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct Options {
    /// `--check`
    pub check: bool,
    /// `--diff`
    pub diff: bool,
    /// Hosts at once, at least 1.
    pub forks: usize,
    /// `-v` count.
    pub verbosity: u8,
    /// `--tags`, `--skip-tags`
    pub tags: Selection,
    /// `--force-handlers`
    pub force_handlers: bool,
    /// Default of the keyword.
    pub any_errors_fatal: bool,
    /// Directory for temporary files on hosts.
    pub remote_tmp: String,
    /// `--limit`
    pub limit: Option<Pattern>,
    /// A pattern that matches nothing.
    pub pattern_mismatch: Mismatch,
    /// Default of `gather_facts`: `implicit`, `explicit` or `smart`.
    pub gathering: Gathering,
    /// `--start-at-task`
    pub start_at: Option<String>,
    /// An unknown handler is an error (default) or a warning.
    pub missing_handler_is_error: bool,
}

/// What is done about a pattern that matches nothing (`HOST_PATTERN_MISMATCH`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the setting's values")]
pub enum Mismatch {
    Ignore,
    Warning,
    Error,
}

/// When facts are gathered without being asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gathering {
    /// At the start of each play, unless it says no.
    Implicit,
    /// Only if the play says so.
    Explicit,
    /// Once for each host.
    Smart,
}

/// A run.
pub struct Run {
    /// Its id.
    pub id: Arc<str>,
    /// Settings.
    pub options: Options,
    /// Variables.
    pub world: Arc<World>,
    /// Templates.
    pub templar: Arc<Templar>,
    /// The controller.
    pub outside: Arc<dyn Outside>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The journal.
    pub effects: Arc<dyn Effects>,
    /// Where events go.
    pub events: Events,
    /// Reads playbooks, roles and task files.
    pub loader: Loader,
    /// One connection a host.
    pub connections: Connections,
    /// The Kubernetes API.
    pub cluster: ClusterSlot,
    /// Set by the first interrupt.
    pub stop: Cancel,
    /// Takes secrets out of events.
    pub redactor: Redactor,
    /// Asks on the terminal.
    pub prompter: Arc<dyn Prompter>,
    /// Opens vaulted variables files.
    pub secrets: Arc<Secrets>,
    /// Reads the inventory sources again (`meta: refresh_inventory`).
    pub reload: Box<dyn Fn() -> Result<Inventory, Diagnostics> + Send + Sync>,
    /// How many tasks run at once where hosts walk on their own.
    pub slots: tokio::sync::Semaphore,
    state: Mutex<State>,
}

/// What a run is made of; the composition root names every part once. See [`Run`] for what each is.
#[expect(missing_docs, reason = "the fields are those of Run")]
pub struct Parts {
    pub id: Arc<str>,
    pub options: Options,
    pub world: Arc<World>,
    pub templar: Arc<Templar>,
    pub outside: Arc<dyn Outside>,
    pub clock: Arc<dyn Clock>,
    pub effects: Arc<dyn Effects>,
    pub events: Events,
    pub loader: Loader,
    pub connections: Connections,
    pub cluster: ClusterSlot,
    pub stop: Cancel,
    pub redactor: Redactor,
    pub prompter: Arc<dyn Prompter>,
    pub secrets: Arc<Secrets>,
    pub reload: Box<dyn Fn() -> Result<Inventory, Diagnostics> + Send + Sync>,
}

#[derive(Default)]
struct State {
    out: HashMap<Arc<str>, Out>,
    fatal: Option<Refused>,
    ended_play: bool,
    stopped: bool,
    /// The task of `--start-at-task` has been found.
    started: bool,
    custom_stats: Map,
    warned: HashSet<String>,
}

impl Run {
    /// A run about to start, from its parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts {
            id,
            options,
            world,
            templar,
            outside,
            clock,
            effects,
            events,
            loader,
            connections,
            cluster,
            stop,
            redactor,
            prompter,
            secrets,
            reload,
        } = parts;
        let slots = tokio::sync::Semaphore::new(options.forks.max(1));
        Self {
            id,
            options,
            world,
            templar,
            outside,
            clock,
            effects,
            events,
            loader,
            connections,
            cluster,
            stop,
            redactor,
            prompter,
            secrets,
            reload,
            slots,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the user asked to stop, or something made going on impossible.
    #[must_use]
    pub fn interrupted(&self) -> bool {
        self.stop.is_cancelled() || self.state().fatal.is_some()
    }

    /// Something that ends the run with an error.
    pub fn fatal(&self, diagnostic: Diagnostic) {
        self.state().fatal.get_or_insert(diagnostic.into());
    }

    /// The journal cannot be written: nothing more is started.
    pub fn fatal_journal(&self, diagnostic: Diagnostic) {
        self.state().fatal.get_or_insert(Refused::journal(diagnostic));
    }

    /// Why the run ended early, if it did.
    #[must_use]
    pub fn take_fatal(&self) -> Option<Refused> {
        self.state().fatal.take()
    }

    /// A host leaves the run.
    pub fn lose(&self, host: &Arc<str>, how: Out) {
        self.state().out.insert(Arc::clone(host), how);
    }

    /// A host is back (`clear_host_errors`).
    pub fn forgive(&self, host: &str) {
        self.state().out.remove(host);
    }

    /// How a host left the run, if it did.
    #[must_use]
    pub fn out(&self, host: &str) -> Option<Out> {
        self.state().out.get(host).copied()
    }

    /// Hosts that failed, hosts that were lost.
    #[must_use]
    pub fn losses(&self) -> (usize, usize) {
        let state = self.state();
        let count = |how: Out| state.out.values().filter(|o| **o == how).count();
        (count(Out::Failed), count(Out::Unreachable))
    }

    /// `meta: end_play`.
    pub fn end_play(&self) {
        self.state().ended_play = true;
    }

    /// Whether the play was ended since last asked.
    #[must_use]
    pub fn take_end_play(&self) -> bool {
        std::mem::take(&mut self.state().ended_play)
    }

    /// The task that everything waits for (`--start-at-task`), until it is found.
    #[must_use]
    pub fn start_at(&self) -> Option<&str> {
        self.options.start_at.as_deref().filter(|_| !self.state().started)
    }

    /// The task of `--start-at-task` is found.
    pub(super) fn started(&self) {
        self.state().started = true;
    }

    /// No further play is started (a bracket has stopped).
    pub fn stop_plays(&self) {
        self.state().stopped = true;
    }

    /// Whether no further play is started.
    #[must_use]
    pub fn plays_stopped(&self) -> bool {
        self.state().stopped
    }

    /// A host failed outside of any task: because of its node.
    pub fn fail_host(&self, host: &Arc<str>, why: &str) {
        self.events.emit(Event::HostFailed { host: Arc::clone(host), why: why.to_owned() });
    }

    /// `set_stats` data of the run.
    #[must_use]
    pub fn custom_stats(&self) -> Map {
        self.state().custom_stats.clone()
    }

    /// Whether `force_handlers` holds for a play.
    #[must_use]
    pub fn force_handlers(&self, playing: &Playing) -> bool {
        playing
            .play
            .only
            .get("force_handlers")
            .and_then(super::keywords::as_bool)
            .unwrap_or(self.options.force_handlers)
    }

    /// Whether `--tags` and `--skip-tags` select a task.
    #[must_use]
    pub fn selects(&self, playing: &Arc<Playing>, task: &Arc<Task>) -> bool {
        self.options.tags.takes(&self.tags(playing, task))
    }

    /// The tags of a task and of all around it, rendered with the variables of the play.
    #[must_use]
    pub fn tags(&self, playing: &Arc<Playing>, task: &Arc<Task>) -> Vec<String> {
        let mut written = task.lineage.tags().peekable();
        if written.peek().is_none() {
            return Vec::new();
        }
        let scope: Arc<dyn Scope> = playing.scope(&self.world);
        let mut tags = Vec::new();
        for tag in written {
            let value = Value::Text(tag.clone());
            match self.templar.render(&value, &scope, &playing.site()) {
                Ok(Value::List(list)) => tags.extend(list.iter().map(string)),
                Ok(Value::Omit) => {}
                Ok(one) => tags.extend(string(&one).split(',').map(|t| t.trim().to_owned())),
                Err(_) => tags.push(tag.as_str().to_owned()),
            }
        }
        tags
    }

    /// Whether an action runs once for all hosts by its nature.
    #[must_use]
    pub fn bypasses_hosts(&self, task: &Task) -> bool {
        matches!(&task.action, Action::Module { name, .. } if name == "add_host" || name == "pause")
    }

    /// The stable path of a task: play, position, place.
    #[must_use]
    pub fn path(&self, playing: &Playing, task: &Task, position: &[u32]) -> String {
        let steps: Vec<String> = position.iter().map(u32::to_string).collect();
        format!("{}/{}@{}", playing.number, steps.join("."), super::keywords::shown_place(task))
    }

    /// Does what a module wants from the run, for this host.
    pub fn grant(&self, host: &Arc<str>, ask: &Ask) {
        match ask {
            Ask::SetFact { variables, cacheable } => {
                self.world.learn(host, |vars| vars.set.extend_with(variables));
                if *cacheable {
                    self.learn_facts(host, variables);
                }
            }
            Ask::IncludeVars(variables) => {
                self.world.learn(host, |vars| vars.included.extend_with(variables));
            }
            Ask::AddHost { .. } | Ask::JoinGroup { .. } => {}
            Ask::SetStats { data, per_host, aggregate } => {
                self.set_stats(host, data, *per_host, *aggregate);
            }
            Ask::Reconnect | Ask::ShowResult => {}
        }
    }

    /// Facts of a host; that they cannot be kept for later runs is worth a warning.
    pub fn learn_facts(&self, host: &Arc<str>, facts: &Map) {
        self.warn_of(self.world.learn_facts(host, facts));
    }

    /// Takes up what earlier runs kept of the hosts of the inventory and of the controller; with `flush`, removes it.
    pub fn recall_facts(&self, flush: bool) {
        let mut hosts: Vec<Arc<str>> =
            self.world.inventory().hosts().map(|host| Arc::clone(host.name())).collect();
        hosts.extend(LOCALHOST.map(Arc::from));
        for host in hosts {
            self.warn_of(if flush {
                self.world.forget_facts(&host)
            } else {
                self.world.recall_facts(&host)
            });
        }
    }

    /// Does at once what a module wants from the inventory: its result depends on whether that is new. `None` if it wants
    /// nothing of the kind.
    ///
    /// # Errors
    /// A name that cannot be used.
    pub fn enroll(&self, host: &Arc<str>, ask: &Ask) -> Result<Option<bool>, Diagnostic> {
        if let Ask::AddHost { name, .. } = ask {
            self.warn_of(self.world.recall_facts(&Arc::from(name.as_str())));
        }
        self.world.change_inventory(|inventory| match ask {
            Ask::AddHost { name, groups, variables } => {
                let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
                inventory.add_host_at_run_time(name, None, &groups, variables).map(Some)
            }
            Ask::JoinGroup { group, parents } => {
                let parents: Vec<&str> = parents.iter().map(String::as_str).collect();
                inventory.group_by_at_run_time(host, group, &parents).map(Some)
            }
            _ => Ok(None),
        })
    }

    /// A warning that is told once a run.
    pub fn warn_once(&self, message: String) {
        if self.state().warned.insert(message.clone()) {
            self.events.emit(Event::Warning { message });
        }
    }

    /// Warns of a problem, if there is one.
    pub(super) fn warn_of(&self, done: Result<(), String>) {
        if let Err(message) = done {
            self.warn_once(message);
        }
    }

    fn warn_if(&self, diagnostic: Option<Diagnostic>) {
        if let Some(diagnostic) = diagnostic {
            self.events.emit(Event::Warning { message: diagnostic.to_string() });
        }
    }

    /// The controller's files through the vault secrets.
    #[must_use]
    pub fn files(&self) -> Files<'_> {
        Files { outside: &*self.outside, secrets: &self.secrets }
    }

    /// The hosts of a play: its patterns within `--limit`.
    ///
    /// # Errors
    /// A pattern is wrong.
    pub fn select_hosts(
        &self,
        patterns: &[String],
        place: Option<&Place>,
    ) -> Result<Vec<Arc<str>>, Diagnostic> {
        let mut warnings = Diagnostics::default();
        let pattern =
            Pattern::parse_all(patterns.iter().map(String::as_str), place, &mut warnings)?;
        let matched = match &self.options.limit {
            Some(limit) => self.world.inventory().matching_within(&pattern, limit),
            None => self.world.inventory().matching(&pattern),
        };
        for name in matched.unmatched {
            let message = format!("Could not match supplied host pattern, ignoring: {name}");
            match self.options.pattern_mismatch {
                Mismatch::Ignore => {}
                Mismatch::Warning => self.events.emit(Event::Warning { message }),
                Mismatch::Error => {
                    return Err(Diagnostic::error(format!("no host or group matches {name:?}"))
                        .at_opt(place));
                }
            }
        }
        for warning in warnings.0 {
            self.warn_if(Some(warning));
        }
        Ok(matched.hosts)
    }

    /// Reads the inventory again; what the run has learned about hosts stays.
    pub fn refresh_inventory(&self) {
        match (self.reload)() {
            Ok(inventory) => {
                self.world.change_inventory(|old| *old = inventory);
                self.recall_facts(false);
            }
            Err(diagnostics) => {
                self.events.emit(Event::Warning { message: diagnostics.to_string() });
            }
        }
    }

    /// Whether a name means the controller and no inventory has it.
    #[must_use]
    pub fn is_implicit_localhost(&self, name: &str) -> bool {
        let inventory = self.world.inventory();
        inventory
            .host(name)
            .map_or(LOCALHOST.contains(&name), mainstay_language::inventory::Host::is_implicit)
    }

    fn set_stats(&self, host: &Arc<str>, data: &Map, per_host: bool, aggregate: bool) {
        let mut state = self.state();
        let who = if per_host { host.as_ref() } else { "_run" };
        let mut stats = match state.custom_stats.get(who) {
            Some(Value::Map(map)) => map.clone(),
            _ => Map::new(),
        };
        for (key, value) in data.iter() {
            let old = stats.get_value(key).cloned();
            let new = match (aggregate, old, value) {
                (true, Some(Value::Map(mut old)), Value::Map(new)) => {
                    old.extend_with(new);
                    Value::Map(old)
                }
                (true, Some(Value::List(old)), Value::List(new)) => {
                    Value::list(old.iter().chain(new.iter()).cloned().collect())
                }
                (true, Some(Value::Int(old)), Value::Int(new)) => Value::Int(old + new),
                (true, Some(Value::Text(old)), Value::Text(new)) => {
                    Value::text(format!("{old}{new}"))
                }
                _ => value.clone(),
            };
            stats.insert(key.clone(), new);
        }
        state.custom_stats.insert(who, Value::Map(stats));
    }

    /// A task notified a handler that does not exist.
    pub fn missing_handler(&self, name: &str, task: &Task) {
        let message = format!(
            "The requested handler '{name}' was not found in either the main handlers list nor in the listening handlers list"
        );
        if self.options.missing_handler_is_error {
            self.fatal(Diagnostic::error(message).at(&task.lineage.place));
        } else {
            self.events.emit(Event::Warning { message });
        }
    }
}
