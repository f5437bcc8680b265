//! Playbooks over real SSH connections on the loopback, through the program as a person runs it.
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

mod background;
mod facts;
mod failing;
mod output;
mod rights;
mod secrets;
mod start_at;
mod working;
