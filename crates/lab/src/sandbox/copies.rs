//! The programs of a node without namespaces: copies of this machine's, with the libraries that they need. They are made
//! once for a lab and linked into each of its nodes, which are root and could spoil them for each other.

use super::plan::Plan;
use super::tree::{self, DEVICES, PLAYER, directory, named};
use super::{farm, shared};
use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a minimal Debian has and playbooks call. Python is left out: it is a tree of its own.
const PROGRAMS: &str = "\
    sh bash dash [ arch awk b2sum base32 base64 basename bzip2 cat chgrp chmod chown chroot cksum clear cmp comm cp \
    csplit cut date dd df diff dir dirname du echo egrep env expand expr factor false fgrep find flock fmt fold free \
    gawk getent getopt grep groups gunzip gzip head hostid hostname iconv id install ionice join kill less link ln \
    locale logger logname ls mawk md5sum mkdir mkfifo mknod mktemp more mountpoint mv nice nl nohup nproc numfmt od \
    openssl paste pathchk perl pgrep pidwait pinky pkill pr printenv printf ps ptx pwd readlink realpath renice rm rmdir \
    runcon scp sed seq setpriv setsid sha1sum sha224sum sha256sum sha384sum sha512sum shred shuf sleep sort split \
    stat stdbuf stty sum sync tac tail tar tee test timeout touch tr true truncate tsort tty uname unexpand uniq \
    unlink unxz uptime users vdir vmstat w wc which who whoami xargs xz xzcat yes zcat";

/// Data that they read.
const DATA: [&str; 4] =
    ["/lib/terminfo", "/usr/lib/locale/C.utf8", "/usr/share/terminfo/x", "/usr/share/zoneinfo/Etc"];

/// What a node's `/proc` has of this machine's, as it was when the node started.
const OF_PROC: [&str; 9] = [
    "cmdline",
    "cpuinfo",
    "filesystems",
    "loadavg",
    "meminfo",
    "stat",
    "uptime",
    "version",
    "sys/kernel/osrelease",
];

/// Programs that ask the kernel for the name of the machine, and what stands in their place.
const NAMED: [(&str, &str); 2] =
    [("hostname", include_str!("chroot/hostname")), ("uname", include_str!("chroot/uname"))];

/// Numbers of the devices, in the order of [`DEVICES`] (`Documentation/admin-guide/devices.txt` of Linux).
const NUMBERS: [(u32, u32); 6] = [(1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0)];

/// Fills a root that is new.
pub(super) fn furnish(plan: &Plan, root: &Path) -> io::Result<()> {
    let copies = shared::once(plan, "copies", |tree| {
        let mut copies = Copies { tree: tree.to_owned(), made: BTreeMap::new() };
        copies.skeleton()?;
        copies.programs(plan)
    })?;
    link_tree(&copies, root)?;
    farm::played(root, &plan.programs)?;
    for (device, (major, minor)) in DEVICES.iter().zip(NUMBERS) {
        let place = root.join("dev").join(device);
        let mode = Mode::from_raw_mode(0o666);
        let made = mknodat(CWD, &place, FileType::CharacterDevice, mode, makedev(major, minor));
        named(&place, made.map_err(Into::into))?;
        // The mask has taken the right to write away.
        rustix::fs::chmod(&place, mode)?;
    }
    Ok(())
}

/// The few files of `/proc` that programs read; each boot sees this machine as it is then.
pub(super) fn processes(plan: &Plan, root: &Path) -> io::Result<()> {
    let proc = root.join("proc");
    let write = |path: &str, text: &[u8]| {
        let place = proc.join(path);
        directory(place.parent().unwrap_or(&proc), 0o555)?;
        named(&place, fs::write(&place, text))
    };
    for path in OF_PROC {
        write(path, &fs::read(Path::new("/proc").join(path))?)?;
    }
    write("mounts", b"/dev/root / ext4 rw,relatime 0 0\n")?;
    write("1/comm", b"systemd\n")?;
    write("sys/kernel/hostname", format!("{}\n", plan.hostname).as_bytes())?;
    write("sys/kernel/random/boot_id", format!("{}\n", plan.boot_id).as_bytes())
}

struct Copies {
    tree: PathBuf,
    /// Originals, and where their copies are: a program with several names is copied once.
    made: BTreeMap<PathBuf, PathBuf>,
}

