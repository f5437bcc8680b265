//! YAML as PyYAML reads it, with the place of every node.

mod node;

pub use node::{Node, NodeKind};
