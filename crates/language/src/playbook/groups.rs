//! Groups of modules, for `module_defaults: {group/NAME: …}`.

/// The modules of a group of ansible-core 2.19 (its own collection, and `kubernetes.core`) as far as there are such
/// modules here; `None` if there is no such group. Most groups hold modules of other collections alone.
#[must_use]
pub fn action_group(name: &str) -> Option<&'static [&'static str]> {
    let short = match name {
        "kubernetes.core.k8s" => "k8s",
        _ => name.strip_prefix("ansible.builtin.").unwrap_or(name),
    };
    Some(match short {
        "k8s" => &["kubernetes.core.k8s_drain"],
        "testgroup" => &["ansible.builtin.ping"],
        "testlegacy" | "aws" | "acme" | "azure" | "cpm" | "docker" | "gcp" | "os" | "ovirt"
        | "vmware" => &[],
        _ => return None,
    })
}
