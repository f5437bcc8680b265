//! The file tree of a node, seen from the daemon. What a node's programs put there (links above all) cannot lead out of
//! it: paths are resolved by the kernel as if the node's root were the root of all.

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;

/// A directory that is `/` to those who ask here. Paths are absolute, as the node's programs write them.
#[derive(Debug)]
pub struct Files(OwnedFd);

impl Files {
    /// # Errors
    /// It is no directory.
    pub fn open(root: &Path) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self(rustix::fs::open(root, flags, Mode::empty())?))
    }

    fn at(&self, path: &str, flags: OFlags) -> io::Result<OwnedFd> {
        let path = if path.trim_matches('/').is_empty() { "." } else { path };
        let flags = flags | OFlags::CLOEXEC;
        Ok(rustix::fs::openat2(&self.0, path, flags, Mode::empty(), ResolveFlags::IN_ROOT)?)
    }

    /// The directory that holds it, and its own name.
    fn parent<'a>(&self, path: &'a str) -> io::Result<(OwnedFd, &'a str)> {
        let path = path.trim_end_matches('/');
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
        if name.is_empty() || name == ".." || name == "." {
            return Err(io::Error::from(io::ErrorKind::InvalidInput));
        }
        Ok((self.at(directory, OFlags::PATH | OFlags::DIRECTORY)?, name))
    }

    /// # Errors
    /// As for any file.
    pub fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        // Not to wait for a pipe that somebody put there.
        File::from(self.at(path, OFlags::RDONLY | OFlags::NONBLOCK)?).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// # Errors
    /// As for any file; bytes that are no UTF-8.
    pub fn text(&self, path: &str) -> io::Result<String> {
        String::from_utf8(self.read(path)?).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))
    }

    /// Replaces it in one step; the directory must be there.
    ///
    /// # Errors
    /// As for any file.
    pub fn write(&self, path: &str, bytes: &[u8], mode: u32) -> io::Result<()> {
        let (directory, name) = self.parent(path)?;
        let new = format!(".{name}.new");
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = reopen(&directory)?;
        let mut file =
            File::from(rustix::fs::openat(&directory, &*new, flags, Mode::from_raw_mode(mode))?);
        // The umask of the daemon is none of the node's.
        rustix::fs::fchmod(&file, Mode::from_raw_mode(mode))?;
        file.write_all(bytes)?;
        Ok(rustix::fs::renameat(&directory, &*new, &directory, name)?)
    }

    /// With all that lead to it; nothing if it is there.
    ///
    /// # Errors
    /// As for any directory.
    pub fn make_directory(&self, path: &str, mode: u32) -> io::Result<()> {
        let mut so_far = String::new();
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        for (index, part) in parts.iter().enumerate() {
            so_far.push('/');
            so_far.push_str(part);
            if self.at(&so_far, OFlags::PATH).is_ok() {
                continue;
            }
            let (directory, name) = self.parent(&so_far)?;
            let mode = Mode::from_raw_mode(if index + 1 == parts.len() { mode } else { 0o755 });
            rustix::fs::mkdirat(&directory, name, mode)?;
            rustix::fs::chmodat(&directory, name, mode, AtFlags::empty())?;
        }
        Ok(())
    }

    /// Whether something is there.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        self.at(path, OFlags::PATH).is_ok()
    }

    /// Names in a directory, in order; of a directory that is not there, none.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn list(&self, path: &str) -> io::Result<Vec<String>> {
        let directory = match self.at(path, OFlags::RDONLY | OFlags::DIRECTORY) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        let mut names = Vec::new();
        for entry in Dir::read_from(&directory)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name != "." && name != ".." {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// A file or a link; nothing if it is not there.
    ///
    /// # Errors
    /// As for any file.
    pub fn remove(&self, path: &str) -> io::Result<()> {
        match self.parent(path).and_then(|(directory, name)| {
            Ok(rustix::fs::unlinkat(&directory, name, AtFlags::empty())?)
        }) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// Everything in a directory; the directory stays.
    ///
    /// # Errors
    /// As for any directory.
    pub fn empty(&self, path: &str) -> io::Result<()> {
        for name in self.list(path)? {
            let inner = format!("{}/{name}", path.trim_end_matches('/'));
            let (directory, name) = self.parent(&inner)?;
            let kind = rustix::fs::statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW)?.st_mode;
            if FileType::from_raw_mode(kind) == FileType::Directory {
                self.empty(&inner)?;
                rustix::fs::unlinkat(&directory, name, AtFlags::REMOVEDIR)?;
            } else {
                rustix::fs::unlinkat(&directory, name, AtFlags::empty())?;
            }
        }
        Ok(())
    }

    /// # Errors
    /// As for any file.
    pub fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let ((old_directory, old), (new_directory, new)) = (self.parent(from)?, self.parent(to)?);
        Ok(rustix::fs::renameat(&old_directory, old, &new_directory, new)?)
    }
}

/// `openat` with `O_CREAT` wants a directory that is open for more than its name.
fn reopen(directory: &OwnedFd) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(directory, ".", flags, Mode::empty())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn links_do_not_lead_out() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret"), "no").unwrap();
        let root = tempfile::tempdir().unwrap();
        let files = Files::open(root.path()).unwrap();
        symlink(outside.path(), root.path().join("out")).unwrap();
        symlink(outside.path().join("secret"), root.path().join("file")).unwrap();
        assert!(files.read("/out/secret").is_err());
        assert!(files.read("/../../etc/passwd").is_err());
        assert!(files.write("/out/secret", b"changed", 0o600).is_err());
        files.write("/file", b"mine", 0o600).unwrap();
        assert_eq!(std::fs::read_to_string(outside.path().join("secret")).unwrap(), "no");
        assert_eq!(files.text("/file").unwrap(), "mine");
    }

    #[test]
    fn files_come_and_go() {
        let root = tempfile::tempdir().unwrap();
        let files = Files::open(root.path()).unwrap();
        files.make_directory("/etc/kubernetes/manifests", 0o700).unwrap();
        files.make_directory("/etc/kubernetes/manifests", 0o700).unwrap();
        files.write("/etc/kubernetes/manifests/etcd.yaml", b"a", 0o600).unwrap();
        let mode =
            std::fs::metadata(root.path().join("etc/kubernetes/manifests/etcd.yaml")).unwrap();
        assert_eq!(mode.permissions().mode() & 0o777, 0o600);
        assert_eq!(files.list("/etc/kubernetes/manifests").unwrap(), ["etcd.yaml"]);
        files.rename("/etc/kubernetes/manifests/etcd.yaml", "/etc/x").unwrap();
        assert_eq!((files.has("/etc/x"), files.list("/nowhere").unwrap().len()), (true, 0));
        files.remove("/etc/x").unwrap();
        files.remove("/etc/x").unwrap();
        files.empty("/etc").unwrap();
        assert_eq!(files.list("/etc").unwrap(), Vec::<String>::new());
    }
}
