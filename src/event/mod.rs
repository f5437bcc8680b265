//! What happened: one enum and its envelope. Made by the engine alone; every report is a listener.

mod kinds;

pub use kinds::{Envelope, Event, HostOutcome, NodeStep, Stats, TaskResult, Verdict};
