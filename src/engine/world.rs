//! The run's own state, as variables see it: facts, registers, included variables of every host; groups; extra variables.
//!
//! Scopes hold it by `Arc` and read it when a template asks, so that `hostvars[h]` is always the present.

use super::fact_cache::{FactCache, GATHERED};
use mainstay_language::diag::Diagnostic;
use mainstay_language::inventory::{Inventory, Origin};
use mainstay_language::value::{Map, Value};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// What a run has learned about one host. Maps share their entries: cloning this is a few counters.
#[derive(Debug, Clone, Default)]
pub struct HostVars {
    /// `ansible_facts`: names without `ansible_`.
    pub facts: Map,
    /// Level 11: facts by their full names, and cacheable `set_fact`.
    pub fact_vars: Map,
    /// Level 18: `include_vars`.
    pub included: Map,
    /// Level 19: `set_fact` and `register`; the later wins.
    pub set: Map,
}

impl HostVars {
    /// Whether facts have been gathered, in this run or in an earlier one that kept them.
    #[must_use]
    pub fn gathered(&self) -> bool {
        self.facts.get(GATHERED).is_some_and(Value::is_true)
    }

    fn learn_facts(&mut self, facts: &Map) {
        for (key, value) in facts.iter() {
            let name = mainstay_language::value::string(key);
            if is_control_variable(&name) {
                continue;
            }
            self.facts.insert(name.strip_prefix("ansible_").unwrap_or(&name), value.clone());
            if !name.starts_with("_ansible_") {
                self.fact_vars.insert(name.as_str(), value.clone());
            }
        }
    }
}

/// Merges levels 3 to 10 of a host: the inventory, and the `group_vars` and `host_vars` beside it and beside the playbook
/// (the last argument, if a play is running).
pub type MergeVars =
    Box<dyn Fn(&Inventory, &str, Option<&Path>) -> Result<Map, Diagnostic> + Send + Sync>;

/// State of the run that outlives plays.
pub struct World {
    /// Hosts and groups, with those that the run added.
    pub inventory: RwLock<Inventory>,
    hosts: RwLock<HashMap<Arc<str>, HostVars>>,
    /// Facts that outlive the run, if any do.
    cache: Option<FactCache>,
    extra: RwLock<Map>,
    /// Levels 3 to 10 of a host, merged; asked once for a host and kept until the inventory changes.
    base: Mutex<HashMap<Arc<str>, Map>>,
    merge: MergeVars,
    /// Magic variables that are the same for every host and task.
    pub constants: Map,
    /// Directory of the playbook that is running.
    directory: RwLock<Option<PathBuf>>,
}

impl World {
    /// A run that knows nothing yet.
    #[must_use]
    pub fn new(inventory: Inventory, extra: Map, constants: Map, merge: MergeVars) -> Self {
        Self {
            inventory: RwLock::new(inventory),
            hosts: RwLock::default(),
            cache: None,
            extra: RwLock::new(extra),
            base: Mutex::default(),
            merge,
            constants,
            directory: RwLock::default(),
        }
    }

    /// The same, with facts that outlive the run.
    #[must_use]
    pub fn keeping_facts(self, cache: Option<FactCache>) -> Self {
        Self { cache, ..self }
    }

    /// The inventory, to read. Hold it briefly.
    pub fn inventory(&self) -> RwLockReadGuard<'_, Inventory> {
        self.inventory.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The inventory, to change: what was merged from it is forgotten.
    pub fn change_inventory<T>(&self, change: impl FnOnce(&mut Inventory) -> T) -> T {
        let mut inventory: RwLockWriteGuard<'_, Inventory> =
            self.inventory.write().unwrap_or_else(PoisonError::into_inner);
        let changed = change(&mut inventory);
        self.base().clear();
        changed
    }

