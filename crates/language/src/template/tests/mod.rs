//! Tests (`is X`) of Ansible and Jinja, by theme; found under their name, `ansible.builtin.NAME` and
//! `ansible.legacy.NAME`.

mod compare;
mod files;
mod pep440;
mod results;
mod strings;
mod types;
mod version;

use super::filters::call;
use minijinja::Environment;

/// Registers every test but `defined` and `undefined`, which are the engine's.
pub fn add_tests(env: &mut Environment<'static>) {
    for entries in [
        compare::ENTRIES,
        files::ENTRIES,
        results::ENTRIES,
        strings::ENTRIES,
        types::ENTRIES,
        version::ENTRIES,
    ] {
        call::register_tests(env, entries);
    }
    for name in ["ansible.builtin.defined", "ansible.legacy.defined"] {
        env.add_test(name, minijinja::tests::is_defined);
    }
    for name in ["ansible.builtin.undefined", "ansible.legacy.undefined"] {
        env.add_test(name, minijinja::tests::is_undefined);
    }
}
