//! The keywords of one play, role entry, block or task.

use super::ast::Keywords;
use super::check;
use super::groups::action_group;
use super::keyword::{self, HANDLER, KEYWORDS, Keyword, On, ROLE, TASK};
use super::reader::Reader;
use crate::diag::{Diagnostic, Place};
use crate::value::{Map, Text, Value, string};
use crate::yaml::{Node, NodeKind};
use indexmap::IndexMap;

/// A map of the file, sorted into what plays, blocks and tasks share, what is their own, and what is no keyword.
pub(super) struct Read<'n> {
    /// Shared keywords.
    pub(super) keywords: Keywords,
    /// Keywords of this level alone, by name: key and value. Empty ones (`loop:` without a value) are left out.
    pub(super) own: IndexMap<&'static str, (&'n Node, &'n Node)>,
    /// Keys that are no keywords here: modules, `with_X`, role parameters, mistakes.
    pub(super) rest: Vec<(&'n str, &'n Node, &'n Node)>,
    /// Where the map starts.
    pub(super) place: Place,
}

impl<'n> Read<'n> {
    /// The value of a keyword of this level.
    pub(super) fn own(&self, name: &str) -> Option<&'n Node> {
        self.own.get(name).map(|(_, value)| *value)
    }

    /// The raw value of a keyword of this level.
    pub(super) fn value(&self, name: &str) -> Option<Value> {
        self.own(name).map(Node::to_value)
    }
}

impl Reader<'_> {
    /// Sorts the entries of a map. Wrong types and keywords in the wrong place are reported; unknown keys are in `rest`.
    pub(super) fn read<'n>(&mut self, node: &'n Node, on: On) -> Option<Read<'n>> {
        let NodeKind::Map(entries) = &node.kind else { return None };
        let mut read = Read {
            keywords: Keywords::default(),
            own: IndexMap::new(),
            rest: Vec::new(),
            place: node.place.clone(),
        };
        for (key, value) in entries {
            let Some(name) = key.as_str() else {
                self.error(Diagnostic::error("a key here must be text").at(&key.place));
                continue;
            };
            match keyword::keyword(name) {
                Some(known) if known.on & on != 0 => self.take(known, key, value, &mut read),
                Some(known) if on & ROLE == 0 => self.error(misplaced(known, on).at(&key.place)),
                _ => read.rest.push((name, key, value)),
            }
        }
        Some(read)
    }

    fn take<'n>(
        &mut self,
        known: &'static Keyword,
        key: &'n Node,
        value: &'n Node,
        read: &mut Read<'n>,
    ) {
        if let Err(wrong) = check::literal(known, value) {
            self.error(wrong.at(if value.is_null() { &key.place } else { &value.place }));
            return;
        }
        let keywords = &mut read.keywords;
        keywords.places.insert(known.name, key.place.clone());
        if value.is_null() && known.name != "when" {
            return;
        }
        match known.name {
            "name" => keywords.name = text_of(value),
            "vars" => keywords.vars = self.variables(value),
            "when" => keywords.when = conditions(value),
            "tags" => keywords.tags = tags(value),
            "environment" => keywords.environment = list_of(value),
            "module_defaults" => {
                keywords.module_defaults = list_of(value);
                self.idle_defaults(value);
            }
            "notify" => keywords.notify = texts(value),
            name if known.simple => {
                keywords.simple.insert(name, value.to_value());
            }
            name => {
                read.own.insert(name, (key, value));
            }
        }
    }

    /// A map of variables; names that no template could use are refused.
    pub(super) fn variables(&mut self, node: &Node) -> Map {
        let NodeKind::Map(entries) = &node.kind else { return Map::new() };
        for (key, _) in entries {
            let valid = key.as_str().is_some_and(is_variable_name);
            if !valid {
                self.error(bad_variable(&string(&key.to_value())).at(&key.place));
            }
        }
        match node.to_value() {
            Value::Map(map) => map,
            _ => Map::new(),
        }
    }

    /// Warns of defaults for modules that do not exist, refuses those for groups that do not exist.
    fn idle_defaults(&mut self, node: &Node) {
        let entries = match &node.kind {
            NodeKind::List(items) => return items.iter().for_each(|item| self.idle_defaults(item)),
            NodeKind::Map(entries) => entries,
            NodeKind::Scalar(_) => return,
        };
        for (key, _) in entries {
            let name = string(&key.to_value());
            if let Some(group) = name.strip_prefix("group/") {
                if action_group(group).is_none() {
                    let message = format!("there is no group of modules called {group:?}");
                    self.error(Diagnostic::error(message).at(&key.place));
                }
                continue;
            }
            let known = key.to_value().needs_rendering()
                || self.loader.setup.modules.resolve(&name).is_some();
            if !known {
                let message = format!("defaults for the unknown module {name:?} do nothing");
                self.error(Diagnostic::warning(message).at(&key.place));
            }
        }
    }

    /// Reports every key in `rest` as an unknown keyword.
    pub(super) fn refuse_rest(&mut self, read: &Read<'_>, on: On, what: &str) {
        for (name, key, _) in &read.rest {
            self.error(unknown(name, on, what).at(&key.place));
        }
    }
}

