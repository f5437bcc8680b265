//! The steps of a maintenance bracket in words.

use crate::event::NodeStep;

/// How a step is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// By the way.
    Plain,
    /// As it should be.
    Good,
    /// Something was changed.
    Changed,
    /// Somebody should look.
    Bad,
}

/// One line; `None` for steps that only a live view shows.
#[must_use]
pub fn line(step: &NodeStep) -> Option<(Tone, String)> {
    Some(match step {
        NodeStep::Waiting(what) => (Tone::Plain, format!("waiting: {what}")),
        NodeStep::NotNeeded => (Tone::Good, "nothing to do".to_owned()),
        NodeStep::Cordoned { before: false } => (Tone::Changed, "cordoned".to_owned()),
        NodeStep::Cordoned { before: true } => {
            (Tone::Plain, "was cordoned before and stays so".to_owned())
        }
        NodeStep::Draining { pods: 1 } => (Tone::Changed, "draining: 1 pod".to_owned()),
        NodeStep::Draining { pods } => (Tone::Changed, format!("draining: {pods} pods")),
        NodeStep::Blocked { pod, why } => {
            (Tone::Bad, format!("eviction of {pod} is refused: {why}"))
        }
        NodeStep::Gone { .. } => return None,
        NodeStep::Drained => (Tone::Good, "drained".to_owned()),
        NodeStep::Ready => (Tone::Good, "ready".to_owned()),
        NodeStep::Uncordoned => (Tone::Changed, "uncordoned".to_owned()),
        NodeStep::Gate { text, passed: true } => (Tone::Good, format!("gate passed: {text}")),
        NodeStep::Gate { text, passed: false } => (Tone::Plain, format!("gate: {text}")),
        NodeStep::Held { reason } => (Tone::Bad, format!("stays cordoned: {reason}")),
        NodeStep::Released => return None,
    })
}
