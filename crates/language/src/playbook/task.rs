//! One task.

use super::action::{Call, Verb};
use super::ast::{Action, BlockKind, Item, Loop, Task};
use super::check::{self, is_template, shape};
use super::keyword::{HANDLER, Keyword, Kind, TASK, nearest};
use super::keywords::{Read, bad_variable, conditions, is_variable_name, not_an_attribute, texts};
use super::reader::{Here, Reader};
use crate::diag::Diagnostic;
use crate::value::{Map, Value};
use crate::yaml::{Node, NodeKind};
use std::sync::Arc;

/// Keywords of `loop_control` and what they hold.
const LOOP_CONTROL: [(&str, Kind); 8] = [
    ("loop_var", Kind::Text),
    ("index_var", Kind::Text),
    ("label", Kind::Text),
    ("pause", Kind::Float),
    ("extended", Kind::Bool),
    ("extended_allitems", Kind::Bool),
    ("break_when", Kind::Conditions),
    ("name", Kind::Text),
];

/// What `meta:` can do.
const META: [&str; 10] = [
    "flush_handlers",
    "end_play",
    "end_host",
    "end_batch",
    "end_role",
    "clear_facts",
    "clear_host_errors",
    "refresh_inventory",
    "reset_connection",
    "noop",
];

/// Keywords that an include may have itself; others belong under `apply:` or on a block around it.
const ON_INCLUDE: [&str; 16] = [
    "action",
    "args",
    "collections",
    "debugger",
    "ignore_errors",
    "local_action",
    "loop",
    "loop_control",
    "name",
    "no_log",
    "register",
    "run_once",
    "tags",
    "timeout",
    "vars",
    "when",
];

