//! Attributes of files, and what paths mean.

use super::failure::Failure;
use russh_sftp::protocol::{File, FileAttributes};
use rustix::fs::{AtFlags, CWD, Gid, Mode, Timespec, Timestamps, Uid, chmod, chown, utimensat};
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

pub(super) fn attributes(found: &Metadata) -> FileAttributes {
    let time = |seconds: i64| Some(u32::try_from(seconds).unwrap_or_default());
    FileAttributes {
        size: Some(found.len()),
        uid: Some(found.uid()),
        gid: Some(found.gid()),
        permissions: Some(found.mode()),
        atime: time(found.atime()),
        mtime: time(found.mtime()),
        ..FileAttributes::empty()
    }
}

pub(super) fn listed(name: &str, found: &Metadata) -> File {
    File::new(name, attributes(found))
}

pub(super) fn times(attrs: &FileAttributes) -> Option<fs::FileTimes> {
    let at = |seconds: u32| UNIX_EPOCH + Duration::from_secs(u64::from(seconds));
    Some(fs::FileTimes::new().set_accessed(at(attrs.atime?)).set_modified(at(attrs.mtime?)))
}

/// Mode, times and owner of what this path leads to; what is not named stays.
pub(super) fn set(path: &Path, attrs: &FileAttributes) -> Result<(), Failure> {
    if let Some(mode) = attrs.permissions {
        chmod(path, Mode::from_raw_mode(mode & 0o7777))?;
    }
    if let (Some(atime), Some(mtime)) = (attrs.atime, attrs.mtime) {
        let at = |seconds| Timespec { tv_sec: i64::from(seconds), tv_nsec: 0 };
        let times = Timestamps { last_access: at(atime), last_modification: at(mtime) };
        utimensat(CWD, path, &times, AtFlags::empty())?;
    }
    if let (Some(uid), Some(gid)) = (attrs.uid, attrs.gid) {
        chown(path, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?;
    }
    Ok(())
}

/// The path without links; its last part need not exist, so that a client can ask for what it is about to make.
pub(super) fn real(path: &Path) -> io::Result<PathBuf> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    match fs::canonicalize(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        found => return found,
    }
    let Some(Component::Normal(name)) = path.components().next_back() else {
        return fs::canonicalize(path);
    };
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    Ok(fs::canonicalize(parent.unwrap_or(Path::new(".")))?.join(name))
}

/// `~` and `~/…` are the home directory, in which the server was started. Homes of others are not looked up.
pub(super) fn expand(path: &Path) -> PathBuf {
    match path.strip_prefix("~") {
        Ok(rest) => Path::new(".").join(rest),
        Err(_) => path.to_owned(),
    }
}
