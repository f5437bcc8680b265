//! What a lab writes for others: its inventory.

use super::place::{DescribedNode, Place};
use std::fmt::Write;

/// Waits of real clusters, shortened for one that is faster. The variables are those of `playbooks/upgrade.yml`.
const WAITS: [(&str, &str); 3] =
    [("node_ready_stable", "1s"), ("drain_timeout", "2m"), ("poll_seconds", "0.5")];

/// The inventory. Paths are absolute: it can be used from anywhere.
#[must_use]
pub(super) fn inventory(place: &Place, nodes: &[DescribedNode]) -> String {
    let mut text =
        String::from("# A lab of mainstay: it is gone when the lab is.\nall:\n  vars:\n");
    let mut line = |indent: usize, key: &str, value: &str| {
        writeln!(text, "{:indent$}{key}: {value}", "").ok();
    };
    let quoted = |path: &std::path::Path| serde_json::json!(path.display().to_string()).to_string();
    line(4, "ansible_ssh_private_key_file", &quoted(&place.key()));
    // One word for OpenSSH's own splitting of the option, one for the shell-like splitting of the variable.
    let option = format!("-o UserKnownHostsFile={}", shlex_quote(&place.known_hosts()));
    line(4, "ansible_ssh_common_args", &serde_json::json!(option).to_string());
    for (name, value) in WAITS {
        line(4, name, value);
    }
    line(2, "children", "");
    for (group, control_planes) in [("control_plane", true), ("workers", false)] {
        line(4, group, "");
        line(6, "hosts", "");
        for node in nodes.iter().filter(|node| node.control_plane == control_planes) {
            let DescribedNode { address, port, user, .. } = node;
            let variables =
                format!("{{ansible_host: {address}, ansible_port: {port}, ansible_user: {user}}}");
            line(8, &node.name, &variables);
        }
    }
    text
}

fn shlex_quote(path: &std::path::Path) -> String {
    let text = path.display().to_string();
    shlex::try_quote(&text).map_or_else(|_| text.clone(), std::borrow::Cow::into_owned)
}
