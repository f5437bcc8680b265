//! Lookups: the controller's files, programs, environment and variables as lists. `with_X` uses the same ones.
//!
//! Relative files are searched in the directories of the site, first under `files` (templates under `templates`).

mod call;
mod csv;
mod files;
mod first_found;
pub(super) mod glob;
mod hosts;
mod ini;
mod lists;
mod password;
mod programs;
mod sequence;
mod subelements;
#[cfg(test)]
mod tests;
mod variables;

use super::filters::call::fail;
use call::{Call, Run};
use minijinja::value::Kwargs;
use minijinja::{Error, State, Value};

const LOOKUPS: &[(&str, Run)] = &[
    ("csvfile", csv::csvfile),
    ("config", lists::config),
    ("dict", lists::dict),
    ("env", variables::env),
    ("file", files::file),
    ("fileglob", files::fileglob),
    ("first_found", first_found::first_found),
    ("indexed_items", lists::indexed_items),
    ("ini", ini::ini),
    ("inventory_hostnames", hosts::inventory_hostnames),
    ("items", lists::items),
    ("lines", programs::lines),
    ("list", lists::list),
    ("nested", lists::nested),
    ("password", password::password),
    ("pipe", programs::pipe),
    ("random_choice", lists::random_choice),
    ("sequence", sequence::sequence),
    ("subelements", subelements::subelements),
    ("template", files::template),
    ("together", lists::together),
    ("unvault", files::unvault),
    ("varnames", variables::varnames),
    ("vars", variables::vars),
];

fn find(name: &str) -> Option<(&'static str, Run)> {
    let short = name
        .strip_prefix("ansible.builtin.")
        .or_else(|| name.strip_prefix("ansible.legacy."))
        .unwrap_or(name);
    LOOKUPS.iter().find(|(known, _)| *known == short).copied()
}

/// Whether there is a lookup of that name.
#[must_use]
pub(super) fn exists(name: &str) -> bool {
    find(name).is_some()
}

/// Runs a lookup.
///
/// # Errors
/// There is none of that name, an option is unknown, or it failed.
pub(super) fn run(
    name: &str,
    terms: Vec<Value>,
    kwargs: Kwargs,
    state: &mut State<'_, '_>,
) -> Result<Vec<Value>, Error> {
    let Some((short, run)) = find(name) else {
        return Err(fail(match name.rsplit('.').next() {
            Some("url") => "the lookup 'url' is not supported; use the module 'uri'".to_owned(),
            _ => format!("there is no lookup '{name}'"),
        }));
    };
    let mut call = Call::new(state, terms, kwargs)?;
    let found = run(&mut call).and_then(|found| {
        call.options.finish()?;
        Ok(found)
    });
    found.map_err(|error| match error.kind() {
        minijinja::ErrorKind::UndefinedError => error,
        _ => {
            let reason = error.detail().map_or_else(|| error.to_string(), str::to_owned);
            fail(format!("the lookup '{short}' failed: {reason}")).with_source(error)
        }
    })
}
