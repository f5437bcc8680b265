//! What is known about files.

use super::ask::{Answer, FileError, ask};
use crate::transport::{Host, quote};

/// What a path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the kinds of POSIX")]
pub enum FileType {
    File,
    Directory,
    Link,
    Block,
    Character,
    Fifo,
    Socket,
}

/// One file of a host.
#[derive(Debug, Clone, PartialEq)]
pub struct FileStatus {
    /// The path as it was asked for.
    pub path: String,
    /// What it is; a link itself unless it was followed.
    pub kind: FileType,
    /// Permission bits, 07777.
    pub mode: u32,
    /// Owner's number.
    pub uid: u32,
    /// Group's number.
    pub gid: u32,
    /// Owner's name, if it has one.
    pub owner: Option<String>,
    /// Group's name, if it has one.
    pub group: Option<String>,
    /// Bytes.
    pub size: u64,
    /// Seconds since 1970 with fraction: access, modification, status change.
    pub times: [f64; 3],
    /// Device.
    pub device: u64,
    /// Inode.
    pub inode: u64,
    /// Hard links.
    pub links: u64,
    /// Bytes of an I/O block.
    pub block_size: u64,
    /// Blocks of 512 bytes.
    pub blocks: u64,
    /// Of a device file: major, minor.
    pub device_type: (u64, u64),
    /// The asking user may read, write, execute it.
    pub access: [bool; 3],
    /// Of a link (also a followed one): where it points, as written.
    pub target: Option<String>,
    /// Of a link: the file in the end, resolved.
    pub source: Option<String>,
    /// Hexadecimal, if it was asked for and the file is regular and readable.
    pub checksum: Option<String>,
}

impl FileStatus {
    /// `0644`.
    #[must_use]
    pub fn octal(&self) -> String {
        format!("{:04o}", self.mode)
    }

    /// Whether it is this kind.
    #[must_use]
    pub fn is(&self, kind: FileType) -> bool {
        self.kind == kind
    }

    /// One answer of the prelude's `st`.
    ///
    /// # Errors
    /// The host refused to say, or the answer is not one.
    pub fn parse(answer: &mut Answer) -> Result<Option<Self>, FileError> {
        let verdict = answer.text()?;
        let path = answer.text()?;
        match verdict.as_str() {
            "absent" => return Ok(None),
            "error" => return Err(FileError::Refused(answer.text()?)),
            "found" => {}
            other => return Err(FileError::Refused(format!("unexpected answer: {other}"))),
        }
        let line = answer.text()?;
        let mut status = Self::from_line(path, &line)
            .ok_or_else(|| FileError::Refused(format!("stat answered: {line}")))?;
        let access = answer.text()?;
        status.access = ['r', 'w', 'x'].map(|c| access.contains(c));
        let some = |text: String| Some(text).filter(|t| !t.is_empty());
        status.target = some(answer.text()?);
        status.source = some(answer.text()?);
        status.checksum = some(answer.text()?);
        Ok(Some(status))
    }

    /// A line of `stat -c` in the prelude's format.
    pub(super) fn from_line(path: String, line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.split('|').collect();
        let field = |i: usize| fields.get(i).copied();
        let number = |i: usize| field(i)?.parse::<u64>().ok();
        let hex = |i: usize| u64::from_str_radix(field(i)?, 16).ok();
        let name = |i: usize| Some(field(i)?.to_owned()).filter(|n| n != "UNKNOWN");
        let time = |seconds: usize, text: usize| moment(field(seconds)?, field(text)?);
        let raw = u32::try_from(hex(0)?).ok()?;
        let kind = match raw & 0o170_000 {
            0o100_000 => FileType::File,
            0o040_000 => FileType::Directory,
            0o120_000 => FileType::Link,
            0o060_000 => FileType::Block,
            0o020_000 => FileType::Character,
            0o010_000 => FileType::Fifo,
            0o140_000 => FileType::Socket,
            _ => return None,
        };
        Some(Self {
            path,
            kind,
            mode: raw & 0o7777,
            uid: u32::try_from(number(1)?).ok()?,
            gid: u32::try_from(number(2)?).ok()?,
            owner: name(14),
            group: name(15),
            size: number(3)?,
            times: [time(4, 16)?, time(5, 17)?, time(6, 18)?],
            device: number(7)?,
            inode: number(8)?,
            links: number(9)?,
            block_size: number(10)?,
            blocks: number(11)?,
            device_type: (hex(12)?, hex(13)?),
            access: [false; 3],
            target: None,
            source: None,
            checksum: None,
        })
    }
}

