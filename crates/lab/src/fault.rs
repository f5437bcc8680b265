//! What can be made to go wrong. A fault is a standing condition: it holds until it is taken back or, where it says
//! "once", until it has struck. What is done at one moment (a node killed, rebooted, given another host key) is a method
//! of the lab instead.

use std::str::FromStr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// One thing that goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// `NODE:cut-bytes=N`: the node's SSH server closes a connection, without a word, after it has sent this many bytes. Once.
    CutBytes {
        /// The node.
        node: String,
        /// Bytes sent by the server, from the first of its banner on.
        bytes: u64,
    },
    /// `NODE:cut-exec=N`: the connection is closed as soon as the n-th command of the node (from 1, counted over all
    /// connections) was started; the command goes on. Once.
    CutExec {
        /// The node.
        node: String,
        /// From 1.
        nth: u64,
    },
    /// `NODE:delay=MS`: every packet to and from the node takes this much longer.
    Delay {
        /// The node.
        node: String,
        /// One way.
        by: Duration,
    },
    /// `NODE:disk-full`: the node has no free space: what its tools write fails with "No space left on device".
    DiskFull {
        /// The node.
        node: String,
    },
    /// `NODE:dpkg-lock`: another process holds dpkg's lock.
    DpkgLock {
        /// The node.
        node: String,
    },
    /// `NODE:kubeadm-fail=PHASE`: this phase of kubeadm fails (`preflight`, `etcd`, `control-plane`, `upload-config`,
    /// `kubelet-config`, `addons`).
    KubeadmFail {
        /// The node.
        node: String,
        /// Name of the phase.
        phase: String,
    },
    /// `NODE:kubeadm-hang=PHASE`: this phase never ends.
    KubeadmHang {
        /// The node.
        node: String,
        /// Name of the phase.
        phase: String,
    },
    /// `NODE:kubelet-broken`: the kubelet exits as soon as it is started.
    KubeletBroken {
        /// The node.
        node: String,
    },
    /// `NODE:etcd-unhealthy`: the node's etcd member does not answer health checks.
    EtcdUnhealthy {
        /// The node.
        node: String,
    },
    /// `NODE:api-down`: the API server of this control plane answers nobody.
    ApiDown {
        /// The node.
        node: String,
    },
    /// `NODE:clock=SECONDS`: the node's clock is wrong by this much, ahead if positive.
    Clock {
        /// The node.
        node: String,
        /// Ahead of the true time.
        seconds: i64,
    },
    /// `budget-refuses=NAMESPACE/NAME`: this PodDisruptionBudget allows no disruption whatever runs.
    BudgetRefuses {
        /// `NAMESPACE/NAME`.
        budget: String,
    },
    /// `webhook-denies=NAMESPACE`: an admission webhook denies every eviction in this namespace.
    WebhookDenies {
        /// The namespace.
        namespace: String,
    },
    /// `eviction-conflicts=N`: the next N evictions are answered with 409.
    EvictionConflicts {
        /// How many are left.
        left: u32,
    },
}

/// A text that names no fault.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is no fault: expected {FORMS}")]
pub struct UnknownFault(String);

const FORMS: &str = "NODE:cut-bytes=N, NODE:cut-exec=N, NODE:delay=MS, NODE:disk-full, NODE:dpkg-lock, NODE:kubeadm-fail=PHASE, \
     NODE:kubeadm-hang=PHASE, NODE:kubelet-broken, NODE:etcd-unhealthy, NODE:api-down, NODE:clock=SECONDS, \
     budget-refuses=NAMESPACE/NAME, webhook-denies=NAMESPACE or eviction-conflicts=N";

