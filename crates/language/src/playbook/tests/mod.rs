//! Playbooks in memory.

mod actions;
mod damaged;
mod imports;
mod includes;
mod plays;
mod roles;
mod samples;

use super::*;
use crate::diag::Diagnostic;
use crate::outside::testing::World;
use crate::value::{Map, Value};
use crate::vault::Secrets;
use std::path::Path;
use std::sync::Arc;

/// A table of a few modules and lookups.
pub(super) struct Table;

impl Modules for Table {
    fn resolve(&self, written: &str) -> Option<ModuleInfo> {
        let short = written
            .strip_prefix("ansible.builtin.")
            .or_else(|| written.strip_prefix("ansible.legacy."))
            .unwrap_or(written);
        let name = match short {
            "systemd_service" => "systemd",
            "kubernetes.core.k8s_drain" => "k8s_drain",
            "debug" | "copy" | "file" | "command" | "shell" | "script" | "raw" | "set_fact"
            | "add_host" | "systemd" | "include_vars" | "apt" => short,
            _ => return None,
        };
        let free_form =
            ["command", "shell", "script", "raw", "set_fact", "add_host", "include_vars"]
                .contains(&name);
        Some(ModuleInfo { name: name.to_owned(), free_form })
    }

    fn detaches(&self, name: &str) -> bool {
        matches!(name, "command" | "shell")
    }

    fn near(&self, written: &str) -> Option<String> {
        keyword::nearest(written, ["debug", "copy", "command", "systemd"]).map(str::to_owned)
    }

    fn has_lookup(&self, name: &str) -> bool {
        ["items", "dict", "fileglob", "first_found", "sequence"].contains(&name)
    }
}

/// Replaces `{{ name }}` and nothing else.
pub(super) struct Replace;

impl Names for Replace {
    fn render(&self, value: &Value, vars: &Map) -> Result<Value, Diagnostic> {
        let mut text = crate::value::string(value);
        while let Some(start) = text.find("{{") {
            let end =
                text.find("}}").ok_or_else(|| Diagnostic::error("a template is not closed"))?;
            let name = text[start + 2..end].trim().to_owned();
            let Some(found) = vars.get(&name) else {
                return Err(Diagnostic::error(format!("'{name}' is undefined")));
            };
            text.replace_range(start..end + 2, &crate::value::string(found));
        }
        Ok(Value::text(text))
    }
}

/// A loader of these files; `roles_path` is `/shared/roles`.
pub(super) fn loader(files: &[(&str, &str)]) -> Loader {
    loader_of(World::new(files).shared())
}

pub(super) fn loader_of(world: Arc<World>) -> Loader {
    let mut extra_vars = Map::new();
    extra_vars.insert("extra", "from_extra");
    Loader::new(Setup {
        outside: world,
        secrets: Arc::new(Secrets::new().with("default", "secret")),
        modules: Arc::new(Table),
        names: Arc::new(Replace),
        roles_path: vec!["/shared/roles".into()],
        collections_path: Vec::new(),
        private_roles: None,
        extra_vars,
    })
}

/// Loads `site.yml` of these files.
pub(super) fn book(files: &[(&str, &str)]) -> Playbook {
    match loader(files).playbook(Path::new("site.yml")) {
        Ok((book, _)) => book,
        Err(LoadError::Invalid(wrong)) => panic!("{}", wrong.render()),
        Err(LoadError::Missing(wrong)) => panic!("{}", wrong.render()),
    }
}

/// Loads one play with these lines as its tasks.
pub(super) fn with_tasks(tasks: &str) -> Playbook {
    book(&[("site.yml", &play_of(tasks))])
}

pub(super) fn play_of(tasks: &str) -> String {
    let indented: Vec<_> = tasks.lines().map(|line| format!("    {line}")).collect();
    format!("- hosts: all\n  tasks:\n{}\n", indented.join("\n"))
}

/// The only task.
pub(super) fn task(lines: &str) -> Arc<Task> {
    only_task(&with_tasks(lines).plays[0].sections[1])
}

pub(super) fn only_task(items: &[Item]) -> Arc<Task> {
    match items {
        [Item::Task(task)] => Arc::clone(task),
        other => panic!("{other:?}"),
    }
}

pub(super) fn only_block(items: &[Item]) -> Arc<Block> {
    match items {
        [Item::Block(block)] => Arc::clone(block),
        other => panic!("{other:?}"),
    }
}

/// What is wrong with these files, one line each.
pub(super) fn errors(files: &[(&str, &str)]) -> Vec<String> {
    match loader(files).playbook(Path::new("site.yml")) {
        Ok(_) => Vec::new(),
        Err(LoadError::Invalid(wrong)) => wrong.0.iter().map(ToString::to_string).collect(),
        Err(LoadError::Missing(wrong)) => vec![format!("missing: {wrong}")],
    }
}

/// What is wrong with a task of these lines.
pub(super) fn task_errors(lines: &str) -> Vec<String> {
    errors(&[("site.yml", &play_of(lines))])
}

/// Labels of all tasks of the main section.
pub(super) fn labels(book: &Playbook) -> Vec<String> {
    book.plays
        .iter()
        .flat_map(|play| play.sections.iter())
        .flat_map(|section| tasks(section))
        .map(|entry| entry.label)
        .collect()
}
