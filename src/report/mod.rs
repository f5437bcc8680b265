//! Consumers of events. They see only events, and never touch the engine.

mod ansible;
mod board;
mod detail;
mod diff;
mod elapsed;
mod fold;
mod host_set;
mod json;
mod jsonl;
mod line;
mod live;
mod minimal;
mod node;
mod output;
#[cfg(test)]
mod output_tests;
mod plain;
mod recap;
mod sanitise;
mod story;
#[cfg(test)]
mod story_tests;
mod width;

pub use ansible::{AnsibleReport, Look};
pub use fold::Amount;
pub use host_set::host_set;
pub use json::dump as dump_json;
pub use jsonl::JsonLines;
pub use live::{LiveReport, Size};
pub use minimal::{MinimalReport, Terse};
pub use output::{Output, Quiet, Streams};
pub use plain::PlainReport;
pub use sanitise::{one_line, sanitise};
pub use story::Telling;