    fn base(&self) -> MutexGuard<'_, HashMap<Arc<str>, Map>> {
        self.base.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `-e`
    #[must_use]
    pub fn extra(&self) -> Map {
        self.extra.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Adds to the extra variables: what a command of ours decides stands above everything written.
    pub fn add_extra(&self, more: &Map) {
        self.extra.write().unwrap_or_else(PoisonError::into_inner).extend_with(more);
    }

    /// A play in this directory begins: the variables beside it count from now on.
    pub fn enter(&self, directory: &Path) {
        let mut now = self.directory.write().unwrap_or_else(PoisonError::into_inner);
        if now.as_deref() != Some(directory) {
            *now = Some(directory.to_path_buf());
            self.base().clear();
        }
    }

    /// Merges levels 3 to 10 of a host, so that errors in its files are known before anything runs.
    ///
    /// # Errors
    /// A variables file cannot be read, opened or parsed.
    pub fn prepare(&self, host: &str) -> Result<Map, Diagnostic> {
        if let Some(map) = self.base().get(host) {
            return Ok(map.clone());
        }
        let directory = self.directory.read().unwrap_or_else(PoisonError::into_inner).clone();
        let map = (self.merge)(&self.inventory(), host, directory.as_deref())?;
        self.base().insert(Arc::from(host), map.clone());
        Ok(map)
    }

    /// Levels 3 to 10 of a host. A host whose files have errors has none: [`World::prepare`] has told them.
    pub fn inventory_vars(&self, host: &str) -> Map {
        if host.is_empty() { Map::new() } else { self.prepare(host).unwrap_or_default() }
    }

    /// `group_names`
    #[must_use]
    pub fn group_names(&self, host: &str) -> Value {
        let names = self.inventory().host_groups(host).names;
        match &names {
            Value::List(list)
                if list.is_empty()
                    && self.inventory().host(host).is_some_and(|h| !h.is_implicit()) =>
            {
                Value::from(vec!["ungrouped"])
            }
            _ => names,
        }
    }

    /// Where a host was first written.
    #[must_use]
    pub fn origin(&self, host: &str) -> Option<Origin> {
        self.inventory().host(host)?.origin().cloned()
    }

    /// What the run has learned about a host.
    pub fn host(&self, host: &str) -> HostVars {
        let hosts = self.hosts.read().unwrap_or_else(PoisonError::into_inner);
        hosts.get(host).cloned().unwrap_or_default()
    }

    /// Learns something about a host.
    pub fn learn(&self, host: &Arc<str>, change: impl FnOnce(&mut HostVars)) {
        let mut hosts = self.hosts.write().unwrap_or_else(PoisonError::into_inner);
        change(hosts.entry(Arc::clone(host)).or_default());
    }

    /// Facts of a host from a module, by the names that it gave them: `ansible_x` is `ansible_facts.x` too.
    ///
    /// # Errors
    /// They cannot be kept for later runs; this one knows them.
    pub fn learn_facts(&self, host: &Arc<str>, facts: &Map) -> Result<(), String> {
        self.learn(host, |vars| vars.learn_facts(facts));
        let Some(cache) = &self.cache else { return Ok(()) };
        let vars = self.host(host);
        let mut kept = vars.fact_vars.clone();
        if vars.gathered() {
            kept.insert(GATHERED, true);
        }
        cache.save(host, &kept)
    }

    /// Takes up what earlier runs kept of a host that this run knows nothing of yet.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn recall_facts(&self, host: &Arc<str>) -> Result<(), String> {
        let Some(cache) = &self.cache else { return Ok(()) };
        let known = self.hosts.read().unwrap_or_else(PoisonError::into_inner).contains_key(host);
        if !known && let Some(facts) = cache.load(host)? {
            self.learn(host, |vars| vars.learn_facts(&facts));
        }
        Ok(())
    }

    /// Forgets the facts of a host, those that are kept for later runs too.
    ///
    /// # Errors
    /// What is kept cannot be removed.
    pub fn forget_facts(&self, host: &Arc<str>) -> Result<(), String> {
        self.learn(host, |vars| {
            vars.facts = Map::new();
            vars.fact_vars = Map::new();
        });
        self.cache.as_ref().map_or(Ok(()), |cache| cache.remove(host))
    }

    /// Sets a variable at the level of `set_fact` and `register`.
    pub fn set(&self, host: &Arc<str>, name: &str, value: Value) {
        self.learn(host, |vars| vars.set.insert(name, value));
    }
}

/// Variables that decide how a host is reached or with whose rights: a host may not set them by its facts (S11).
fn is_control_variable(name: &str) -> bool {
    const NAMES: [&str; 10] = [
        "ansible_host",
        "ansible_port",
        "ansible_user",
        "ansible_connection",
        "ansible_password",
        "ansible_shell_executable",
        "ansible_remote_tmp",
        "ansible_ssh_common_args",
        "ansible_ssh_extra_args",
        "ansible_private_key_file",
    ];
    const PREFIXES: [&str; 2] = ["ansible_become", "ansible_ssh_"];
    // `ansible_ssh_host_key_*_public` are facts of their own and decide nothing.
    NAMES.contains(&name)
        || PREFIXES.iter().any(|p| name.starts_with(p))
            && !name.starts_with("ansible_ssh_host_key_")
}
