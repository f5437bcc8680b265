//! Tests on paths of the controller.

use crate::outside::{FileKind, FileStatus};
use crate::template::World;
use crate::template::filters::call::{Args, Entry, entry};
use crate::template::filters::paths;
use crate::template::machine::refused_as_written as refused;
use minijinja::{Error, State, Value};
use std::path::{Path, PathBuf};

pub(super) static ENTRIES: &[Entry] = &[
    entry("abs", |_, args| Ok(Value::from(args.text("path")?.starts_with('/')))),
    entry("is_abs", |_, args| Ok(Value::from(args.text("path")?.starts_with('/')))),
    entry("exists", |state, args| check(state, args, |_| true)),
    entry("file", |state, args| check(state, args, |status| status.kind == FileKind::File)),
    entry("is_file", |state, args| check(state, args, |status| status.kind == FileKind::File)),
    entry("directory", |state, args| check(state, args, is_directory)),
    entry("is_dir", |state, args| check(state, args, is_directory)),
    entry("link", |state, args| check(state, args, |status| status.link)),
    entry("is_link", |state, args| check(state, args, |status| status.link)),
    entry("link_exists", |state, args| check(state, args, |_| true)),
    entry("mount", is_mount),
    entry("is_mount", is_mount),
    entry("same_file", same_file),
    entry("is_same_file", same_file),
    entry("vaulted_file", vaulted_file),
    entry("vault_encrypted", |_, _| Err(refused("vault_encrypted"))),
];

fn is_directory(status: &FileStatus) -> bool {
    status.kind == FileKind::Directory
}

fn status(state: &State<'_, '_>, path: &str) -> Result<Option<FileStatus>, Error> {
    Ok(World::of(state)?.outside().status(Path::new(path)))
}

fn check(
    state: &mut State<'_, '_>,
    args: &mut Args,
    is: fn(&FileStatus) -> bool,
) -> Result<Value, Error> {
    let path = args.text("path")?;
    Ok(Value::from(status(state, &path)?.as_ref().is_some_and(is)))
}

fn is_mount(state: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let path = args.text("path")?;
    let Some(own) = status(state, &path)? else { return Ok(Value::from(false)) };
    if own.link || own.kind != FileKind::Directory {
        return Ok(Value::from(false));
    }
    let parent = PathBuf::from(&path).join("..");
    let parent = status(state, &parent.to_string_lossy())?;
    Ok(Value::from(parent.is_some_and(|parent| {
        // Another device than its parent, or the root, which is its own parent.
        parent.identity.0 != own.identity.0 || parent.identity == own.identity
    })))
}

fn same_file(state: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let (a, b) = (args.text("path")?, args.text("other")?);
    let missing = |path: &str| {
        crate::template::filters::call::fail(format!(
            "there is no file '{}'",
            paths::normalised(path)
        ))
    };
    let first = status(state, &a)?.ok_or_else(|| missing(&a))?;
    let second = status(state, &b)?.ok_or_else(|| missing(&b))?;
    Ok(Value::from(first.identity == second.identity))
}

fn vaulted_file(state: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let path = args.text("path")?;
    let content = World::of(state)?.outside().read(Path::new(&path)).map_err(|error| {
        crate::template::filters::call::fail(format!("cannot read {path}: {error}"))
    })?;
    Ok(Value::from(crate::vault::is_encrypted(&content)))
}
