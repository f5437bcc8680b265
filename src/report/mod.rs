//! Consumers of events. They see only events, and never touch the engine.

mod ansible;
mod diff;
mod json;
mod minimal;
mod node;
mod width;

pub use ansible::{AnsibleReport, Look};
pub use json::dump as dump_json;
pub use minimal::{MinimalReport, Terse};
