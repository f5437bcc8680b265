//! The report of `mainstay` on a terminal: what is finished scrolls by, below it a region shows what is going on.

use super::board::Board;
use super::output::{Draw, Output, Quiet, Streams};
use super::story::{Story, Telling};
use crate::event::{Envelope, Event, Listener, Now};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

/// Columns and rows of the terminal; asked before every frame.
pub type Size = Box<dyn Fn() -> (usize, usize) + Send>;

/// Writes a story above a region that is redrawn in place.
pub struct LiveReport {
    story: Story,
    board: Arc<Mutex<Board>>,
    output: Output,
}

impl LiveReport {
    /// To a terminal of this size. `now` is the clock of the events.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn start(telling: Telling, streams: Streams, size: Size, now: Now) -> io::Result<Self> {
        let board = Arc::new(Mutex::new(Board::default()));
        let (shown, color) = (Arc::clone(&board), streams.color);
        let draw: Draw = Box::new(move || {
            let (width, height) = size();
            shown.lock().unwrap_or_else(PoisonError::into_inner).draw(now(), width, height, color)
        });
        Ok(Self { story: Story::new(telling), board, output: Output::start(streams, Some(draw))? })
    }

    /// For those who ask questions on the terminal.
    #[must_use]
    pub fn quiet(&self) -> Quiet {
        self.output.quiet()
    }
}

impl Listener for LiveReport {
    fn on(&mut self, envelope: &Envelope) {
        self.board.lock().unwrap_or_else(PoisonError::into_inner).on(envelope);
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
