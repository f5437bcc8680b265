//! Consumers of events. They see only events, and never touch the engine.

mod ansible;
mod diff;
mod json;
mod node;
mod width;

pub use ansible::{AnsibleReport, Look};
