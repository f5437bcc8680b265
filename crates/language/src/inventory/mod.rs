//! Inventories: hosts, groups, their variables, and the patterns that choose among them.
//!
//! [`load`] reads sources (INI, YAML, scripts, directories, host lists) into one [`Inventory`]; [`Pattern`] chooses
//! hosts; [`VarsFiles`] reads `group_vars` and `host_vars`. The merging of all variables of a host is in `vars`.

mod address;
mod constructed;
mod derived;
mod export;
mod files;
mod group_names;
mod ini;
mod literal;
mod load;
mod matching;
mod model;
mod order;
mod pattern;
mod script;
mod vars_files;
pub(crate) mod words;
mod yaml;

pub use constructed::Constructed;
pub use derived::HostGroups;
pub use export::ExportVars;
pub use files::Files;
pub use group_names::InvalidGroupNames;
pub use literal::python_literal;
pub use load::{Configured, LoadOptions, Loaded, NoPlugins, Plugin, load};
pub use matching::Matched;
pub use model::{Group, Host, Inventory, LOCALHOST, Origin};
pub use order::{Order, Shuffle};
pub use pattern::{Pattern, shell_glob};

pub use vars_files::{Entity, VarsFiles, vars_file};

#[cfg(test)]
pub(crate) mod tests;
