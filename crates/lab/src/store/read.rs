//! Reading: one object, or a list with its revision.

use super::json::Json;
use super::state::{Key, State};
use super::status::Status;
use super::watch::{Event, EventKind, Selection, Watch};
use super::{Resource, Store};
use base64::Engine;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a list shall be like. The default is everything, now.
#[derive(Debug, Clone, Default)]
pub struct ListOptions {
    /// At most so many; 0 for all.
    pub limit: usize,
    /// Where an earlier list stopped.
    pub continue_token: String,
    /// As it was then.
    pub at: At,
}

/// The moment of which a list tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum At {
    /// Now.
    #[default]
    Now,
    /// Exactly then.
    Exactly(u64),
}

/// A list.
#[derive(Debug, Clone)]
pub struct List {
    /// In the order of namespace and name.
    pub items: Vec<Arc<Value>>,
    /// The revision at which it was so.
    pub revision: u64,
    /// How to go on; empty at the end.
    pub continue_token: String,
    /// How many are left, if that is known: not with selectors.
    pub remaining: Option<usize>,
}

impl Store {
    /// One object. `namespace` is ignored for what has none.
    ///
    /// # Errors
    /// 404.
    pub fn get(&self, resource: &str, namespace: &str, name: &str) -> Result<Arc<Value>, Status> {
        self.lock().get(Self::resource(resource)?, namespace, name).cloned()
    }

    /// All objects of a resource, in one namespace or (empty) in all; none for a resource that is not served.
    #[must_use]
    pub fn all(&self, resource: &str, namespace: &str) -> Vec<Arc<Value>> {
        let Ok(resource) = Self::resource(resource) else { return Vec::new() };
        self.lock().all(resource, namespace).map(|(_, object)| Arc::clone(object)).collect()
    }

    /// The selected objects.
    ///
    /// # Errors
    /// 410 for a moment that is forgotten, 400 for a continue token that is none.
    pub fn list(&self, selection: &Selection, options: &ListOptions) -> Result<List, Status> {
        let state = self.lock();
        let (revision, after) = match Token::read(&options.continue_token)? {
            Some(token) => (token.revision, Some(token.after)),
            None => match options.at {
                At::Now => (state.revision, None),
                At::Exactly(revision) => (revision, None),
            },
        };
        let objects = then(&state, selection.resource, &selection.namespace, revision)?;
        let chosen = objects.into_iter().filter(|(key, object)| {
            after
                .as_ref()
                .is_none_or(|(namespace, name)| (&key.namespace, &key.name) > (namespace, name))
                && selection.matches(object)
        });
        let mut chosen: Vec<(Key, Arc<Value>)> = chosen.collect();
        let mut list =
            List { items: Vec::new(), revision, continue_token: String::new(), remaining: None };
        if options.limit > 0 && chosen.len() > options.limit {
            let left = chosen.len() - options.limit;
            chosen.truncate(options.limit);
            let selects =
                !selection.labels.is_empty() || selection.fields != super::Fields::default();
            list.remaining = (!selects).then_some(left);
            if let Some((last, _)) = chosen.last() {
                list.continue_token = Token::write(revision, &last.namespace, &last.name);
            }
        }
        list.items = chosen.into_iter().map(|(_, object)| object).collect();
        Ok(list)
    }

    /// Changes with every change of anything.
    #[must_use]
    pub fn subscribe(&self) -> tokio::sync::watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Whether anything that matters has changed after a revision: `matters` is asked with the resource and the object. So it
    /// is, too, if that revision is forgotten.
    pub fn changed_since(&self, revision: u64, matters: impl Fn(&str, &Value) -> bool) -> bool {
        match self.lock().since(revision) {
            Ok(mut changes) => changes.any(|change| matters(change.key.resource, &change.object)),
            Err(_) => true,
        }
    }

    /// Waits until this revision has come.
    pub async fn reached(&self, revision: u64) {
        let mut changed = self.changed.subscribe();
        // The sender is ours; it cannot be gone.
        drop(changed.wait_for(|now| *now >= revision).await);
    }

    /// What happens to the selected objects: from a revision on, or with `None` all there are now as [`EventKind::Added`]
    /// and then what happens to them.
    ///
    /// # Errors
    /// 410 if the revision is forgotten.
    pub fn watch(
        self: &Arc<Self>,
        selection: Selection,
        since: Option<u64>,
    ) -> Result<Watch, Status> {
        let state = self.lock();
        let Some(revision) = since else {
            let added = state.all(selection.resource, &selection.namespace);
            let added =
                added.filter(|(_, object)| selection.matches(object)).map(|(_, object)| Event {
                    kind: EventKind::Added,
                    object: Arc::clone(object),
                    revision: object.text("metadata.resourceVersion").parse().unwrap_or_default(),
                });
            let (added, revision) = (added.collect(), state.revision);
            drop(state);
            return Ok(Watch::new(self, selection, revision, added));
        };
        drop(state.since(revision)?);
        drop(state);
        Ok(Watch::new(self, selection, revision, std::collections::VecDeque::new()))
    }
}

fn then(
    state: &State,
    resource: &'static Resource,
    namespace: &str,
    revision: u64,
) -> Result<BTreeMap<Key, Arc<Value>>, Status> {
    state.at(resource, namespace, revision).map_err(|_| {
        Status::expired(
            "The provided continue parameter is too old to display a consistent list result. You can start a new list without \
             the continue parameter, or use the continue token in this response to retrieve the remainder of the results. \
             Continuing with the provided token results in an inconsistent list - objects that were created, modified, or \
             deleted between the time the first chunk was returned and now may show up in the list.",
        )
    })
}

/// A continue token: the revision of the first part and the last object of the part before.
struct Token {
    revision: u64,
    after: (String, String),
}

impl Token {
    fn write(revision: u64, namespace: &str, name: &str) -> String {
        base64::engine::general_purpose::URL_SAFE_NO_PAD
            .encode(format!("{revision}/{namespace}/{name}"))
    }

    fn read(text: &str) -> Result<Option<Self>, Status> {
        if text.is_empty() {
            return Ok(None);
        }
        let wrong = || Status::bad_request("continue key is not valid: illegal base64 data");
        let bytes =
            base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).map_err(|_| wrong())?;
        let text = String::from_utf8(bytes).map_err(|_| wrong())?;
        let mut parts = text.splitn(3, '/');
        let mut next = || parts.next().map(str::to_owned).ok_or_else(wrong);
        let revision = next()?.parse().map_err(|_| wrong())?;
        Ok(Some(Self { revision, after: (next()?, next()?) }))
    }
}
