//! Large files over SFTP: many requests in flight, a temporary name, then a rename.

use super::connection::Connection;
use crate::transport::{TransportError, shell};
use futures::stream::{FuturesUnordered, StreamExt};
use russh_sftp::client::RawSftpSession;
use russh_sftp::client::error::Error;
use russh_sftp::protocol::{FileAttributes, OpenFlags, Packet, StatusCode};
use std::path::Path;
use tokio::io::AsyncReadExt;

/// Bytes of one request: what every server takes.
const CHUNK: usize = 32 << 10;
/// Requests in flight.
const FLIGHT: usize = 64;

async fn session(connection: &Connection) -> Result<RawSftpSession, TransportError> {
    let channel = connection.session().await?;
    let off = |error: &dyn std::fmt::Display| {
        TransportError::Unsupported(format!("the host offers no SFTP: {error}"))
    };
    channel.request_subsystem(true, "sftp").await.map_err(|error| off(&error))?;
    let session = RawSftpSession::new(channel.into_stream());
    session.init().await.map_err(|error| off(&error))?;
    session.set_timeout(60);
    Ok(session)
}

/// Uploads whole or not at all, mode 0600.
#[expect(clippy::disallowed_methods, reason = "the local end of an upload")]
pub(super) async fn upload(
    connection: &Connection,
    local: &Path,
    remote: &str,
) -> Result<(), TransportError> {
    let mut source = tokio::fs::File::open(local).await.map_err(|error| {
        TransportError::File(format!("cannot read {}: {error}", local.display()))
    })?;
    let session = session(connection).await?;
    let part = format!("{remote}.mainstay-{}", shell::nonce());
    let result = match put(&session, &mut source, local, &part).await {
        Ok(()) => replace(&session, &part, remote).await,
        Err(error) => Err(error),
    };
    if result.is_err()
        && let Err(error) = session.remove(&part).await
    {
        tracing::debug!(%error, part, "removing an unfinished upload");
    }
    end(&session);
    result
}

async fn put(
    session: &RawSftpSession,
    source: &mut tokio::fs::File,
    local: &Path,
    part: &str,
) -> Result<(), TransportError> {
    let fail = |error: Error| TransportError::File(format!("cannot write {part}: {error}"));
    let private = FileAttributes { permissions: Some(0o600), ..FileAttributes::empty() };
    let flags = OpenFlags::CREATE | OpenFlags::WRITE | OpenFlags::EXCLUDE;
    let handle = session.open(part, flags, private).await.map_err(fail)?.handle;
    let mut flying = FuturesUnordered::new();
    let mut offset = 0u64;
    loop {
        let mut chunk = vec![0; CHUNK];
        let count = source.read(&mut chunk).await.map_err(|error| {
            TransportError::File(format!("cannot read {}: {error}", local.display()))
        })?;
        if count == 0 {
            break;
        }
        chunk.truncate(count);
        flying.push(session.write(handle.as_str(), offset, chunk));
        offset += count as u64;
        if flying.len() >= FLIGHT
            && let Some(done) = flying.next().await
        {
            done.map_err(fail)?;
        }
    }
    while let Some(done) = flying.next().await {
        done.map_err(fail)?;
    }
    session.close(handle.as_str()).await.map_err(fail)?;
    Ok(())
}

/// Renames over what may be there: as POSIX does where the server can, else by removing it first.
async fn replace(session: &RawSftpSession, part: &str, remote: &str) -> Result<(), TransportError> {
    let mut data = Vec::new();
    for name in [part, remote] {
        let length = u32::try_from(name.len())
            .map_err(|_| TransportError::File(format!("the name of {remote} is too long")))?;
        data.extend_from_slice(&length.to_be_bytes());
        data.extend_from_slice(name.as_bytes());
    }
    let fail = |text: String| TransportError::File(format!("cannot rename to {remote}: {text}"));
    match session.extended("posix-rename@openssh.com", data).await {
        Ok(Packet::Status(status)) if status.status_code == StatusCode::Ok => return Ok(()),
        Ok(Packet::Status(status)) | Err(Error::Status(status))
            if status.status_code != StatusCode::OpUnsupported =>
        {
            return Err(fail(status.error_message));
        }
        _ => {}
    }
    // Not there: nothing to remove. Anything else shows at the rename.
    drop(session.remove(remote).await);
    session.rename(part, remote).await.map(drop).map_err(|error| fail(error.to_string()))
}

fn end(session: &RawSftpSession) {
    if let Err(error) = session.close_session() {
        tracing::debug!(%error, "ending SFTP");
    }
}
