//! The directories of programs of a node: links to this machine's programs, except those that are played.

use super::tree::{HOST, PLAYER};
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// The directories that hold programs, from the root.
const DIRECTORIES: [&str; 6] =
    ["bin", "sbin", "usr/bin", "usr/sbin", "usr/local/bin", "usr/local/sbin"];

/// Makes them below `root`, which must be new. Where this machine has a link (`/bin` to `usr/bin`) the node has it too.
/// `resolve` answers what stands for a program of this machine: the target of the link that is made.
pub(super) fn plant(root: &Path, programs: &[String]) -> io::Result<()> {
    for directory in DIRECTORIES {
        let (theirs, ours) = (Path::new("/").join(directory), root.join(directory));
        if let Ok(target) = fs::read_link(&theirs) {
            symlink(target, &ours)?;
            continue;
        }
        fs::create_dir_all(&ours)?;
        // Not every machine has every directory.
        let Ok(entries) = fs::read_dir(&theirs) else { continue };
        for entry in entries {
            let name = entry?.file_name();
            if !plays(programs, name.to_str()) {
                symlink(host_path(&theirs).join(&name), ours.join(&name))?;
            }
        }
    }
    played(root, programs)
}

/// Makes the links of the programs that are played.
pub(super) fn played(root: &Path, programs: &[String]) -> io::Result<()> {
    for program in programs {
        let place = if program.contains('/') {
            root.join(program.trim_start_matches('/'))
        } else {
            root.join("usr/bin").join(program)
        };
        if let Some(directory) = place.parent() {
            fs::create_dir_all(directory)?;
        }
        symlink(PLAYER, place)?;
    }
    Ok(())
}

/// Whether the lab plays a program of this name, wherever it stands.
pub(super) fn plays(programs: &[String], name: Option<&str>) -> bool {
    programs.iter().any(|program| program.rsplit('/').next() == name)
}

/// Where a node sees a path of this machine.
pub(super) fn host_path(path: &Path) -> PathBuf {
    Path::new(HOST).join(path.strip_prefix("/").unwrap_or(path))
}
