//! The entries of a map: keys, merge keys, duplicates.

use super::{Node, NodeKind, syntax};
use crate::diag::{Diagnostic, Place};
use crate::value::{Value, string};
use std::collections::HashMap;

#[derive(Default)]
pub(super) struct Entries {
    own: Vec<(Node, Node)>,
    merged: Vec<(Node, Node)>,
    pub(super) key: Option<Key>,
    /// Where each key is in `own`, once there are many.
    index: HashMap<Value, usize>,
}

pub(super) enum Key {
    Merge,
    Node(Node),
}

/// A node as a key: a scalar. `written` is the text from the start of a map in brackets.
pub(super) fn key(node: Node, written: Option<&str>) -> Result<Key, Diagnostic> {
    let what = match node.kind {
        NodeKind::Scalar(_) => return Ok(Key::Node(node)),
        NodeKind::List(_) => "list",
        NodeKind::Map(_) => "map",
    };
    if written.is_some_and(|written| written.starts_with("{{")) {
        let mut place = node.place;
        place.column = place.column.saturating_sub(1).max(1);
        return Err(syntax::unquoted_template(&place));
    }
    Err(Diagnostic::error(format!("a {what} cannot be the key of a map"))
        .at(&node.place)
        .hint("quote the key if it is text"))
}

/// Up to this many keys a map is searched, beyond it hashed.
const SEARCHED: usize = 8;

impl Entries {
    fn find(&self, key: &Value) -> Option<usize> {
        if self.own.len() <= SEARCHED {
            self.own.iter().position(|(own, _)| is_key(own, key))
        } else {
            self.index.get(key).copied()
        }
    }

    /// Adds an entry; an earlier one with the same key is replaced and warned of.
    pub(super) fn insert(&mut self, key: Node, value: Node) -> Option<Diagnostic> {
        let NodeKind::Scalar(name) = &key.kind else { return None };
        if let Some(at) = self.find(name) {
            let old = self.own.get_mut(at)?;
            old.1 = value;
            let earlier = old.0.place.clone();
            let shown = string(name);
            let warning =
                Diagnostic::warning(format!("duplicate key `{shown}`: the last one counts"))
                    .at(&key.place)
                    .via("first written at", &earlier);
            return Some(warning);
        }
        if self.own.len() == SEARCHED {
            self.index = self
                .own
                .iter()
                .enumerate()
                .filter_map(|(i, (k, _))| Some((scalar(k)?, i)))
                .collect();
        }
        if self.own.len() >= SEARCHED {
            self.index.insert(name.clone(), self.own.len());
        }
        self.own.push((key, value));
        None
    }

    /// Takes the entries of a map, or of a list of maps (the first of them wins), under `<<`.
    pub(super) fn merge(&mut self, value: Node) -> Result<(), Diagnostic> {
        match value.kind {
            NodeKind::Map(entries) => self.merged.extend(entries),
            NodeKind::List(items) => {
                for item in items.into_iter().rev() {
                    match item.kind {
                        NodeKind::Map(entries) => self.merged.extend(entries),
                        _ => return Err(not_mergeable(&item.place)),
                    }
                }
            }
            NodeKind::Scalar(_) => return Err(not_mergeable(&value.place)),
        }
        Ok(())
    }

    /// Merged entries come first, later ones replace earlier ones in their position, own entries replace all.
    pub(super) fn finish(self) -> Vec<(Node, Node)> {
        if self.merged.is_empty() {
            return self.own;
        }
        let mut all = Entries::default();
        for (key, value) in self.merged.into_iter().chain(self.own) {
            drop(all.insert(key, value));
        }
        all.own
    }
}

fn not_mergeable(place: &Place) -> Diagnostic {
    Diagnostic::error("`<<` merges a map or a list of maps, and this is neither").at(place)
}

fn scalar(node: &Node) -> Option<Value> {
    match &node.kind {
        NodeKind::Scalar(value) => Some(value.clone()),
        _ => None,
    }
}

fn is_key(node: &Node, key: &Value) -> bool {
    matches!(&node.kind, NodeKind::Scalar(own) if own == key)
}
