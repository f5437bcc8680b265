//! Where the program finds out that it was started as a part of a node.

use super::{init, keeper, leader, sweep};
use std::ffi::OsString;
use std::path::Path;

/// The keeper's `argv[0]`; arguments: `namespaces` or `chroot`, the node's root.
pub(super) const KEEPER: &str = "mainstay-lab-node";
/// The init's; arguments as the keeper's.
pub(super) const INIT: &str = "mainstay-lab-init";
/// A leader's; arguments: see [`leader`].
pub(super) const LEADER: &str = "mainstay-lab-exec";
/// That of the process that removes a directory as the users of nodes; argument: the directory.
pub(super) const REMOVER: &str = "mainstay-lab-remove";

/// First thing in the program's `main`, before any thread: the exit code if this process was started as a part of a
/// node and has done its work, `None` if it was not. `arguments` are all of them, with the name it was called by.
#[must_use]
pub fn entry(arguments: &[OsString]) -> Option<u8> {
    let (name, rest) = arguments.split_first()?;
    let place = || Some((rest.first()?.to_str()?, Path::new(rest.get(1)?)));
    let done = match name.to_str()? {
        KEEPER => place().and_then(|(kind, root)| keeper::keep(kind, root)),
        INIT => place().and_then(|(kind, root)| init::run(kind, root)),
        LEADER => leader::lead(rest),
        REMOVER => rest.first().and_then(|directory| sweep::remove_mapped(Path::new(directory))),
        _ => return None,
    };
    // Without its arguments and its socket it is no part of a node, and nothing else either.
    Some(done.unwrap_or(2))
}

/// What tells the init and the keeper which kind of node they are.
pub(super) const NAMESPACES: &str = "namespaces";
/// The other kind.
pub(super) const CHROOT: &str = "chroot";
