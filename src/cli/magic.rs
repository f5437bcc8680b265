//! Magic variables that are the same for every host and task of a run.

use super::args::Common;
use crate::engine::Options;
use crate::settings::Settings;
use mainstay_language::value::{Map, Value};

/// The version of Ansible whose language this is: what playbooks test with `ansible_version`.
const LANGUAGE: (i64, i64, i64) = (2, 19, 14);

/// The constants of a run.
#[must_use]
pub(super) fn constants(common: &Common, options: &Options, settings: &Settings) -> Map {
    let mut map = Map::new();
    map.insert("ansible_check_mode", options.check);
    map.insert("ansible_diff_mode", options.diff);
    map.insert("ansible_forks", options.forks);
    map.insert("ansible_verbosity", i64::from(options.verbosity));
    map.insert("ansible_run_tags", Value::from(options.tags.only.clone()));
    map.insert("ansible_skip_tags", Value::from(options.tags.skip.clone()));
    map.insert("ansible_config_file", settings.file.as_ref().map(|p| p.display().to_string()));
    if !common.sources.limit.is_empty() {
        map.insert("ansible_limit", common.sources.limit.join(","));
    }
    if !common.sources.inventory.is_empty() {
        map.insert("ansible_inventory_sources", Value::from(common.sources.inventory.clone()));
    }
    map.insert("ansible_version", Value::Map(version()));
    map.insert("ansible_playbook_python", "");
    map
}

fn version() -> Map {
    let (major, minor, revision) = LANGUAGE;
    let text = format!("{major}.{minor}.{revision}");
    let mut map = Map::new();
    map.insert("string", text.clone());
    map.insert("full", text);
    map.insert("major", major);
    map.insert("minor", minor);
    map.insert("revision", revision);
    map
}
