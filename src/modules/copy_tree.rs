//! `copy` of a directory: one question about everything that is there, then only what differs.

use super::common::{UMASK, expand, sha1, umask};
use super::copy::{local_bytes, local_mode};
use super::put::{Put, basename, make_directories, set_rights};
use super::spec::Args;
use super::{Ctx, Failure, Outcome};
use crate::transport::files::{self, Content, FileStatus, FileType, Query, Walk, Write};
use mainstay_language::outside::FileKind;
use std::path::Path;

/// One file below the source.
struct Entry {
    /// Path below the source.
    name: String,
    checksum: String,
    content: Content,
    mode: Option<String>,
}

#[derive(Default)]
struct Tree {
    /// Paths below the source, parents first.
    directories: Vec<String>,
    files: Vec<Entry>,
}

/// A directory of the controller; with a trailing slash its content, else itself.
pub(super) async fn local(
    path: &Path,
    content_only: bool,
    args: &Args,
    wanted: Put,
    ctx: &Ctx<'_>,
) -> Result<Outcome, Failure> {
    let mut tree = Tree::default();
    let preserve = wanted.rights.mode.as_deref() == Some("preserve");
    let mut pending = vec![(path.to_path_buf(), String::new())];
    while let Some((dir, name)) = pending.pop() {
        let entries =
            ctx.outside.list(&dir).map_err(|e| Failure::msg(format!("{}: {e}", dir.display())))?;
        for entry in entries {
            let file = entry.file_name().map(|n| n.to_string_lossy().into_owned());
            let Some(file) = file else { continue };
            let name = if name.is_empty() { file } else { format!("{name}/{file}") };
            match ctx.outside.status(&entry).map(|s| s.kind) {
                Some(FileKind::Directory) => {
                    tree.directories.push(name.clone());
                    pending.push((entry, name));
                }
                Some(FileKind::File) => {
                    let bytes = local_bytes(ctx, &entry, args.flag("decrypt"))?;
                    tree.files.push(Entry {
                        name,
                        checksum: sha1(&bytes),
                        content: Content::Bytes(bytes),
                        mode: preserve.then(|| local_mode(ctx, &entry)).transpose()?,
                    });
                }
                _ => {
                    return Err(Failure::msg(format!(
                        "{} is neither a file nor a directory",
                        entry.display()
                    )));
                }
            }
        }
    }
    let src = path.display().to_string();
    place(tree, &src, content_only, wanted, ctx).await
}

/// A directory of the host.
pub(super) async fn remote(path: &str, wanted: Put, ctx: &Ctx<'_>) -> Result<Outcome, Failure> {
    let root = path.trim_end_matches('/').to_owned();
    let roots = [root.clone()];
    let walk = Walk { roots: &roots, follow: true, depth: None, with_roots: false };
    let found = files::walk(ctx.host, &walk).await?;
    let all: Vec<FileStatus> = found.into_iter().flat_map(|f| f.files).collect();
    let queries: Vec<Query<'_>> =
        all.iter().map(|f| Query::of(&f.path).follow(true).checksum("sha1sum")).collect();
    let mut tree = Tree::default();
    for status in files::stat(ctx.host, &queries).await?.into_iter().flatten() {
        let name = status.path.get(root.len() + 1..).unwrap_or_default().to_owned();
        if status.is(FileType::Directory) {
            tree.directories.push(name);
        } else if let Some(checksum) = status.checksum.clone() {
            tree.files.push(Entry {
                name,
                checksum,
                mode: Some(status.octal()),
                content: Content::Remote(status.path),
            });
        } else {
            return Err(Failure::msg(format!("Source {} not readable", status.path)));
        }
    }
    place(tree, &root, path.ends_with('/'), wanted, ctx).await
}

async fn place(
    mut tree: Tree,
    src: &str,
    content_only: bool,
    wanted: Put,
    ctx: &Ctx<'_>,
) -> Result<Outcome, Failure> {
    let mut base = expand(ctx.host, wanted.dest.trim_end_matches('/')).await?;
    if !content_only {
        base = format!("{base}/{}", basename(src));
    }
    tree.directories.sort();
    let directories: Vec<String> = std::iter::once(base.clone())
        .chain(tree.directories.iter().map(|name| format!("{base}/{name}")))
        .collect();
    let paths: Vec<String> = tree.files.iter().map(|f| format!("{base}/{}", f.name)).collect();
    let mut script: String = directories.iter().map(|d| Query::of(d).follow(true).line()).collect();
    for path in &paths {
        script.push_str(&Query::of(path).follow(wanted.follow).checksum("sha1sum").line());
    }
    script.push_str(UMASK);
    let mut answer = files::ask(ctx.host, &script, Vec::new()).await?;
    let mut missing = Vec::new();
    for path in directories {
        match FileStatus::parse(&mut answer)? {
            None => missing.push(path),
            Some(status) if status.is(FileType::Directory) => {}
            Some(_) => return Err(Failure::msg(format!("{path} is not a directory"))),
        }
    }
    let now =
        paths.iter().map(|_| FileStatus::parse(&mut answer)).collect::<Result<Vec<_>, _>>()?;
    let umask = umask(&mut answer)?;
    let mut changed = !missing.is_empty();
    if !missing.is_empty() && !ctx.check {
        make_directories(ctx, &missing, wanted.directory_mode.as_deref(), umask).await?;
    }
    for ((entry, path), now) in tree.files.into_iter().zip(&paths).zip(now) {
        changed |= place_one(entry, path, now, &wanted, umask, ctx).await?;
    }
    Ok(Outcome::changed(changed).with("dest", base).with("src", src))
}

async fn place_one(
    entry: Entry,
    path: &str,
    now: Option<FileStatus>,
    wanted: &Put,
    umask: u32,
    ctx: &Ctx<'_>,
) -> Result<bool, Failure> {
    let mut rights = wanted.rights.clone();
    if rights.mode.as_deref() == Some("preserve") || rights.mode.is_none() {
        rights.mode = entry.mode;
    }
    let mode = match &now {
        Some(now) if !now.is(FileType::File) && !now.is(FileType::Link) => {
            return Err(Failure::msg(format!("{path} is not a file")));
        }
        Some(_) if !wanted.force => return Ok(false),
        Some(now) => {
            let change = rights.change(now, umask)?;
            if now.checksum.as_deref() == Some(entry.checksum.as_str()) {
                set_rights(ctx, now, &change, wanted.follow).await?;
                return Ok(!change.is_empty());
            }
            change.mode
        }
        None => rights.new_mode(false, umask)?,
    };
    if !ctx.check {
        let write = Write {
            follow: wanted.follow,
            content: entry.content,
            mode,
            owner: rights.owner.as_deref(),
            group: rights.group.as_deref(),
            backup: wanted.backup,
            validate: super::put::validation(wanted.validate.as_deref())?,
            ..Write::bytes(path, Vec::new())
        };
        files::write(ctx.host, write).await?;
    }
    Ok(true)
}