impl FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(text: &str) -> Result<Self, UnknownFault> {
        let unknown = || UnknownFault(text.to_owned());
        let (node, rest) = match text.split_once(':') {
            Some((node, rest)) => (Some(node.to_owned()), rest),
            None => (None, text),
        };
        let (word, value) = match rest.split_once('=') {
            Some((word, value)) => (word, Some(value)),
            None => (rest, None),
        };
        let number = || value.and_then(|value| value.parse().ok()).ok_or_else(unknown);
        Ok(match (node, word, value) {
            (Some(node), "cut-bytes", _) => Self::CutBytes { node, bytes: number()? },
            (Some(node), "cut-exec", _) => Self::CutExec { node, nth: number()? },
            (Some(node), "delay", _) => Self::Delay { node, by: Duration::from_millis(number()?) },
            (Some(node), "disk-full", None) => Self::DiskFull { node },
            (Some(node), "dpkg-lock", None) => Self::DpkgLock { node },
            (Some(node), "kubeadm-fail", Some(phase)) => {
                Self::KubeadmFail { node, phase: phase.to_owned() }
            }
            (Some(node), "kubeadm-hang", Some(phase)) => {
                Self::KubeadmHang { node, phase: phase.to_owned() }
            }
            (Some(node), "kubelet-broken", None) => Self::KubeletBroken { node },
            (Some(node), "etcd-unhealthy", None) => Self::EtcdUnhealthy { node },
            (Some(node), "api-down", None) => Self::ApiDown { node },
            (Some(node), "clock", Some(seconds)) => {
                Self::Clock { node, seconds: seconds.parse().map_err(|_| unknown())? }
            }
            (None, "budget-refuses", Some(budget)) if budget.contains('/') => {
                Self::BudgetRefuses { budget: budget.to_owned() }
            }
            (None, "webhook-denies", Some(namespace)) => {
                Self::WebhookDenies { namespace: namespace.to_owned() }
            }
            (None, "eviction-conflicts", Some(left)) => {
                Self::EvictionConflicts { left: left.parse().map_err(|_| unknown())? }
            }
            _ => return Err(unknown()),
        })
    }
}

/// The faults of a lab. Every room asks it at the moment at which it matters.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Vec<Fault>>);

impl Faults {
    /// From now on this goes wrong.
    pub fn add(&self, fault: Fault) {
        self.lock().push(fault);
    }

    /// What a test of a fault makes of the first that it knows; nothing if it knows none.
    pub fn find<T>(&self, knows: impl FnMut(&Fault) -> Option<T>) -> Option<T> {
        self.lock().iter().find_map(knows)
    }

    /// As [`Faults::find`]; the fault that is found has struck and is gone.
    pub fn take<T>(&self, mut knows: impl FnMut(&Fault) -> Option<T>) -> Option<T> {
        let mut faults = self.lock();
        let (at, found) =
            faults.iter().enumerate().find_map(|(at, fault)| Some((at, knows(fault)?)))?;
        faults.remove(at);
        Some(found)
    }

    /// Keeps only the faults for which this is true. What remains is changed in place by `change`.
    pub fn retain(&self, change: impl FnMut(&mut Fault) -> bool) {
        self.lock().retain_mut(change);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Fault>> {
        // Whoever panicked while holding it left a whole list.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read() {
        for form in FORMS.split([',', ' ']).filter(|word| word.contains([':', '='])) {
            let text = form
                .replace("NODE", "w1")
                .replace("NAMESPACE/NAME", "default/web")
                .replace("=NAMESPACE", "=default")
                .replace("=N", "=3")
                .replace("MS", "20")
                .replace("SECONDS", "-90")
                .replace("PHASE", "etcd");
            assert!(text.parse::<Fault>().is_ok(), "{text}");
        }
    }

    #[test]
    fn others_are_refused_by_name() {
        for text in
            ["w1:explode", "cut-bytes=3", "w1:cut-bytes=x", "w1:disk-full=1", "budget-refuses=web"]
        {
            let error = text.parse::<Fault>().unwrap_err();
            assert!(error.to_string().starts_with(&format!("`{text}` is no fault")), "{error}");
        }
    }

    #[test]
    fn what_strikes_once_is_gone() {
        let faults = Faults::default();
        faults.add(Fault::CutExec { node: "w1".to_owned(), nth: 1 });
        let cut = |fault: &Fault| matches!(fault, Fault::CutExec { .. }).then_some(());
        assert_eq!(faults.find(cut), Some(()));
        assert_eq!(faults.take(cut), Some(()));
        assert_eq!(faults.take(cut), None);
    }
}
