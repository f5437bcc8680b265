//! The variables of a host, merged in Ansible's order of precedence, and the layers a task sees.
//!
//! [`HostVars`] merges what inventories and `group_vars`/`host_vars` say (levels 3 to 10), once for each host. [`Layers`]
//! stacks these and everything above them into one scope without copying. [`extra`] reads `-e`.

mod combine;
pub mod extra;
mod host_vars;
mod layers;

pub use combine::{HashBehaviour, combine};
pub use extra::ExtraVars;
pub use host_vars::{HostVars, magic};
pub use layers::Layers;

#[cfg(test)]
mod tests;
