//! A lab: its directory, its nodes, how it starts and how it ends.

mod addresses;
mod client;
mod database;
mod end;
mod error;
mod files;
mod node;
mod pki;
mod place;
mod plant;
mod power;
mod programs;
mod sample;
mod view;

pub use end::{end, remove};
pub use error::LabError;
pub use place::{DescribedNode, Description, Place};

use crate::controllers;
use crate::fault::{Fault, Faults};
use crate::node::Site;
use crate::pace::Pace;
use crate::ssh::PrivateKey;
use crate::store::Store;
use node::{Common, Node};
use power::Power;
use semver::Version;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// What a lab is to be.
#[derive(Debug, Clone)]
pub struct Config {
    /// Its directory, which is not there yet or empty.
    pub place: Place,
    /// The program whose `main` calls [`crate::entry`] first: it plays the nodes' tools.
    pub player: PathBuf,
    /// At least 1.
    pub control_planes: u8,
    /// Any number that addresses suffice for.
    pub workers: u8,
    /// Of Kubernetes, at first.
    pub version: Version,
    /// How fast time passes.
    pub pace: Pace,
    /// What goes wrong from the beginning.
    pub faults: Vec<Fault>,
}

/// A lab that runs. Ended by [`Lab::stop`]; dropped, its processes end with this one.
pub struct Lab {
    common: Arc<Common>,
    site: Arc<Site>,
    nodes: Arc<[Node]>,
    power: Arc<Power>,
    /// Controllers and kubelets.
    alive: Vec<controllers::Handle>,
    version: Version,
}

/// How long the nodes may take to be ready.
const READY: Duration = Duration::from_secs(60);

impl Lab {
    /// Starts a cluster and waits until its nodes are ready. What a start that fails has made is removed.
    ///
    /// # Errors
    /// The machine does not let nodes be kept apart, the shape is none, the directory is not empty, a node does not
    /// start.
    pub async fn start(config: Config) -> Result<Self, LabError> {
        config.place.make()?;
        let (place, player) = (config.place.clone(), config.player.clone());
        let started = plant::start(config).await;
        let failed = match started {
            Ok(lab) => match lab.settled(READY).await {
                Ok(()) => return Ok(lab),
                Err(error) => {
                    lab.halt().await;
                    error
                }
            },
            Err(error) => error,
        };
        remove(&place, &player).await?;
        Err(failed)
    }

    /// Ends every process and removes the directory.
    ///
    /// # Errors
    /// Something in the directory cannot be removed.
    pub async fn stop(self) -> Result<(), LabError> {
        let (place, player) = (self.common.place.clone(), self.common.player.clone());
        self.halt().await;
        remove(&place, &player).await
    }

    async fn halt(self) {
        self.power.end();
        for handle in self.alive {
            handle.stop().await;
        }
        for node in self.nodes.iter() {
            node.off().await;
        }
    }

    /// Where its files are.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.common.place
    }

    /// Its nodes, control planes first.
    pub fn nodes(&self) -> impl Iterator<Item = &DescribedNode> {
        self.nodes.iter().map(|node| &node.described)
    }

    /// The objects of the cluster.
    #[must_use]
    pub fn store(&self) -> &Arc<Store> {
        &self.common.store
    }

    /// What goes wrong, now.
    #[must_use]
    pub fn faults(&self) -> &Arc<Faults> {
        &self.common.faults
    }

    /// The machines.
    #[must_use]
    pub fn site(&self) -> &Arc<Site> {
        &self.site
    }

    fn node(&self, name: &str) -> Result<&Node, LabError> {
        let found = self.nodes.iter().find(|node| node.described.name == name);
        found.ok_or_else(|| LabError::Shape(format!("the lab has no node {name:?}")))
    }

    /// Pulls the plug of a node: its connections end without a word.
    ///
    /// # Errors
    /// There is no such node.
    pub async fn kill(&self, name: &str) -> Result<(), LabError> {
        self.node(name)?.off().await;
        Ok(())
    }

    /// Switches a node on again.
    ///
    /// # Errors
    /// There is no such node, or it does not start.
    pub async fn switch_on(&self, name: &str) -> Result<(), LabError> {
        self.node(name)?.on(&self.common, &self.site).await
    }

    /// Gives a node another host key, from the next connection on. `known_hosts` is left as it is.
    ///
    /// # Errors
    /// There is no such node.
    pub async fn change_host_key(&self, name: &str) -> Result<(), LabError> {
        let key = plant::new_key()?;
        self.node(name)?.change_host_key(key).await;
        Ok(())
    }

    /// Waits until every API server answers, every node is ready and every Deployment and DaemonSet has what it wants.
    ///
    /// # Errors
    /// It is not so in time.
    pub async fn settled(&self, within: Duration) -> Result<(), LabError> {
        sample::settled(&self.site, self.store(), within).await
    }

    /// Applies a Deployment `web` of four pods and a PodDisruptionBudget that wants three of them.
    ///
    /// # Errors
    /// They are there already.
    pub fn deploy_sample(&self) -> Result<(), LabError> {
        sample::deploy(self.store())
    }

    /// The nodes, a line each: name, role, state, kubelet, pods.
    #[must_use]
    pub fn table(&self) -> String {
        sample::table(self.store())
    }
}

impl From<crate::store::Status> for LabError {
    fn from(status: crate::store::Status) -> Self {
        Self::System { what: "the API".to_owned(), source: std::io::Error::other(status.message) }
    }
}

/// As [`PrivateKey`], of ed25519.
type Key = PrivateKey;
