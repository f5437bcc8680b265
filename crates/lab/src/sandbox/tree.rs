//! The file tree of a node, as far as it consists of files: made once by its init, before anything is mounted. What is
//! there already stays as it is; so the lab can put files of its own first, and a node that boots again finds what it had.

use super::plan::{Account, Plan};
use super::{copies, farm};
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// Where a node has the program that plays its tools.
pub const PLAYER: &str = "/.lab/player";
/// Below it are the directories of this machine that hold programs, as they are.
pub(super) const HOST: &str = "/.lab/host";
/// Those directories; links among them are left out.
pub(super) const PROGRAM_MOUNTS: [&str; 3] = ["usr", "bin", "sbin"];
/// Devices of a node. Terminals come beside them.
pub(super) const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];
/// The file in the node's own directory that its `/proc` shows as its boot's number.
pub(super) const BOOT_ID: &str = "boot_id";

/// Stands in a root that is complete.
const MADE: &str = ".lab/made";

/// Directories and their modes, in the order in which they are made.
const DIRECTORIES: [(&str, u32); 42] = [
    (".lab", 0o755),
    (".lab/host", 0o755),
    ("boot", 0o755),
    ("dev", 0o755),
    ("dev/pts", 0o755),
    ("dev/shm", 0o1777),
    ("etc", 0o755),
    ("etc/apt", 0o755),
    ("etc/default", 0o755),
    ("etc/pam.d", 0o755),
    ("etc/profile.d", 0o755),
    ("etc/skel", 0o755),
    ("etc/ssh", 0o755),
    ("etc/systemd", 0o755),
    ("etc/systemd/system", 0o755),
    ("home", 0o755),
    ("media", 0o755),
    ("mnt", 0o755),
    ("opt", 0o755),
    ("proc", 0o555),
    ("root", 0o700),
    ("run", 0o755),
    ("srv", 0o755),
    ("sys", 0o555),
    ("tmp", 0o1777),
    ("usr", 0o755),
    ("usr/local", 0o755),
    ("var", 0o755),
    ("var/backups", 0o755),
    ("var/cache", 0o755),
    ("var/lib", 0o755),
    ("var/lib/misc", 0o755),
    ("var/local", 0o775),
    ("var/log", 0o755),
    ("var/mail", 0o775),
    ("var/opt", 0o755),
    ("var/spool", 0o755),
    ("var/spool/cron", 0o755),
    ("var/tmp", 0o1777),
    ("run/lock", 0o1777),
    ("run/systemd", 0o755),
    ("run/systemd/system", 0o755),
];

/// Those of them that a boot makes anew.
const RUNTIME: &str = "run/";

/// Files of Debian 12 that programs of a node read, with their modes. `passwd` and its like get the accounts beside.
const FILES: [(&str, &str, u32); 12] = [
    ("etc/bash.bashrc", include_str!("etc/bash.bashrc"), 0o644),
    ("etc/debian_version", "12.11\n", 0o644),
    ("etc/default/locale", "LANG=C.UTF-8\n", 0o644),
    ("etc/environment", "", 0o644),
    ("etc/fstab", "# /etc/fstab: static file system information.\n", 0o644),
    ("etc/nsswitch.conf", include_str!("etc/nsswitch.conf"), 0o644),
    ("etc/os-release", include_str!("etc/os-release"), 0o644),
    ("etc/pam.d/other", include_str!("etc/pam"), 0o644),
    ("etc/profile", include_str!("etc/profile"), 0o644),
    ("etc/shells", "/bin/sh\n/usr/bin/sh\n/bin/bash\n/usr/bin/bash\n", 0o644),
    ("etc/skel/.profile", include_str!("etc/profile.user"), 0o644),
    ("etc/timezone", "Etc/UTC\n", 0o644),
];

