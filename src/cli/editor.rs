//! Editing a secret with the user's editor.

#![expect(
    clippy::disallowed_methods,
    reason = "the editor works on a file of its own, which is wiped"
)]

use super::plain;
use crate::settings::Settings;
use mainstay_language::outside::Outside;
use std::fs::{OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use zeroize::Zeroizing;

/// What the editor leaves of this text. The text lies in a file of a directory that its owner alone may enter, in memory
/// where the system has such a place; it is overwritten afterwards in any case. The name's ending is that of `path`.
///
/// # Errors
/// The file cannot be written, the editor cannot be started or says that it failed.
pub(super) fn edit(
    outside: &dyn Outside,
    settings: &Settings,
    path: &Path,
    before: &[u8],
) -> Result<Zeroizing<Vec<u8>>, String> {
    let place = outside.env("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|p| p.is_dir());
    let directory = tempfile::Builder::new()
        .prefix("mainstay-")
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(place.unwrap_or_else(std::env::temp_dir))
        .map_err(|e| format!("cannot create a temporary directory: {e}"))?;
    let mut name = PathBuf::from("plain");
    if let Some(ending) = path.extension() {
        name.set_extension(ending);
    }
    let plain = directory.path().join(name);
    let edited = open(settings, &plain, before);
    let wiped = OpenOptions::new().write(true).open(&plain).and_then(|file| plain::wipe(&file));
    let removed = directory.close();
    let edited = edited?;
    wiped
        .and(removed)
        .map_err(|e| format!("the temporary file {} could not be wiped: {e}", plain.display()))?;
    Ok(edited)
}

fn open(settings: &Settings, plain: &Path, before: &[u8]) -> Result<Zeroizing<Vec<u8>>, String> {
    let wrong =
        |what: &str, e: &dyn std::fmt::Display| format!("cannot {what} {}: {e}", plain.display());
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(plain)
        .and_then(|mut file| file.write_all(before))
        .map_err(|e| wrong("write", &e))?;
    let editor = settings.get("EDITOR").unwrap_or("vi");
    let words = shlex::split(editor).filter(|words| !words.is_empty());
    let words = words.ok_or_else(|| format!("the editor {editor:?} is no command"))?;
    let (program, arguments) = words.split_first().ok_or("no editor is set")?;
    let status = Command::new(program)
        .args(arguments)
        .arg(plain)
        .status()
        .map_err(|e| format!("cannot start the editor {program}: {e}"))?;
    if !status.success() {
        return Err(format!("the editor {program} ended with {status}; nothing was changed"));
    }
    std::fs::read(plain).map(Zeroizing::new).map_err(|e| wrong("read", &e))
}
