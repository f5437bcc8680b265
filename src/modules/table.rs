//! Every module by name.

use super::{Module, Spec};
use std::collections::HashMap;
use std::sync::OnceLock;

/// All modules, in the order of the alphabet.
static MODULES: &[&dyn Module] = &[
    &super::arg_spec::ValidateArgumentSpec,
    &super::add_host::AddHost,
    &super::apt::Apt,
    &super::apt_repository::AptRepository,
    &super::assert::Assert,
    &super::asynchronous::AsyncStatus,
    &super::command::Command,
    &super::copy::Copy,
    &super::debug::Debug,
    &super::dpkg_selections::DpkgSelections,
    &super::fail::Fail,
    &super::k8s_drain::K8sDrain,
    &super::fetch::Fetch,
    &super::file::File,
    &super::find::Find,
    &super::include_vars::IncludeVars,
    &super::add_host::GroupBy,
    &super::lineinfile::LineInFile,
    &super::package::Package,
    &super::inventory_facts::PackageFacts,
    &super::inventory_facts::ServiceFacts,
    &super::pause::Pause,
    &super::ping::Ping,
    &super::raw::Raw,
    &super::reboot::Reboot,
    &super::script::Script,
    &super::set_fact::SetFact,
    &super::add_host::SetStats,
    &super::setup::Setup,
    &super::command::Shell,
    &super::slurp::Slurp,
    &super::stat::Stat,
    &super::systemd::Service,
    &super::systemd::Systemd,
    &super::tempfile::TempFile,
    &super::template::Template,
    &super::wait_for::WaitFor,
    &super::wait_for::WaitForConnection,
];

fn by_name() -> &'static HashMap<&'static str, &'static dyn Module> {
    static BY_NAME: OnceLock<HashMap<&'static str, &'static dyn Module>> = OnceLock::new();
    BY_NAME.get_or_init(|| {
        MODULES
            .iter()
            .flat_map(|module| module.spec().names.iter().map(|name| (*name, *module)))
            .collect()
    })
}

/// The module of this name as written in a playbook: short (`copy`) or with a collection that it belongs to
/// (`ansible.builtin.copy`, `ansible.legacy.copy`, `kubernetes.core.k8s_drain`).
#[must_use]
pub fn find(written: &str) -> Option<&'static dyn Module> {
    match written.rsplit_once('.') {
        None => by_name().get(written).copied(),
        Some((collection, name)) => by_name()
            .get(name)
            .copied()
            .filter(|module| module.spec().collections.contains(&collection)),
    }
}

/// The name nearest to one that does not exist, if it is near: for "did you mean".
#[must_use]
pub fn near(written: &str) -> Option<&'static str> {
    let short = written.rsplit('.').next().unwrap_or(written);
    by_name()
        .keys()
        .map(|name| (distance(short, name), *name))
        .min()
        .filter(|(distance, _)| *distance <= (short.chars().count() / 3).max(1))
        .map(|(_, name)| name)
}

/// What every module accepts, for documentation and for checks when a playbook is loaded.
pub fn specs() -> impl Iterator<Item = &'static Spec> {
    MODULES.iter().map(|module| module.spec())
}

/// Letters to insert, remove or replace to make one word of the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        for ((y, above_left), above) in b.iter().zip(&row).zip(row.iter().skip(1)) {
            let left = next.last().copied().unwrap_or_default();
            next.push((above_left + usize::from(x != *y)).min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_found_by_their_names_and_collections_only() {
        for (written, found) in [
            ("command", true),
            ("ansible.builtin.command", true),
            ("ansible.legacy.command", true),
            ("community.general.command", false),
            ("ansible.builtin.", false),
            ("commandx", false),
        ] {
            assert_eq!(find(written).is_some(), found, "{written}");
        }
    }

    #[test]
    fn near_names() {
        assert_eq!(near("comand"), Some("command"));
        assert_eq!(near("ansible.builtin.debugg"), Some("debug"));
        assert_eq!(near("xyzzy"), None);
    }

    #[test]
    fn names_are_unique_and_specs_consistent() {
        let mut seen = std::collections::HashSet::new();
        for spec in specs() {
            for name in spec.names {
                assert!(seen.insert(*name), "{name} twice");
            }
            let mut params = std::collections::HashSet::new();
            for param in spec.params {
                for name in param.aliases.iter().chain([&param.name]) {
                    assert!(params.insert(*name), "{}: {name} twice", spec.names[0]);
                }
            }
            for set in spec.exclusive.iter().chain(spec.one_of) {
                for name in *set {
                    assert!(
                        spec.params.iter().any(|p| p.name == *name),
                        "{}: {name} in a set",
                        spec.names[0]
                    );
                }
            }
            for name in spec.unrendered.iter().chain(spec.free_form.iter()) {
                assert!(spec.params.iter().any(|p| p.name == *name), "{}", spec.names[0]);
            }
        }
    }
}
