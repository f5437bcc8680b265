//! What makes a cluster live: the controllers of kube-controller-manager and kube-scheduler that anybody here needs, and
//! the kubelets.
//!
//! The controllers are passes over the whole store, made again whenever something has changed and once a second; a pass
//! that finds everything as it should be changes nothing. That is slower than queues and cannot forget anything; a lab is
//! small.

mod daemonset;
mod deployment;
mod disruption;
mod event;
mod garbage;
mod kubelet;
mod namespace;
mod nodes;
mod pods;
mod replicaset;
mod revision;
mod schedule;
mod statefulset;
mod taint;

pub use kubelet::{KubeletView, StaticPod, kubelet};

use crate::fault::Faults;
use crate::pace::Pace;
use crate::store::Store;
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Between two passes at most, even if nothing has changed: some things happen because time has passed.
const TICK: Duration = Duration::from_secs(1);

/// Changes come in bursts; a pass waits so long for the rest. Real time.
const BURST: Duration = Duration::from_millis(2);

/// However fast time passes, nothing is looked at more often than this for its own sake. Real time.
const LEAST: Duration = Duration::from_millis(100);

/// Something that runs until this is dropped or stopped.
#[derive(Debug)]
pub struct Handle(JoinHandle<()>);

impl Handle {
    /// Ends it.
    pub async fn stop(mut self) {
        self.0.abort();
        // Cancelled, as wanted.
        drop((&mut self.0).await);
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Starts all controllers and the scheduler. A budget under the fault `budget-refuses` allows nothing.
#[must_use]
pub fn start(store: Arc<Store>, pace: Pace, faults: Arc<Faults>) -> Handle {
    Handle(tokio::spawn(async move {
        let mut nodes = nodes::Nodes::new(pace);
        let mut evictions = taint::Evictions::new(pace);
        let mut waiting = schedule::Waiting::default();
        let mut changed = store.subscribe();
        loop {
            let seen = store.revision();
            namespace::pass(&store);
            nodes.pass(&store);
            evictions.pass(&store);
            deployment::pass(&store);
            replicaset::pass(&store);
            statefulset::pass(&store);
            daemonset::pass(&store);
            schedule::pass(&store, &mut waiting);
            disruption::pass(&store, &faults);
            garbage::pass(&store);
            event::forget_old(&store);
            let deadline = Instant::now() + pace.at_least(TICK, LEAST);
            // Heartbeats are looked at when there is something else to do.
            let matters = |resource: &str, _: &Value| !matches!(resource, "leases" | "events");
            something(&store, &mut changed, seen, deadline, matters).await;
        }
    }))
}

/// Waits until something that matters has changed after a revision, or until a deadline.
async fn something(
    store: &Store,
    changed: &mut watch::Receiver<u64>,
    seen: u64,
    deadline: Instant,
    matters: impl Fn(&str, &Value) -> bool,
) {
    tokio::time::sleep(BURST).await;
    while !store.changed_since(seen, &matters) {
        if tokio::time::timeout_at(deadline.into(), changed.changed()).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests;
