//! The directories of programs of a node: links to this machine's programs, except those that are played.

use super::plan::Plan;
use super::shared;
use super::tree::{self, HOST, PLAYER};
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

/// The directories that hold programs, from the root.
const DIRECTORIES: [&str; 6] =
    ["bin", "sbin", "usr/bin", "usr/sbin", "usr/local/bin", "usr/local/sbin"];

/// Makes them below the root of a node, which must be new. Where this machine has a link (`/bin` to `usr/bin`) the node
/// has it too.
pub(super) fn plant(plan: &Plan, root: &Path) -> io::Result<()> {
    let links = shared::once(plan, "links", links)?;
    for directory in DIRECTORIES {
        let (from, to) = (links.join(directory), root.join(directory));
        if let Ok(target) = fs::read_link(&from) {
            symlink(target, &to)?;
            continue;
        }
        tree::directory(&to, 0o755)?;
        for entry in fs::read_dir(&from)? {
            let name = entry?.file_name();
            if !plays(&plan.programs, name.to_str()) {
                fs::hard_link(from.join(&name), to.join(&name))?;
            }
        }
    }
    played(root, &plan.programs)
}

/// Links to all programs of this machine, at their places.
fn links(to: &Path) -> io::Result<()> {
    for directory in DIRECTORIES {
        let (theirs, ours) = (Path::new("/").join(directory), to.join(directory));
        if let Ok(target) = fs::read_link(&theirs) {
            symlink(target, &ours)?;
            continue;
        }
        fs::create_dir_all(&ours)?;
        // Not every machine has every directory.
        let Ok(entries) = fs::read_dir(&theirs) else { continue };
        for entry in entries {
            let name = entry?.file_name();
            symlink(Path::new(HOST).join(directory).join(&name), ours.join(&name))?;
        }
    }
    Ok(())
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
