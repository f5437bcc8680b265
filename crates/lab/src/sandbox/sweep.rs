//! Ending and removing what nodes leave: after a daemon that was killed, and where no namespace does it.

use super::entry::{INIT, KEEPER, REMOVER};
use super::ids::Ids;
use super::isolation::Isolation;
use super::keeper;
use super::wire::{Reply, Request, Wire, pair, send};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

/// How long a process may take to be gone after it was killed.
const DEATH: Timespec = Timespec { tv_sec: 10, tv_nsec: 0 };
/// Whoever starts processes faster than they are ended is given up after so many rounds.
const ROUNDS: usize = 100;
/// How long the users of a directory may take to be mapped.
const MAPPING: Duration = Duration::from_secs(20);

/// Ends all processes of all nodes whose directories are below `directory`, whoever started them, and waits until they
/// are gone. For a lab whose daemon is gone; a running one stops its nodes itself.
///
/// # Errors
/// Those of the kernel, and if processes remain.
pub async fn sweep(directory: &Path) -> io::Result<()> {
    let directory = match tokio::fs::canonicalize(directory).await {
        Ok(directory) => directory,
        // What is not there has no nodes.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    tokio::task::spawn_blocking(move || {
        end_where(|process| keeps(process, &directory))?;
        end_where(|process| stands_in(process, &directory))
    })
    .await?
}

/// Ends everything whose root is `root`.
pub(super) fn end_all(root: &Path) -> io::Result<()> {
    let root = fs::canonicalize(root)?;
    end_where(|process| stands_in(process, &root))
}

/// Removes a directory of nodes with all that their users made in it.
///
/// # Errors
/// Those of the file system, and of the mapping of users.
pub async fn remove(directory: &Path, isolation: &Isolation, player: &Path) -> io::Result<()> {
    let ids = match isolation {
        Isolation::Namespaces { ids } if !rustix::process::geteuid().is_root() => ids,
        _ => return tokio::fs::remove_dir_all(directory).await,
    };
    let (ours, theirs) = pair()?;
    let mut remover = tokio::process::Command::new(player)
        .arg0(REMOVER)
        .arg(directory)
        .stdin(Stdio::from(theirs))
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let wire = Wire::new(ours)?;
    let (ids, process) = (ids.clone(), remover.id().unwrap_or_default());
    let removed = tokio::time::timeout(MAPPING, mapped(&wire, ids, process)).await?;
    removed?;
    match wire.receive::<Reply>().await? {
        Some((Reply::Ready, _)) => {}
        Some((Reply::Refused(reason), _)) => return Err(io::Error::other(reason)),
        other => return Err(io::Error::other(format!("the remover answered {other:?}"))),
    }
    remover.wait().await.map(drop)
}

/// Waits until the process stands in its user namespace, and maps its users.
pub(super) async fn mapped(wire: &Wire, ids: Ids, process: u32) -> io::Result<()> {
    match wire.receive().await? {
        Some((Reply::Unshared, _)) => {}
        Some((Reply::Refused(reason), _)) => return Err(io::Error::other(reason)),
        other => return Err(io::Error::other(format!("no user namespace, but {other:?}"))),
    }
    tokio::task::spawn_blocking(move || ids.write(process)).await??;
    wire.send(&Request::Mapped, &[]).await
}

/// The remover: in a user namespace, where it may do what root of a node may.
pub(super) fn remove_mapped(directory: &Path) -> Option<u8> {
    let socket = std::io::stdin().as_fd().try_clone_to_owned().ok()?;
    let removed =
        keeper::enter_user_namespace(&socket).and_then(|()| fs::remove_dir_all(directory));
    let (reply, code) = match removed {
        Ok(()) => (Reply::Ready, 0),
        Err(error) => (Reply::Refused(error.to_string()), 1),
    };
    // The exit code says it too.
    send(socket.as_fd(), &reply, &[]).ok();
    Some(code)
}

/// Kills until nobody is left of whom this is true. `true` is asked again once the process cannot be another any more.
fn end_where(chosen: impl Fn(Pid) -> bool) -> io::Result<()> {
    for _ in 0..ROUNDS {
        let found: Vec<_> = processes()?.into_iter().filter(|process| chosen(*process)).collect();
        if found.is_empty() {
            return Ok(());
        }
        for process in found {
            // Gone already, if it cannot be opened.
            let Ok(handle) = pidfd_open(process, PidfdFlags::empty()) else { continue };
            if chosen(process) {
                end(&handle)?;
            }
        }
    }
    Err(io::Error::other("processes of the node remain"))
}

fn end(handle: &OwnedFd) -> io::Result<()> {
    pidfd_send_signal(handle, Signal::KILL)?;
    poll(&mut [PollFd::new(handle, PollFlags::IN)], Some(&DEATH))?;
    Ok(())
}

fn processes() -> io::Result<Vec<Pid>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.parse().ok());
        found.extend(number.and_then(Pid::from_raw));
    }
    Ok(found)
}

/// Whether this is the keeper or the init of a node below this directory.
fn keeps(process: Pid, directory: &Path) -> bool {
    let Ok(line) = fs::read(format!("/proc/{}/cmdline", process.as_raw_nonzero())) else {
        return false;
    };
    let mut words = line.split(|byte| *byte == 0);
    let part =
        words.next().is_some_and(|name| [KEEPER.as_bytes(), INIT.as_bytes()].contains(&name));
    let root = words.nth(1).map(|word| PathBuf::from(OsString::from_vec(word.to_vec())));
    part && root.is_some_and(|root| root.starts_with(directory))
}

/// Whether its root is this directory or below it. What cannot be looked at is not ours.
fn stands_in(process: Pid, directory: &Path) -> bool {
    fs::read_link(format!("/proc/{}/root", process.as_raw_nonzero()))
        .is_ok_and(|root| root.starts_with(directory))
}
