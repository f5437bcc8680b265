//! The nodes of a play under maintenance: which host is which, how many may be out, who is.

use super::options::Options;
use crate::cluster::{Cancel, Cluster, HostIdentity, InUse, NodeInfo, map_hosts};
use crate::engine::playing::Playing;
use crate::engine::refused::Refused;
use crate::engine::run::Run;
use crate::engine::scope::HostScope;
use crate::event::{Event, NodeStep};
use futures::StreamExt;
use mainstay_language::diag::Diagnostic;
use mainstay_language::value::{Map, Scope, Value, string};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Between two looks at the cluster while a node waits for its slot.
const LOOK: Duration = Duration::from_secs(3);
/// A node waits at most this long for its slot.
const SLOT: Duration = Duration::from_secs(4 * 3600);

/// What every bracket of a play shares.
pub(super) struct Fleet<'a> {
    /// The run.
    pub run: &'a Run,
    /// The play.
    pub playing: &'a Arc<Playing>,
    /// `maintenance:`
    pub options: Options,
    /// The API.
    pub cluster: Arc<Cluster>,
    /// Its identity.
    pub identity: String,
    /// Node of each host.
    pub nodes: BTreeMap<String, NodeInfo>,
    /// Nodes that were cordoned when the play began.
    baseline: BTreeSet<String>,
    /// Nodes out at once.
    pub limit: usize,
    /// Failed or lost nodes after which no new one starts.
    failures_max: usize,
    /// Ends waits when the run is asked to stop.
    pub cancel: Cancel,
    moving: Mutex<Moving>,
}

#[derive(Default)]
struct Moving {
    /// Nodes that this run holds, or is about to.
    held: BTreeSet<String>,
    failures: usize,
}

impl<'a> Fleet<'a> {
    /// Connects, takes the lease, finds the node of every host.
    ///
    /// # Errors
    /// The API cannot be reached, another run holds it, or a host has no Node.
    pub(super) async fn gather(
        run: &'a Run,
        playing: &'a Arc<Playing>,
        options: Options,
        hosts: &[Arc<str>],
    ) -> Result<Self, Refused> {
        let cluster = run.api(playing).await?;
        let identity = cluster.identity().await?;
        let nodes = cluster.nodes().await?;
        let mapping = mapping(run, playing, &options, hosts, &nodes).await?;
        run.take_lease(&cluster).await?;
        let baseline = nodes
            .iter()
            .filter(|n| n.unschedulable && n.hold.is_none())
            .map(|n| n.name.clone())
            .collect();
        let limit = options.max_unavailable.of(mapping.len());
        let failures_max = match options.max_failures {
            crate::cluster::Limit::Nodes(0) | crate::cluster::Limit::Percent(0) => 0,
            other => other.of(mapping.len()),
        };
        Ok(Self {
            run,
            playing,
            options,
            cluster,
            identity,
            nodes: mapping,
            baseline,
            limit,
            failures_max,
            cancel: run.stop.clone(),
            moving: Mutex::default(),
        })
    }

    fn moving(&self) -> MutexGuard<'_, Moving> {
        self.moving.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the reports about a node.
    pub(super) fn tell(&self, host: &Arc<str>, step: NodeStep) {
        let node = self.nodes.get(&**host).map_or_else(|| host.to_string(), |n| n.name.clone());
        self.run.events.emit(Event::Node { host: Arc::clone(host), node, step });
    }

    /// A node failed or was lost.
    pub(super) fn count_failure(&self) {
        self.moving().failures += 1;
    }

    /// Whether new nodes may start.
    #[must_use]
    pub(super) fn may_start(&self) -> bool {
        self.moving().failures <= self.failures_max
            && !self.run.interrupted()
            && !self.run.cluster.lease_lost()
    }

    /// How many nodes failed or were lost.
    #[must_use]
    pub(super) fn failures(&self) -> usize {
        self.moving().failures
    }

    /// Whether a run of ours that has ended still holds this node: this run takes it over and closes its bracket.
    #[must_use]
    pub(super) fn is_left_over(&self, node: &NodeInfo) -> bool {
        node.hold.as_ref().is_some_and(|hold| self.run.cluster.place.dead_runs.contains(&hold.run))
    }

    /// Gives a slot back.
    pub(super) fn free(&self, node: &str) {
        self.moving().held.remove(node);
    }

    /// Whether a node has its slot.
    #[must_use]
    pub(super) fn has_slot(&self, node: &NodeInfo) -> bool {
        self.moving().held.contains(&node.name)
    }

    /// The node as it is now.
    ///
    /// # Errors
    /// The API cannot be read, or the node is another one.
    pub(super) async fn look(&self, node: &NodeInfo) -> Result<NodeInfo, String> {
        same(&self.cluster.nodes().await.map_err(|e| e.to_string())?, node)
    }

