//! A stack of variables as one scope.

use crate::value::{Map, Scope, Value};
use indexmap::IndexSet;
use std::sync::Arc;

/// Variables of increasing precedence: a lookup goes from the last layer to the first, then to the fallback. A layer is
/// shared, not copied.
#[derive(Clone, Default)]
pub struct Layers {
    layers: Vec<Map>,
    fallback: Option<Arc<dyn Scope>>,
}

impl Layers {
    /// These layers, lowest first; empty ones cost nothing.
    #[must_use]
    pub fn new(layers: impl IntoIterator<Item = Map>) -> Self {
        let layers = layers.into_iter().filter(|layer| !layer.is_empty()).collect();
        Self { layers, fallback: None }
    }

    /// One more layer above all others.
    pub fn push(&mut self, layer: Map) {
        if !layer.is_empty() {
            self.layers.push(layer);
        }
    }

    /// The same with one more layer above all others.
    #[must_use]
    pub fn with(mut self, layer: Map) -> Self {
        self.push(layer);
        self
    }

    /// The same over a scope that is asked last.
    #[must_use]
    pub fn over(mut self, fallback: Arc<dyn Scope>) -> Self {
        self.fallback = Some(fallback);
        self
    }
}

impl Scope for Layers {
    fn get(&self, name: &str) -> Option<Value> {
        self.layers
            .iter()
            .rev()
            .find_map(|layer| layer.get(name).cloned())
            .or_else(|| self.fallback.as_ref()?.get(name))
    }

    fn names(&self) -> Vec<Arc<str>> {
        let mut names: IndexSet<Arc<str>> =
            self.fallback.iter().flat_map(|scope| scope.names()).collect();
        for key in self.layers.iter().flat_map(|layer| layer.keys()) {
            if let Value::Text(text) = key {
                names.insert(text.shared());
            }
        }
        names.into_iter().collect()
    }
}