/// Whole seconds, and the fraction of `2026-05-04 03:02:01.123456789 +0000`.
fn moment(seconds: &str, text: &str) -> Option<f64> {
    let fraction = text
        .split_once('.')
        .and_then(|(_, tail)| tail.split(' ').next())
        .filter(|digits| digits.chars().all(|c| c.is_ascii_digit()))
        .unwrap_or("0");
    format!("{seconds}.{fraction}").parse().ok()
}

/// One question.
#[derive(Debug, Clone)]
pub struct Query<'a> {
    /// The path, absolute; it is not expanded.
    pub path: &'a str,
    /// About what a link points to.
    pub follow: bool,
    /// Program that makes the checksum: `sha1sum`, `sha256sum`, `md5sum`…
    pub checksum: Option<&'a str>,
}

impl<'a> Query<'a> {
    /// About the path itself, without checksum.
    #[must_use]
    pub fn of(path: &'a str) -> Self {
        Self { path, follow: false, checksum: None }
    }

    /// About what a link points to.
    #[must_use]
    pub fn follow(mut self, follow: bool) -> Self {
        self.follow = follow;
        self
    }

    /// With a checksum.
    #[must_use]
    pub fn checksum(mut self, program: &'a str) -> Self {
        self.checksum = Some(program);
        self
    }

    /// As a line of a script; the answer is read with [`FileStatus::parse`].
    #[must_use]
    pub fn line(&self) -> String {
        format!(
            "st {} {} {}\n",
            if self.follow { "L" } else { "-" },
            quote(self.checksum.unwrap_or_default()),
            quote(self.path)
        )
    }
}

/// Asks about many paths at once; `None` where nothing is.
///
/// # Errors
/// [`FileError`]: a path cannot be looked at (permission), or the transport's.
pub async fn stat(
    host: &Host,
    queries: &[Query<'_>],
) -> Result<Vec<Option<FileStatus>>, FileError> {
    let script: String = queries.iter().map(Query::line).collect();
    let mut answer = ask(host, &script, Vec::new()).await?;
    queries.iter().map(|_| FileStatus::parse(&mut answer)).collect()
}

/// The bytes of a file with what it is, in one round trip; `None` if nothing is there. At most what a script's output
/// keeps (4 MiB); [`super::stream`] reads larger ones.
///
/// # Errors
/// It is not readable or no regular file, it is larger than is kept, or the transport's.
pub async fn read(
    host: &Host,
    path: &str,
    follow: bool,
) -> Result<Option<(FileStatus, Vec<u8>)>, FileError> {
    let query = Query::of(path).follow(follow).line();
    let script = format!(
        "{query}dot {}\nif [ -e \"$p\" ]; then\n[ -f \"$p\" ] || fail \"not a regular file: $p\"\n\
         [ -r \"$p\" ] || fail \"permission denied: $p\"\nn=$(wc -c < \"$p\")\nsay size \"$n\"\ncat < \"$p\"\nsay ''\nfi",
        quote(path)
    );
    let output = host.script(&format!("{}{script}\nsay end\n", super::ask::PRELUDE)).await?;
    // The content may hold NUL: the head is cut field by field, the content by its length.
    if output.stdout.omitted > 0 {
        return Err(FileError::Refused(format!("{path} is larger than 4 MiB")));
    }
    let mut rest = output.stdout.bytes.as_slice();
    let mut fields = std::collections::VecDeque::new();
    let size_at = 8;
    while fields.len() < size_at + 1 {
        let Some(end) = rest.iter().position(|b| *b == 0) else { break };
        let (field, tail) = rest.split_at(end);
        fields.push_back(field.to_vec());
        rest = tail.get(1..).unwrap_or_default();
        if matches!(fields.front().map(Vec::as_slice), Some(b"absent")) {
            return Ok(None);
        }
        let before = fields.len().checked_sub(2).and_then(|i| fields.get(i));
        let refused = before.is_some_and(|word| word == b"failed")
            || fields.len() == 3 && fields.front().is_some_and(|word| word == b"error");
        if refused {
            return Err(FileError::Refused(String::from_utf8_lossy(field).into_owned()));
        }
    }
    let mut answer = Answer::from_fields(fields);
    let status = FileStatus::parse(&mut answer)?;
    let (Some(status), "size") = (status, answer.text()?.as_str()) else {
        return Err(FileError::Refused(format!("{path} points to nothing")));
    };
    let size: usize = answer.number()?;
    let content = rest.get(..size).ok_or_else(|| {
        FileError::Refused(format!("{path} changed while it was read: {}", output.stderr.text()))
    })?;
    Ok(Some((status, content.to_vec())))
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;
