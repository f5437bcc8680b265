//! Trees that the nodes of a lab have in common. Each is made once, by whoever needs it first; nodes link its files, so
//! that a node costs no more than its names.

use super::plan::Plan;
use super::tree::named;
use rustix::fs::{FlockOperation, flock};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The tree of this name, made by `make` if nobody has made it. Others wait meanwhile.
pub(super) fn once(
    plan: &Plan,
    name: &str,
    make: impl FnOnce(&Path) -> io::Result<()>,
) -> io::Result<PathBuf> {
    let lock = named(&plan.shared, fs::File::create(plan.shared.join("lock")))?;
    flock(&lock, FlockOperation::LockExclusive)?;
    let (tree, half) = (plan.shared.join(name), plan.shared.join(format!("{name}.half")));
    if fs::exists(&tree)? {
        return Ok(tree);
    }
    if fs::exists(&half)? {
        // Whoever was at it has died.
        fs::remove_dir_all(&half)?;
    }
    fs::create_dir(&half)?;
    make(&half)?;
    fs::rename(half, &tree)?;
    Ok(tree)
}
