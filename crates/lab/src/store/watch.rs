//! Watching: what happened since a revision, and what happens from now on. Watchers read the store's log; nothing is
//! queued for them, and who falls too far behind is told so.

use super::Store;
use super::resource::Resource;
use super::selector::{Fields, Labels};
use super::state::Change;
use super::status::Status;
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::Arc;

/// Which objects.
#[derive(Debug, Clone)]
pub struct Selection {
    /// Of which resource.
    pub resource: &'static Resource,
    /// In one namespace, or (empty) in all.
    pub namespace: String,
    /// With these labels.
    pub labels: Labels,
    /// With these fields.
    pub fields: Fields,
}

impl Selection {
    /// All objects of a resource, in one namespace or (empty) in all.
    #[must_use]
    pub fn all(resource: &'static Resource, namespace: &str) -> Self {
        Self {
            resource,
            namespace: namespace.to_owned(),
            labels: Labels::default(),
            fields: Fields::default(),
        }
    }

    /// Whether an object of that resource and those namespaces is selected.
    #[must_use]
    pub fn matches(&self, object: &Value) -> bool {
        self.labels.matches(object) && self.fields.matches(object)
    }

    fn event(&self, change: &Change) -> Option<Event> {
        let elsewhere = !self.namespace.is_empty() && change.key.namespace != self.namespace;
        if change.key.resource != self.resource.plural || elsewhere {
            return None;
        }
        let before = change.before.as_ref().is_some_and(|object| self.matches(object));
        let now = !change.gone && self.matches(&change.object);
        let kind = match (before, now) {
            (false, true) => EventKind::Added,
            (true, true) => EventKind::Modified,
            (true, false) => EventKind::Deleted,
            (false, false) => return None,
        };
        Some(Event { kind, object: Arc::clone(&change.object), revision: change.revision })
    }
}

/// What happened to an object, as seen by who selects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// It is new, or selected from now on.
    Added,
    /// It is another.
    Modified,
    /// It is gone, or no longer selected.
    Deleted,
}

impl EventKind {
    /// `ADDED`…
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "ADDED",
            Self::Modified => "MODIFIED",
            Self::Deleted => "DELETED",
        }
    }
}

/// One change of a selected object.
#[derive(Debug, Clone)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// As it is now, or was last.
    pub object: Arc<Value>,
    /// When.
    pub revision: u64,
}

/// A watch. It ends when it is dropped.
#[derive(Debug)]
pub struct Watch {
    store: Arc<Store>,
    selection: Selection,
    position: u64,
    ready: VecDeque<Event>,
    changed: tokio::sync::watch::Receiver<u64>,
}

impl Watch {
    pub(super) fn new(
        store: &Arc<Store>,
        selection: Selection,
        since: u64,
        ready: VecDeque<Event>,
    ) -> Self {
        let changed = store.changed.subscribe();
        Self { store: Arc::clone(store), selection, position: since, ready, changed }
    }

    /// The next event; waits for it.
    ///
    /// # Errors
    /// 410 if what happened next is forgotten.
    pub async fn next(&mut self) -> Result<Event, Status> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(event);
            }
            self.changed.mark_unchanged();
            self.read()?;
            if self.ready.is_empty() && self.changed.changed().await.is_err() {
                // The store is gone, and with it everything that could happen.
                std::future::pending::<()>().await;
            }
        }
    }

    /// The revision up to which everything was returned, if nothing is waiting to be.
    #[must_use]
    pub fn caught_up(&self) -> Option<u64> {
        self.ready.is_empty().then_some(self.position)
    }

    fn read(&mut self) -> Result<(), Status> {
        let state = self.store.lock();
        for change in state.since(self.position)? {
            self.ready.extend(self.selection.event(change));
        }
        self.position = state.revision;
        Ok(())
    }
}
