//! Copies on the controller, whole or not at all.

#![expect(clippy::disallowed_methods, reason = "files of the local target")]

use crate::transport::TransportError;
use std::io;
use std::path::Path;

/// Copies by way of a temporary file of mode 0600 beside the destination.
pub(crate) async fn copy(from: &Path, to: &Path) -> Result<(), TransportError> {
    let (from, to) = (from.to_owned(), to.to_owned());
    let done = tokio::task::spawn_blocking(move || {
        copy_now(&from, &to).map_err(|error| {
            TransportError::File(format!(
                "cannot copy {} to {}: {error}",
                from.display(),
                to.display()
            ))
        })
    });
    done.await.map_err(|error| TransportError::File(format!("copying was interrupted: {error}")))?
}

fn copy_now(from: &Path, to: &Path) -> io::Result<()> {
    let mut source = std::fs::File::open(from)?;
    let directory = match to.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut part = tempfile::Builder::new().prefix(".mainstay-").tempfile_in(directory)?;
    io::copy(&mut source, part.as_file_mut())?;
    part.as_file().sync_all()?;
    part.persist(to).map_err(|error| error.error)?;
    Ok(())
}