/// Links from the root: where, and to what.
const LINKS: [(&str, &str); 9] = [
    ("dev/fd", "/proc/self/fd"),
    ("dev/ptmx", "pts/ptmx"),
    ("dev/stderr", "/proc/self/fd/2"),
    ("dev/stdin", "/proc/self/fd/0"),
    ("dev/stdout", "/proc/self/fd/1"),
    ("etc/localtime", "/usr/share/zoneinfo/Etc/UTC"),
    ("etc/mtab", "../proc/self/mounts"),
    ("var/lock", "/run/lock"),
    ("var/run", "/run"),
];

/// What the programs of this machine need of its `/etc`: where their libraries are, which of several is meant, names of
/// ports.
const OF_THIS_MACHINE: [&str; 7] = [
    "etc/alternatives",
    "etc/ld.so.cache",
    "etc/ld.so.conf",
    "etc/ld.so.conf.d",
    "etc/protocols",
    "etc/resolv.conf",
    "etc/services",
];

/// Makes the tree below `root`.
pub(super) fn prepare(plan: &Plan, root: &Path, namespaces: bool) -> io::Result<()> {
    named(&plan.dir, fs::write(plan.dir.join(BOOT_ID), format!("{}\n", plan.boot_id)))?;
    if !namespaces {
        copies::processes(plan, root)?;
    }
    if fs::exists(root.join(MADE))? {
        return Ok(());
    }
    for (path, mode) in DIRECTORIES {
        directory(&root.join(path), mode)?;
    }
    for (path, text, mode) in FILES {
        file(&root.join(path), text, mode)?;
    }
    identity(plan, root)?;
    users(&plan.accounts, root)?;
    for path in OF_THIS_MACHINE {
        copy(&Path::new("/").join(path), &root.join(path))?;
    }
    if namespaces {
        mount_points(root)?;
        farm::plant(plan, root)?;
    } else {
        copies::furnish(plan, root)?;
    }
    for (path, target) in LINKS {
        link(target, &root.join(path))?;
    }
    file(&root.join(MADE), "", 0o644)
}

/// What a boot does to the tree, seen from inside: `/run` and `/tmp` are empty again, everybody has a home.
pub(super) fn boot(accounts: &[Account]) -> io::Result<()> {
    for emptied in ["/run", "/tmp"] {
        for entry in fs::read_dir(emptied)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                fs::remove_dir_all(entry.path())?;
            } else {
                fs::remove_file(entry.path())?;
            }
        }
    }
    for (path, mode) in DIRECTORIES.iter().filter(|(path, _)| path.starts_with(RUNTIME)) {
        directory(&Path::new("/").join(path), *mode)?;
    }
    accounts.iter().try_for_each(home)
}

fn home(account: &Account) -> io::Result<()> {
    if fs::exists(&account.home)? {
        return Ok(());
    }
    directory(&account.home, 0o755)?;
    copy(Path::new("/etc/skel/.profile"), &account.home.join(".profile"))?;
    for path in [account.home.clone(), account.home.join(".profile")] {
        // Where the node has one user only, it is root's.
        std::os::unix::fs::lchown(path, Some(account.uid), Some(account.uid)).ok();
    }
    Ok(())
}

/// What tells this node from others.
fn identity(plan: &Plan, root: &Path) -> io::Result<()> {
    let name = &plan.hostname;
    file(&root.join("etc/hostname"), &format!("{name}\n"), 0o644)?;
    let hosts = format!("127.0.0.1\tlocalhost\n127.0.1.1\t{name}\n::1\tlocalhost ip6-localhost\n");
    file(&root.join("etc/hosts"), &hosts, 0o644)?;
    // A random number of the kernel, as systemd makes it at the first boot.
    let number = fs::read_to_string("/proc/sys/kernel/random/uuid")?.replace('-', "");
    file(&root.join("etc/machine-id"), &number, 0o444)
}

