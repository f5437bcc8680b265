//! The report of `mainstay` where there is no terminal to redraw: lines, each written once.

use super::output::Output;
use super::story::{Story, Telling};
use crate::event::{Envelope, Event, Listener};

/// Writes a story line by line.
pub struct PlainReport {
    story: Story,
    output: Output,
}

impl PlainReport {
    /// To this output.
    #[must_use]
    pub fn new(telling: Telling, output: Output) -> Self {
        Self { story: Story::new(telling), output }
    }
}

impl Listener for PlainReport {
    fn on(&mut self, envelope: &Envelope) {
        let lines = self.story.on(envelope);
        if !lines.is_empty() {
            self.output.write(lines);
        }
        if matches!(envelope.event, Event::RunEnded { .. }) {
            self.output.finish();
        }
    }

    fn broken(&self) -> Option<String> {
        self.output.broken()
    }
}
