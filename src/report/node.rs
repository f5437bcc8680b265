//! The steps of a maintenance bracket in words.

use super::line::Tone;
use crate::event::NodeStep;

/// A step for the output of `ansible-playbook`; `None` for steps that only a live view shows.
#[must_use]
pub(super) fn line(step: &NodeStep) -> Option<(Tone, String)> {
    let Words { tone, word, text } = words(step)?;
    Some((tone, if text.is_empty() { word.to_owned() } else { format!("{word}: {text}") }))
}

/// A step in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Words {
    /// How it is coloured.
    pub tone: Tone,
    /// One word.
    pub word: &'static str,
    /// More; may be empty.
    pub text: String,
}

/// A step as a word and a text; `None` for steps that only a live view shows.
#[must_use]
pub(super) fn words(step: &NodeStep) -> Option<Words> {
    let (tone, word, text) = match step {
        NodeStep::Waiting(what) => (Tone::Dim, "waiting", what.clone()),
        NodeStep::NotNeeded => (Tone::Good, "done", "nothing to do".to_owned()),
        NodeStep::Cordoned { before: false } => (Tone::Changed, "cordoned", String::new()),
        NodeStep::Cordoned { before: true } => {
            (Tone::Plain, "cordoned", "before this run; it stays so".to_owned())
        }
        NodeStep::Draining { pods } => (Tone::Changed, "draining", count(*pods, "pod")),
        NodeStep::Blocked { pod, why } => {
            (Tone::Warn, "blocked", format!("eviction of {pod} is refused: {why}"))
        }
        NodeStep::Gone { .. } | NodeStep::Released => return None,
        NodeStep::Drained => (Tone::Good, "drained", String::new()),
        NodeStep::Ready => (Tone::Good, "ready", String::new()),
        NodeStep::Uncordoned => (Tone::Changed, "uncordoned", String::new()),
        NodeStep::Gate { text, passed: true } => (Tone::Good, "gate", format!("passed: {text}")),
        NodeStep::Gate { text, passed: false } => (Tone::Dim, "gate", format!("waiting: {text}")),
        NodeStep::Held { reason } => (Tone::Bad, "held", format!("stays cordoned: {reason}")),
    };
    Some(Words { tone, word, text })
}

/// `1 pod`, `12 pods`.
#[must_use]
pub(super) fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
