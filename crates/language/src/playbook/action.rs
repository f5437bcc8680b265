//! Which module a task calls, in any spelling, and with which arguments.

use super::ast::Lineage;
use super::check::{is_template, shape};
use super::keyword::{KEYWORDS, On, nearest};
use super::keywords::{Read, unknown};
use super::reader::{Here, Reader};
use super::split;
use crate::diag::{Diagnostic, Place};
use crate::value::{Map, Text, Value};
use crate::yaml::{Node, NodeKind};
use std::sync::Arc;

/// What a task calls.
#[derive(Clone)]
pub(super) enum Verb {
    /// A module by its canonical name.
    Module(String),
    /// `action:` with a template as its name: the raw value.
    Dynamic(Value),
    Meta,
    ImportTasks,
    IncludeTasks,
    ImportRole,
    IncludeRole,
}

impl PartialEq for Verb {
    fn eq(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

/// A call as written.
pub(super) struct Call<'n> {
    /// As written (`ansible.builtin.copy`).
    pub(super) written: String,
    /// What it is.
    pub(super) verb: Verb,
    /// Where its name is.
    pub(super) place: &'n Place,
    /// The value beside its name.
    pub(super) value: Option<&'n Node>,
    /// Arguments: `args:`, then its own.
    pub(super) args: Map,
    /// Host of `local_action`.
    pub(super) delegate: Option<Value>,
}

/// What a name stands for.
struct Named {
    verb: Verb,
    /// Takes text that is not `k=v`.
    free_form: bool,
    /// Its `k=v` are part of its text but for a few.
    command: bool,
}

/// Modules whose text is a command.
const COMMANDS: [&str; 4] = ["command", "shell", "script", "raw"];

impl Reader<'_> {
    /// The one call of a task. What is wrong with it is reported.
    pub(super) fn call<'n>(
        &mut self,
        read: &mut Read<'n>,
        here: &Here,
        on: On,
    ) -> Option<Call<'n>> {
        let rest = std::mem::take(&mut read.rest);
        let extra = self.extra_args(read);
        let spelled = read.own.get("action").map(|(k, v)| (*k, *v, false));
        let local = read.own.get("local_action").map(|(k, v)| (*k, *v, true));
        if let (Some((first, ..)), Some((second, ..))) = (spelled, local) {
            let wrong =
                Diagnostic::error("a task has one action; \"local_action\" is a second one");
            self.error(wrong.at(&second.place).via("the first is at", &first.place));
            return None;
        }
        let mut calls: Vec<(&'n str, &'n Node, &'n Node, Named)> = Vec::new();
        let mut strangers = Vec::new();
        for (name, key, value) in rest {
            match self.named(name, &here.parent, read) {
                Some(named) => calls.push((name, key, value, named)),
                None => strangers.push((name, key)),
            }
        }
        let spelled = spelled.or(local);
        let first =
            spelled.map(|(k, ..)| ("action", k)).or(calls.first().map(|(n, k, ..)| (*n, *k)));
        self.strangers(&strangers, first.is_some(), on);
        let Some((first_name, first_key)) = first else {
            if strangers.is_empty() && !read.own.contains_key("action") {
                let wrong = Diagnostic::error("the task has no action").at(&read.place);
                self.error(wrong.hint("name a module, as in `command: uptime`"));
            }
            return None;
        };
        for (name, key, ..) in calls.iter().skip(usize::from(spelled.is_none())) {
            let message =
                format!("a task has one action; {name:?} is a second one after {first_name:?}");
            self.error(
                Diagnostic::error(message).at(&key.place).via("the first is at", &first_key.place),
            );
        }
        let mut call = match spelled {
            Some((key, value, local)) => self.old_style(key, value, local, here, read)?,
            None => {
                let (name, key, value, named) = calls.into_iter().next()?;
                let args = self.arguments(value, &named)?;
                self.finish_call(name, named, args, &key.place, Some(value))?
            }
        };
        let mut args = extra;
        args.extend_with(&call.args);
        call.args = args;
        Some(call)
    }

    /// `args:` of a task.
    fn extra_args(&mut self, read: &Read<'_>) -> Map {
        let Some(node) = read.own("args") else { return Map::new() };
        match &node.kind {
            NodeKind::Map(_) => node.to_value().as_map().cloned().unwrap_or_default(),
            _ if is_template(node) => {
                [(Value::text("_variable_params"), node.to_value())].into_iter().collect()
            }
            _ => {
                let message = format!("\"args\" must be a map of arguments, not {}", shape(node));
                self.error(Diagnostic::error(message).at(&node.place));
                Map::new()
            }
        }
    }

    /// Keys that are neither keywords nor modules.
    fn strangers(&mut self, strangers: &[(&str, &Node)], has_action: bool, on: On) {
        for (name, key) in strangers {
            if let Some(lookup) = name.strip_prefix("with_") {
                let wrong = Diagnostic::error(format!("unknown lookup {lookup:?} in {name:?}"));
                self.error(wrong.at(&key.place));
            } else if has_action {
                self.error(unknown(name, on, "a task").at(&key.place));
            } else {
                let near = self.loader.setup.modules.near(name).or_else(|| {
                    nearest(name, KEYWORDS.iter().filter(|k| k.on & on != 0).map(|k| k.name))
                        .map(str::to_owned)
                });
                let wrong = Diagnostic::error(format!("unknown module {name:?}")).at(&key.place);
                self.error(match near {
                    Some(near) => wrong.hint(format!("did you mean {near:?}?")),
                    None => wrong,
                });
            }
        }
    }

    /// What a name stands for; collections of the task and around it are searched for short names.
    fn named(&mut self, written: &str, parent: &Arc<Lineage>, read: &Read<'_>) -> Option<Named> {
        let short = written
            .strip_prefix("ansible.builtin.")
            .or_else(|| written.strip_prefix("ansible.legacy."))
            .unwrap_or(written);
        let verb = match short {
            "meta" => Some(Verb::Meta),
            "import_tasks" => Some(Verb::ImportTasks),
            "include_tasks" | "include" => Some(Verb::IncludeTasks),
            "import_role" => Some(Verb::ImportRole),
            "include_role" => Some(Verb::IncludeRole),
            _ => None,
        };
        if let Some(verb) = verb {
            return Some(Named { verb, free_form: true, command: false });
        }
        let modules = &self.loader.setup.modules;
        let own = read.keywords.simple.get("collections").into_iter();
        let around = parent.levels().filter_map(|l| l.keywords.simple.get("collections"));
        let info = modules.resolve(written).or_else(|| {
            if written.contains('.') {
                return None;
            }
            own.chain(around)
                .flat_map(collection_names)
                .find_map(|collection| modules.resolve(&format!("{collection}.{written}")))
        })?;
        let command = COMMANDS.contains(&info.name.as_str());
        Some(Named { verb: Verb::Module(info.name), free_form: info.free_form || command, command })
    }

    /// Arguments beside a module's name.
    fn arguments(&mut self, value: &Node, named: &Named) -> Option<Map> {
        match &value.kind {
            NodeKind::Map(_) => value.to_value().as_map().cloned(),
            NodeKind::Scalar(Value::Null) => Some(Map::new()),
            NodeKind::Scalar(Value::Text(text)) => self.split(text, named.command, &value.place),
            _ => {
                let message =
                    format!("arguments must be a map or `key=value` text, not {}", shape(value));
                self.error(Diagnostic::error(message).at(&value.place));
                None
            }
        }
    }

    fn split(&mut self, text: &Text, command: bool, place: &Place) -> Option<Map> {
        match split::key_values(text, command) {
            Ok(map) => Some(map),
            Err(wrong) => {
                self.error(Diagnostic::error(wrong).at(place));
                None
            }
        }
    }

    /// `action:` and `local_action:`.
    fn old_style<'n>(
        &mut self,
        key: &'n Node,
        value: &'n Node,
        local: bool,
        here: &Here,
        read: &Read<'n>,
    ) -> Option<Call<'n>> {
        let (spec, mut args) = match &value.kind {
            NodeKind::Scalar(Value::Text(text)) => (Some(text.clone()), Map::new()),
            NodeKind::Map(_) => {
                let mut map = value.to_value().as_map().cloned().unwrap_or_default();
                match map.remove("module") {
                    Some(Value::Text(text)) => (Some(text), map),
                    _ => (None, map),
                }
            }
            _ => (None, Map::new()),
        };
        let Some(text) = spec else {
            let wrong = Diagnostic::error("the action names no module").at(&value.place);
            self.error(wrong.hint("write it as `action: module key=value`"));
            return None;
        };
        let delegate = local.then(|| Value::text("localhost"));
        let (name, rest) = split::first_word(text.as_str());
        if name.contains("{{") || name.contains("{%") {
            let verb = Verb::Dynamic(value.to_value());
            let written = text.as_str().to_owned();
            let args = Map::new();
            let call =
                Call { written, verb, place: &key.place, value: Some(value), args, delegate };
            return Some(call);
        }
        let Some(named) = self.named(name, &here.parent, read) else {
            let wrong = Diagnostic::error(format!("unknown module {name:?}")).at(&value.place);
            self.error(match self.loader.setup.modules.near(name) {
                Some(near) => wrong.hint(format!("did you mean {near:?}?")),
                None => wrong,
            });
            return None;
        };
        if !rest.is_empty() {
            let rest = match text.place() {
                Some(place) => Text::written(rest, place.clone()),
                None => Text::computed(rest),
            };
            let own = self.split(&rest, named.command, &value.place)?;
            args.extend_with(&own);
        }
        let call = self.finish_call(name, named, args, &key.place, Some(value))?;
        Some(Call { delegate, ..call })
    }

    fn finish_call<'n>(
        &mut self,
        name: &str,
        named: Named,
        mut args: Map,
        place: &'n Place,
        value: Option<&'n Node>,
    ) -> Option<Call<'n>> {
        if name.rsplit('.').next() == Some("include") && named.verb == Verb::IncludeTasks {
            let wrong = Diagnostic::error("\"include\" was removed from the language").at(place);
            self.error(wrong.hint("use include_tasks (when the task is reached) or import_tasks (when the file is read)"));
            return None;
        }
        if let Some(Value::Map(inner)) = args.get("args").filter(|_| args.len() == 1).cloned() {
            args = inner;
        }
        for key in args.keys().filter_map(Value::as_str).filter(|k| k.starts_with("_ansible_")) {
            let wrong = Diagnostic::error(format!(
                "{key:?} cannot be given to {name:?}: the prefix \"_ansible_\" is reserved for internal use only."
            ));
            self.found.push(wrong.at(value.map_or(place, |v| &v.place)));
        }
        if !named.free_form
            && let Some(raw) = args.remove("_raw_params")
            && raw.as_str().is_none_or(|s| !s.trim().is_empty())
        {
            if raw.needs_rendering() {
                args.insert("_variable_params", raw);
            } else if matches!(&named.verb, Verb::Module(name) if LOOSE.contains(&name.as_str())) {
                args.insert("_raw_params", raw);
            } else {
                let message = format!(
                    "{name:?} takes `key=value` arguments, and this is something else: {:?}",
                    crate::value::string(&raw)
                );
                self.error(Diagnostic::error(message).at(value.map_or(place, |v| &v.place)));
                return None;
            }
        }
        Some(Call {
            written: name.to_owned(),
            verb: named.verb,
            place,
            value,
            args,
            delegate: None,
        })
    }
}

/// Modules whose arguments are judged when the task runs: text that is no `key=value` fails the task, not the playbook.
const LOOSE: [&str; 3] = ["add_host", "group_by", "set_fact"];

fn collection_names(value: &Value) -> Vec<String> {
    match value {
        Value::List(items) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Value::Text(text) => vec![text.as_str().to_owned()],
        _ => Vec::new(),
    }
}
