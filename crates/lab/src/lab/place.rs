//! The lab's directory: where everything that it writes is.

use super::LabError;
use crate::sandbox::Isolation;
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::net::Ipv4Addr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A lab's directory, 0700. It is made by the lab and removed whole by [`super::remove`].
#[derive(Debug, Clone)]
pub struct Place(PathBuf);

/// What a running lab says of itself, in `lab.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// The process that is the lab, and when it started (field 22 of `/proc/PID/stat`): a number may be used again.
    pub process: (u32, String),
    /// Of Kubernetes, at first.
    pub version: String,
    /// Its nodes, control planes first.
    pub nodes: Vec<DescribedNode>,
}

/// One node of a lab, as others reach it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DescribedNode {
    /// Name in inventory and cluster.
    pub name: String,
    /// It is a control plane.
    pub control_plane: bool,
    /// A loopback address of its own.
    pub address: Ipv4Addr,
    /// Of its SSH server.
    pub port: u16,
    /// User to log in as.
    pub user: String,
}

impl Place {
    /// The lab in this directory, which may not be there yet.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self(directory.into())
    }

    /// The directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.0
    }

    /// The inventory, for mainstay and Ansible.
    #[must_use]
    pub fn inventory(&self) -> PathBuf {
        self.0.join("inventory.yml")
    }

    /// The administrator's kubeconfig.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.0.join("admin.conf")
    }

    /// The private key that logs in to every node.
    #[must_use]
    pub fn key(&self) -> PathBuf {
        self.0.join("id_ed25519")
    }

    /// Host keys of the nodes.
    #[must_use]
    pub fn known_hosts(&self) -> PathBuf {
        self.0.join("known_hosts")
    }

    /// What the lab complains of.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.0.join("log")
    }

    /// The directory of a node.
    #[must_use]
    pub(super) fn node(&self, name: &str) -> PathBuf {
        self.0.join("nodes").join(name)
    }

    /// What nodes share.
    #[must_use]
    pub(super) fn shared(&self) -> PathBuf {
        self.0.join("shared")
    }

    fn kept_isolation(&self) -> PathBuf {
        self.0.join("isolation.json")
    }

    /// Whether a lab was begun here: nothing else is ever removed.
    #[must_use]
    pub(super) fn is_a_labs(&self) -> bool {
        self.kept_isolation().exists()
    }

    /// Writes how nodes are kept apart here, the first thing: without it their files may not be removable.
    pub(super) fn keep_isolation(&self, isolation: &Isolation) -> Result<(), LabError> {
        let path = self.kept_isolation();
        let text = serde_json::to_string(isolation)
            .map_err(|error| LabError::file(&path, error.into()))?;
        Self::write(&path, &text)
    }

    /// What [`Place::keep_isolation`] wrote.
    pub(super) fn isolation(&self) -> Result<Isolation, LabError> {
        let path = self.kept_isolation();
        let text = std::fs::read(&path).map_err(|error| LabError::file(&path, error))?;
        serde_json::from_slice(&text).map_err(|error| LabError::file(&path, error.into()))
    }

    fn description(&self) -> PathBuf {
        self.0.join("lab.json")
    }

    /// Makes the directory. One that holds anything is refused: it is somebody's.
    ///
    /// # Errors
    /// It cannot be made, or is not empty.
    pub(super) fn make(&self) -> Result<(), LabError> {
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.0);
        made.map_err(|error| LabError::file(&self.0, error))?;
        let mut entries =
            std::fs::read_dir(&self.0).map_err(|error| LabError::file(&self.0, error))?;
        if entries.next().is_some() {
            return Err(LabError::NotEmpty(self.0.clone()));
        }
        Ok(())
    }

    /// Writes a file that only its owner may read.
    pub(super) fn write(path: &Path, text: &str) -> Result<(), LabError> {
        let written = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path)
            .and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(|error| LabError::file(path, error))
    }

    /// Notes in the log what goes wrong where nobody waits for an answer.
    pub(super) fn complain(&self, text: &str) {
        let log =
            std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(self.log());
        // A lab whose log cannot be written goes on.
        drop(log.and_then(|mut log| writeln!(log, "{text}")));
    }

    /// What the lab of this directory said of itself; `None` if there is none.
    ///
    /// # Errors
    /// It is there and cannot be read.
    pub fn described(&self) -> Result<Option<Description>, LabError> {
        let path = self.description();
        let text = match std::fs::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            text => text.map_err(|error| LabError::file(&path, error))?,
        };
        let parsed = serde_json::from_str(&text);
        parsed.map(Some).map_err(|error| LabError::file(&path, error.into()))
    }

    pub(super) fn describe(&self, description: &Description) -> Result<(), LabError> {
        let path = self.description();
        let text = serde_json::to_string_pretty(description)
            .map_err(|error| LabError::file(&path, error.into()))?;
        Self::write(&path, &text)
    }
}

impl Description {
    /// Whether the process that wrote it still runs.
    #[must_use]
    pub fn runs(&self) -> bool {
        started(self.process.0).as_ref() == Some(&self.process.1)
    }
}

/// When a process started, in ticks since the boot; `None` if there is none of that number.
#[must_use]
pub(super) fn started(process: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The second field is the program's name in brackets, and may hold anything.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(19).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn description(process: (u32, String)) -> Description {
        let node = DescribedNode {
            name: "cp1".to_owned(),
            control_plane: true,
            address: Ipv4Addr::new(127, 9, 9, 11),
            port: 2222,
            user: "root".to_owned(),
        };
        Description { process, version: "1.36.3".to_owned(), nodes: vec![node] }
    }

    #[test]
    fn what_is_described_is_read_again() {
        let home = tempfile::tempdir().unwrap();
        let place = Place::new(home.path().join("lab"));
        assert_eq!(place.described().unwrap(), None);
        place.make().unwrap();
        let own = std::process::id();
        let described = description((own, started(own).unwrap()));
        place.describe(&described).unwrap();
        assert_eq!(place.described().unwrap(), Some(described.clone()));
        assert!(described.runs());
        assert!(!description((own, "1".to_owned())).runs(), "the number of another process");
        Place::write(&home.path().join("lab/lab.json"), "{").unwrap();
        assert!(place.described().is_err());
    }

    #[test]
    fn a_directory_with_something_in_it_is_not_taken() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("thesis.txt"), "").unwrap();
        let refused = Place::new(home.path()).make();
        assert!(matches!(refused, Err(LabError::NotEmpty(_))), "{refused:?}");
    }
}
