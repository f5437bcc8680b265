//! The thread that writes: order, pauses, the region, streams that refuse.

use super::line::{Line, Tone};
use super::output::{Draw, Output, Streams};
use std::io::{self, Write};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};

/// Everything written to either stream, in order.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<String>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().push_str(std::str::from_utf8(bytes).unwrap());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Paper {
    fn streams(&self) -> Streams {
        Streams { out: Box::new(self.clone()), err: Box::new(self.clone()), color: false }
    }

    fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }
}

fn line(text: &str) -> Vec<Line> {
    vec![Line::whole(Tone::Good, text)]
}

/// A region of these rows, the same for ever; tells each time it is drawn.
fn region(rows: &'static [&'static str]) -> (Draw, Receiver<()>) {
    let (drawn, draws) = mpsc::channel();
    let draw = move || {
        drawn.send(()).ok();
        rows.iter().map(|row| (*row).to_owned()).collect()
    };
    (Box::new(draw), draws)
}

/// What a terminal shows in the end: understands what this program writes, nothing else.
fn shown(text: &str) -> Vec<String> {
    let (mut rows, mut at) = (vec![String::new()], 0);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(sequence) = rest.strip_prefix("\x1b[") {
            let end = sequence.find(|c: char| c.is_ascii_alphabetic()).unwrap();
            let count: usize = sequence[..end].parse().unwrap_or(0);
            match sequence.as_bytes()[end] {
                b'A' => at -= count,
                b'J' => rows.truncate(at + 1),
                b'K' => {}
                other => panic!("unknown sequence {other}"),
            }
            if sequence.as_bytes()[end] == b'J' {
                rows[at].clear();
            }
            rest = &sequence[end + 1..];
            continue;
        }
        rest = &rest[c.len_utf8()..];
        match c {
            '\r' => rows[at].clear(),
            '\n' => {
                at += 1;
                rows.resize(rows.len().max(at + 1), String::new());
                rows[at].clear();
            }
            c => rows[at].push(c),
        }
    }
    rows
}

#[test]
fn lines_scroll_above_the_region_and_the_region_is_gone_in_the_end() {
    let paper = Paper::default();
    let (draw, draws) = region(&["row 1", "row 2"]);
    let output = Output::start(paper.streams(), Some(draw)).unwrap();
    output.write(line("first"));
    draws.recv().unwrap();
    output.quiet().during(|| assert_eq!(shown(&paper.text()), ["first", ""]));
    output.write(line("second"));
    output.write(line("third").into_iter().map(Line::to_errors).collect());
    output.finish();
    assert_eq!(shown(&paper.text()), ["first", "second", "third", ""]);
    assert!(paper.text().contains("row 1\x1b[K\nrow 2\x1b[K\n"), "{:?}", paper.text());
    // Something that comes after the end is told all the same.
    output.write(line("late"));
    output.finish();
    assert_eq!(shown(&paper.text()), ["first", "second", "third", "late", ""]);
    assert_eq!(output.broken(), None);
}

#[test]
fn nothing_is_written_over_a_question() {
    let paper = Paper::default();
    let (draw, draws) = region(&["row"]);
    let output = Output::start(paper.streams(), Some(draw)).unwrap();
    output.write(line("before"));
    draws.recv().unwrap();
    let quiet = output.quiet();
    quiet.during(|| {
        output.write(line("meanwhile"));
        paper.clone().write_all(b"really? ").unwrap();
        assert_eq!(shown(&paper.text()), ["before", "really? "]);
        paper.clone().write_all(b"yes\n").unwrap();
    });
    output.finish();
    assert_eq!(shown(&paper.text()), ["before", "really? yes", "meanwhile", ""]);
}

/// A disk that is full.
struct Full;

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::Error::from(io::ErrorKind::StorageFull))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_stream_that_refuses_is_told_once_everything_was_tried() {
    let paper = Paper::default();
    let streams = Streams { out: Box::new(Full), err: Box::new(paper.clone()), color: false };
    let output = Output::start(streams, None).unwrap();
    output.write(line("lost"));
    output.write(line("kept").into_iter().map(Line::to_errors).collect());
    output.finish();
    assert!(output.broken().unwrap().contains("no storage space"), "{:?}", output.broken());
    assert_eq!(paper.text(), "kept\n");
}
