//! Keeps the beginning and the end of a stream of any length.

use super::Captured;
use std::collections::VecDeque;

/// Half of [`Captured::LIMIT`] from the beginning, half from the end, and a count of what was between.
#[derive(Default)]
pub(crate) struct Capture {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    omitted: u64,
    /// What the stream must begin with; not kept.
    prefix: &'static [u8],
}

impl Capture {
    /// For a stream that begins with this.
    pub(crate) fn after(prefix: &'static [u8]) -> Self {
        Self { prefix, ..Self::default() }
    }

    /// Whether the prefix was there.
    pub(crate) fn has_begun(&self) -> bool {
        self.prefix.is_empty()
    }

    /// Takes the next bytes of the stream.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) {
        while let ([wanted, prefix @ ..], [first, rest @ ..]) = (self.prefix, bytes)
            && wanted == first
        {
            (self.prefix, bytes) = (prefix, rest);
        }
        let room = Captured::HEAD - self.head.len();
        let (first, rest) = bytes.split_at(room.min(bytes.len()));
        self.head.extend_from_slice(first);
        self.tail.extend(rest);
        if self.tail.len() > Captured::HEAD {
            let extra = self.tail.len() - Captured::HEAD;
            self.tail.drain(..extra);
            self.omitted += extra as u64;
        }
    }

    /// What was kept.
    pub(crate) fn finish(self) -> Captured {
        let mut bytes = self.head;
        bytes.extend(self.tail);
        Captured { bytes, omitted: self.omitted }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_streams_are_kept_whole() {
        let mut capture = Capture::default();
        capture.push(b"one ");
        capture.push(b"two");
        let kept = capture.finish();
        assert_eq!(kept, Captured { bytes: b"one two".to_vec(), omitted: 0 });
    }

    #[test]
    fn the_middle_of_a_long_stream_is_counted_and_left_out() {
        let mut capture = Capture::default();
        capture.push(b"first");
        for _ in 0..6 {
            capture.push(&vec![b'x'; 1 << 20]);
        }
        capture.push(b"last");
        let kept = capture.finish();
        assert_eq!(kept.bytes.len(), 2 * Captured::HEAD);
        assert_eq!(kept.omitted, (6 << 20) + 9 - (4 << 20));
        assert!(kept.bytes.starts_with(b"first") && kept.bytes.ends_with(b"last"));
        let text = kept.text();
        assert!(text.contains("[2097161 bytes left out]"), "{}", &text[2_097_100..2_097_300]);
    }
}
