//! What happened: one enum and its envelope. Made by the engine alone; every report is a listener.

mod kinds;
mod redact;
mod stats;
mod stream;

pub use kinds::{Envelope, Event, HostOutcome, NodeStep, Stats, TaskResult, Verdict};
pub use redact::Redactor;
pub use stream::{Events, Listener, Now};
