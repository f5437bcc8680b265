//! A journal's records folded into what they mean now. Pure.

use super::{Effect, Ended, Record};
use std::collections::BTreeMap;

/// A node that a run of ours cordoned, or may have, and has not given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldNode {
    /// Cluster identity.
    pub cluster: String,
    /// Node name.
    pub node: String,
    /// Node uid.
    pub uid: String,
    /// Our host name for it.
    pub host: String,
    /// The run that cordoned it.
    pub run: String,
    /// The cordon is known to have happened; otherwise the cluster must be asked.
    pub certain: bool,
    /// Why it is held, if the run said so.
    pub reason: Option<String>,
}

/// What a run's records say.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct State {
    /// Run id.
    pub run: String,
    /// RFC 3339.
    pub started: String,
    /// Command line.
    pub arguments: Vec<String>,
    /// Process id and boot id of the controller.
    pub process: (u32, String),
    /// Nodes that are held, by cluster, node and uid.
    pub held: BTreeMap<(String, String, String), HeldNode>,
    /// Clusters whose lease is taken, or may be; a run takes each at most once.
    pub leases: Vec<String>,
    /// Intents without an outcome, or whose outcome is unknown, by number.
    pub unknown: BTreeMap<u64, Effect>,
    /// Highest number of an intent.
    pub last_id: u64,
    /// Exit code, if the run ended.
    pub exit: Option<u8>,
}

/// Folds records in their order.
#[must_use]
pub fn fold(records: &[Record]) -> State {
    let mut state = State::default();
    for record in records {
        state.apply(record);
    }
    state
}

impl State {
    /// One more record.
    pub fn apply(&mut self, record: &Record) {
        match record {
            Record::Header { run, started, arguments, process, .. } => {
                self.run.clone_from(run);
                self.started.clone_from(started);
                self.arguments.clone_from(arguments);
                self.process.clone_from(process);
            }
            Record::Intent { id, effect } => {
                self.last_id = self.last_id.max(*id);
                self.unknown.insert(*id, effect.clone());
                self.exit = None; // resumed
                self.intended(effect);
            }
            Record::Outcome { id, result, .. } => {
                let Some(effect) = self.unknown.get(id).cloned() else { return };
                if *result != Ended::Unknown {
                    self.unknown.remove(id);
                }
                self.ended(&effect, *result);
            }
            Record::Held { cluster, node, reason } => {
                for held in self.held.values_mut() {
                    if held.cluster == *cluster && held.node == *node {
                        held.reason = Some(reason.clone());
                    }
                }
            }
            Record::End { exit } => self.exit = Some(*exit),
            Record::Delta { .. } | Record::Other => {}
        }
    }

    fn intended(&mut self, effect: &Effect) {
        match effect {
            Effect::Cordon { cluster, node, uid, host } => {
                let held = HeldNode {
                    cluster: cluster.clone(),
                    node: node.clone(),
                    uid: uid.clone(),
                    host: host.clone(),
                    run: self.run.clone(),
                    certain: false,
                    reason: None,
                };
                self.held.entry(key(cluster, node, uid)).or_insert(held);
            }
            Effect::Hold { cluster, node, uid, reason } => {
                if let Some(held) = self.held.get_mut(&key(cluster, node, uid)) {
                    held.reason = Some(reason.clone());
                }
            }
            Effect::Lease { cluster } if !self.leases.contains(cluster) => {
                self.leases.push(cluster.clone());
            }
            _ => {}
        }
    }

    fn ended(&mut self, effect: &Effect, result: Ended) {
        match (effect, result) {
            (Effect::Cordon { cluster, node, uid, .. }, Ended::Done) => {
                if let Some(held) = self.held.get_mut(&key(cluster, node, uid)) {
                    held.certain = true;
                }
            }
            // A cordon that failed or was not needed leaves what an earlier one of this run did.
            (Effect::Cordon { cluster, node, uid, .. }, Ended::Failed | Ended::NotNeeded) => {
                let key = key(cluster, node, uid);
                let other = self.unknown.values().any(|e| e == effect);
                if !other && self.held.get(&key).is_some_and(|held| !held.certain) {
                    self.held.remove(&key);
                }
            }
            (Effect::Uncordon { cluster, node, uid }, Ended::Done | Ended::NotNeeded) => {
                self.held.remove(&key(cluster, node, uid));
                self.forget_cordons(cluster, node, uid);
            }
            (Effect::Lease { cluster }, Ended::Failed | Ended::NotNeeded)
            | (Effect::ReleaseLease { cluster }, Ended::Done | Ended::NotNeeded) => {
                self.leases.retain(|c| c != cluster);
            }
            _ => {}
        }
    }

    /// A cordon whose outcome was unknown is settled by the uncordon that followed it.
    fn forget_cordons(&mut self, cluster: &str, node: &str, uid: &str) {
        self.unknown.retain(|_, effect| {
            !matches!(effect, Effect::Cordon { cluster: c, node: n, uid: u, .. }
                if c == cluster && n == node && u == uid)
        });
    }
}

fn key(cluster: &str, node: &str, uid: &str) -> (String, String, String) {
    (cluster.to_owned(), node.to_owned(), uid.to_owned())
}
