//! Expectations come from ansible-core 2.19.14 over the same files.

mod constructed;
mod ini;
mod literal;
mod pattern;
mod sources;
mod vars_files;
pub(crate) mod world;

use super::{Inventory, LoadOptions, Loaded, NoPlugins, load};
use crate::diag::Diagnostics;
use world::World;

pub(crate) fn try_load(
    world: &World,
    sources: &[&str],
    options: &LoadOptions,
) -> Result<Loaded, Diagnostics> {
    let sources: Vec<String> = sources.iter().map(|s| (*s).to_owned()).collect();
    load(&sources, options, world.files(), &NoPlugins)
}

pub(crate) fn loaded(world: &World, sources: &[&str]) -> Loaded {
    try_load(world, sources, &LoadOptions::default()).unwrap()
}

/// The inventory of one file, which must be read without a warning.
pub(crate) fn inventory(name: &str, text: &str) -> Inventory {
    let world = World::new(&[(name, text)]);
    let loaded = loaded(&world, &[name]);
    assert_eq!(loaded.warnings, Diagnostics::default());
    loaded.inventory
}

pub(crate) fn names(hosts: &[std::sync::Arc<str>]) -> Vec<&str> {
    hosts.iter().map(|h| &**h).collect()
}
