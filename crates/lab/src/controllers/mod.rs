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
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// Between two passes at most, even if nothing has changed: some things happen because time has passed.
const TICK: Duration = Duration::from_secs(1);

/// Changes come in bursts; a pass waits so long for the rest. Real time.
const BURST: Duration = Duration::from_millis(5);

/// Passes that nothing has asked for come no more often. Real time.
const IDLE: Duration = Duration::from_millis(50);

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
            changed.mark_unchanged();
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
            tokio::time::sleep(BURST).await;
            // Whichever comes first; there is no third.
            drop(tokio::time::timeout(pace.at_least(TICK, IDLE), changed.changed()).await);
        }
    }))
}

#[cfg(test)]
mod tests;
