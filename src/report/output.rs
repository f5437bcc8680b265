//! A thread of its own writes what people read: a slow or stopped terminal holds nobody up. Lines wait for it, none is
//! dropped; frames of a live view are drawn only when it has time for them.

use super::line::{Line, To};
use std::io::{self, Write};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How often a live view is drawn anew while nothing is written.
const FRAME: Duration = Duration::from_millis(200);

/// Draws the present state of a run: at most a screen of lines, each within the width of the terminal, painted. Empty
/// if there is nothing to show.
pub(super) type Draw = Box<dyn FnMut() -> Vec<String> + Send>;

/// Where lines go.
pub struct Streams {
    /// Standard output.
    pub out: Box<dyn Write + Send>,
    /// Standard error.
    pub err: Box<dyn Write + Send>,
    /// Both understand ANSI colours.
    pub color: bool,
}

enum Message {
    Lines(Vec<Line>),
    /// Answer once everything so far is written and the region is gone; write and draw nothing until `Resume`.
    Pause(Sender<()>),
    Resume,
    /// Answer once everything so far is written and the region is gone for good.
    End(Sender<()>),
}

/// The writing end.
pub struct Output {
    sender: Sender<Message>,
    broken: Arc<Mutex<Option<String>>>,
}

/// Keeps the report still while somebody else uses the terminal.
#[derive(Clone)]
pub struct Quiet(Sender<Message>);

impl Output {
    /// Lines to these streams; with `draw`, a region below them that is drawn again and again.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn start(streams: Streams, draw: Option<Draw>) -> io::Result<Self> {
        let (sender, receiver) = mpsc::channel();
        let broken = Arc::new(Mutex::new(None));
        let screen = Screen {
            streams,
            draw,
            shown: Vec::new(),
            paused: false,
            waiting: Vec::new(),
            broken: Arc::clone(&broken),
        };
        let thread = std::thread::Builder::new().name("report".to_owned());
        // It ends with its last sender.
        let _detached = thread.spawn(move || screen.run(&receiver))?;
        Ok(Self { sender, broken })
    }

    /// Writes lines soon, in order.
    pub fn write(&self, lines: Vec<Line>) {
        self.send(Message::Lines(lines));
    }

    /// Returns once everything is written and the region is gone for good.
    pub fn finish(&self) {
        let (done, wait) = mpsc::channel();
        self.send(Message::End(done));
        // The thread answers, or has ended and said why in `broken`.
        let _answer = wait.recv();
    }

    /// Why nothing more can be written, if so.
    #[must_use]
    pub fn broken(&self) -> Option<String> {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// For those who ask questions on the terminal.
    #[must_use]
    pub fn quiet(&self) -> Quiet {
        Quiet(self.sender.clone())
    }

    fn send(&self, message: Message) {
        if self.sender.send(message).is_err() {
            let mut broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
            broken.get_or_insert_with(|| "the thread that writes the report has ended".to_owned());
        }
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.finish();
    }
}

impl Quiet {
    /// Does this while the report is written so far and nothing is drawn.
    pub fn during<T>(&self, action: impl FnOnce() -> T) -> T {
        let (done, wait) = mpsc::channel();
        if self.0.send(Message::Pause(done)).is_ok() {
            let _answer = wait.recv();
        }
        let result = action();
        let _sent = self.0.send(Message::Resume);
        result
    }
}

/// The thread's side: what is on the terminal.
struct Screen {
    streams: Streams,
    draw: Option<Draw>,
    /// The region as it is shown.
    shown: Vec<String>,
    paused: bool,
    /// Lines that came during a pause.
    waiting: Vec<Line>,
    broken: Arc<Mutex<Option<String>>>,
}

impl Screen {
    fn run(mut self, receiver: &Receiver<Message>) {
        loop {
            let message = if self.draw.is_some() && !self.paused {
                receiver.recv_timeout(FRAME)
            } else {
                receiver.recv().map_err(|_| RecvTimeoutError::Disconnected)
            };
            let result = match message {
                Ok(first) => self.take(first, receiver),
                Err(RecvTimeoutError::Timeout) => self.redraw(),
                Err(RecvTimeoutError::Disconnected) => return,
            };
            self.note(result);
        }
    }

    /// Does what waits, in order, and draws once at the end.
    fn take(&mut self, first: Message, receiver: &Receiver<Message>) -> io::Result<()> {
        for message in std::iter::once(first).chain(receiver.try_iter()) {
            match message {
                Message::Lines(mut lines) if self.paused => self.waiting.append(&mut lines),
                Message::Lines(lines) => {
                    let written = self.lines(&lines);
                    self.note(written);
                }
                Message::Resume => {
                    self.paused = false;
                    let lines = std::mem::take(&mut self.waiting);
                    let written = self.lines(&lines);
                    self.note(written);
                }
                Message::Pause(done) => {
                    self.paused = true;
                    self.settle(&done);
                }
                Message::End(done) => {
                    self.draw = None;
                    self.settle(&done);
                }
            }
        }
        self.redraw()
    }

    fn settle(&mut self, done: &Sender<()>) {
        let settled = self.erase().and_then(|()| self.flush());
        self.note(settled);
        // Whoever asked may have gone.
        let _told = done.send(());
    }

    fn note(&self, result: io::Result<()>) {
        if let Err(error) = result {
            let mut broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
            broken.get_or_insert_with(|| error.to_string());
        }
    }

    fn lines(&mut self, lines: &[Line]) -> io::Result<()> {
        self.erase()?;
        let color = self.streams.color;
        let mut last = None;
        for line in lines {
            if last.is_some_and(|to| to != line.to) {
                self.flush()?;
            }
            last = Some(line.to);
            let stream = match line.to {
                To::Output => &mut self.streams.out,
                To::Errors => &mut self.streams.err,
            };
            stream.write_all(format!("{}\n", line.text(color)).as_bytes())?;
        }
        self.flush()
    }

    /// Draws the region again if it looks different now.
    fn redraw(&mut self) -> io::Result<()> {
        let Some(draw) = self.draw.as_mut().filter(|_| !self.paused) else { return Ok(()) };
        let frame = draw();
        if frame == self.shown {
            return Ok(());
        }
        let text = over(self.shown.len(), &frame);
        self.shown = frame;
        self.streams.out.write_all(text.as_bytes())?;
        self.streams.out.flush()
    }

    fn erase(&mut self) -> io::Result<()> {
        let rows = std::mem::take(&mut self.shown).len();
        self.streams.out.write_all(erasing(rows).as_bytes())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.streams.out.flush()?;
        self.streams.err.flush()
    }
}

/// Up to the first line of the region, and everything below it away.
fn erasing(rows: usize) -> String {
    if rows == 0 { String::new() } else { format!("\x1b[{rows}A\r\x1b[J") }
}

/// The frame in the place of a region of so many rows, without a moment of emptiness.
fn over(rows: usize, frame: &[String]) -> String {
    let up = if rows == 0 { String::new() } else { format!("\x1b[{rows}A\r") };
    let lines: String = frame.iter().map(|line| format!("{line}\x1b[K\n")).collect();
    format!("{up}{lines}\x1b[J")
}
