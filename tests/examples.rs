//! The playbooks and inventories that come with the program are read by the program.

use std::path::Path;
use std::process::Command;

fn mainstay(arguments: &[&str]) -> (bool, String) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let state = tempfile::tempdir().expect("a directory for the run's state");
    let output = Command::new(env!("CARGO_BIN_EXE_mainstay"))
        .args(arguments)
        .current_dir(root)
        .env("XDG_STATE_HOME", state.path())
        .env("HOME", state.path())
        .env_remove("ANSIBLE_CONFIG")
        .output()
        .expect("the program starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    (output.status.success(), format!("{text}{errors}"))
}

#[test]
fn the_upgrade_is_read_with_each_example_inventory() {
    for inventory in ["inventories/kubeadm.yml", "inventories/kubeadm.ini"] {
        let (ok, text) = mainstay(&[
            "run",
            "playbooks/upgrade.yml",
            "-i",
            inventory,
            "-e",
            "kubernetes_version=1.37.2",
            "--list-hosts",
        ]);
        assert!(ok, "{text}");
        let hosts = |count: usize| text.matches(&format!("hosts ({count}):")).count();
        // The first control plane; all; the control planes twice; the workers.
        assert_eq!((hosts(1), hosts(23), hosts(3), hosts(20)), (1, 1, 2, 1), "{text}");
    }
}

#[test]
fn the_upgrade_has_no_syntax_errors() {
    let (ok, text) = mainstay(&[
        "run",
        "playbooks/upgrade.yml",
        "-i",
        "inventories/kubeadm.yml",
        "--syntax-check",
    ]);
    assert!(ok, "{text}");
}
