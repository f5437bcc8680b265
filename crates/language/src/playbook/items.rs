//! Lists of tasks and blocks.

use super::ast::{Block, BlockKind, Item};
use super::check::shape;
use super::keyword::BLOCK;
use super::reader::{Here, Reader};
use crate::diag::{Diagnostic, Place};
use crate::yaml::{Node, NodeKind};
use std::sync::Arc;

impl Reader<'_> {
    /// A list of tasks and blocks; `null` is an empty one. `what` names it in errors (`"tasks"`).
    pub(super) fn items(&mut self, node: &Node, here: &Here, what: &str) -> Vec<Item> {
        let entries = match &node.kind {
            NodeKind::List(entries) => entries,
            _ if node.is_null() => return Vec::new(),
            _ => {
                let message = format!("{what} must be a list of tasks, not {}", shape(node));
                let wrong = Diagnostic::error(message).at(&node.place);
                self.error(match node.kind {
                    NodeKind::Map(_) => wrong.hint("start each task with a dash"),
                    _ => wrong,
                });
                return Vec::new();
            }
        };
        entries.iter().filter_map(|entry| self.item(entry, here)).collect()
    }

    fn item(&mut self, node: &Node, here: &Here) -> Option<Item> {
        if node.is_null() {
            return None;
        }
        let NodeKind::Map(entries) = &node.kind else {
            let message = format!("a task must be a map, not {}", shape(node));
            let wrong = Diagnostic::error(message).at(&node.place);
            self.error(match node.kind {
                NodeKind::List(_) => wrong.hint("remove one dash"),
                _ => wrong.hint("write it as `- module: arguments`"),
            });
            return None;
        };
        let part = entries
            .iter()
            .find(|(k, _)| k.as_str().is_some_and(|k| ["block", "rescue", "always"].contains(&k)));
        let Some((key, _)) = part else { return self.task(node, here) };
        if here.handlers {
            let wrong =
                Diagnostic::error("Using a block as a handler is not supported.").at(&key.place);
            self.error(wrong.hint("write its tasks as handlers that listen to one topic"));
            return None;
        }
        if node.get("block").is_none() {
            let name = key.as_str().unwrap_or_default();
            let wrong = Diagnostic::error(format!("{name:?} without \"block\"")).at(&key.place);
            self.error(wrong.hint("put the tasks it belongs to under `block:` on the same level"));
            return None;
        }
        self.block(node, here)
    }

    fn block(&mut self, node: &Node, here: &Here) -> Option<Item> {
        let mut read = self.read(node, BLOCK)?;
        self.refuse_rest(&read, BLOCK, "a block");
        let keywords = std::mem::take(&mut read.keywords);
        let lineage = here.level(keywords, BlockKind::Block, &node.place);
        let inside = here.under(Arc::clone(&lineage));
        let part = |reader: &mut Self, name: &str| match node.get(name) {
            Some(list) if list.is_null() => {
                let wrong = Diagnostic::error(format!("{name:?} has no tasks")).at(&node.place);
                reader.error(wrong.hint("an empty list is written as `[]`"));
                Vec::new()
            }
            Some(list) => reader.items(list, &inside, &format!("{name:?}")),
            None => Vec::new(),
        };
        let items = part(self, "block");
        let rescue = part(self, "rescue");
        let always = part(self, "always");
        Some(Item::Block(Arc::new(Block { lineage, items, rescue, always })))
    }

    /// The tasks of a file, as a list; empty and wrong files are reported.
    pub(super) fn tasks_of(
        &mut self,
        path: &std::path::Path,
        how: &str,
        place: &Place,
        here: &Here,
    ) -> Vec<Item> {
        let Some(parsed) = self.open(path, how, place) else { return Vec::new() };
        let Some(node) = &parsed.node else {
            let message = format!("{} holds no tasks", self.loader.shown(path));
            self.error(Diagnostic::warning(message).at(&parsed.source.start()).via(how, place));
            return Vec::new();
        };
        let before = self.found.0.len();
        let items = self.items(node, here, "a file of tasks");
        for wrong in self.found.0.iter_mut().skip(before) {
            wrong.chain.push((how.to_owned(), place.clone()));
        }
        items
    }
}
