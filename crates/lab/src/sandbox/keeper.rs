//! The keeper: between the daemon and a node's init. It makes the namespaces, has nothing to do with what runs in them,
//! and sees the end.

use super::entry::{CHROOT, INIT, NAMESPACES};
use super::sweep;
use super::wire::{Reply, Request, receive, send};
use rustix::process::{Signal, WaitOptions};
use rustix::thread::UnshareFlags;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// The exit code, or nothing if there is no socket on standard input.
pub(super) fn keep(kind: &str, root: &Path) -> Option<u8> {
    let socket = std::io::stdin().as_fd().try_clone_to_owned().ok()?;
    let done = match kind {
        NAMESPACES => unshare(&socket).and_then(|()| guard(&socket, kind, root)),
        CHROOT => guard(&socket, kind, root),
        _ => return None,
    };
    if let Err(error) = done {
        // If nobody reads it, nobody wants to know.
        send(socket.as_fd(), &Reply::Refused(error.to_string()), &[]).ok();
        return Some(1);
    }
    Some(0)
}

/// User namespace and map first, because they give the right to the others.
fn unshare(socket: &OwnedFd) -> io::Result<()> {
    enter_user_namespace(socket)?;
    enter(
        UnshareFlags::NEWNS
            | UnshareFlags::NEWPID
            | UnshareFlags::NEWUTS
            | UnshareFlags::NEWIPC
            | UnshareFlags::NEWCGROUP,
    )
}

/// Enters a user namespace and waits until the daemon has mapped its users.
pub(super) fn enter_user_namespace(socket: &OwnedFd) -> io::Result<()> {
    enter(UnshareFlags::NEWUSER)?;
    send(socket.as_fd(), &Reply::Unshared, &[])?;
    match receive(socket.as_fd())? {
        Some((Request::Mapped, _)) => Ok(()),
        _ => Err(io::Error::other("nobody mapped the users")),
    }
}

#[expect(
    deprecated,
    reason = "the other one is unsafe for the sake of a flag that is not used here"
)]
fn enter(flags: UnshareFlags) -> io::Result<()> {
    rustix::thread::unshare(flags)
        .map_err(|error| io::Error::other(format!("namespaces are refused: {error}")))
}

/// Starts the init and waits for its end. With namespaces everything ended with it; in a chroot what is left is ended
/// here.
fn guard(socket: &OwnedFd, kind: &str, root: &Path) -> io::Result<()> {
    if kind == CHROOT {
        // What loses its parents in the node is given to this process.
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    }
    let mut init = Command::new("/proc/self/exe")
        .arg0(INIT)
        .arg(kind)
        .arg(root)
        .stdin(Stdio::from(socket.try_clone()?))
        .current_dir("/")
        .env_clear()
        .spawn()?;
    init.wait()?;
    if kind == CHROOT {
        sweep::end_all(root)?;
        while rustix::process::wait(WaitOptions::empty()).is_ok() {}
    }
    Ok(())
}

/// The node ends with its keeper.
pub(super) fn die_with_parent() -> io::Result<()> {
    Ok(rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?)
}
