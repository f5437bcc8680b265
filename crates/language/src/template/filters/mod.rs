//! Filters of Ansible and Jinja, by theme. All are found under their name, `ansible.builtin.NAME` and
//! `ansible.legacy.NAME`; arguments bind by position or name as in Python; undefined input is refused unless a filter
//! exists to accept it.

pub(super) mod call;
pub(in crate::template) mod chance;
pub(super) mod convert;
mod crypt;
mod dicts;
pub(super) mod hashing;
pub(super) mod json;
pub(super) mod layout;
mod math;
pub(super) mod paths;
pub(super) mod pattern;
pub(super) mod python;
mod regex;
mod sequences;
pub(super) mod sets;
#[cfg(test)]
mod tests;
mod text;
pub(super) mod time;
pub(super) mod url;
mod urlize;
mod vault;
mod windows;
mod yaml;

pub use crypt::{Wanted, password_hash};
pub use math::bytes_of;

use minijinja::Environment;

/// Registers every filter.
pub fn add_filters(env: &mut Environment<'static>) {
    for entries in [
        chance::ENTRIES,
        convert::ENTRIES,
        crypt::ENTRIES,
        dicts::ENTRIES,
        hashing::ENTRIES,
        json::ENTRIES,
        layout::ENTRIES,
        math::ENTRIES,
        paths::ENTRIES,
        regex::ENTRIES,
        sequences::ENTRIES,
        sets::ENTRIES,
        text::ENTRIES,
        time::ENTRIES,
        urlize::ENTRIES,
        vault::ENTRIES,
        windows::ENTRIES,
        yaml::ENTRIES,
    ] {
        call::register_filters(env, entries);
    }
    call::qualify_filters(env, &["format", "safe"]);
    // The engine's own, which Jinja does not have.
    for name in ["lines", "chain"] {
        env.remove_filter(name);
    }
}
