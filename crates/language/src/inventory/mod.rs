//! Inventories: hosts, groups, their variables, and the patterns that choose among them.
//!
//! [`load`] reads sources (INI, YAML, scripts, directories, host lists) into one [`Inventory`]; [`Pattern`] chooses
//! hosts; [`VarsFiles`] reads `group_vars` and `host_vars`. The merging of all variables of a host is in `vars`.

mod address;
mod derived;
mod group_names;
mod ini;
mod literal;
mod model;
pub(crate) mod words;

pub use derived::HostGroups;
pub use group_names::InvalidGroupNames;
pub use literal::python_literal;
pub use model::{Group, Host, Inventory, LOCALHOST, Origin};
