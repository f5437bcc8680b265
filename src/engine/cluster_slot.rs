//! The Kubernetes API of a run: where it is, connected on first use, and the lease that goes with it.

use super::playing::Playing;
use super::refused::Refused;
use super::run::Run;
use super::task::Doing;
use crate::cluster::{
    Cluster, ClusterAccess, ClusterError, HeldLease, LeaseHolder, Master, TakeOver,
};
use crate::journal::{Effect, Ended};
use crate::transport::{Host, TransportError};
use futures::StreamExt;
use mainstay_language::diag::{Diagnostic, Source};
use mainstay_language::playbook::{Action, BlockKind, Keywords, Lineage, Play, Task};
use mainstay_language::value::{Map, Value};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Groups that hold the control planes in the inventories that people have; the first that exists counts.
const CONTROL_PLANE_GROUPS: [&str; 8] = [
    "control_plane",
    "kube_control_plane",
    "control-plane",
    "kube-control-plane",
    "masters",
    "kube_master",
    "kube-master",
    "master",
];

/// Where the user said the API is.
#[derive(Debug, Clone, Default)]
pub struct Where {
    /// `--kubeconfig`, `K8S_AUTH_KUBECONFIG`, `KUBECONFIG`: files; none = through the control planes.
    pub kubeconfig: Vec<PathBuf>,
    /// `--context`
    pub context: Option<String>,
    /// Who holds the lease: `user@controller`.
    pub who: String,
    /// RFC 3339.
    pub started: String,
    /// Runs of this controller that have ended without giving everything back: their lease and their nodes may be
    /// taken over.
    pub dead_runs: Vec<String>,
    /// `--take-over`: a lease of somebody else's that is not renewed any more may be taken.
    pub take_silent: bool,
}

/// A place for the API of the run.
#[derive(Default)]
pub struct ClusterSlot {
    /// Where it is.
    pub place: Where,
    connected: Mutex<Option<Arc<Cluster>>>,
    lease: Mutex<Option<HeldLease>>,
}

impl ClusterSlot {
    /// Not connected yet.
    #[must_use]
    pub fn new(place: Where) -> Self {
        Self { place, ..Self::default() }
    }

    /// The API, if it is connected.
    #[must_use]
    pub fn get(&self) -> Option<Arc<Cluster>> {
        self.connected.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, cluster: &Arc<Cluster>) {
        *self.connected.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(cluster));
    }

    /// Whether the lease was taken and is lost.
    #[must_use]
    pub fn lease_lost(&self) -> bool {
        let lease = self.lease.lock().unwrap_or_else(PoisonError::into_inner);
        lease.as_ref().is_some_and(|lease| lease.lost().is_cancelled())
    }
}

impl Run {
    /// The API, connected: by kubeconfig, or through the control planes' own SSH connections.
    ///
    /// # Errors
    /// Nothing says where the API is, or what says it cannot be used.
    pub async fn api(&self, playing: &Arc<Playing>) -> Result<Arc<Cluster>, Refused> {
        if let Some(cluster) = self.cluster.get() {
            return Ok(cluster);
        }
        let place = &self.cluster.place;
        let access = if place.kubeconfig.is_empty() {
            ClusterAccess::ThroughMasters(self.masters(playing).await?)
        } else {
            ClusterAccess::Kubeconfig {
                files: place.kubeconfig.clone(),
                context: place.context.clone(),
            }
        };
        let cluster = Arc::new(Cluster::connect(access, Arc::clone(&self.clock)).await?);
        self.cluster.set(&cluster);
        Ok(cluster)
    }

    /// Hosts with an admin.conf: of the control-plane group if the inventory has one, of all hosts otherwise.
    async fn masters(&self, playing: &Arc<Playing>) -> Result<Vec<Master>, Refused> {
        let candidates = self.master_candidates();
        let mut work = futures::stream::iter(&candidates)
            .map(|host| async move {
                match self.host_as_root(playing, host).await? {
                    Ok(host) => Ok(Master::read(&host).await),
                    Err(error) => {
                        Ok(Err(ClusterError::Unreachable(vec![format!("{host}: {error}")])))
                    }
                }
            })
            .buffered(self.options.forks.max(1));
        let mut masters = Vec::new();
        let mut problems = Vec::new();
        while let Some(found) = work.next().await {
            let found: Result<Master, ClusterError> =
                found.map_err(|d: Diagnostic| Refused::guard(d))?;
            match found {
                Ok(master) => masters.push(master),
                Err(error) => problems.push(error.to_string()),
            }
        }
        if masters.is_empty() {
            let message = format!("no control plane can be asked: {}", problems.join("; "));
            return Err(Refused::guard(Diagnostic::error(message).hint(
                "give a kubeconfig with --kubeconfig, or put the control planes into the group control_plane",
            )));
        }
        Ok(masters)
    }

