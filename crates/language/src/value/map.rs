//! A dictionary: order of writing, shared until changed.

use super::Value;
use indexmap::{Equivalent, IndexMap};
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

/// A dictionary whose clones share their entries until one of them is changed.
#[derive(Clone, Default)]
pub struct Map(Arc<IndexMap<Value, Value>>);

impl Map {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The value under a text key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// The value under any key.
    #[must_use]
    pub fn get_value(&self, key: &Value) -> Option<&Value> {
        self.0.get(key)
    }

    /// Sets a value, in the place of the old one or at the end.
    pub fn insert(&mut self, key: impl Into<Value>, value: impl Into<Value>) {
        self.make_mut().insert(key.into(), value.into());
    }

    /// Removes a key and keeps the order of the others.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        if self.0.contains_key(key) { self.make_mut().shift_remove(key) } else { None }
    }

    /// The entries, to change; copies them if they are shared.
    pub fn make_mut(&mut self) -> &mut IndexMap<Value, Value> {
        Arc::make_mut(&mut self.0)
    }

    /// Sets every entry of `other` here: later wins, dictionaries inside are replaced, not merged.
    pub fn extend_with(&mut self, other: &Map) {
        if self.is_empty() {
            self.0 = Arc::clone(&other.0);
        } else if !other.is_empty() {
            self.make_mut().extend(other.iter().map(|(k, v)| (k.clone(), v.clone())));
        }
    }
}

impl Deref for Map {
    type Target = IndexMap<Value, Value>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl FromIterator<(Value, Value)> for Map {
    fn from_iter<I: IntoIterator<Item = (Value, Value)>>(entries: I) -> Self {
        Self(Arc::new(entries.into_iter().collect()))
    }
}

impl Equivalent<Value> for str {
    fn equivalent(&self, key: &Value) -> bool {
        key.as_str() == Some(self)
    }
}

impl PartialEq for Map {
    fn eq(&self, other: &Self) -> bool {
        *self.0 == *other.0
    }
}

/// Python's equality: `True == 1 == 1.0`; text by its characters, wherever it was written.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) | (Self::Omit, Self::Omit) => true,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::List(a), Self::List(b)) => a == b,
            (Self::Map(a), Self::Map(b)) => a == b,
            (Self::Encrypted(a), Self::Encrypted(b)) => a == b,
            (Self::Scope(a), Self::Scope(b)) => Arc::ptr_eq(a, b),
            _ => match (self.as_number(), other.as_number()) {
                (Some(a), Some(b)) => a == b,
                _ => false,
            },
        }
    }
}

impl Eq for Value {}

impl Value {
    fn as_number(&self) -> Option<Number> {
        match *self {
            Self::Bool(b) => Some(Number::Int(i128::from(b))),
            Self::Int(i) => Some(Number::Int(i)),
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_precision_loss,
                clippy::float_cmp,
                reason = "compared after the round trip"
            )]
            Self::Float(f) if (f as i128) as f64 == f => Some(Number::Int(f as i128)),
            Self::Float(f) => Some(Number::Float(f.to_bits())),
            _ => None,
        }
    }
}

#[derive(PartialEq, Eq, Hash)]
enum Number {
    Int(i128),
    Float(u64),
}

impl Hash for Value {
    /// Text hashes as `str` does, so that a dictionary can be asked with a `&str`.
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Text(text) => text.as_str().hash(state),
            Self::List(list) => list.hash(state),
            Self::Map(map) => map.len().hash(state),
            Self::Encrypted(vault) => vault.envelope.hash(state),
            _ => self.as_number().hash(state),
        }
    }
}

impl std::fmt::Debug for Map {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&super::repr(&Value::Map(self.clone())))
    }
}
