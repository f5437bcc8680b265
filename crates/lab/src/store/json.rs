//! Reading and writing JSON trees by dotted paths, as objects of the API are spoken about (`spec.nodeName`).

use serde_json::{Map, Value};

/// What is done with an object's tree. Paths have names only, no positions; keys with dots in them (labels) are looked up
/// in what [`Json::map`] returns.
pub trait Json {
    /// What is there; nothing if it is missing or null.
    fn at(&self, path: &str) -> Option<&Value>;
    /// The text there; empty if there is none.
    fn text(&self, path: &str) -> &str;
    /// The whole number there.
    fn int(&self, path: &str) -> Option<i64>;
    /// Whether `true` is there.
    fn flag(&self, path: &str) -> bool;
    /// The list there; empty if there is none.
    fn list(&self, path: &str) -> &[Value];
    /// The map there.
    fn map(&self, path: &str) -> Option<&Map<String, Value>>;
    /// The value of a key with dots in it in the map there (a label, an annotation).
    fn key(&self, path: &str, key: &str) -> Option<&str>;
    /// Puts a value there, and maps on the way to it.
    fn put(&mut self, path: &str, value: impl Into<Value>);
    /// Puts a value there unless there is one.
    fn default(&mut self, path: &str, value: impl Into<Value>);
    /// Takes away what is there.
    fn take_at(&mut self, path: &str) -> Option<Value>;
    /// The place itself; maps on the way to it are made.
    fn place(&mut self, path: &str) -> &mut Value;
    /// The items of the list there, to change.
    fn items_mut(&mut self, path: &str) -> &mut [Value];
}

impl Json for Value {
    fn at(&self, path: &str) -> Option<&Value> {
        let found = path.split('.').try_fold(self, |value, name| value.get(name))?;
        (!found.is_null()).then_some(found)
    }

    fn text(&self, path: &str) -> &str {
        self.at(path).and_then(Value::as_str).unwrap_or_default()
    }

    fn int(&self, path: &str) -> Option<i64> {
        self.at(path).and_then(Value::as_i64)
    }

    fn flag(&self, path: &str) -> bool {
        self.at(path).and_then(Value::as_bool).unwrap_or_default()
    }

    fn list(&self, path: &str) -> &[Value] {
        self.at(path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    fn map(&self, path: &str) -> Option<&Map<String, Value>> {
        self.at(path).and_then(Value::as_object)
    }

    fn key(&self, path: &str, key: &str) -> Option<&str> {
        self.map(path)?.get(key)?.as_str()
    }

    fn put(&mut self, path: &str, value: impl Into<Value>) {
        *self.place(path) = value.into();
    }

    fn default(&mut self, path: &str, value: impl Into<Value>) {
        if self.at(path).is_none() {
            self.put(path, value);
        }
    }

    fn take_at(&mut self, path: &str) -> Option<Value> {
        let (parent, name) = match path.rsplit_once('.') {
            Some((parent, name)) => (parent.split('.').try_fold(self, |v, n| v.get_mut(n))?, name),
            None => (self, path),
        };
        parent.as_object_mut()?.shift_remove(name)
    }

    fn place(&mut self, path: &str) -> &mut Value {
        path.split('.').fold(self, |value, name| {
            if !value.is_object() {
                *value = Value::Object(Map::new());
            }
            // It is an object now, so indexing it makes the entry.
            member(value, name)
        })
    }

    fn items_mut(&mut self, path: &str) -> &mut [Value] {
        let found = path.split('.').try_fold(self, |value, name| value.get_mut(name));
        found.and_then(Value::as_array_mut).map_or(&mut [], Vec::as_mut_slice)
    }
}

fn member<'a>(object: &'a mut Value, name: &str) -> &'a mut Value {
    match object {
        Value::Object(map) => map.entry(name).or_insert(Value::Null),
        other => other,
    }
}

/// The name of an object.
#[must_use]
pub fn name(object: &Value) -> &str {
    object.text("metadata.name")
}

/// The namespace of an object; empty if it has none.
#[must_use]
pub fn namespace(object: &Value) -> &str {
    object.text("metadata.namespace")
}

/// The identity of an object.
#[must_use]
pub fn uid(object: &Value) -> &str {
    object.text("metadata.uid")
}

/// Whether somebody wants it gone.
#[must_use]
pub fn terminating(object: &Value) -> bool {
    object.at("metadata.deletionTimestamp").is_some()
}

/// The owner that controls it.
#[must_use]
pub fn controller(object: &Value) -> Option<&Value> {
    object.list("metadata.ownerReferences").iter().find(|owner| owner.flag("controller"))
}

/// Status of the condition of this type: `True`, `False`, `Unknown`; empty if there is no such condition.
#[must_use]
pub fn condition<'a>(object: &'a Value, kind: &str) -> &'a str {
    let conditions = object.list("status.conditions").iter();
    conditions.into_iter().find(|c| c.text("type") == kind).map_or("", |c| c.text("status"))
}

/// Now, as objects say it: whole seconds.
#[must_use]
pub fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Now, as leases say it: microseconds.
#[must_use]
pub fn now_micro() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

/// Sets a condition; the time of its last transition changes with its status only. True if anything changed.
pub fn set_condition(
    object: &mut Value,
    kind: &str,
    status: &str,
    reason: &str,
    message: &str,
) -> bool {
    let mut new = serde_json::json!({"type": kind, "status": status, "lastTransitionTime": now()});
    for (name, value) in [("reason", reason), ("message", message)] {
        if !value.is_empty() {
            new.put(name, value);
        }
    }
    let conditions = object.place("status.conditions");
    if !conditions.is_array() {
        *conditions = Value::Array(Vec::new());
    }
    let Value::Array(conditions) = conditions else { return false };
    let Some(old) = conditions.iter_mut().find(|c| c.text("type") == kind) else {
        conditions.push(new);
        return true;
    };
    if old.text("status") == status {
        let same = old.text("reason") == reason && old.text("message") == message;
        if same {
            return false;
        }
        new.put("lastTransitionTime", old.at("lastTransitionTime").cloned().unwrap_or_default());
    }
    for name in ["lastHeartbeatTime", "lastProbeTime", "lastUpdateTime", "observedGeneration"] {
        if let Some(value) = old.get(name).cloned() {
            new.put(name, value);
        }
    }
    *old = new;
    true
}
