//! Writing files that hold secrets, or held them.

#![expect(clippy::disallowed_methods, reason = "plain texts are wiped where they are")]

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

/// Who may read the new file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Replace {
    /// Its owner alone (0600).
    Private,
    /// Who could read the old one; the owner stays too.
    SameMode,
}

/// Puts these bytes in the place of a file: complete or not at all. The bytes of the old file are overwritten, so that a
/// plain text does not stay on the disk. A symbolic link stays one.
///
/// # Errors
/// As the operating system says.
pub(super) fn replace(path: &Path, bytes: &[u8], how: Replace) -> io::Result<()> {
    let path = match path.canonicalize() {
        Ok(real) => real,
        Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_path_buf(),
        Err(error) => return Err(error),
    };
    let old = match OpenOptions::new().write(true).open(&path) {
        Ok(file) => Some(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let directory = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut new = tempfile::Builder::new()
        .permissions(Permissions::from_mode(0o600))
        .tempfile_in(directory)?;
    new.write_all(bytes)?;
    if let Some(old) = old.as_ref().filter(|_| how == Replace::SameMode) {
        let was = old.metadata()?;
        new.as_file().set_permissions(was.permissions())?;
        std::os::unix::fs::fchown(new.as_file(), Some(was.uid()), Some(was.gid()))?;
    }
    new.as_file().sync_all()?;
    new.persist(&path).map_err(|error| error.error)?;
    match old {
        // Another name of the same file keeps what it shows.
        Some(old) if old.metadata()?.nlink() == 0 => wipe(&old),
        _ => Ok(()),
    }
}

/// Overwrites what a file holds.
///
/// # Errors
/// As the operating system says.
pub(super) fn wipe(mut file: &File) -> io::Result<()> {
    let length = file.metadata()?.len();
    let zeros = [0; 8192];
    io::Seek::rewind(&mut file)?;
    let mut left = length;
    while left > 0 {
        let part = usize::try_from(left).unwrap_or(usize::MAX).min(zeros.len());
        file.write_all(zeros.get(..part).unwrap_or_default())?;
        left -= part as u64;
    }
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Seek};

    #[test]
    fn the_old_bytes_are_gone_and_the_mode_is_as_asked() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("f");
        std::fs::write(&path, "secret").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        let mut old = OpenOptions::new().read(true).open(&path).unwrap();
        replace(&path, b"sealed", Replace::SameMode).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"sealed");
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o640);
        let mut bytes = Vec::new();
        old.rewind().unwrap();
        old.read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes, [0; 6]);
        replace(&path, b"again", Replace::Private).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_stays_and_another_name_keeps_its_bytes() {
        let directory = tempfile::tempdir().unwrap();
        let [path, link, other] = ["f", "l", "o"].map(|name| directory.path().join(name));
        std::fs::write(&path, "secret").unwrap();
        std::os::unix::fs::symlink("f", &link).unwrap();
        std::fs::hard_link(&path, &other).unwrap();
        replace(&link, b"sealed", Replace::Private).unwrap();
        assert!(link.is_symlink());
        assert_eq!(std::fs::read(&path).unwrap(), b"sealed");
        assert_eq!(std::fs::read(&other).unwrap(), b"secret");
    }
}