impl Reader<'_> {
    /// A task, or the block that a static import becomes.
    pub(super) fn task(&mut self, node: &Node, here: &Here) -> Option<Item> {
        let on = if here.handlers { TASK | HANDLER } else { TASK };
        let mut read = self.read(node, on)?;
        let looped = self.looped(&mut read);
        let mut call = self.call(&mut read, here, on)?;
        if let Some(delegate) = call.delegate.take() {
            read.keywords.simple.insert("delegate_to", delegate);
        }
        match call.verb {
            Verb::ImportTasks => return self.import_tasks(read, &call, looped.is_some(), here),
            Verb::ImportRole => return self.import_role(read, &call, looped.is_some(), here),
            _ => {}
        }
        let register = self.register(&read);
        let loop_control = self.loop_control(&read);
        let action = self.action(&read, call, here)?;
        self.left_alone(&read, &action);
        let listen = read.own("listen").map(texts).unwrap_or_default();
        let list = |name: &str| read.own(name).map(conditions).unwrap_or_default();
        let (changed_when, failed_when, until) =
            (list("changed_when"), list("failed_when"), list("until"));
        let value = |name: &str| read.value(name);
        let (retries, delay) = (value("retries"), value("delay"));
        let (asynchronous, poll) = (value("async"), value("poll"));
        let lineage = here.level(read.keywords, BlockKind::Task, &node.place);
        Some(Item::Task(Arc::new(Task {
            lineage,
            action,
            looped,
            loop_control,
            register,
            changed_when,
            failed_when,
            until,
            retries,
            delay,
            asynchronous,
            poll,
            listen,
        })))
    }

    fn action(&mut self, read: &Read<'_>, call: Call<'_>, here: &Here) -> Option<Action> {
        match call.verb {
            Verb::Meta => self.meta(&call, here),
            Verb::IncludeTasks | Verb::IncludeRole => {
                self.only_on_include(read, &call);
                if call.verb == Verb::IncludeTasks {
                    self.include_tasks(&call)
                } else {
                    self.include_role(&call, here)
                }
            }
            Verb::Dynamic(spec) => Some(Action::Dynamic { spec, args: call.args.into() }),
            Verb::Module(name) => {
                Some(Action::Module { written: call.written, name, args: call.args.into() })
            }
            Verb::ImportTasks | Verb::ImportRole => None,
        }
    }

    /// A task that nobody waits for needs a module that goes on by itself. What is a template is judged when it runs.
    fn left_alone(&mut self, read: &Read<'_>, action: &Action) {
        let Action::Module { name, written, .. } = action else { return };
        let is_zero = |node: &Node| crate::value::string(&node.to_value()).trim() == "0";
        let (Some(limit), Some(poll)) = (read.own("async"), read.own("poll")) else { return };
        if is_zero(limit) || !is_zero(poll) || self.loader.setup.modules.detaches(name) {
            return;
        }
        let message = format!("async with poll: 0 is not supported for {written}");
        let hint = "it is for command and shell; with poll above 0 the task is waited for";
        self.error(Diagnostic::error(message).at(&poll.place).hint(hint));
    }

    fn only_on_include(&mut self, read: &Read<'_>, call: &Call<'_>) {
        for (name, place) in &read.keywords.places {
            if !ON_INCLUDE.contains(name) {
                let message = format!("{name:?} does nothing on {}", call.written);
                let hint = format!(
                    "put it under `apply:`, as `apply: {{{name}: …}}`, or on a block around it"
                );
                self.error(Diagnostic::error(message).at(place).hint(hint));
            }
        }
    }

    fn meta(&mut self, call: &Call<'_>, here: &Here) -> Option<Action> {
        let text = match call.args.get("_raw_params") {
            Some(Value::Text(text)) if call.args.len() == 1 => Some(text.clone()),
            _ => None,
        };
        let known = text.as_ref().filter(|text| META.contains(&text.as_str().trim()));
        if let Some(text) = known {
            let misplaced = match text.as_str().trim() {
                "flush_handlers" if here.handlers => "flush_handlers cannot be used as a handler",
                "end_role" if here.handlers => "Cannot execute 'end_role' from a handler",
                "end_role" if here.parent.role().is_none() => {
                    "Cannot execute 'end_role' from outside of a role"
                }
                _ => return Some(Action::Meta(text.clone())),
            };
            self.error(Diagnostic::error(misplaced).at(call.place));
            return None;
        }
        let place = call.value.map_or(call.place, |v| &v.place);
        let wrong = match &text {
            Some(text) => Diagnostic::error(format!("unknown meta action {:?}", text.as_str())),
            None => Diagnostic::error("meta must name one action"),
        };
        let near = text.as_ref().and_then(|t| nearest(t.as_str(), META));
        self.error(wrong.at(place).hint(match near {
            Some(near) => format!("did you mean {near:?}?"),
            None => format!("known are {}", META.join(", ")),
        }));
        None
    }

    /// `loop:` or `with_X:`; the keys of `with_X` are taken out of `read.rest`.
    fn looped(&mut self, read: &mut Read<'_>) -> Option<Loop> {
        let mut found = read
            .own
            .get("loop")
            .map(|(key, value)| (key.place.clone(), Loop::List(value.to_value())));
        let modules = Arc::clone(&self.loader.setup.modules);
        let (withs, rest) = std::mem::take(&mut read.rest).into_iter().partition(|(name, ..)| {
            name.strip_prefix("with_").is_some_and(|lookup| modules.has_lookup(lookup))
        });
        read.rest = rest;
        let withs: Vec<(&str, &Node, &Node)> = withs;
        for (name, key, value) in withs {
            if value.is_null() {
                let message = format!("{name:?} needs a value");
                self.error(Diagnostic::error(message).at(&key.place));
                continue;
            }
            if let Some((first, _)) = &found {
                let wrong =
                    Diagnostic::error(format!("a task has one loop; {name:?} is a second one"));
                self.error(wrong.at(&key.place).via("the first is at", first));
                continue;
            }
            let lookup = name.strip_prefix("with_").unwrap_or(name).to_owned();
            found = Some((key.place.clone(), Loop::With { lookup, terms: value.to_value() }));
        }
        found.map(|(_, looped)| looped)
    }

    fn register(&mut self, read: &Read<'_>) -> Option<Value> {
        let node = read.own("register")?;
        let name = crate::value::string(&node.to_value());
        if is_variable_name(&name) {
            return Some(node.to_value());
        }
        self.error(bad_variable(&name).at(&node.place));
        None
    }

    fn loop_control(&mut self, read: &Read<'_>) -> Map {
        let Some(node) = read.own("loop_control") else { return Map::new() };
        let NodeKind::Map(entries) = &node.kind else {
            let message = format!("\"loop_control\" must be a map, not {}", shape(node));
            let wrong = Diagnostic::error(message).at(&node.place);
            self.error(wrong.hint("it cannot be a template, but its values can"));
            return Map::new();
        };
        let mut out = Map::new();
        for (key, value) in entries {
            let name = key.as_str().unwrap_or_default();
            let Some((known, kind)) = LOOP_CONTROL.iter().find(|(k, _)| *k == name) else {
                let wrong = Diagnostic::error(not_an_attribute(name, "LoopControl"));
                let near = nearest(name, LOOP_CONTROL.map(|(k, _)| k));
                let wrong = wrong.at(&key.place);
                self.error(match near {
                    Some(near) => wrong.hint(format!("did you mean {near:?}?")),
                    None => wrong,
                });
                continue;
            };
            let rule = Keyword { name: known, on: TASK, kind: *kind, simple: false };
            if let Err(wrong) = check::literal(&rule, value) {
                self.error(wrong.at(&value.place));
            } else if name.ends_with("_var") && !is_template(value) {
                let variable = crate::value::string(&value.to_value());
                if !value.is_null() && !is_variable_name(&variable) {
                    self.error(bad_variable(&variable).at(&value.place));
                }
            }
            if !value.is_null() {
                out.insert(*known, value.to_value());
            }
        }
        out
    }
}
