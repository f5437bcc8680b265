//! What follows from who belongs to what: computed once for a version of the inventory.

use super::model::{ALL, Group, Inventory};
use crate::value::{Map, Value};
use indexmap::IndexSet;
use std::sync::{Arc, OnceLock};

/// Orders and memberships of one version of an [`Inventory`].
#[derive(Debug)]
pub(super) struct Derived {
    /// By group: its position in the order in which group variables are merged.
    rank: Vec<usize>,
    /// By group: itself and everything it is inside.
    ancestors: Vec<Vec<usize>>,
    /// By group: its hosts and those of the groups below.
    members: Vec<OnceLock<Arc<[Arc<str>]>>>,
    /// By host: its groups.
    groups: Vec<OnceLock<HostGroups>>,
    value: OnceLock<Value>,
}

/// The groups of a host, `all` left out.
#[derive(Debug, Clone)]
pub struct HostGroups {
    /// In the order in which their variables are merged: by depth, `ansible_group_priority`, name.
    pub merge_order: Arc<[Arc<str>]>,
    /// `group_names`: sorted by name.
    pub names: Value,
}

impl Derived {
    fn new(inventory: &Inventory) -> Self {
        let groups: Vec<&Group> = inventory.groups.values().collect();
        let depths = depths(&groups);
        let mut order: Vec<usize> = (0..groups.len()).collect();
        order.sort_by_key(|i| {
            groups.get(*i).map(|g| (depths.get(*i).copied().unwrap_or(0), g.priority, &*g.name))
        });
        let mut rank = vec![0; groups.len()];
        for (position, index) in order.into_iter().enumerate() {
            if let Some(slot) = rank.get_mut(index) {
                *slot = position;
            }
        }
        Self {
            rank,
            ancestors: (0..groups.len()).map(|i| ancestors(&groups, i)).collect(),
            members: vec![OnceLock::new(); groups.len()],
            groups: vec![OnceLock::new(); inventory.hosts.len()],
            value: OnceLock::new(),
        }
    }
}

/// The longest way from a group without parents, by group.
fn depths(groups: &[&Group]) -> Vec<usize> {
    let mut depth = vec![0; groups.len()];
    let mut waiting: Vec<usize> = groups.iter().map(|g| g.parents.len()).collect();
    let mut ready: Vec<usize> = (0..groups.len()).filter(|i| waiting.get(*i) == Some(&0)).collect();
    while let Some(index) = ready.pop() {
        let Some(group) = groups.get(index) else { continue };
        let below = depth.get(index).copied().unwrap_or(0) + 1;
        for child in &group.children {
            if let (Some(d), Some(w)) = (depth.get_mut(*child), waiting.get_mut(*child)) {
                *d = below.max(*d);
                *w -= 1;
                if *w == 0 {
                    ready.push(*child);
                }
            }
        }
    }
    depth
}

fn ancestors(groups: &[&Group], index: usize) -> Vec<usize> {
    walk(index, |i| groups.get(i).map(|g| &g.parents))
}

/// A group and everything reached from it, nearest first.
fn walk<'a>(start: usize, next: impl Fn(usize) -> Option<&'a IndexSet<usize>>) -> Vec<usize> {
    let mut seen = IndexSet::from([start]);
    let mut position = 0;
    while let Some(&index) = seen.get_index(position) {
        if let Some(more) = next(index) {
            seen.extend(more.iter().copied());
        }
        position += 1;
    }
    seen.into_iter().collect()
}

impl Inventory {
    fn derived(&self) -> &Derived {
        self.derived.get_or_init(|| Arc::new(Derived::new(self)))
    }

    /// The hosts of a group and of all groups below it: its own first, then those of its children, then theirs.
    /// Empty if there is no such group.
    #[must_use]
    pub fn group_hosts(&self, group: &str) -> Arc<[Arc<str>]> {
        let Some(index) = self.groups.get_index_of(group) else { return Arc::from([]) };
        let compute = || {
            let mut hosts = IndexSet::new();
            for g in walk(index, |i| self.groups.get_index(i).map(|(_, g)| &g.children)) {
                if let Some((_, group)) = self.groups.get_index(g) {
                    hosts.extend(group.hosts.iter().copied());
                }
            }
            hosts
                .into_iter()
                .filter_map(|h| self.hosts.get_index(h))
                .filter(|(_, host)| index != ALL || !host.implicit)
                .map(|(name, _)| Arc::clone(name))
                .collect::<Arc<[_]>>()
        };
        match self.derived().members.get(index) {
            Some(cell) => Arc::clone(cell.get_or_init(compute)),
            None => compute(),
        }
    }

    /// The groups a host is in, directly or through other groups, without `all`. Empty for the implicit localhost.
    #[must_use]
    pub fn host_groups(&self, host: &str) -> HostGroups {
        let nothing = || HostGroups { merge_order: Arc::from([]), names: Value::list(vec![]) };
        let Some((index, _, host)) = self.hosts.get_full(host) else { return nothing() };
        let derived = self.derived();
        let compute = || {
            let mut all: IndexSet<usize> = IndexSet::new();
            for group in &host.groups {
                all.extend(derived.ancestors.get(*group).into_iter().flatten().copied());
            }
            all.swap_remove(&ALL);
            all.sort_by_key(|g| derived.rank.get(*g).copied());
            let merge_order: Arc<[Arc<str>]> = all
                .iter()
                .filter_map(|g| self.groups.get_index(*g))
                .map(|(name, _)| Arc::clone(name))
                .collect();
            let mut names: Vec<_> = merge_order.iter().cloned().collect();
            names.sort_unstable();
            HostGroups {
                merge_order,
                names: Value::list(names.into_iter().map(Value::from).collect()),
            }
        };
        match derived.groups.get(index) {
            Some(cell) => cell.get_or_init(compute).clone(),
            None => compute(),
        }
    }

    /// The magic variable `groups`: the names of the hosts of every group.
    #[must_use]
    pub fn groups_value(&self) -> Value {
        let compute = || {
            let entries: Map = self
                .groups
                .keys()
                .map(|name| {
                    let hosts =
                        self.group_hosts(name).iter().map(|h| Value::from(Arc::clone(h))).collect();
                    (Value::from(Arc::clone(name)), Value::list(hosts))
                })
                .collect();
            Value::Map(entries)
        };
        self.derived().value.get_or_init(compute).clone()
    }
}