    /// Waits until this node may be taken as well, and gives it as it is now; the count is from a fresh read of the API
    /// each time.
    ///
    /// # Errors
    /// The API cannot be read, or the deadline passes: why the slot was not free.
    pub(super) async fn slot(&self, host: &Arc<str>, node: &NodeInfo) -> Result<NodeInfo, String> {
        let deadline = self.run.clock.monotonic() + SLOT;
        let mut told = String::new();
        loop {
            let nodes = self.cluster.nodes().await.map_err(|e| e.to_string())?;
            let now = same(&nodes, node)?;
            let refused = {
                let mut moving = self.moving();
                match InUse::count(&nodes, &moving.held, &self.baseline)
                    .admit(&node.name, self.limit)
                {
                    Ok(()) => {
                        moving.held.insert(node.name.clone());
                        return Ok(now);
                    }
                    Err(why) => why,
                }
            };
            if refused != told {
                self.tell(host, NodeStep::Waiting(refused.clone()));
                told.clone_from(&refused);
            }
            if self.run.interrupted() {
                return Err("the run was asked to stop".to_owned());
            }
            if self.run.clock.monotonic() >= deadline {
                return Err(format!("no slot was free for {} s: {refused}", SLOT.as_secs()));
            }
            tokio::select! {
                () = self.run.clock.sleep(LOOK) => {}
                () = self.cancel.cancelled() => {}
            }
        }
    }
}

/// The same node in a later list.
fn same(nodes: &[NodeInfo], node: &NodeInfo) -> Result<NodeInfo, String> {
    let now = nodes.iter().find(|n| n.name == node.name && n.uid == node.uid).cloned();
    now.ok_or_else(|| format!("node {} is gone, or was made anew", node.name))
}

/// The node of every host: by `node:`, or by what the host says about itself.
async fn mapping(
    run: &Run,
    playing: &Arc<Playing>,
    options: &Options,
    hosts: &[Arc<str>],
    nodes: &[NodeInfo],
) -> Result<BTreeMap<String, NodeInfo>, Refused> {
    let by_name = |name: &str| nodes.iter().find(|n| n.name == name).cloned();
    let names: BTreeMap<String, String> = match &options.node {
        Some(raw) => {
            let mut names = BTreeMap::new();
            for host in hosts {
                let scope: Arc<dyn Scope> = HostScope::of_play(&run.world, playing, host);
                let value = run
                    .templar
                    .render(raw, &scope, &playing.site())
                    .map_err(|e| Refused::guard(*e.diagnostic))?;
                names.insert(host.to_string(), string(&value));
            }
            names
        }
        None => {
            let identities = run.identities(playing, hosts).await?;
            map_hosts(&identities, nodes).map_err(|e| {
                Refused::guard(Diagnostic::error(e.to_string()).at(&playing.play.lineage.place))
            })?
        }
    };
    let mut mapped = BTreeMap::new();
    for (host, node) in names {
        let Some(info) = by_name(&node) else {
            let message = format!("host {host}: there is no node {node:?} in the cluster");
            return Err(Refused::guard(Diagnostic::error(message).at(&playing.play.lineage.place)));
        };
        mapped.insert(host, info);
    }
    Ok(mapped)
}

impl Run {
    /// What hosts say about themselves, in one round trip each. A host that cannot be asked is known by its name and
    /// address alone: the play will find it unreachable.
    ///
    /// # Errors
    /// What is written about a host cannot be rendered.
    pub async fn identities(
        &self,
        playing: &Arc<Playing>,
        hosts: &[Arc<str>],
    ) -> Result<Vec<HostIdentity>, Refused> {
        let mut work = futures::stream::iter(hosts)
            .map(|host| async move { self.identity(playing, host).await })
            .buffered(self.options.forks.max(1));
        let mut identities = Vec::new();
        while let Some(identity) = work.next().await {
            identities.push(identity.map_err(Refused::guard)?);
        }
        Ok(identities)
    }

    async fn identity(
        &self,
        playing: &Arc<Playing>,
        host: &Arc<str>,
    ) -> Result<HostIdentity, Diagnostic> {
        const SCRIPT: &str =
            "uname -n; cat /etc/machine-id 2>/dev/null || echo; hostname -I 2>/dev/null || true";
        let mut identity = HostIdentity { name: host.to_string(), ..HostIdentity::default() };
        let scope: Arc<dyn Scope> = HostScope::bare(&self.world, host);
        if let Some(raw) = scope.get("ansible_host")
            && let Ok(value) = self.templar.render(&raw, &scope, &playing.site())
            && !matches!(value, Value::Null | Value::Omit)
        {
            identity.addresses.push(string(&value));
        }
        if let Ok(reached) = self.host_as_root(playing, host)?
            && let Ok(output) = reached.script(SCRIPT).await
        {
            let text = output.stdout.text();
            let mut lines = text.lines();
            identity.hostname = lines.next().map(|l| l.trim().to_owned()).filter(|l| !l.is_empty());
            identity.machine_id =
                lines.next().map(|l| l.trim().to_owned()).filter(|l| !l.is_empty());
            identity
                .addresses
                .extend(lines.next().unwrap_or_default().split_whitespace().map(str::to_owned));
        }
        Ok(identity)
    }
}

/// The variable `mainstay_node` of a host in a bracket: its node as it was when it got its slot.
#[must_use]
pub(super) fn node_variables(node: &NodeInfo) -> Map {
    let mut map = Map::new();
    map.insert("name", node.name.as_str());
    map.insert("kubelet_version", node.kubelet_version.as_str());
    map.insert("ready", node.ready);
    map.insert("unschedulable", node.unschedulable);
    map
}
