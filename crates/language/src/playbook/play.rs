//! One play.

use super::ast::{BlockKind, Item, Lineage, Play};
use super::check::{is_template, shape};
use super::import::block;
use super::keyword::PLAY;
use super::keywords::Read;
use super::reader::{Here, Reader, lineage};
use crate::diag::Diagnostic;
use crate::value::{Map, Value, string};
use crate::yaml::{Node, NodeKind};
use indexmap::IndexMap;
use std::path::Path;
use std::sync::Arc;

/// Keywords that stay raw for the engine.
const ONLY: [&str; 10] = [
    "gather_facts",
    "gather_subset",
    "gather_timeout",
    "fact_path",
    "serial",
    "max_fail_percentage",
    "strategy",
    "order",
    "force_handlers",
    "vars_files",
];

const PROMPT: [&str; 9] =
    ["name", "prompt", "default", "private", "confirm", "encrypt", "salt_size", "salt", "unsafe"];

impl Reader<'_> {
    /// A play of `file`. `imported` has the keywords of the `import_playbook` statements around it.
    pub(super) fn play(&mut self, node: &Node, file: &Path, imported: &Imported) -> Option<Play> {
        let mut read = self.read(node, PLAY)?;
        self.refuse_rest(&read, PLAY, "a play");
        let hosts = self.hosts(&read);
        self.user(&mut read);
        let vars_prompt = self.vars_prompt(&read);
        self.vars_files(&read);
        self.vars_files = read.value("vars_files");
        let maintenance = read.own("maintenance").and_then(|node| self.maintenance(node));
        let only: IndexMap<_, _> =
            ONLY.iter().filter_map(|name| Some((*name, read.value(name)?))).collect();
        let mut keywords = std::mem::take(&mut read.keywords);
        keywords.vars.extend_with(&imported.vars);
        keywords.tags.extend(imported.tags.iter().cloned());
        let level = lineage(keywords, BlockKind::Play, None, &node.place);
        let (sections, handlers) = self.sections(&read, &level, imported);
        let play = Play {
            lineage: level,
            hosts: hosts?,
            only,
            vars_prompt,
            sections,
            handlers,
            roles: std::mem::take(&mut self.roles),
            maintenance,
            file: file.to_path_buf(),
            directory: self.directory.clone(),
        };
        self.conflicts(&play);
        Some(play)
    }

    fn sections(
        &mut self,
        read: &Read<'_>,
        level: &Arc<Lineage>,
        imported: &Imported,
    ) -> ([Vec<Item>; 3], Vec<Item>) {
        let play = Here { parent: Arc::clone(level), handlers: false };
        let around = imported.around(level);
        let here = around.as_ref().map_or_else(|| play.clone(), |l| play.under(Arc::clone(l)));
        let list = |reader: &mut Self, name: &str, here: &Here| match read.own(name) {
            Some(node) => reader.items(node, here, &format!("{name:?}")),
            None => Vec::new(),
        };
        let mut handlers = Vec::new();
        let pre = list(self, "pre_tasks", &here);
        let mut main = match read.own("roles") {
            Some(node) => self.roles(node, &here, &mut handlers),
            None => Vec::new(),
        };
        main.extend(list(self, "tasks", &here));
        let post = list(self, "post_tasks", &here);
        let own = Here { parent: Arc::clone(level), handlers: true };
        handlers.extend(list(self, "handlers", &own));
        handlers.append(&mut self.handlers);
        let wrap = |items: Vec<Item>| match &around {
            Some(level) if !items.is_empty() => vec![block(Arc::clone(level), items)],
            _ => items,
        };
        ([wrap(pre), wrap(main), wrap(post)], handlers)
    }

    fn hosts(&mut self, read: &Read<'_>) -> Option<Value> {
        let wrong = match read.own.get("hosts") {
            None if read.keywords.places.contains_key("hosts") => {
                Diagnostic::error("\"hosts\" is empty").at(read.keywords.places.get("hosts")?)
            }
            None => Diagnostic::error("the play has no \"hosts\"")
                .at(&read.place)
                .hint("say on which hosts it runs, as in `hosts: all`"),
            Some((_, node)) => {
                let bad = match &node.kind {
                    NodeKind::List(items) if items.is_empty() => Some(*node),
                    NodeKind::List(items) => {
                        items.iter().find(|i| i.as_str().is_none_or(|s| s.trim().is_empty()))
                    }
                    _ if node.as_str().is_some_and(|s| !s.trim().is_empty()) => None,
                    _ => Some(*node),
                };
                let Some(bad) = bad else { return Some(node.to_value()) };
                let message = match &bad.kind {
                    NodeKind::List(_) => "\"hosts\" is empty".to_owned(),
                    _ => format!("a pattern of hosts must be text, not {}", shape(bad)),
                };
                Diagnostic::error(message).at(&bad.place)
            }
        };
        self.error(wrong);
        None
    }

    /// `user` is an old name of `remote_user`.
    fn user(&mut self, read: &mut Read<'_>) {
        let Some((key, value)) = read.own.get("user").copied() else { return };
        if let Some(place) = read.keywords.places.get("remote_user") {
            let wrong = Diagnostic::error("\"user\" and \"remote_user\" say the same thing");
            let wrong = wrong.at(&key.place).via("the other is at", place);
            self.error(wrong.hint("remove \"user\""));
            return;
        }
        read.keywords.simple.insert("remote_user", value.to_value());
        read.keywords.places.insert("remote_user", key.place.clone());
    }

    fn vars_prompt(&mut self, read: &Read<'_>) -> Vec<Map> {
        let Some(node) = read.own("vars_prompt") else { return Vec::new() };
        let entries: Vec<&Node> = match &node.kind {
            NodeKind::List(entries) => entries.iter().collect(),
            _ => vec![node],
        };
        let mut out = Vec::new();
        for entry in entries {
            let NodeKind::Map(keys) = &entry.kind else {
                let message =
                    format!("an entry of \"vars_prompt\" must be a map, not {}", shape(entry));
                self.error(Diagnostic::error(message).at(&entry.place));
                continue;
            };
            if entry.get("name").is_none() {
                let wrong = Diagnostic::error("an entry of \"vars_prompt\" has no \"name\"");
                self.error(wrong.at(&entry.place).hint("name the variable that takes the answer"));
            }
            for (key, _) in keys {
                let name = key.as_str().unwrap_or_default();
                if !PROMPT.contains(&name) {
                    let message = format!("unknown option {name:?} of \"vars_prompt\"");
                    self.error(Diagnostic::error(message).at(&key.place));
                }
            }
            out.extend(entry.to_value().as_map().cloned());
        }
        out
    }

    fn vars_files(&mut self, read: &Read<'_>) {
        let Some(node) = read.own("vars_files") else { return };
        let is_name = |node: &Node| node.as_str().is_some() || is_template(node);
        let bad = match &node.kind {
            NodeKind::List(entries) => entries.iter().find(|entry| match &entry.kind {
                NodeKind::List(choices) => !choices.iter().all(is_name),
                _ => !is_name(entry),
            }),
            _ => Some(node).filter(|n| !is_name(n)),
        };
        if let Some(bad) = bad {
            let message = format!("\"vars_files\" must be names of files, not {}", shape(bad));
            self.error(Diagnostic::error(message).at(&bad.place));
        }
    }

    /// What cannot go together with `maintenance:` in a play whose hosts advance alone.
    fn conflicts(&mut self, play: &Play) {
        if play.maintenance.is_none() || play.only.contains_key("serial") {
            return;
        }
        let mut refuse = |name: &str, level: &Arc<Lineage>| {
            if let Some(place) = level.keywords.places.get(name) {
                let message =
                    format!("{name:?} means nothing under \"maintenance\" without \"serial\"");
                self.error(Diagnostic::error(message).at(place).hint(ALONE));
            }
        };
        for name in ["any_errors_fatal", "max_fail_percentage", "run_once"] {
            refuse(name, &play.lineage);
        }
        for section in &play.sections {
            walk(section, &mut |level| {
                refuse("run_once", level);
                refuse("any_errors_fatal", level);
            });
        }
    }
}

