//! Files of a role that hold maps: `vars`, `defaults`, `meta`.

use super::check::{is_bool, shape};
use super::import::is_yes;
use super::keyword::nearest;
use super::reader::Reader;
use crate::diag::{Diagnostic, Place};
use crate::value::{Map, Value};
use crate::yaml::{Node, NodeKind};
use std::path::{Path, PathBuf};

/// What `meta/` says.
#[derive(Default)]
pub(super) struct Meta {
    /// Entries of `dependencies`.
    pub(super) dependencies: Vec<Node>,
    /// May run more than once for the same parameters.
    pub(super) allow_duplicates: bool,
    /// `collections`
    pub(super) collections: Option<Value>,
    /// Entry point → spec.
    pub(super) specs: Map,
}

impl Reader<'_> {
    /// `meta/main` and `meta/argument_specs`.
    pub(super) fn role_meta(&mut self, role: &Path, place: &Place) -> Meta {
        let directory = role.join("meta");
        let mut meta = Meta::default();
        if let Some(file) = self.loader.entry(&directory, "main", false)
            && let Some(parsed) = self.open(&file, "used at", place)
            && let Some(node) = &parsed.node
        {
            self.read_meta(node, &mut meta);
        }
        if let Some(file) = self.loader.entry(&directory, "argument_specs", true)
            && let Some(parsed) = self.open(&file, "used at", place)
            && let Some(node) = parsed.node.as_ref().and_then(|n| n.get("argument_specs"))
        {
            self.read_specs(node, &mut meta);
        }
        meta
    }

    fn read_meta(&mut self, node: &Node, meta: &mut Meta) {
        if !matches!(node.kind, NodeKind::Map(_)) {
            let message = format!("meta of a role must be a map, not {}", shape(node));
            self.error(Diagnostic::error(message).at(&node.place));
            return;
        }
        self.meta_keys(node);
        if let Some(list) = node.get("dependencies").filter(|n| !n.is_null()) {
            match &list.kind {
                NodeKind::List(entries) => meta.dependencies.clone_from(entries),
                _ => {
                    let message =
                        format!("\"dependencies\" must be a list of roles, not {}", shape(list));
                    self.error(Diagnostic::error(message).at(&list.place));
                }
            }
        }
        if let Some(flag) = node.get("allow_duplicates").filter(|n| !n.is_null()) {
            let value = flag.to_value();
            if !is_bool(&value) {
                let message =
                    format!("\"allow_duplicates\" must be true or false, not {}", shape(flag));
                self.error(Diagnostic::error(message).at(&flag.place));
            }
            meta.allow_duplicates = is_yes(&value);
        }
        meta.collections = node.get("collections").filter(|n| !n.is_null()).map(Node::to_value);
        if let Some(specs) = node.get("argument_specs") {
            self.read_specs(specs, meta);
        }
    }

    fn meta_keys(&mut self, node: &Node) {
        const KNOWN: [&str; 5] =
            ["allow_duplicates", "argument_specs", "collections", "dependencies", "galaxy_info"];
        let NodeKind::Map(entries) = &node.kind else { return };
        for (key, _) in entries {
            let name = key.as_str().unwrap_or_default();
            if !KNOWN.contains(&name) {
                let message = format!("unknown key {name:?} of a role's meta");
                let wrong = Diagnostic::error(message).at(&key.place);
                self.error(match nearest(name, KNOWN) {
                    Some(near) => wrong.hint(format!("did you mean {near:?}?")),
                    None => wrong.hint(format!("known are {}", KNOWN.join(", "))),
                });
            }
        }
    }

    fn read_specs(&mut self, node: &Node, meta: &mut Meta) {
        match node.to_value() {
            Value::Map(specs) => meta.specs.extend_with(&specs),
            Value::Null => {}
            _ => {
                let message = format!(
                    "\"argument_specs\" must be a map of entry points, not {}",
                    shape(node)
                );
                self.error(Diagnostic::error(message).at(&node.place));
            }
        }
    }

    /// `vars` or `defaults`: a file, or all files of the directory `main`.
    pub(super) fn role_vars(
        &mut self,
        role: &Path,
        part: &str,
        from: Option<&str>,
        place: &Place,
    ) -> Map {
        let directory = role.join(part);
        let stem = from.unwrap_or("main");
        let files = match self.loader.entry(&directory, stem, from.is_some()) {
            Some(file) => vec![file],
            None if self.loader.is_directory(&directory.join(stem)) => {
                let mut files = Vec::new();
                self.vars_below(&directory.join(stem), place, &mut files);
                files
            }
            None => {
                if let Some(from) = from.filter(|_| self.loader.is_directory(&directory)) {
                    let message = format!("the role has no file {part}/{from}");
                    self.error(Diagnostic::error(message).at(place));
                }
                Vec::new()
            }
        };
        let mut out = Map::new();
        for file in files {
            if !self.is_inside(&file, &directory, place) {
                continue;
            }
            let Some(parsed) = self.open(&file, "used at", place) else { continue };
            let Some(node) = &parsed.node else { continue };
            if matches!(node.kind, NodeKind::Map(_)) {
                if let Value::Map(map) = node.to_value() {
                    out.extend_with(&map);
                }
            } else {
                let message = format!("a file of variables must be a map, not {}", shape(node));
                self.error(Diagnostic::error(message).at(&node.place));
            }
        }
        out
    }

    /// Files of variables in a directory and below, in the order of their names.
    fn vars_below(&mut self, directory: &Path, place: &Place, out: &mut Vec<PathBuf>) {
        let entries = match self.loader.setup.outside.list(directory) {
            Ok(entries) => entries,
            Err(e) => {
                let message = format!("cannot list {}: {e}", self.loader.shown(directory));
                self.error(Diagnostic::error(message).at(place));
                return;
            }
        };
        for path in entries {
            let name =
                path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            if name.starts_with('.') || name.ends_with('~') {
                continue;
            }
            if self.loader.is_directory(&path) {
                self.vars_below(&path, place, out);
            } else if [".yml", ".yaml", ".json"].iter().any(|e| name.ends_with(e))
                || !name.contains('.')
            {
                out.push(path);
            }
        }
    }
}