    fn master_candidates(&self) -> Vec<Arc<str>> {
        let inventory = self.world.inventory();
        for group in CONTROL_PLANE_GROUPS {
            let hosts = inventory.group_hosts(group);
            if !hosts.is_empty() {
                return hosts.to_vec();
            }
        }
        inventory.hosts().map(|host| Arc::clone(host.name())).collect()
    }

    /// A host outside of any task, with root's rights.
    pub(super) async fn host_as_root(
        &self,
        playing: &Arc<Playing>,
        host: &Arc<str>,
    ) -> Result<Result<Host, TransportError>, Diagnostic> {
        let task = own_task(playing, true);
        let doing = Doing::new(self, playing, &task, host, "", "");
        let scope = doing.scope(&Map::new());
        doing.connect(&scope, None, false).await.map_err(|problem| *problem.0)
    }

    /// Takes the cluster's lease for this run, once.
    ///
    /// # Errors
    /// Another run holds it, the API refuses, or the journal cannot be written.
    pub async fn take_lease(&self, cluster: &Cluster) -> Result<(), Refused> {
        if self.cluster.lease.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
            return Ok(());
        }
        let identity = cluster.identity().await?;
        let receipt =
            self.effects.intend(Effect::Lease { cluster: identity }).map_err(Refused::journal)?;
        let place = &self.cluster.place;
        let holder = LeaseHolder {
            run: self.id.to_string(),
            who: place.who.clone(),
            started: place.started.clone(),
        };
        let take_over = if place.take_silent {
            TakeOver::Silent
        } else {
            TakeOver::DeadRuns(place.dead_runs.clone())
        };
        match cluster.acquire_lease(&receipt, holder, &take_over).await {
            Ok(lease) => {
                self.effects.ended(receipt, Ended::Done, "").map_err(Refused::journal)?;
                *self.cluster.lease.lock().unwrap_or_else(PoisonError::into_inner) = Some(lease);
                Ok(())
            }
            Err(error) => {
                let ended = if matches!(error, ClusterError::Held { .. }) {
                    Ended::Failed
                } else {
                    Ended::Unknown
                };
                self.effects.ended(receipt, ended, &error.to_string()).map_err(Refused::journal)?;
                Err(error.into())
            }
        }
    }

    /// Gives the lease back, if it was taken.
    ///
    /// # Errors
    /// The API or the journal refuses; the lease falls silent then.
    pub async fn give_lease_back(&self) -> Result<(), Refused> {
        let lease = self.cluster.lease.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (Some(lease), Some(cluster)) = (lease, self.cluster.get()) else { return Ok(()) };
        let identity = cluster.identity().await?;
        let receipt = self
            .effects
            .intend(Effect::ReleaseLease { cluster: identity })
            .map_err(Refused::journal)?;
        let released = lease.release(&receipt).await;
        let (ended, message) = match &released {
            Ok(()) => (Ended::Done, String::new()),
            Err(error) => (Ended::Unknown, error.to_string()),
        };
        self.effects.ended(receipt, ended, &message).map_err(Refused::journal)?;
        Ok(released?)
    }
}

/// A play without tasks, for commands that ask hosts outside of any playbook.
#[must_use]
pub fn own_play(run: &Run) -> Arc<Playing> {
    let place = Source::new("<command>", "").start();
    let lineage = Arc::new(Lineage {
        keywords: Keywords::default(),
        kind: BlockKind::Play,
        parent: None,
        place,
        derived: OnceLock::new(),
    });
    let directory = run.outside.directory();
    let play = Play {
        lineage,
        hosts: Value::text("all"),
        only: indexmap::IndexMap::new(),
        vars_prompt: Vec::new(),
        sections: [Vec::new(), Vec::new(), Vec::new()],
        handlers: Vec::new(),
        roles: Vec::new(),
        maintenance: None,
        file: directory.clone(),
        directory,
    };
    Playing::new(&Arc::new(play), 0, String::new(), Map::new(), Vec::new())
}

/// A task of the engine's own in a play: only its keywords matter.
pub(super) fn own_task(playing: &Arc<Playing>, root: bool) -> Arc<Task> {
    let mut keywords = Keywords::default();
    if root {
        keywords.simple.insert("become", Value::Bool(true));
    }
    let lineage = Arc::new(Lineage {
        keywords,
        kind: BlockKind::Task,
        parent: Some(Arc::clone(&playing.play.lineage)),
        place: playing.play.lineage.place.clone(),
        derived: OnceLock::new(),
    });
    let action = Action::Module {
        written: "command".to_owned(),
        name: "command".to_owned(),
        args: Value::Map(Map::new()),
    };
    Arc::new(Task::plain(lineage, action))
}
