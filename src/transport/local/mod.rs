//! The controller itself as a target: processes instead of channels, the same waiting shells.

mod files;
mod process;
#[cfg(test)]
mod tests;

use super::{Command, Output, Stream, Target, TransportError};
use async_trait::async_trait;
use std::path::{Path, PathBuf};

/// Runs scripts as child processes of this one.
#[derive(Default)]
pub struct LocalTarget {
    directory: Option<PathBuf>,
}

impl LocalTarget {
    /// Scripts start in the working directory of this process.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Scripts start in this directory.
    #[must_use]
    pub fn in_directory(directory: PathBuf) -> Self {
        Self { directory: Some(directory) }
    }
}

#[async_trait]
impl Target for LocalTarget {
    async fn run(&self, command: Command) -> Result<Output, TransportError> {
        process::run(command, self.directory.as_deref()).await
    }

    async fn upload(&self, local: &Path, remote: &str) -> Result<(), TransportError> {
        files::copy(local, Path::new(remote)).await
    }

    async fn open_stream(&self, host: &str, port: u16) -> Result<Box<dyn Stream>, TransportError> {
        let stream = tokio::net::TcpStream::connect((host, port)).await.map_err(|error| {
            TransportError::Unreachable(format!("cannot connect to {host} port {port}: {error}"))
        })?;
        stream.set_nodelay(true).map_err(|error| {
            TransportError::Unreachable(format!("the connection to {host} port {port}: {error}"))
        })?;
        Ok(Box::new(stream))
    }

    async fn disconnect(&self) {}

    fn is_local(&self) -> bool {
        true
    }
}
