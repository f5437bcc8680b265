//! What is stored: objects, the revision, and what happened lately.

use super::json::Json;
use super::resource::Resource;
use super::status::Status;
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Events that are kept for watchers and for reading the past; older ones are forgotten, as etcd's compaction does.
const KEPT: usize = 20_000;

/// Where an object is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) resource: &'static str,
    pub(super) namespace: String,
    pub(super) name: String,
}

impl Key {
    pub(super) fn new(resource: &'static Resource, namespace: &str, name: &str) -> Self {
        let namespace = if resource.namespaced { namespace.to_owned() } else { String::new() };
        Self { resource: resource.plural, namespace, name: name.to_owned() }
    }
}

/// One change. Revision of the n-th kept entry: compacted + n + 1.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub(super) key: Key,
    /// As it was before; nothing if it is new.
    pub(super) before: Option<Arc<Value>>,
    /// As it is now, or its last state with the revision at which it went.
    pub(super) object: Arc<Value>,
    /// Whether it is gone.
    pub(super) gone: bool,
    /// The revision of the change.
    pub(super) revision: u64,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) revision: u64,
    pub(super) compacted: u64,
    pub(super) objects: BTreeMap<Key, Arc<Value>>,
    log: VecDeque<Change>,
}

impl State {
    pub(super) fn new() -> Self {
        Self { revision: 1, compacted: 1, objects: BTreeMap::new(), log: VecDeque::new() }
    }

    pub(super) fn get(
        &self,
        resource: &'static Resource,
        namespace: &str,
        name: &str,
    ) -> Result<&Arc<Value>, Status> {
        let found = self.objects.get(&Key::new(resource, namespace, name));
        found.ok_or_else(|| Status::not_found(resource.group, resource.plural, name))
    }

    /// The objects of a resource, in one namespace or (empty) in all.
    pub(super) fn all(
        &self,
        resource: &'static Resource,
        namespace: &str,
    ) -> impl Iterator<Item = (&Key, &Arc<Value>)> {
        let first =
            Key { resource: resource.plural, namespace: namespace.to_owned(), name: String::new() };
        let one = if resource.namespaced { namespace.to_owned() } else { String::new() };
        self.objects.range(first..).take_while(move |(key, _)| {
            key.resource == resource.plural && (one.is_empty() || key.namespace == one)
        })
    }

    /// Stores an object as the next revision.
    pub(super) fn put(&mut self, key: Key, object: Value) -> Arc<Value> {
        let object = self.stamp(object);
        let before = self.objects.insert(key.clone(), Arc::clone(&object));
        self.record(key, before, &object, false);
        object
    }

    /// Removes an object as the next revision; its last state carries that revision.
    pub(super) fn remove(&mut self, key: Key, last: Value) -> Arc<Value> {
        let object = self.stamp(last);
        let before = self.objects.remove(&key);
        self.record(key, before, &object, true);
        object
    }

    fn stamp(&mut self, mut object: Value) -> Arc<Value> {
        self.revision += 1;
        object.put("metadata.resourceVersion", self.revision.to_string());
        Arc::new(object)
    }

    fn record(&mut self, key: Key, before: Option<Arc<Value>>, object: &Arc<Value>, gone: bool) {
        let object = Arc::clone(object);
        self.log.push_back(Change { key, before, object, gone, revision: self.revision });
        if self.log.len() > KEPT {
            self.log.pop_front();
            self.compacted += 1;
        }
    }

    /// What happened after a revision.
    pub(super) fn since(
        &self,
        revision: u64,
    ) -> Result<impl DoubleEndedIterator<Item = &Change>, Status> {
        if revision < self.compacted {
            return Err(Status::expired(format!(
                "too old resource version: {revision} ({})",
                self.compacted + 1
            )));
        }
        let skip = usize::try_from(revision - self.compacted).unwrap_or(usize::MAX);
        Ok(self.log.range(skip.min(self.log.len())..))
    }

    /// Forgets what happened until now; what is stored remains.
    pub(super) fn compact(&mut self) {
        self.log.clear();
        self.compacted = self.revision;
    }

    /// The objects as they were at a revision that is not forgotten.
    pub(super) fn at(
        &self,
        resource: &'static Resource,
        namespace: &str,
        revision: u64,
    ) -> Result<BTreeMap<Key, Arc<Value>>, Status> {
        let mut then: BTreeMap<Key, Arc<Value>> = self
            .all(resource, namespace)
            .map(|(key, object)| (key.clone(), Arc::clone(object)))
            .collect();
        for change in self.since(revision)?.rev() {
            if change.key.resource != resource.plural
                || !(namespace.is_empty() || change.key.namespace == namespace)
            {
                continue;
            }
            match &change.before {
                Some(object) => drop(then.insert(change.key.clone(), Arc::clone(object))),
                None => drop(then.remove(&change.key)),
            }
        }
        Ok(then)
    }
}
