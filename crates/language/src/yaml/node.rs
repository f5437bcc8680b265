//! A YAML tree with places: what the loaders of inventories and playbooks walk.

use crate::diag::Place;
use crate::value::Value;

/// A node and where it starts.
#[derive(Debug, Clone)]
pub struct Node {
    /// Where its first character is.
    pub place: Place,
    /// What it is.
    pub kind: NodeKind,
}

/// What a node is. Merge keys and aliases are resolved already; an alias has the places of its anchor.
#[derive(Debug, Clone)]
pub enum NodeKind {
    /// A resolved scalar (null, bool, int, float, text, `!vault`); text carries its place, `!unsafe` text carries none.
    Scalar(Value),
    /// A sequence.
    List(Vec<Node>),
    /// Keys and values in the order of writing, later duplicates have replaced earlier ones.
    Map(Vec<(Node, Node)>),
}

impl Node {
    /// The value without the structure's places (texts inside keep theirs).
    #[must_use]
    pub fn to_value(&self) -> Value {
        match &self.kind {
            NodeKind::Scalar(value) => value.clone(),
            NodeKind::List(items) => Value::list(items.iter().map(Node::to_value).collect()),
            NodeKind::Map(entries) => {
                Value::Map(entries.iter().map(|(k, v)| (k.to_value(), v.to_value())).collect())
            }
        }
    }

    /// The value under a text key, if this is a map that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.kind {
            NodeKind::Map(entries) => {
                entries.iter().find(|(k, _)| k.as_str() == Some(key)).map(|(_, v)| v)
            }
            _ => None,
        }
    }

    /// The text, if it is a text scalar.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            NodeKind::Scalar(value) => value.as_str(),
            _ => None,
        }
    }

    /// Whether it is an empty scalar or `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self.kind, NodeKind::Scalar(Value::Null))
    }
}
