//! Paths of Windows as text.

use super::call::{Args, Entry, entry};
use super::python;
use minijinja::{Error, State, Value};

pub(super) static ENTRIES: &[Entry] = &[
    entry("win_basename", |_, args| {
        let path = args.text("path")?;
        Ok(Value::from(split(&path).1))
    }),
    entry("win_dirname", |_, args| {
        let path = args.text("path")?;
        Ok(Value::from(split(&path).0))
    }),
    entry("win_splitdrive", split_drive),
];

const SLASHES: [char; 2] = ['\\', '/'];

fn split_drive(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let path = args.text("path")?;
    let (drive, rest) = drive(&path);
    Ok(python::tuple(vec![Value::from(drive), Value::from(rest)]))
}

/// The drive or share, and the rest.
fn drive(path: &str) -> (&str, &str) {
    let mut chars = path.chars();
    if let (Some(first), Some(':')) = (chars.next(), chars.next()) {
        return path.split_at(first.len_utf8() + 1);
    }
    if !path.starts_with(SLASHES) || !path.get(1..).is_some_and(|rest| rest.starts_with(SLASHES)) {
        return ("", path);
    }
    let Some(share) = path.get(2..).and_then(|rest| rest.find(SLASHES)) else { return (path, "") };
    let after = share + 3;
    let end = path.get(after..).and_then(|rest| rest.find(SLASHES));
    path.split_at(end.map_or(path.len(), |at| after + at))
}

/// `ntpath.split`.
fn split(path: &str) -> (String, String) {
    let (drive, rest) = drive(path);
    let at = rest.rfind(SLASHES).map_or(0, |at| at + 1);
    let (head, tail) = rest.split_at(at);
    let trimmed = head.trim_end_matches(SLASHES);
    let head = if trimmed.is_empty() { head } else { trimmed };
    (format!("{drive}{head}"), tail.to_owned())
}
