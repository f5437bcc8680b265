//! The whole product against a lab: real SSH, a Kubernetes API, nodes whose tools are played.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "tests"
)]

#[path = "../support/mod.rs"]
mod support;

mod drain;
mod faults;
mod interrupt;
mod trial;
mod upgrade;
