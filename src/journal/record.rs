//! What is written. These types are the file format: core types do not appear in them.

use serde::{Deserialize, Serialize};

/// Format that is written: major, minor. A reader refuses another major version.
pub const FORMAT: (u32, u32) = (1, 1);

/// One lasting effect on a cluster or a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Effect {
    /// A node is made unschedulable by us.
    Cordon {
        /// Cluster identity (uid of the kube-system namespace).
        cluster: String,
        /// Node name.
        node: String,
        /// Node uid: a recreated node of the same name is another one.
        uid: String,
        /// Our host name for it.
        host: String,
    },
    /// A node that we cordoned is made schedulable again.
    Uncordon {
        /// As above.
        cluster: String,
        /// Node name.
        node: String,
        /// Node uid.
        uid: String,
    },
    /// A node is made unschedulable because a person asked for just that: it is theirs to give back, no run holds it.
    Unschedulable {
        /// As above.
        cluster: String,
        /// Node name.
        node: String,
        /// Node uid.
        uid: String,
        /// For other people.
        reason: Option<String>,
    },
    /// The reason why a node stays cordoned is written to it.
    Hold {
        /// As above.
        cluster: String,
        /// Node name.
        node: String,
        /// Node uid.
        uid: String,
        /// For the reader.
        reason: String,
    },
    /// Pods of a node are evicted.
    Drain {
        /// As above.
        cluster: String,
        /// Node name.
        node: String,
    },
    /// A pod is deleted without eviction (`on_timeout: delete`).
    DeletePods {
        /// As above.
        cluster: String,
        /// Node name.
        node: String,
        /// `namespace/name`
        pods: Vec<String>,
    },
    /// The cluster's lease is taken.
    Lease {
        /// As above.
        cluster: String,
    },
    /// The lease is given back.
    ReleaseLease {
        /// As above.
        cluster: String,
    },
    /// A host is rebooted.
    Reboot {
        /// Host.
        host: String,
    },
    /// A task that ran on a host (recorded without waiting for the disk unless it is disruptive).
    Task {
        /// Host.
        host: String,
        /// Stable path.
        path: String,
        /// Action name.
        action: String,
    },
    /// Of a later minor version of the format: it holds nothing that a reader of this one knows.
    #[serde(other)]
    Other,
}

/// One record of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Record {
    /// First record of a file.
    Header {
        /// Format, major.minor. A reader refuses another major version.
        version: (u32, u32),
        /// Run id.
        run: String,
        /// RFC 3339, UTC.
        started: String,
        /// The command line, secrets left out.
        arguments: Vec<String>,
        /// Process id and boot id of the controller, to tell whether the run is still alive.
        process: (u32, String),
    },
    /// An effect will be tried.
    Intent {
        /// Number of the intent in this run, from 1.
        id: u64,
        /// What.
        effect: Effect,
    },
    /// How an intended effect ended. An intent without one is unknown.
    Outcome {
        /// The intent.
        id: u64,
        /// Done, failed or never sent.
        result: Ended,
        /// Why, where it failed.
        message: String,
    },
    /// State of the run that later tasks depend on.
    Delta {
        /// Host; empty for the whole run.
        host: String,
        /// Stable path of the task.
        path: String,
        /// Item of the loop, from 0.
        item: Option<u64>,
        /// `register`, `facts`, `notify`, `add_host`, `group`, `stats`, `cursor`, `failed`, `unreachable`.
        kind: String,
        /// The change, as JSON; secrets replaced.
        data: serde_json::Value,
    },
    /// A node stays cordoned by us and why; closed by a later uncordon.
    Held {
        /// Cluster identity.
        cluster: String,
        /// Node name.
        node: String,
        /// For the reader.
        reason: String,
    },
    /// The run ended.
    End {
        /// Exit code.
        exit: u8,
    },
    /// Of a later minor version of the format.
    #[serde(other)]
    Other,
}

/// How an effect ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// It is done.
    Done,
    /// It failed and changed nothing that lasts.
    Failed,
    /// It was found done already, or not needed: nothing was sent.
    NotNeeded,
    /// It may or may not have happened.
    Unknown,
}
