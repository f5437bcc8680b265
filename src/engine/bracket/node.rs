//! One node in its bracket: taken (slot, record, cordon, drain), given back (ready, uncordon) or held.

use super::fleet::Fleet;
use super::options::{OnFailure, OnTimeout};
use crate::cluster::{
    Cancel, Cordoned, DrainError, DrainEvent, NodeInfo, ReadyOptions, Uncordoned, Workloads,
};
use crate::event::NodeStep;
use crate::journal::{Effect, Ended};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A node that we hold.
pub(super) struct Taken {
    /// The host.
    pub host: Arc<str>,
    /// The node as it was.
    pub node: NodeInfo,
    /// Agents that were not Ready on it before.
    known_unready: BTreeSet<String>,
}

/// What became of taking a node.
#[expect(clippy::large_enum_variant, reason = "one for each node, for a moment")]
pub(super) enum Took {
    /// It is empty.
    Empty(Taken),
    /// It is not: why. It may be held by us or not.
    Failed(String),
    /// Left as it was, by `on_timeout: skip`.
    Skipped(String),
}

impl Fleet<'_> {
    /// Cordons and empties a node that has its slot.
    pub(super) async fn take(&self, host: &Arc<str>, node: &NodeInfo) -> Took {
        let taken = match self.cordon(host, node).await {
            Ok(taken) => taken,
            Err(why) => {
                self.free(&node.name);
                return Took::Failed(why);
            }
        };
        match self.empty(&taken).await {
            Ok(()) => {
                self.tell(host, NodeStep::Drained);
                Took::Empty(taken)
            }
            Err((why, DrainEnd::GiveBack(became))) => match self.uncordon(&taken).await {
                Ok(()) => became(why),
                Err(problem) => {
                    self.hold(&taken, &format!("{why}; {problem}")).await;
                    Took::Failed(why)
                }
            },
            Err((why, DrainEnd::Hold)) => {
                self.fail(&taken, &why).await;
                Took::Failed(why)
            }
        }
    }

    /// Takes over a node that a run of ours left held and on which nothing is left to do.
    ///
    /// # Errors
    /// Why it cannot be taken over.
    pub(super) async fn take_over(
        &self,
        host: &Arc<str>,
        node: &NodeInfo,
    ) -> Result<Taken, String> {
        self.cordon(host, node).await
    }

    async fn cordon(&self, host: &Arc<str>, node: &NodeInfo) -> Result<Taken, String> {
        let known_unready =
            self.cluster.unready_agents(&node.name).await.map_err(|e| e.to_string())?;
        let effect = Effect::Cordon {
            cluster: self.identity.clone(),
            node: node.name.clone(),
            uid: node.uid.clone(),
            host: host.to_string(),
        };
        let receipt = self.run.effects.intend(effect).map_err(|d| d.to_string())?;
        let reason = format!("maintenance of play {:?}", self.playing.name);
        let cordoned =
            self.cluster.cordon(&receipt, &self.run.id, &reason, self.is_left_over(node)).await;
        let (ended, message) = match &cordoned {
            Ok(Cordoned::Ours) => (Ended::Done, String::new()),
            Ok(Cordoned::Before) => (Ended::NotNeeded, String::new()),
            Err(error) if error.is_transient() => (Ended::Unknown, error.to_string()),
            Err(error) => (Ended::Failed, error.to_string()),
        };
        self.run.effects.ended(receipt, ended, &message).map_err(|d| d.to_string())?;
        let before = cordoned.map_err(|e| e.to_string())? == Cordoned::Before;
        self.tell(host, NodeStep::Cordoned { before });
        Ok(Taken { host: Arc::clone(host), node: node.clone(), known_unready })
    }

    async fn empty(&self, taken: &Taken) -> Result<(), (String, DrainEnd)> {
        let effect =
            Effect::Drain { cluster: self.identity.clone(), node: taken.node.name.clone() };
        let receipt =
            self.run.effects.intend(effect).map_err(|d| (d.to_string(), DrainEnd::Hold))?;
        let drained = self
            .cluster
            .drain(&receipt, &self.options.drain, &self.cancel, &mut |e| self.progress(taken, e))
            .await;
        let (ended, message) = match &drained {
            Ok(_) => (Ended::Done, String::new()),
            Err(error) => (Ended::Unknown, error.to_string()),
        };
        self.run
            .effects
            .ended(receipt, ended, &message)
            .map_err(|d| (d.to_string(), DrainEnd::Hold))?;
        match drained {
            Ok(_) => Ok(()),
            Err(DrainError::TimedOut { remaining, .. })
                if self.options.on_timeout == OnTimeout::Delete =>
            {
                self.delete(taken, &remaining).await
            }
            Err(error @ DrainError::TimedOut { .. })
                if self.options.on_timeout == OnTimeout::Skip =>
            {
                Err((error.to_string(), DrainEnd::GiveBack(Took::Skipped)))
            }
            // Nothing was done on the host yet, and no pod has gone (or the run was asked to stop): the node is given back.
            Err(error @ DrainError::Cancelled(_)) => {
                Err((error.to_string(), DrainEnd::GiveBack(Took::Skipped)))
            }
            Err(error @ DrainError::Forbidden(_)) => {
                Err((error.to_string(), DrainEnd::GiveBack(Took::Failed)))
            }
            Err(error) => Err((error.to_string(), DrainEnd::Hold)),
        }
    }

    async fn delete(
        &self,
        taken: &Taken,
        remaining: &[(String, String)],
    ) -> Result<(), (String, DrainEnd)> {
        let effect = Effect::DeletePods {
            cluster: self.identity.clone(),
            node: taken.node.name.clone(),
            pods: remaining.iter().map(|(pod, _)| pod.clone()).collect(),
        };
        let receipt =
            self.run.effects.intend(effect).map_err(|d| (d.to_string(), DrainEnd::Hold))?;
        let deleted = self
            .cluster
            .delete_pods(&receipt, &self.options.drain, &self.cancel, &mut |e| {
                self.progress(taken, e);
            })
            .await;
        let (ended, message) = match &deleted {
            Ok(()) => (Ended::Done, String::new()),
            Err(error) => (Ended::Unknown, error.to_string()),
        };
        self.run
            .effects
            .ended(receipt, ended, &message)
            .map_err(|d| (d.to_string(), DrainEnd::Hold))?;
        deleted.map_err(|error| (error.to_string(), DrainEnd::Hold))
    }

    fn progress(&self, taken: &Taken, event: DrainEvent) {
        let step = match event {
            DrainEvent::Started { pods } => NodeStep::Draining { pods },
            DrainEvent::Blocked { pod, why, .. } => NodeStep::Blocked { pod, why },
            DrainEvent::Gone { pod } => NodeStep::Gone { pod },
            DrainEvent::Warning { pod, why } => {
                NodeStep::Gate { text: format!("{pod}: {why}"), passed: false }
            }
            DrainEvent::Detaching { volumes } => {
                NodeStep::Waiting(format!("volumes are still attached: {}", volumes.join(", ")))
            }
            _ => return,
        };
        self.tell(&taken.host, step);
    }

    /// Waits until the node is ready, and uncordons it if we cordoned it.
    ///
    /// # Errors
    /// Why it stays held.
    pub(super) async fn give_back(&self, taken: &Taken) -> Result<(), String> {
        let options = ReadyOptions {
            timeout: self.options.ready.timeout,
            stable: self.options.ready.stable,
            kubelet_version: None,
            daemonsets: self.options.ready.daemonsets,
            known_unready: taken.known_unready.clone(),
        };
        let mut waiting = |what: &str| self.tell(&taken.host, NodeStep::Waiting(what.to_owned()));
        // A run that is asked to stop closes its brackets; the wait has its own deadline, and a second signal ends it.
        let closing = Cancel::new();
        let ready = self
            .cluster
            .wait_ready(&taken.node.name, &taken.node.uid, &options, &closing, &mut waiting)
            .await;
        if let Err(error) = ready {
            let why = error.to_string();
            self.fail(taken, &why).await;
            return Err(why);
        }
        self.tell(&taken.host, NodeStep::Ready);
        match self.uncordon(taken).await {
            Ok(()) => Ok(()),
            Err(why) => {
                self.hold(taken, &why).await;
                Err(why)
            }
        }
    }

    async fn uncordon(&self, taken: &Taken) -> Result<(), String> {
        let effect = Effect::Uncordon {
            cluster: self.identity.clone(),
            node: taken.node.name.clone(),
            uid: taken.node.uid.clone(),
        };
        let receipt = self.run.effects.intend(effect).map_err(|d| d.to_string())?;
        let uncordoned = self.cluster.uncordon(&receipt, &self.run.id).await;
        let (ended, message) = match &uncordoned {
            Ok(Uncordoned::Now | Uncordoned::Already | Uncordoned::KeptCordoned) => {
                (Ended::Done, String::new())
            }
            Ok(Uncordoned::NotOurs { .. }) => {
                (Ended::NotNeeded, "the node is not held by this run".to_owned())
            }
            Err(error) => (Ended::Unknown, error.to_string()),
        };
        self.run.effects.ended(receipt, ended, &message).map_err(|d| d.to_string())?;
        match uncordoned.map_err(|e| e.to_string())? {
            Uncordoned::Now => self.tell(&taken.host, NodeStep::Uncordoned),
            Uncordoned::KeptCordoned => self.tell(&taken.host, NodeStep::Cordoned { before: true }),
            Uncordoned::Already | Uncordoned::NotOurs { .. } => {}
        }
        self.free(&taken.node.name);
        Ok(())
    }

    /// The work on a node failed: it is held, or given back if the play says so and it is Ready.
    pub(super) async fn fail(&self, taken: &Taken, why: &str) {
        if self.options.on_failure == OnFailure::Uncordon {
            let ready =
                matches!(self.cluster.node(&taken.node.name).await, Ok(Some(node)) if node.ready);
            if ready && self.uncordon(taken).await.is_ok() {
                return;
            }
        }
        self.hold(taken, why).await;
    }

    /// The node stays cordoned, and says why.
    async fn hold(&self, taken: &Taken, why: &str) {
        let effect = Effect::Hold {
            cluster: self.identity.clone(),
            node: taken.node.name.clone(),
            uid: taken.node.uid.clone(),
            reason: why.to_owned(),
        };
        // The cordon is on record already. If neither the annotation nor its record can be written, the report still
        // says what is held, and so does the next command.
        if let Ok(receipt) = self.run.effects.intend(effect) {
            let held = self.cluster.hold(&receipt, &self.run.id).await;
            let (ended, message) = match held {
                Ok(true) => (Ended::Done, String::new()),
                Ok(false) => (Ended::NotNeeded, "the node is not held by this run".to_owned()),
                Err(error) => (Ended::Unknown, error.to_string()),
            };
            if let Err(problem) = self.run.effects.ended(receipt, ended, &message) {
                self.run.fatal_journal(problem);
            }
        }
        self.tell(&taken.host, NodeStep::Held { reason: why.to_owned() });
    }
}

/// What happens to a node whose drain did not end well.
enum DrainEnd {
    /// Nothing was done on it: it is uncordoned, and became this.
    GiveBack(fn(String) -> Took),
    /// It is held.
    Hold,
}

/// Availability of all workloads, as a gate compares it.
pub(super) type Before = Option<Workloads>;
