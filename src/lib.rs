//! mainstay: an agentless fleet runner for cluster maintenance. ARCHITECTURE.md is the map.
//!
//! The rooms in the order in which data flows; a room uses rooms above it, never below.

#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests make files and measure time"))]

pub mod cli;
pub mod cluster;
pub mod engine;
pub mod event;
pub mod journal;
pub mod modules;
pub mod report;
pub mod settings;
pub mod transport;
pub mod upgrade;
