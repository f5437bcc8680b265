//! Hosts and groups, and how they belong together.

use super::derived::Derived;
use crate::diag::Diagnostic;
use crate::value::{Map, Value};
use indexmap::{IndexMap, IndexSet};
use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

/// Names that always mean the controller, even if no inventory has them.
pub const LOCALHOST: [&str; 3] = ["127.0.0.1", "localhost", "::1"];

/// Where a host was first written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// `inventory_file`: the file, or the text of a host list.
    pub file: Arc<str>,
    /// `inventory_dir`: the directory of the file; none for a host list.
    pub dir: Option<Arc<str>>,
}

/// A host.
#[derive(Debug, Clone)]
pub struct Host {
    pub(super) name: Arc<str>,
    pub(super) vars: Map,
    pub(super) origin: Option<Origin>,
    pub(super) groups: IndexSet<usize>,
    pub(super) implicit: bool,
}

impl Host {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            vars: Map::new(),
            origin: None,
            groups: IndexSet::new(),
            implicit: false,
        }
    }

    /// The controller under one of its names, as if an inventory had `NAME ansible_connection=local`.
    pub(super) fn implicit(name: &str) -> Self {
        let mut host = Self::new(name);
        host.implicit = true;
        host.vars.insert("ansible_connection", "local");
        host
    }

    /// Its name: `inventory_hostname`.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// `inventory_hostname_short`: the name up to its first dot.
    #[must_use]
    pub fn short_name(&self) -> &str {
        self.name.split('.').next().unwrap_or_default()
    }

    /// Its own variables as the inventory sources set them (level 8), without `inventory_file` and `inventory_dir`.
    #[must_use]
    pub fn vars(&self) -> &Map {
        &self.vars
    }

    /// Where it was first written; none if it was added at run time.
    #[must_use]
    pub fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    /// Whether no inventory has it: the controller itself.
    #[must_use]
    pub fn is_implicit(&self) -> bool {
        self.implicit
    }
}

/// A group.
#[derive(Debug, Clone)]
pub struct Group {
    pub(super) name: Arc<str>,
    pub(super) vars: Map,
    pub(super) priority: i64,
    pub(super) hosts: IndexSet<usize>,
    pub(super) children: IndexSet<usize>,
    pub(super) parents: IndexSet<usize>,
}

impl Group {
    fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            vars: Map::new(),
            priority: 1,
            hosts: IndexSet::new(),
            children: IndexSet::new(),
            parents: IndexSet::new(),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Its variables as the inventory sources set them (level 3), without `ansible_group_priority`.
    #[must_use]
    pub fn vars(&self) -> &Map {
        &self.vars
    }

    /// `ansible_group_priority`, default 1: among groups of one depth the larger wins.
    #[must_use]
    pub fn priority(&self) -> i64 {
        self.priority
    }
}

/// All hosts and groups, in the order in which they were first written.
#[derive(Debug, Clone)]
pub struct Inventory {
    pub(super) hosts: IndexMap<Arc<str>, Host>,
    pub(super) groups: IndexMap<Arc<str>, Group>,
    pub(super) implicit: [Host; 3],
    /// The first host that is called like the controller: what `localhost` means then.
    pub(super) localhost: Option<usize>,
    pub(super) derived: OnceLock<Arc<Derived>>,
    version: u64,
}

/// The index of `all` in `groups`: it is made first.
pub(super) const ALL: usize = 0;
/// The index of `ungrouped`.
pub(super) const UNGROUPED: usize = 1;

impl Default for Inventory {
    fn default() -> Self {
        Self::new()
    }
}

impl Inventory {
    /// The groups `all` and `ungrouped`, and no host.
    #[must_use]
    pub fn new() -> Self {
        let mut all = Group::new("all");
        all.children.insert(UNGROUPED);
        let mut ungrouped = Group::new("ungrouped");
        ungrouped.parents.insert(ALL);
        Self {
            hosts: IndexMap::new(),
            groups: [all, ungrouped].into_iter().map(|g| (Arc::clone(&g.name), g)).collect(),
            implicit: LOCALHOST.map(Host::implicit),
            localhost: None,
            derived: OnceLock::new(),
            version: 0,
        }
    }

