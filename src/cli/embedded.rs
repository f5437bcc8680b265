//! The playbooks that come with the program. They are written into the run's directory and run from there: what ran can
//! be read afterwards.

use mainstay_language::outside::Outside;
use std::io;
use std::path::{Path, PathBuf};

macro_rules! embedded {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("../../playbooks/", $path)))),*]
    };
}

/// Every file below `playbooks/`.
const FILES: &[(&str, &str)] = embedded![
    "upgrade.yml",
    "roles/etcd_snapshot/tasks/main.yml",
    "roles/images/tasks/main.yml",
    "roles/kubeadm/tasks/main.yml",
    "roles/kubeadm_upgrade/tasks/main.yml",
    "roles/kubelet/tasks/main.yml",
    "roles/package_repository/tasks/main.yml",
];

/// Writes the playbooks below a directory; gives the path of one of them.
///
/// # Errors
/// They cannot be written.
pub(super) fn write(
    outside: &dyn Outside,
    directory: &Path,
    playbook: &str,
) -> io::Result<PathBuf> {
    for (path, text) in FILES {
        outside.write(&directory.join(path), text.as_bytes(), 0o600)?;
    }
    Ok(directory.join(playbook))
}

#[cfg(test)]
mod tests {
    use super::FILES;
    use std::path::Path;

    fn below(directory: &Path, found: &mut Vec<String>, root: &Path) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                below(&path, found, root);
            } else {
                found.push(path.strip_prefix(root).unwrap().display().to_string());
            }
        }
    }

    #[test]
    fn no_playbook_is_forgotten() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("playbooks");
        let mut found = Vec::new();
        below(&root, &mut found, &root);
        found.sort();
        let mut listed: Vec<String> = FILES.iter().map(|(path, _)| (*path).to_owned()).collect();
        listed.sort();
        assert_eq!(found, listed);
    }
}
