//! What an API server does, as a list of behaviours. Each is asked for over HTTPS with a kubeconfig: by default the lab's
//! own server, one for each behaviour; with `MAINSTAY_TEST_KUBECONFIG` that of any cluster made for tests, so that the lab
//! claims nothing that a real one does not do (`tests/real/run api`).
//!
//! The controllers `disruption`, `replicaset`, `deployment`, `daemonset`, `namespace` and the garbage collector must run;
//! no scheduler and no kubelet is needed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests may fail loudly"
)]
#![allow(missing_docs, unreachable_pub, reason = "tests: a behaviour says what it is by its name")]

mod support;

mod budgets;
mod controllers;
mod deleting;
mod evicting;
mod listing;
mod patching;
mod serving;
mod validating;
mod watching;
mod writing;
