//! Filters of Ansible and Jinja, by theme. All are found under their name, `ansible.builtin.NAME` and
//! `ansible.legacy.NAME`; arguments bind by position or name as in Python; undefined input is refused unless a filter
//! exists to accept it.

pub(super) mod call;
pub(super) mod convert;
pub(super) mod hashing;
pub(super) mod json;
mod math;
pub(super) mod pattern;
pub(super) mod python;
mod regex;
#[cfg(test)]
mod tests;

use minijinja::Environment;

/// Registers every filter.
pub fn add_filters(env: &mut Environment<'static>) {
    for entries in
        [convert::ENTRIES, hashing::ENTRIES, json::ENTRIES, math::ENTRIES, regex::ENTRIES]
    {
        call::register_filters(env, entries);
    }
}
