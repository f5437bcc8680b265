//! What people wrote: places and diagnostics, values, YAML, vault, templates, inventories, playbooks, variables.
//!
//! The rooms in the order in which data flows; a room uses rooms above it, never below:
//! `diag`, `outside`, `value` ← `yaml` ← `vault` ← `template` ← `inventory`, `playbook` ← `vars`.
//!
//! Not here: tokio, the network, processes, the clock, the environment. What little of the world the language needs
//! (reading a file, `lookup('env')`, an inventory script) it asks of [`outside::Outside`].

#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests measure time"))]

pub mod diag;
pub mod outside;
pub mod value;
pub mod yaml;
pub mod vault;
pub mod template;
pub mod inventory;
pub mod playbook;
pub mod vars;
