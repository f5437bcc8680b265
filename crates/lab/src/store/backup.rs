//! The whole store as etcd's snapshots have it: keys and values.

use super::resource::resource;
use super::state::Key;
use super::{Json, Store};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What every key begins with (the API server's `--etcd-prefix`).
const PREFIX: &str = "/registry/";

impl Store {
    /// Keys such as `/registry/pods/default/web` with their objects as JSON, in order.
    #[must_use]
    pub fn dump(&self) -> Vec<(String, Vec<u8>)> {
        let state = self.lock();
        state
            .objects
            .iter()
            .map(|(key, object)| (path(key), object.to_string().into_bytes()))
            .collect()
    }

    /// Replaces everything by a dump. Revisions go on where they are, and the past is forgotten: who watches is told 410.
    ///
    /// # Errors
    /// A key or a value that no dump has; nothing is changed then.
    pub fn restore(&self, keys: Vec<(String, Vec<u8>)>) -> Result<(), String> {
        let mut objects = BTreeMap::new();
        for (path, value) in keys {
            let key = key(&path).ok_or_else(|| format!("{path:?} is no key of the registry"))?;
            let object: Value =
                serde_json::from_slice(&value).map_err(|error| format!("{path}: {error}"))?;
            objects.insert(key, object);
        }
        let mut state = self.lock();
        state.revision += 1;
        let revision = state.revision.to_string();
        state.objects = objects
            .into_iter()
            .map(|(key, mut object)| {
                object.put("metadata.resourceVersion", revision.as_str());
                (key, Arc::new(object))
            })
            .collect();
        state.compact();
        self.tell(&state);
        Ok(())
    }
}

fn path(key: &Key) -> String {
    let namespace = if key.namespace.is_empty() { "" } else { "/" };
    format!("{PREFIX}{}{namespace}{}/{}", key.resource, key.namespace, key.name)
}

fn key(path: &str) -> Option<Key> {
    let mut parts = path.strip_prefix(PREFIX)?.split('/');
    let resource = resource(parts.next()?)?;
    let namespace = if resource.namespaced { parts.next()? } else { "" };
    let name = parts.next()?;
    parts.next().is_none().then(|| Key::new(resource, namespace, name))
}

#[cfg(test)]
mod tests {
    use crate::pace::Pace;
    use crate::store::{At, ListOptions, Selection, Store, resource};
    use serde_json::json;

    #[test]
    fn what_was_dumped_is_what_is_restored() {
        let store = Store::new(Pace::REAL);
        let map = |name: &str| json!({"metadata": {"name": name}, "data": {"a": name}});
        store.create("configmaps", "default", map("kept")).unwrap();
        let dump = store.dump();
        assert!(dump.iter().any(|(key, _)| key == "/registry/configmaps/default/kept"));
        assert!(dump.iter().any(|(key, _)| key == "/registry/namespaces/kube-system"));
        store.create("configmaps", "default", map("later")).unwrap();
        let before = store.revision();
        store.restore(dump.clone()).unwrap();
        let names: Vec<String> = store.dump().into_iter().map(|(key, _)| key).collect();
        assert_eq!(names, dump.into_iter().map(|(key, _)| key).collect::<Vec<_>>());
        assert!(store.revision() > before, "revisions never go back");
        assert!(store.get("configmaps", "default", "later").is_err());
        let options = ListOptions { at: At::Exactly(before), ..ListOptions::default() };
        let maps = Selection::all(resource("configmaps").unwrap(), "");
        assert_eq!(store.list(&maps, &options).unwrap_err().code, 410, "the past is forgotten");
        assert!(store.restore(vec![("/registry/nonsense/x".to_owned(), vec![])]).is_err());
        assert!(store.get("configmaps", "default", "kept").is_ok(), "nothing was changed");
    }
}