fn users(accounts: &[Account], root: &Path) -> io::Result<()> {
    let names: Vec<_> = accounts.iter().map(|account| account.name.as_str()).collect();
    let mut passwd = include_str!("etc/passwd").to_owned();
    // Whoever has an account here may become root.
    let mut group =
        include_str!("etc/group").replace("sudo:x:27:", &format!("sudo:x:27:{}", names.join(",")));
    for Account { name, uid, home, shell } in accounts {
        passwd += &format!("{name}:x:{uid}:{uid}:,,,:{}:{}\n", home.display(), shell.display());
        group += &format!("{name}:x:{uid}:\n");
    }
    let shadow: String = passwd
        .lines()
        .filter_map(|line| line.split(':').next())
        .map(|name| format!("{name}:*:20000:0:99999:7:::\n"))
        .collect();
    file(&root.join("etc/passwd"), &passwd, 0o644)?;
    file(&root.join("etc/group"), &group, 0o644)?;
    file(&root.join("etc/shadow"), &shadow, 0o640)
}

/// The directories of this machine that a node sees at the same place, read-only: libraries and data.
pub(super) fn host_directories() -> io::Result<Vec<PathBuf>> {
    Ok(host_entries()?.into_iter().filter(|path| is_directory(path)).collect())
}

/// Everything below `/usr` and `/usr/local` but programs, and the libraries beside `/usr`.
fn host_entries() -> io::Result<Vec<PathBuf>> {
    let mut found: Vec<PathBuf> = ["/lib", "/lib32", "/lib64", "/libx32"].map(PathBuf::from).into();
    for parent in ["/usr", "/usr/local"] {
        // Not every machine has both.
        let Ok(entries) = fs::read_dir(parent) else { continue };
        for entry in entries {
            let entry = entry?;
            if !["bin", "sbin", "local"].iter().any(|own| entry.file_name() == *own) {
                found.push(entry.path());
            }
        }
    }
    Ok(found)
}

fn mount_points(root: &Path) -> io::Result<()> {
    for path in host_entries()? {
        let place = root.join(path.strip_prefix("/").unwrap_or(&path));
        if is_directory(&path) {
            directory(&place, 0o755)?;
        } else if let Ok(target) = fs::read_link(&path) {
            symlink(target, &place)?;
        }
    }
    for path in PROGRAM_MOUNTS {
        directory(&root.join(HOST.trim_start_matches('/')).join(path), 0o755)?;
    }
    for device in DEVICES {
        file(&root.join("dev").join(device), "", 0o666)?;
    }
    file(&root.join(PLAYER.trim_start_matches('/')), "", 0o755)
}

fn is_directory(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_dir())
}

/// A directory that is there or is made, with its parents.
pub(super) fn directory(path: &Path, mode: u32) -> io::Result<()> {
    if is_directory(path) {
        return Ok(());
    }
    named(path, DirBuilder::new().recursive(true).mode(mode).create(path))?;
    // The mode that is asked for may be wider than the mask.
    named(path, fs::set_permissions(path, Permissions::from_mode(mode)))
}

/// A file, unless it is there.
pub(super) fn file(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    if fs::symlink_metadata(path).is_ok() {
        return Ok(());
    }
    named(path, fs::write(path, text))?;
    named(path, fs::set_permissions(path, Permissions::from_mode(mode)))
}

fn link(target: &str, path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path).is_ok() {
        return Ok(());
    }
    named(path, symlink(target, path))
}

/// A file, or a directory of files, of this machine, if it has it. Links in a directory stay links.
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if fs::symlink_metadata(to).is_ok() || !fs::exists(from)? {
        return Ok(());
    }
    if !is_directory(from) {
        return named(from, fs::copy(from, to).map(drop));
    }
    directory(to, 0o755)?;
    for entry in named(from, fs::read_dir(from))? {
        let (path, place) = entry.map(|entry| (entry.path(), to.join(entry.file_name())))?;
        match fs::read_link(&path) {
            Ok(target) => link(&target.to_string_lossy(), &place)?,
            Err(_) => copy(&path, &place)?,
        }
    }
    Ok(())
}

/// The error names the file.
pub(super) fn named<T>(path: &Path, done: io::Result<T>) -> io::Result<T> {
    done.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}