fn walk(items: &[Item], visit: &mut dyn FnMut(&Arc<Lineage>)) {
    for item in items {
        match item {
            Item::Task(task) => visit(&task.lineage),
            Item::Block(block) => {
                visit(&block.lineage);
                for part in [&block.items, &block.rescue, &block.always] {
                    walk(part, visit);
                }
            }
        }
    }
}

const ALONE: &str = "without \"serial\" each host goes through the bracket alone; add \"serial\" \
                     to have batches";

/// What the `import_playbook` statements around a play add to it.
#[derive(Default)]
pub(super) struct Imported {
    /// Win over vars of the play.
    pub(super) vars: Map,
    pub(super) tags: Vec<crate::value::Text>,
    /// Conditions on every task (not on the fact step), outermost first, with their statements.
    pub(super) conditions: Vec<(Vec<Value>, crate::diag::Place)>,
    /// The imported file.
    pub(super) file: std::path::PathBuf,
}

impl Imported {
    /// The level that carries the conditions, if there are any.
    fn around(&self, play: &Arc<Lineage>) -> Option<Arc<Lineage>> {
        let (_, place) = self.conditions.last()?;
        let keywords = super::Keywords {
            when: self.conditions.iter().flat_map(|(when, _)| when.clone()).collect(),
            places: std::iter::once(("when", place.clone())).collect(),
            ..super::Keywords::default()
        };
        let kind = BlockKind::Import { file: self.file.clone() };
        Some(lineage(keywords, kind, Some(Arc::clone(play)), place))
    }
}

impl Play {
    /// `name`, or the host patterns joined by commas, raw.
    #[must_use]
    pub fn label(&self) -> String {
        if let Some(name) = &self.lineage.keywords.name {
            return name.as_str().to_owned();
        }
        match &self.hosts {
            Value::List(items) => items.iter().map(string).collect::<Vec<_>>().join(","),
            other => string(other),
        }
    }
}
