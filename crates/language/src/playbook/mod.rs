//! Playbooks as trees: what was written, checked for keywords and modules, static imports and roles expanded.
//!
//! Read [`ast`] first. Nothing is rendered here but the names of static imports; keywords keep their raw values.

pub mod ast;

pub use ast::{
    Action, Block, BlockKind, Item, Keywords, Lineage, Play, Playbook, Role, Section, Task,
};
