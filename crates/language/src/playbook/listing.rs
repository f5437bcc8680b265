//! What `--list-tasks`, `--list-tags` and `--start-at-task` see of a tree.

use super::ast::{Action, Item, Task};
use crate::value::Text;
use std::sync::Arc;

/// One task of a listing.
#[derive(Debug, Clone)]
pub struct Entry<'t> {
    /// The task.
    pub task: &'t Arc<Task>,
    /// `role : name`, or the name; a task without a name is called by its action. Raw: templates are not rendered.
    pub label: String,
    /// Raw tags of the task and all around it, sorted, each once.
    pub tags: Vec<String>,
}

/// Every static task of these items in the order of execution, as `--list-tasks` shows them: without those in `rescue` and
/// `always`.
#[must_use]
pub fn tasks(items: &[Item]) -> Vec<Entry<'_>> {
    let mut out = Vec::new();
    collect(items, &mut out);
    out
}

fn collect<'t>(items: &'t [Item], out: &mut Vec<Entry<'t>>) {
    for item in items {
        match item {
            Item::Task(task) => {
                out.push(Entry { task, label: task.label(), tags: task.all_tags() });
            }
            Item::Block(block) => collect(&block.items, out),
        }
    }
}

impl Task {
    /// Its name, or what it calls, as written.
    #[must_use]
    pub fn name(&self) -> &str {
        if let Some(name) = &self.lineage.keywords.name {
            return name.as_str();
        }
        match &self.action {
            Action::Module { written, .. } => written,
            Action::Dynamic { spec, .. } => spec.as_str().unwrap_or("action"),
            Action::Meta(_) => "meta",
            Action::IncludeTasks { .. } => "include_tasks",
            Action::IncludeRole(_) => "include_role",
        }
    }

    /// `role : name` inside a role, else the name.
    #[must_use]
    pub fn label(&self) -> String {
        match self.lineage.role() {
            Some(role) => format!("{} : {}", role.name, self.name()),
            None => self.name().to_owned(),
        }
    }

    /// Raw tags of the task and all around it, sorted, each once.
    #[must_use]
    pub fn all_tags(&self) -> Vec<String> {
        let mut tags: Vec<_> = self.lineage.tags().map(Text::as_str).map(str::to_owned).collect();
        tags.sort();
        tags.dedup();
        tags
    }
}
