//! Playbooks as trees: what was written, checked for keywords and modules, static imports and roles expanded.
//!
//! Read [`ast`] first, then [`Loader::playbook`] (`book`, `play`, `items`, `task`, `action`) and, for what is loaded while
//! the playbook runs, [`Loader::tasks_file`] and [`Loader::role`] (`include`). All errors of a playbook are collected,
//! each with its place. Nothing is rendered here but the names of static imports; keywords keep their raw values.

mod action;
pub mod ast;
mod book;
mod check;
mod groups;
mod import;
mod include;
mod items;
pub mod keyword;
mod keywords;
mod listing;
mod loader;
mod maintenance;
mod names;
mod play;
mod reader;
mod role;
mod role_files;
mod search;
pub mod split;
mod task;
#[cfg(test)]
mod tests;

pub use ast::{
    Action, Block, BlockKind, Item, Keywords, Lineage, Loop, Maintenance, Play, Playbook, Role,
    RoleInclude, Section, Task,
};
pub use book::check_names;
pub use groups::action_group;
pub use include::{Include, Included, RoleOptions};
pub use listing::{Entry, tasks};
pub use loader::{LoadError, Loader, ModuleInfo, Modules, Names, Setup};
pub use names::TemplarNames;
