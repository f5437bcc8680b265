//! The bytes of a journal: `length:u32 le, crc32c:u32 le, JSON`. The checksum covers the length as well, so that a tail
//! of zeros (a file that grew before its data reached the disk) is not a row of valid empty frames.

use super::{JournalError, Record};

/// Longest record that is written or believed: 64 MiB.
pub const MAX_FRAME: usize = 64 * 1024 * 1024;

const HEAD: usize = 8;
/// Every record starts so: the tag is written first.
const START: &[u8] = b"{\"record\":";

/// How the readable part of a journal ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// With a whole record.
    Clean,
    /// With a record that was not written to its end: what a crash leaves. Cut off.
    Torn {
        /// Bytes of whole records before it.
        at: u64,
    },
    /// With a damaged record that is followed by whole ones: the disk or somebody changed it. What follows is unknown.
    Damaged {
        /// Bytes of whole records before it.
        at: u64,
    },
}

/// What a journal's bytes say.
#[derive(Debug, Clone, PartialEq)]
pub struct Contents {
    /// Whole records, in order, before the first that is not.
    pub records: Vec<Record>,
    /// How they end.
    pub end: End,
}

/// One record as bytes.
///
/// # Errors
/// It cannot be JSON, or is longer than [`MAX_FRAME`].
pub(super) fn encode(record: &Record) -> Result<Vec<u8>, JournalError> {
    let mut frame = vec![0; HEAD];
    serde_json::to_writer(&mut frame, record).map_err(|e| JournalError::Record(e.to_string()))?;
    let length = frame.len() - HEAD;
    if length > MAX_FRAME {
        return Err(JournalError::Record(format!("{length} bytes are more than {MAX_FRAME}")));
    }
    let length =
        u32::try_from(length).map_err(|e| JournalError::Record(e.to_string()))?.to_le_bytes();
    let checksum = checksum(length, frame.get(HEAD..).unwrap_or_default()).to_le_bytes();
    for (byte, value) in frame.iter_mut().zip(length.into_iter().chain(checksum)) {
        *byte = value;
    }
    Ok(frame)
}

/// Reads whole records; never fails and never panics.
#[must_use]
pub fn decode(bytes: &[u8]) -> Contents {
    let mut records = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let rest = bytes.get(at..).unwrap_or_default();
        let Some((record, length)) = whole(rest) else {
            let end = if followed(rest) {
                End::Damaged { at: at as u64 }
            } else {
                End::Torn { at: at as u64 }
            };
            return Contents { records, end };
        };
        records.push(record);
        at += length;
    }
    Contents { records, end: End::Clean }
}

fn checksum(length: [u8; 4], payload: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&length), payload)
}

/// The record at the start of these bytes and the bytes it takes.
fn whole(bytes: &[u8]) -> Option<(Record, usize)> {
    let (payload, length) = framed(bytes)?;
    Some((serde_json::from_slice(payload).ok()?, length))
}

fn framed(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (sum, rest) = rest.split_first_chunk::<4>()?;
    let size = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    if size > MAX_FRAME {
        return None;
    }
    let payload = rest.get(..size)?;
    (checksum(*length, payload) == u32::from_le_bytes(*sum)).then_some((payload, HEAD + size))
}

/// Whether a whole frame begins anywhere after the first byte. Text inside a record cannot look like one: its quotes are
/// escaped.
fn followed(bytes: &[u8]) -> bool {
    bytes.windows(START.len()).enumerate().skip(HEAD + 1).any(|(i, window)| {
        window == START && bytes.get(i - HEAD..).is_some_and(|rest| framed(rest).is_some())
    })
}
