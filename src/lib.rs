//! mainstay: an agentless fleet runner for cluster maintenance. ARCHITECTURE.md is the map.
//!
//! The rooms, in their order: a room uses rooms above it, never below.

// Tests make files and measure time, and a table of cases is as long as it has cases.
#![cfg_attr(
    test,
    allow(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        clippy::disallowed_methods,
        clippy::float_cmp,
        clippy::needless_pass_by_value,
        clippy::too_many_lines,
        clippy::unnecessary_wraps,
        reason = "tests"
    )
)]

pub mod clock;
pub mod settings;
pub mod journal;
pub mod transport;
pub mod cluster;
pub mod event;
pub mod modules;
pub mod upgrade;
pub mod engine;
pub mod report;
pub mod cli;
