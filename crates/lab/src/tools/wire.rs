//! What a tool in a node and the model say to each other over the node's socket: frames of a kind, a length and bytes.
//! One connection is one call of a tool.

use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};

/// Where the socket is in a node's root.
pub const SOCKET: &str = "/.lab/tools";

/// No frame is longer: whoever sends more is no tool of ours.
pub(super) const LONGEST: usize = 1 << 20;

/// The kind of a frame, its first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    /// First of all, from the tool: a [`Call`] as JSON.
    Call = b'C',
    /// From the tool: bytes of its standard input.
    Input = b'I',
    /// From the tool: its standard input has ended.
    InputEnd = b'E',
    /// From the tool: it got this signal (a decimal number).
    Signal = b'S',
    /// To the tool: now its standard input is wanted.
    WantInput = b'W',
    /// To the tool: one line of its standard input is wanted; what follows stays unread.
    WantLine = b'L',
    /// To the tool: a line is wanted from its terminal, without echo, after this prompt.
    WantSecret = b'P',
    /// To the tool: for its standard output.
    Out = b'o',
    /// To the tool: for its standard error.
    Err = b'e',
    /// To the tool: an [`Exec`] as JSON; it becomes this program.
    Exec = b'X',
    /// To the tool: a ticket; it gets the program of the ticket started, and ends as that program does.
    Ticket = b'T',
    /// To the tool, last of all: its exit code (one byte).
    Exit = b'q',
}

impl Kind {
    /// `None`: no such kind.
    #[must_use]
    pub(super) fn from_byte(byte: u8) -> Option<Self> {
        let all = [
            Self::Call,
            Self::Input,
            Self::InputEnd,
            Self::Signal,
            Self::WantInput,
            Self::WantLine,
            Self::WantSecret,
            Self::Out,
            Self::Err,
            Self::Exec,
            Self::Ticket,
            Self::Exit,
        ];
        all.into_iter().find(|kind| *kind as u8 == byte)
    }
}

/// How a tool was called.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Call {
    /// Its own name first, without a directory.
    pub(super) argv: Vec<String>,
    /// The whole environment.
    pub(super) environment: Vec<(String, String)>,
    /// Where it was called.
    pub(super) directory: String,
    /// Its user and group.
    pub(super) user: (u32, u32),
    /// Its process id inside the node.
    pub(super) pid: u32,
    /// Its standard output is a terminal.
    pub(super) terminal: bool,
}

impl Call {
    /// A variable of its environment.
    #[must_use]
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        self.environment.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A path as the tool means it.
    #[must_use]
    pub(super) fn path(&self, path: &str) -> String {
        if path.starts_with('/') {
            path.to_owned()
        } else {
            format!("{}/{path}", self.directory.trim_end_matches('/'))
        }
    }
}

/// What a tool becomes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Exec {
    /// The program; looked for in the PATH of `environment`.
    pub(super) argv: Vec<String>,
    /// All of it.
    pub(super) environment: Vec<(String, String)>,
    /// Where it starts.
    pub(super) directory: String,
    /// As whom.
    pub(super) user: (u32, u32),
}

/// The bytes of a frame.
#[must_use]
pub(super) fn frame(kind: Kind, bytes: &[u8]) -> Vec<u8> {
    let mut frame = vec![kind as u8];
    frame.extend(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    frame.extend(bytes);
    frame
}

/// # Errors
/// The other side is gone.
pub(super) fn send(to: &mut impl Write, kind: Kind, bytes: &[u8]) -> io::Result<()> {
    to.write_all(&frame(kind, bytes))
}

/// The next frame; `None` at the end.
///
/// # Errors
/// The connection broke, or what came is no frame.
pub(super) fn receive(from: &mut impl Read) -> io::Result<Option<(Kind, Vec<u8>)>> {
    let mut head = [0; 5];
    match from.read_exact(&mut head) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let [kind, length @ ..] = head;
    let (kind, length) = header(kind, length)?;
    let mut bytes = vec![0; length];
    from.read_exact(&mut bytes)?;
    Ok(Some((kind, bytes)))
}

/// What the first five bytes of a frame say.
///
/// # Errors
/// No frame begins like that.
pub(super) fn header(kind: u8, length: [u8; 4]) -> io::Result<(Kind, usize)> {
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    match Kind::from_byte(kind) {
        Some(kind) if length <= LONGEST => Ok((kind, length)),
        _ => Err(io::Error::from(io::ErrorKind::InvalidData)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_back() {
        let mut bytes = Vec::new();
        send(&mut bytes, Kind::Out, b"hello").unwrap();
        send(&mut bytes, Kind::Exit, &[3]).unwrap();
        let mut from = bytes.as_slice();
        assert_eq!(receive(&mut from).unwrap(), Some((Kind::Out, b"hello".to_vec())));
        assert_eq!(receive(&mut from).unwrap(), Some((Kind::Exit, vec![3])));
        assert_eq!(receive(&mut from).unwrap(), None);
        assert!(receive(&mut &b"?\0\0\0\0"[..]).is_err());
        assert!(receive(&mut &b"o\xff\xff\xff\xff"[..]).is_err());
    }
}