fn misplaced(known: &Keyword, on: On) -> Diagnostic {
    let here = keyword::places(on & !HANDLER);
    let message =
        format!("{:?} is a keyword of {}, not of {here}", known.name, keyword::places(known.on));
    let hint = match known.name {
        "when" => "put it on each task, or on a block around them",
        "loop" | "register" | "until" if on & TASK == 0 => {
            "put it on the tasks, or on an include_tasks of them"
        }
        _ => return Diagnostic::error(message),
    };
    Diagnostic::error(message).hint(hint)
}

/// `'hots' is not a valid attribute for a Play`, with the nearest keyword that may stand there.
pub(super) fn unknown(name: &str, on: On, what: &str) -> Diagnostic {
    let names = KEYWORDS.iter().filter(|k| k.on & on != 0).map(|k| k.name);
    let diagnostic = Diagnostic::error(not_an_attribute(name, what));
    match keyword::nearest(name, names) {
        Some(near) => diagnostic.hint(format!("did you mean {near:?}?")),
        None => diagnostic,
    }
}

/// What is said of a keyword that may not stand there: people look for these words.
pub(super) fn not_an_attribute(name: &str, what: &str) -> String {
    let kind = what.strip_prefix("a ").unwrap_or(what);
    let mut letters = kind.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase()).into_iter();
    let kind: String = first.chain(letters).collect();
    format!("'{name}' is not a valid attribute for a {kind}")
}

/// The error for a name that cannot be a variable.
pub(super) fn bad_variable(name: &str) -> Diagnostic {
    Diagnostic::error(format!("Invalid variable name '{name}'")).hint(
        "a name starts with a letter or underscore and holds letters, digits and underscores; \
         Python's own words are taken",
    )
}

/// Whether a template can use this as a variable.
pub(super) fn is_variable_name(name: &str) -> bool {
    const TAKEN: [&str; 38] = [
        "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class",
        "continue", "def", "del", "elif", "else", "except", "finally", "for", "from", "global",
        "if", "import", "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return",
        "try", "while", "with", "yield", "true", "false", "none",
    ];
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !TAKEN.contains(&name)
}

/// A scalar as text with its place.
pub(super) fn text_of(node: &Node) -> Option<Text> {
    match &node.kind {
        NodeKind::Scalar(Value::Text(text)) => Some(text.clone()),
        NodeKind::Scalar(Value::Null) => None,
        NodeKind::Scalar(value) => Some(Text::written(string(value), node.place.clone())),
        _ => None,
    }
}

/// One text or a list of texts.
pub(super) fn texts(node: &Node) -> Vec<Text> {
    match &node.kind {
        NodeKind::List(items) => items.iter().filter_map(text_of).collect(),
        _ => text_of(node).into_iter().collect(),
    }
}

/// Tags: a list as it is, a text split at its commas.
pub(super) fn tags(node: &Node) -> Vec<Text> {
    match text_of(node) {
        Some(text) if text.as_str().contains(',') && !text.is_template() => {
            let parts = text.as_str().split(',').map(str::trim);
            match text.place() {
                Some(place) => parts.map(|p| Text::written(p, place.clone())).collect(),
                None => parts.map(Text::computed).collect(),
            }
        }
        Some(text) => vec![text],
        None => texts(node),
    }
}

/// One condition or several.
pub(super) fn conditions(node: &Node) -> Vec<Value> {
    match &node.kind {
        NodeKind::List(items) => items.iter().map(Node::to_value).collect(),
        NodeKind::Scalar(Value::Null) => Vec::new(),
        _ => vec![node.to_value()],
    }
}

fn list_of(node: &Node) -> Vec<Value> {
    match &node.kind {
        NodeKind::List(items) => items.iter().map(Node::to_value).collect(),
        _ => vec![node.to_value()],
    }
}