    /// Grows with every change: what was computed from an older version is stale.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    pub(super) fn changed(&mut self) {
        self.version += 1;
        self.derived = OnceLock::new();
    }

    /// A host by name. The controller's names always find one: the host of that name, else the first host that has
    /// another of the controller's names, else an implicit one with a local connection.
    #[must_use]
    pub fn host(&self, name: &str) -> Option<&Host> {
        self.hosts.get(name).or_else(|| {
            let implicit = self.implicit.iter().find(|host| &*host.name == name)?;
            self.localhost
                .and_then(|index| self.hosts.get_index(index))
                .map_or(Some(implicit), |(_, host)| Some(host))
        })
    }

    /// The written and added hosts, in order; not the implicit one.
    pub fn hosts(&self) -> impl ExactSizeIterator<Item = &Host> {
        self.hosts.values().filter(|host| !host.implicit).collect::<Vec<_>>().into_iter()
    }

    /// A group by name.
    #[must_use]
    pub fn group(&self, name: &str) -> Option<&Group> {
        self.groups.get(name)
    }

    /// The groups in order: `all` and `ungrouped` first.
    pub fn groups(&self) -> impl ExactSizeIterator<Item = &Group> {
        self.groups.values()
    }

    /// The groups directly inside a group, in order.
    pub fn children<'a>(&'a self, group: &'a Group) -> impl Iterator<Item = &'a Group> {
        group.children.iter().filter_map(|i| self.groups.get_index(*i)).map(|(_, g)| g)
    }

    /// The hosts directly inside a group, in order.
    pub fn members<'a>(&'a self, group: &'a Group) -> impl Iterator<Item = &'a Host> {
        group.hosts.iter().filter_map(|i| self.hosts.get_index(*i)).map(|(_, h)| h)
    }

    /// Adds a group unless it is there; its index.
    ///
    /// # Errors
    /// The name is empty.
    pub fn add_group(&mut self, name: &str) -> Result<usize, Diagnostic> {
        if name.is_empty() {
            return Err(Diagnostic::error("a group needs a name"));
        }
        if let Some(index) = self.groups.get_index_of(name) {
            return Ok(index);
        }
        self.changed();
        Ok(self.groups.insert_full(name.into(), Group::new(name)).0)
    }

    /// Adds a host unless it is there; its index. The port of a host that is there already stays as it was.
    ///
    /// # Errors
    /// The name is empty.
    pub fn add_host(
        &mut self,
        name: &str,
        port: Option<u32>,
        origin: Option<&Origin>,
    ) -> Result<usize, Diagnostic> {
        if name.is_empty() {
            return Err(Diagnostic::error("a host needs a name"));
        }
        let mut host = Host::new(name);
        match self.hosts.get_full(name) {
            Some((_, _, implicit)) if implicit.implicit => host.groups.clone_from(&implicit.groups),
            Some((index, ..)) => return Ok(index),
            None => {}
        }
        host.origin = origin.cloned();
        if let Some(port) = port {
            host.vars.insert("ansible_port", port);
        }
        self.changed();
        let (index, _) = self.hosts.insert_full(name.into(), host);
        if self.localhost.is_none() && LOCALHOST.contains(&name) {
            self.localhost = Some(index);
        }
        Ok(index)
    }

    /// Puts a host into a group; whether it was not in it.
    ///
    /// # Errors
    /// There is no such host or group.
    pub fn join(&mut self, host: &str, group: &str) -> Result<bool, Diagnostic> {
        let h = self.hosts.get_index_of(host).ok_or_else(|| unknown("host", host))?;
        let g = self.groups.get_index_of(group).ok_or_else(|| unknown("group", group))?;
        Ok(self.join_at(h, g))
    }

    pub(super) fn join_at(&mut self, host: usize, group: usize) -> bool {
        let Some((_, h)) = self.hosts.get_index_mut(host) else { return false };
        let Some((_, g)) = self.groups.get_index_mut(group) else { return false };
        h.groups.insert(group);
        let new = g.hosts.insert(host);
        if new {
            self.changed();
        }
        new
    }

    /// Makes one group a child of another; whether it was not one.
    ///
    /// # Errors
    /// There is no such group, or a group would be inside itself.
    pub fn add_child(&mut self, parent: &str, child: &str) -> Result<bool, Diagnostic> {
        let p = self.groups.get_index_of(parent).ok_or_else(|| unknown("group", parent))?;
        let c = self.groups.get_index_of(child).ok_or_else(|| unknown("group", child))?;
        if p == c {
            return Err(Diagnostic::error(format!("group \"{child}\" cannot be its own child")));
        }
        if self.is_inside(p, c) {
            return Err(Diagnostic::error(format!(
                "group \"{child}\" cannot be a child of \"{parent}\": \"{parent}\" is inside \"{child}\" already"
            )));
        }
        let new = self.groups.get_index_mut(p).is_some_and(|(_, g)| g.children.insert(c));
        if let Some((_, group)) = self.groups.get_index_mut(c) {
            group.parents.insert(p);
        }
        if new {
            self.changed();
        }
        Ok(new)
    }

    /// Whether `group` is `ancestor` or somewhere below it.
    fn is_inside(&self, group: usize, ancestor: usize) -> bool {
        let mut seen = IndexSet::from([group]);
        let mut next = 0;
        while let Some(&index) = seen.get_index(next) {
            if index == ancestor {
                return true;
            }
            if let Some((_, g)) = self.groups.get_index(index) {
                seen.extend(g.parents.iter().copied());
            }
            next += 1;
        }
        false
    }

    /// Sets a variable of a group. `ansible_group_priority` sets its priority instead.
    ///
    /// # Errors
    /// There is no such group, or the priority is not a whole number.
    pub fn set_group_var(
        &mut self,
        group: &str,
        key: &str,
        value: Value,
    ) -> Result<(), Diagnostic> {
        let g = self.groups.get_mut(group).ok_or_else(|| unknown("group", group))?;
        if key == "ansible_group_priority" {
            g.priority = priority(&value)?;
        } else {
            g.vars.insert(key, value);
        }
        self.changed();
        Ok(())
    }

    /// Sets a variable of a host.
    ///
    /// # Errors
    /// There is no such host.
    pub fn set_host_var(&mut self, host: &str, key: &str, value: Value) -> Result<(), Diagnostic> {
        let h = self.hosts.get_mut(host).ok_or_else(|| unknown("host", host))?;
        h.vars.insert(key, value);
        self.changed();
        Ok(())
    }

    /// Sets a variable of what has this name: as in Ansible a group comes before a host of the same name.
    pub(super) fn set_var(
        &mut self,
        name: &str,
        key: &str,
        value: Value,
    ) -> Result<(), Diagnostic> {
        if self.groups.contains_key(name) {
            self.set_group_var(name, key, value)
        } else {
            self.set_host_var(name, key, value)
        }
    }

    /// What the `add_host` module does: the host is there afterwards, directly in `all` and in these groups (made if they
    /// are new), with these variables set. Whether anything was new.
    ///
    /// # Errors
    /// A name is empty.
    pub fn add_host_at_run_time(
        &mut self,
        name: &str,
        port: Option<u32>,
        groups: &[&str],
        vars: &Map,
    ) -> Result<bool, Diagnostic> {
        let mut new = !self.hosts.contains_key(name);
        let host = self.add_host(name, port, None)?;
        self.join_at(host, ALL);
        for group in groups {
            let group = self.add_group(group)?;
            new |= self.join_at(host, group);
        }
        if let Some((_, host)) = self.hosts.get_index_mut(host) {
            for (key, value) in vars.iter() {
                if host.vars.get_value(key) != Some(value) {
                    host.vars.make_mut().insert(key.clone(), value.clone());
                    new = true;
                }
            }
        }
        if new {
            self.changed();
            self.reconcile();
        }
        Ok(new)
    }

    /// What the `group_by` module does: the host is in the group, the group is inside these parents. Whether anything
    /// was new.
    ///
    /// # Errors
    /// A name is empty or unknown, or a group would be inside itself.
    pub fn group_by_at_run_time(
        &mut self,
        host: &str,
        group: &str,
        parents: &[&str],
    ) -> Result<bool, Diagnostic> {
        let mut new = !self.groups.contains_key(group);
        self.add_group(group)?;
        for parent in parents {
            new |= !self.groups.contains_key(*parent);
            self.add_group(parent)?;
            if *parent != group {
                new |= self.add_child(parent, group)?;
            }
        }
        if !self.hosts.contains_key(host) && self.host(host).is_some_and(Host::is_implicit) {
            // It is in the groups that it joins, but in `all` as little as before.
            self.hosts.insert(host.into(), Host::implicit(host));
        }
        new |= self.join(host, group)?;
        if new {
            self.reconcile();
        }
        Ok(new)
    }

    /// Puts every group that has no parent into `all` and every host without a group into `ungrouped`. To be called when
    /// all sources are read. The warnings are about names that are both a host's and a group's, and several names of this machine.
    pub fn reconcile(&mut self) -> Vec<Diagnostic> {
        for index in 0..self.groups.len() {
            if index <= UNGROUPED {
                continue;
            }
            if let Some((_, group)) = self.groups.get_index_mut(index)
                && group.parents.is_empty()
            {
                group.parents.insert(ALL);
                if let Some((_, all)) = self.groups.get_index_mut(ALL) {
                    all.children.insert(index);
                }
            }
        }
        let mut gone = HashSet::new();
        if let Some((_, ungrouped)) = self.groups.get_index_mut(UNGROUPED) {
            for (index, host) in self.hosts.values_mut().enumerate() {
                if host.groups.iter().all(|g| *g <= UNGROUPED) {
                    host.groups.insert(UNGROUPED);
                    ungrouped.hosts.insert(index);
                } else if host.groups.shift_remove(&UNGROUPED) {
                    gone.insert(index);
                }
            }
            ungrouped.hosts.retain(|host| !gone.contains(host));
        }
        self.changed();
        self.localhosts().into_iter().chain(self.shared_names()).collect()
    }

    /// Several hosts are called like the controller: `localhost` then means the first.
    fn localhosts(&self) -> Option<Diagnostic> {
        let first = self.hosts.get_index(self.localhost?)?.0;
        let second =
            self.hosts.keys().find(|name| *name != first && LOCALHOST.contains(&&***name))?;
        Some(Diagnostic::warning(format!(
            "hosts \"{first}\" and \"{second}\" both mean this machine; implicit uses take \"{first}\""
        )))
    }

    fn shared_names(&self) -> Vec<Diagnostic> {
        self.groups
            .keys()
            .filter(|name| self.hosts.contains_key(*name))
            .map(|name| {
                Diagnostic::warning(format!("\"{name}\" is the name of a group and of a host"))
            })
            .collect()
    }
}

fn unknown(what: &str, name: &str) -> Diagnostic {
    Diagnostic::error(format!("there is no {what} \"{name}\""))
}

fn priority(value: &Value) -> Result<i64, Diagnostic> {
    let number = match value {
        Value::Int(i) => i64::try_from(*i).ok(),
        Value::Bool(b) => Some(i64::from(*b)),
        Value::Text(text) => text.as_str().trim().parse().ok(),
        _ => None,
    };
    number.ok_or_else(|| {
        Diagnostic::error("ansible_group_priority must be a whole number").at_opt(value.place())
    })
}
