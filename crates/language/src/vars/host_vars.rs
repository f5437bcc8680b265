//! Levels 3 to 10: inventory files, `group_vars` and `host_vars`.

use super::{HashBehaviour, combine};
use crate::diag::{Diagnostic, Diagnostics};
use crate::inventory::{Entity, Files, Inventory, VarsFiles};
use crate::value::Map;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Merges the variables of hosts, each host once for a version of the inventory.
///
/// Lowest first: variables of `all` and of groups in inventory files; `group_vars/all` of the inventories, of the
/// playbook; `group_vars` of the groups of the inventories, of the playbook; variables of the host in inventory files;
/// `host_vars` of the inventories, of the playbook. Groups go by depth, `ansible_group_priority` and name.
#[derive(Debug)]
pub struct HostVars {
    inventories: Vec<Arc<VarsFiles>>,
    playbooks: Vec<Arc<VarsFiles>>,
    behaviour: HashBehaviour,
    cache: Mutex<Cache>,
}

#[derive(Debug, Default)]
struct Cache {
    version: u64,
    /// What a host has from its groups, by the groups in the order of merging: most hosts share it with others.
    groups: HashMap<Arc<[Arc<str>]>, Map>,
    hosts: HashMap<Arc<str>, Map>,
}

impl HostVars {
    /// Looks beside these inventories ([`crate::inventory::Loaded::directories`]) and in these directories of playbooks
    /// (normally the one of the running playbook). Nothing is read yet.
    #[must_use]
    pub fn new(
        inventories: &[PathBuf],
        playbooks: &[PathBuf],
        behaviour: HashBehaviour,
        files: Files<'_>,
        warnings: &mut Diagnostics,
    ) -> Self {
        // An inventory beside its playbook: one set of files, read once.
        let mut known: HashMap<&Path, Arc<VarsFiles>> = HashMap::new();
        for directory in inventories.iter().chain(playbooks) {
            known
                .entry(directory)
                .or_insert_with(|| Arc::new(VarsFiles::new(directory, files, warnings)));
        }
        let open = |directories: &[PathBuf]| {
            let mut seen: HashSet<&Path> = HashSet::new();
            // The same directory again sets the same values again: its last place counts.
            let mut out: Vec<Arc<VarsFiles>> = directories
                .iter()
                .rev()
                .filter(|directory| seen.insert(directory))
                .filter_map(|directory| known.get(directory.as_path()).cloned())
                .filter(|files| !files.is_empty())
                .collect();
            out.reverse();
            out
        };
        let (inventories, playbooks) = (open(inventories), open(playbooks));
        Self { inventories, playbooks, behaviour, cache: Mutex::default() }
    }

    /// The variables of a host: unrendered, without magic variables ([`magic`]) but with `inventory_file` and
    /// `inventory_dir`. Empty if there is no such host.
    ///
    /// # Errors
    /// A file of variables cannot be read.
    pub fn get(
        &self,
        inventory: &Inventory,
        host: &str,
        files: Files<'_>,
    ) -> Result<Map, Diagnostic> {
        let Some(known) = inventory.host(host) else { return Ok(Map::new()) };
        if let Some(vars) = self.cache(inventory).hosts.get(host) {
            return Ok(vars.clone());
        }
        let order = inventory.host_groups(known.name()).merge_order;
        let cached = self.cache(inventory).groups.get(&order).cloned();
        let mut vars = if let Some(vars) = cached {
            vars
        } else {
            let vars = self.of_groups(inventory, &order, files)?;
            self.cache(inventory).groups.insert(order, vars.clone());
            vars
        };
        if let Some(origin) = known.origin() {
            vars.insert("inventory_file", Arc::clone(&origin.file));
            vars.insert("inventory_dir", origin.dir.clone());
        }
        combine(&mut vars, known.vars(), self.behaviour);
        for dir in self.inventories.iter().chain(&self.playbooks) {
            combine(&mut vars, &dir.get(Entity::Host, known.name(), files)?, self.behaviour);
        }
        self.cache(inventory).hosts.insert(host.into(), vars.clone());
        Ok(vars)
    }

    fn of_groups(
        &self,
        inventory: &Inventory,
        order: &[Arc<str>],
        files: Files<'_>,
    ) -> Result<Map, Diagnostic> {
        let mut vars = inventory.group("all").map(|all| all.vars().clone()).unwrap_or_default();
        for group in order.iter().filter_map(|name| inventory.group(name)) {
            combine(&mut vars, group.vars(), self.behaviour);
        }
        for dir in self.inventories.iter().chain(&self.playbooks) {
            combine(&mut vars, &dir.get(Entity::Group, "all", files)?, self.behaviour);
        }
        for dir in self.inventories.iter().chain(&self.playbooks) {
            for name in order {
                combine(&mut vars, &dir.get(Entity::Group, name, files)?, self.behaviour);
            }
        }
        Ok(vars)
    }

    /// The variables of one group for export: its own and those of its `group_vars`.
    ///
    /// # Errors
    /// As [`HostVars::get`].
    pub fn group(
        &self,
        inventory: &Inventory,
        name: &str,
        files: Files<'_>,
    ) -> Result<Map, Diagnostic> {
        let Some(group) = inventory.group(name) else { return Ok(Map::new()) };
        let mut vars = group.vars().clone();
        for dir in self.inventories.iter().chain(&self.playbooks) {
            combine(&mut vars, &dir.get(Entity::Group, name, files)?, self.behaviour);
        }
        if group.priority() != 1 {
            vars.insert("ansible_group_priority", group.priority());
        }
        Ok(vars)
    }

    /// What the reader should know of the files read since the last call.
    #[must_use]
    pub fn take_warnings(&self) -> Diagnostics {
        let all = self.inventories.iter().chain(&self.playbooks);
        Diagnostics(all.flat_map(|files| files.take_warnings().0).collect())
    }

    /// The cache, emptied if the inventory has changed since.
    fn cache(&self, inventory: &Inventory) -> MutexGuard<'_, Cache> {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.version != inventory.version() {
            *cache = Cache { version: inventory.version(), ..Cache::default() };
        }
        cache
    }
}

/// The magic variables that depend on the inventory and the host alone: `inventory_hostname`,
/// `inventory_hostname_short`, `group_names` and `groups`. They stand above all other variables.
#[must_use]
pub fn magic(inventory: &Inventory, host: &str) -> Map {
    let mut vars = Map::new();
    if let Some(known) = inventory.host(host) {
        vars.insert("inventory_hostname", Arc::clone(known.name()));
        vars.insert("inventory_hostname_short", known.short_name());
        vars.insert("group_names", inventory.host_groups(known.name()).names);
    }
    vars.insert("groups", inventory.groups_value());
    vars
}