impl Copies {
    /// As Debian has it, whatever this machine has: everything is below `/usr`.
    fn skeleton(&self) -> io::Result<()> {
        for path in [
            "usr/bin",
            "usr/sbin",
            "usr/lib",
            "usr/lib64",
            "usr/local/bin",
            "usr/local/sbin",
            ".lab/kernel",
        ] {
            directory(&self.tree.join(path), 0o755)?;
        }
        for path in ["bin", "sbin", "lib", "lib64"] {
            symlink(Path::new("usr").join(path), self.tree.join(path))?;
        }
        Ok(())
    }

    fn programs(&mut self, plan: &Plan) -> io::Result<()> {
        let mut originals = BTreeSet::from([plan.player.clone()]);
        self.copy(&plan.player, PLAYER)?;
        for name in PROGRAMS.split_whitespace() {
            let found = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"]
                .iter()
                .find_map(|directory| fs::canonicalize(Path::new(directory).join(name)).ok());
            if let Some(original) = found
                && !farm::plays(&plan.programs, Some(name))
            {
                self.copy(&original, &format!("/usr/bin/{name}"))?;
                originals.insert(original);
            }
        }
        for library in libraries(&originals)? {
            self.copy(&fs::canonicalize(&library)?, &library.to_string_lossy())?;
        }
        for (name, script) in NAMED {
            let place = self.tree.join("usr/bin").join(name);
            if fs::exists(&place)? {
                fs::rename(&place, self.tree.join(".lab/kernel").join(name))?;
                tree::file(&place, script, 0o755)?;
            }
        }
        for path in DATA {
            let place = self.place(path);
            directory(place.parent().unwrap_or(&self.tree), 0o755)?;
            tree::copy(Path::new(path), &place)?;
        }
        Ok(())
    }

    fn copy(&mut self, original: &Path, to: &str) -> io::Result<()> {
        let place = self.place(to);
        directory(place.parent().unwrap_or(&self.tree), 0o755)?;
        if let Some(copy) = self.made.get(original) {
            return if fs::exists(&place)? { Ok(()) } else { fs::hard_link(copy, &place) };
        }
        named(original, fs::copy(original, &place))?;
        self.made.insert(original.to_owned(), place);
        Ok(())
    }

    fn place(&self, path: &str) -> PathBuf {
        self.tree.join(path.trim_start_matches('/'))
    }
}

/// What the dynamic linker loads for these programs, the linker included, as `ldd` tells. Scripts need nothing.
fn libraries(programs: &BTreeSet<PathBuf>) -> io::Result<BTreeSet<PathBuf>> {
    let output = Command::new("ldd")
        .args(programs)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .map_err(|error| io::Error::new(error.kind(), format!("ldd: {error}")))?;
    let mut found = of_ldd(&String::from_utf8_lossy(&output.stdout));
    // Older C libraries look names up with libraries of their own, loaded while a program runs.
    let beside: BTreeSet<PathBuf> = found
        .iter()
        .filter(|library| library.file_name().is_some_and(|name| name == "libc.so.6"))
        .filter_map(|library| library.parent().map(|parent| parent.join("libnss_files.so.2")))
        .filter(|library| library.is_file())
        .collect();
    found.extend(beside);
    Ok(found)
}

/// `name => /path (0x…)` and `/path (0x…)`.
fn of_ldd(text: &str) -> BTreeSet<PathBuf> {
    text.lines()
        .filter(|line| line.starts_with(char::is_whitespace))
        .filter_map(|line| line.split_whitespace().find(|word| word.starts_with('/')))
        .map(PathBuf::from)
        .collect()
}

/// The same tree with the same files.
fn link_tree(from: &Path, to: &Path) -> io::Result<()> {
    for entry in named(from, fs::read_dir(from))? {
        let entry = entry?;
        let (path, place) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            directory(&place, 0o755)?;
            link_tree(&path, &place)?;
        } else if kind.is_symlink() {
            named(&place, symlink(fs::read_link(&path)?, &place))?;
        } else {
            named(&place, fs::hard_link(&path, &place))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_what_ldd_lists() {
        let text = "/usr/bin/sed:\n\
                    \tlinux-vdso.so.1 (0x00007ffd)\n\
                    \tlibacl.so.1 => /lib/x86_64-linux-gnu/libacl.so.1 (0x00007f12)\n\
                    \t/lib64/ld-linux-x86-64.so.2 (0x00007f13)\n\
                    /usr/bin/which:\n\
                    \tnot a dynamic executable\n";
        let expected = ["/lib/x86_64-linux-gnu/libacl.so.1", "/lib64/ld-linux-x86-64.so.2"];
        assert_eq!(of_ldd(text), expected.map(PathBuf::from).into());
    }
}
