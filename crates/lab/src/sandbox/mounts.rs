//! The root of a node in namespaces of its own: what is mounted where.

use super::plan::Plan;
use super::tree::{self, HOST, PLAYER};
use rustix::fs::StatVfsMountFlags;
use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind_recursive, mount_change,
    mount_remount, unmount,
};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Builds the root of this process and all that it starts, and moves into it. The tree is there ([`tree::prepare`]).
pub(super) fn build(plan: &Plan, root: &Path) -> io::Result<()> {
    let place = |path: &str| root.join(path.trim_start_matches('/'));
    rustix::system::sethostname(plan.hostname.as_bytes())?;
    at("/", mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC))?;
    bind(root, root)?;
    for directory in tree::host_directories()? {
        bind_read_only(&directory, &place(&directory.to_string_lossy()))?;
    }
    for directory in tree::PROGRAM_MOUNTS {
        let theirs = Path::new("/").join(directory);
        if fs::symlink_metadata(&theirs).is_ok_and(|found| found.is_dir()) {
            bind_read_only(&theirs, &place(HOST).join(directory))?;
        }
    }
    bind_read_only(&plan.player, &place(PLAYER))?;
    bind_read_only(Path::new("/sys"), &place("sys"))?;
    devices(&place("dev"))?;
    processes(plan, &place("proc"))?;
    enter(root)
}

fn devices(dev: &Path) -> io::Result<()> {
    for device in tree::DEVICES {
        bind(&Path::new("/dev").join(device), &dev.join(device))?;
    }
    let safe = MountFlags::NOSUID | MountFlags::NOEXEC;
    let pts = dev.join("pts");
    // Group `tty`, where the node has it.
    mount("devpts", &pts, "devpts", safe, c"newinstance,ptmxmode=0666,mode=0620,gid=5")
        .or_else(|_| mount("devpts", &pts, "devpts", safe, c"newinstance,ptmxmode=0666,mode=0620"))
        .map_err(|error| named(&pts, error))?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    let shm = dev.join("shm");
    at(&shm, mount("tmpfs", &shm, "tmpfs", flags, c"mode=1777,size=64m"))
}

fn processes(plan: &Plan, proc: &Path) -> io::Result<()> {
    let safe = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    at(proc, mount("proc", proc, "proc", safe, None))?;
    // Whose owner is root of this machine root of a node could write, where the two are one.
    for path in ["bus", "fs", "irq", "sys", "sysrq-trigger"] {
        let path = proc.join(path);
        if fs::exists(&path)? {
            bind_read_only(&path, &path)?;
        }
    }
    let file = plan.dir.join(tree::BOOT_ID);
    bind_read_only(&file, &proc.join("sys/kernel/random/boot_id"))
}

/// Makes `root` the root and lets go of the old one.
fn enter(root: &Path) -> io::Result<()> {
    std::env::set_current_dir(root)?;
    at(root, rustix::process::pivot_root(".", "."))?;
    // Both stand at the same place now, the old one on top.
    at(Path::new("."), unmount(".", UnmountFlags::DETACH))?;
    std::env::set_current_dir("/")
}

fn bind(from: &Path, to: &Path) -> io::Result<()> {
    mount_bind_recursive(from, to).map_err(|error| {
        io::Error::other(format!("bind {} to {}: {error}", from.display(), to.display()))
    })
}

/// With everything that is mounted below.
fn bind_read_only(from: &Path, to: &Path) -> io::Result<()> {
    bind(from, to)?;
    let to = fs::canonicalize(to)?;
    for mounted in mounts_below(&fs::read_to_string("/proc/self/mountinfo")?, &to) {
        // What is hidden by another mount cannot be reached by its name, by nobody.
        let Ok(present) = rustix::fs::statvfs(&mounted) else { continue };
        let flags = kept(present.f_flag) | MountFlags::BIND | MountFlags::RDONLY;
        at(&mounted, mount_remount(&mounted, flags, ""))?;
    }
    Ok(())
}

/// The restrictions of a mount, which a user namespace must keep.
fn kept(flags: StatVfsMountFlags) -> MountFlags {
    [
        (StatVfsMountFlags::NOSUID, MountFlags::NOSUID),
        (StatVfsMountFlags::NODEV, MountFlags::NODEV),
        (StatVfsMountFlags::NOEXEC, MountFlags::NOEXEC),
        (StatVfsMountFlags::NOATIME, MountFlags::NOATIME),
        (StatVfsMountFlags::NODIRATIME, MountFlags::NODIRATIME),
        (StatVfsMountFlags::RELATIME, MountFlags::RELATIME),
    ]
    .into_iter()
    .filter(|(present, _)| flags.contains(*present))
    .fold(MountFlags::empty(), |all, (_, flag)| all | flag)
}

/// The mount points at and below a directory, of a table as in `proc_pid_mountinfo(5)`.
fn mounts_below(table: &str, directory: &Path) -> Vec<PathBuf> {
    table
        .lines()
        .filter_map(|line| line.split(' ').nth(4))
        .map(|field| PathBuf::from(unescape(field)))
        .filter(|place| place.starts_with(directory))
        .collect()
}

/// Space, tab, newline and backslash stand there in octal.
fn unescape(field: &str) -> String {
    field.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")
}

fn at(place: impl AsRef<Path>, done: rustix::io::Result<()>) -> io::Result<()> {
    done.map_err(|error| named(place.as_ref(), error))
}

fn named(place: &Path, error: rustix::io::Errno) -> io::Error {
    io::Error::other(format!("mount at {}: {error}", place.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_mounted_below_is_found_with_its_spaces() {
        let table = "22 1 8:1 / / rw - ext4 /dev/vda rw\n\
                     23 22 8:1 /a /lab/usr rw - ext4 /dev/vda rw\n\
                     24 23 0:5 / /lab/usr/my\\040share rw - tmpfs none rw\n\
                     25 22 0:6 / /lab/usrlocal rw - tmpfs none rw\n";
        let found = mounts_below(table, Path::new("/lab/usr"));
        assert_eq!(found, [PathBuf::from("/lab/usr"), PathBuf::from("/lab/usr/my share")]);
    }
}
