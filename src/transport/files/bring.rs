//! The content of a file of any size: part by part, with the rights of the task, in bounded memory.

use super::FileError;
use crate::transport::{Captured, Host, TransportError, quote};
use sha1::{Digest, Sha1};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Bytes of one part: what a script's output keeps, with room.
const PART: usize = Captured::LIMIT - (1 << 20);

/// Hands over the content of `path` (links followed) from its beginning to its end, one part a script. A file that grows
/// or shrinks meanwhile gives what was there when each part was asked for.
///
/// # Errors
/// It is not there, no file or not readable, `sink` refuses a part, or the transport's.
pub async fn stream(
    host: &Host,
    path: &str,
    mut sink: impl FnMut(&[u8]) -> Result<(), FileError>,
) -> Result<(), FileError> {
    let mut at = 0usize;
    loop {
        let script = format!(
            "p={}\ncase $p in -*) p=./$p ;; esac\nno() {{ echo \"$1: $p\" >&2; exit 1; }}\n\
             [ -e \"$p\" ] || no 'File not found'\n\
             [ ! -d \"$p\" ] || no 'Source is a directory and must be a file'\n\
             [ -r \"$p\" ] || no 'File is not readable'\ntail -c +{} \"$p\" | head -c {PART}\n",
            quote(path),
            at + 1
        );
        let output = host.script(&script).await?;
        if !output.ok() {
            let said = output.stderr.text();
            return Err(FileError::Refused(match said.trim() {
                "" => format!("reading {path} ended with status {}", output.status.code()),
                said => said.to_owned(),
            }));
        }
        let part = output.stdout.bytes;
        sink(&part)?;
        at += part.len();
        if part.len() < PART {
            return Ok(());
        }
    }
}

fn hexadecimal(hash: Sha1) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Brings the content of a file of the host to the controller: into a temporary file beside `local`, whose directories
/// are made, and then in its place, with mode 0644. The SHA-1 of what was brought, in hexadecimal; if it is not
/// `expected`, nothing is put in place.
///
/// # Errors
/// As for [`stream`], or the local file cannot be written.
#[expect(clippy::disallowed_methods, reason = "the local end of a download")]
pub async fn bring(
    host: &Host,
    path: &str,
    local: &Path,
    expected: Option<&str>,
) -> Result<String, FileError> {
    let failed = |error: std::io::Error| {
        TransportError::File(format!("cannot write {}: {error}", local.display()))
    };
    let directory = match local.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(directory).map_err(failed)?;
    let mut part = tempfile::Builder::new()
        .prefix(".mainstay-")
        .permissions(std::fs::Permissions::from_mode(0o644))
        .tempfile_in(directory)
        .map_err(failed)?;
    let mut hash = Sha1::new();
    stream(host, path, |bytes| {
        hash.update(bytes);
        Ok(part.write_all(bytes).map_err(failed)?)
    })
    .await?;
    let sum = hexadecimal(hash);
    if expected.is_none_or(|expected| expected == sum) {
        part.as_file().sync_all().map_err(failed)?;
        part.persist(local).map_err(|error| failed(error.error))?;
    }
    Ok(sum)
}

/// The SHA-1 of a file of the controller, in hexadecimal; `None` if it cannot be read.
#[expect(clippy::disallowed_methods, reason = "the local end of a download")]
pub async fn local_sum(local: &Path) -> Option<String> {
    let local = local.to_owned();
    let sum = tokio::task::spawn_blocking(move || {
        let mut file = std::fs::File::open(local).ok()?;
        let (mut hash, mut bytes) = (Sha1::new(), vec![0; 1 << 16]);
        loop {
            match file.read(&mut bytes).ok()? {
                0 => return Some(hexadecimal(hash)),
                count => hash.update(bytes.get(..count)?),
            }
        }
    });
    sum.await.ok()?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::LocalTarget;
    use crate::transport::testing::host;
    use std::sync::Arc;

    /// Sizes around the border of a part, bytes of every value, and the sums of `sha1sum`.
    #[tokio::test]
    async fn whole_whatever_the_size() {
        let dir = tempfile::tempdir().unwrap();
        let host = host(Arc::new(LocalTarget::new()));
        for size in [0, 1, PART - 1, PART, PART + 1, 2 * PART + 7] {
            let bytes: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
            let (from, to) = (dir.path().join("-f"), dir.path().join("a/b/to"));
            std::fs::write(&from, &bytes).unwrap();
            let name = from.display().to_string();
            let said = std::process::Command::new("sha1sum").arg(&from).output().unwrap();
            let said = String::from_utf8(said.stdout).unwrap();
            let sum = bring(&host, &name, &to, None).await.unwrap();
            assert_eq!(sum, said.split(' ').next().unwrap().trim_start_matches('\\'), "{size}");
            assert!(std::fs::read(&to).unwrap() == bytes, "{size}");
            assert_eq!(local_sum(&to).await, Some(sum));
            assert_eq!(std::fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o644);
        }
        assert_eq!(std::fs::read_dir(dir.path().join("a/b")).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn what_is_not_as_expected_is_not_put_in_place() {
        let dir = tempfile::tempdir().unwrap();
        let host = host(Arc::new(LocalTarget::new()));
        let (from, to) = (dir.path().join("f"), dir.path().join("to"));
        std::fs::write(&from, "new").unwrap();
        std::fs::write(&to, "old").unwrap();
        let name = from.display().to_string();
        assert!(bring(&host, &name, &to, Some("00")).await.is_ok());
        for (path, why) in [
            (format!("{name}x"), "File not found: "),
            (dir.path().display().to_string(), "Source is a directory and must be a file: "),
        ] {
            let refused = bring(&host, &path, &to, None).await.unwrap_err().to_string();
            assert_eq!(refused, format!("{why}{path}"));
        }
        assert_eq!(std::fs::read_to_string(&to).unwrap(), "old");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
    }
}
