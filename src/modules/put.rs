//! Placing one file on a host: shared by `copy` and `template`.

use super::common::{self, Rights, RightsChange, UMASK, expand, sha1, state_diff, text_diff};
use super::{Ctx, Failure, Outcome, words};
use crate::transport::files::{self, Content, FileStatus, FileType, Query, Write};
use crate::transport::quote;
use mainstay_language::value::Value;

/// What is to be placed, and how.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is an argument")]
pub(super) struct Put {
    /// New content.
    pub(super) content: Content,
    /// Its SHA-1.
    pub(super) checksum: String,
    /// Where it comes from, for the result and the diff; its last part is the name in a directory.
    pub(super) src: String,
    /// Whether `dest` may be a directory that the file goes into.
    pub(super) into_directory: bool,
    /// As written.
    pub(super) dest: String,
    pub(super) rights: Rights,
    pub(super) backup: bool,
    pub(super) force: bool,
    pub(super) follow: bool,
    pub(super) validate: Option<String>,
    /// Mode of directories that are created.
    pub(super) directory_mode: Option<String>,
}

/// What the host has.
#[derive(Debug, Clone, Default)]
pub(super) struct Probe {
    /// `dest`, links followed.
    pub(super) dest: Option<FileStatus>,
    /// `dest` as `follow` says.
    pub(super) file: Option<FileStatus>,
    /// `dest/name` as `follow` says.
    pub(super) inside: Option<FileStatus>,
    /// The directory that `dest` is in.
    pub(super) parent: Option<FileStatus>,
    pub(super) umask: u32,
}

/// What has to be done.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Plan {
    pub(super) path: String,
    pub(super) step: Step,
}

/// One of three.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// It exists and `force` is off.
    Keep,
    /// The content is right; rights may differ.
    Rights(RightsChange),
    /// New content.
    Write { mode: Option<u32>, parents: bool },
}

pub(super) fn basename(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or(path)
}

fn dirname(path: &str) -> &str {
    match path.trim_end_matches('/').rsplit_once('/') {
        Some(("", _)) => "/",
        Some((dir, _)) => dir,
        None => ".",
    }
}

fn inside(put: &Put) -> String {
    format!("{}/{}", put.dest.trim_end_matches('/'), basename(&put.src))
}

/// Decides; pure.
pub(super) fn decide(put: &Put, probe: &Probe) -> Result<Plan, Failure> {
    let slash = put.dest.ends_with('/');
    let directory = probe.dest.as_ref().is_some_and(|d| d.is(FileType::Directory));
    if (slash || directory) && !put.into_directory {
        return Err(Failure::msg(format!("can not use content with a dir as dest: {}", put.dest)));
    }
    let (path, now, parents) = if slash || directory {
        if slash && probe.dest.as_ref().is_some_and(|d| !d.is(FileType::Directory)) {
            return Err(Failure::msg(format!("{} is not a directory", put.dest)));
        }
        (inside(put), &probe.inside, !directory)
    } else {
        if probe.parent.is_none() {
            return Err(Failure::msg(format!(
                "Destination directory {} does not exist",
                dirname(&put.dest)
            )));
        }
        (put.dest.clone(), &probe.file, false)
    };
    let Some(now) = now else {
        let mode = put.rights.new_mode(false, probe.umask)?;
        return Ok(Plan { path, step: Step::Write { mode, parents } });
    };
    if now.is(FileType::Directory) {
        return Err(Failure::msg(format!("{path} is a directory, not a file")));
    }
    if !put.force {
        return Ok(Plan { path, step: Step::Keep });
    }
    let change = put.rights.change(now, probe.umask)?;
    let same = now.is(FileType::File) && now.checksum.as_deref() == Some(put.checksum.as_str());
    let step = if same {
        Step::Rights(change)
    } else if now.is(FileType::Link) {
        // The link is replaced by a file of its own.
        Step::Write { mode: put.rights.new_mode(false, probe.umask)?, parents }
    } else {
        Step::Write { mode: change.mode, parents }
    };
    Ok(Plan { path, step })
}

/// The words of a `validate` command.
pub(super) fn validation(command: Option<&str>) -> Result<Option<Vec<String>>, Failure> {
    let Some(command) = command.filter(|c| !c.is_empty()) else { return Ok(None) };
    if !command.contains("%s") {
        return Err(Failure::msg(format!("validate must contain %s: {command}")));
    }
    words::split(command).map(Some).map_err(Failure::msg)
}

async fn probe(put: &Put, ctx: &Ctx<'_>) -> Result<Probe, Failure> {
    let inside = inside(put);
    let dest = if put.dest.len() > 1 { put.dest.trim_end_matches('/') } else { &put.dest };
    let script = [
        Query::of(dest).follow(true).line(),
        Query::of(dest).follow(put.follow).checksum("sha1sum").line(),
        Query::of(&inside).follow(put.follow).checksum("sha1sum").line(),
        Query::of(dirname(&put.dest)).follow(true).line(),
        UMASK.to_owned(),
    ]
    .concat();
    let mut answer = files::ask(ctx.host, &script, Vec::new()).await?;
    Ok(Probe {
        dest: FileStatus::parse(&mut answer)?,
        file: FileStatus::parse(&mut answer)?,
        inside: FileStatus::parse(&mut answer)?,
        parent: FileStatus::parse(&mut answer)?,
        umask: common::umask(&mut answer)?,
    })
}

/// Probe, decide, act.
pub(super) async fn put(mut put: Put, ctx: &Ctx<'_>) -> Result<Outcome, Failure> {
    put.dest = expand(ctx.host, &put.dest).await?;
    let validate = validation(put.validate.as_deref())?;
    let probe = probe(&put, ctx).await?;
    let Plan { path, step } = decide(&put, &probe)?;
    let now = if path == put.dest { &probe.file } else { &probe.inside };
    let base = Outcome::ok().with("dest", path.as_str());
    match step {
        Step::Keep => Ok(base.with("src", put.src.as_str())),
        Step::Rights(change) => {
            let Some(now) = now else { return Ok(base) };
            let status = set_rights(ctx, now, &change, put.follow).await?;
            let mut outcome = base
                .with("path", path.as_str())
                .with("checksum", put.checksum.as_str())
                .file(status.as_ref().unwrap_or(now));
            outcome.changed = !change.is_empty();
            if ctx.diff && outcome.changed {
                outcome.diff.push(rights_diff(now, &change));
            }
            Ok(outcome)
        }
        Step::Write { mode, parents } => {
            let mut outcome = base.with("checksum", put.checksum.as_str());
            outcome.changed = true;
            if ctx.diff {
                outcome.diff.push(content_diff(ctx, &put, &path, now.is_some()).await?);
            }
            if ctx.check {
                return Ok(outcome);
            }
            if parents {
                let mode = put.directory_mode.as_deref();
                make_directories(ctx, &[dirname(&path).to_owned()], mode, probe.umask).await?;
            }
            let written = files::write(
                ctx.host,
                Write {
                    path: &path,
                    follow: put.follow,
                    content: put.content,
                    mode,
                    owner: put.rights.owner.as_deref(),
                    group: put.rights.group.as_deref(),
                    backup: put.backup,
                    validate,
                    parents: false,
                },
            )
            .await?;
            if let Some(backup) = written.backup {
                outcome = outcome.with("backup_file", backup);
            }
            Ok(outcome.with("src", put.src).with("md5sum", written.md5).file(&written.status))
        }
    }
}

/// Creates directories that are missing, with their parents.
pub(super) async fn make_directories(
    ctx: &Ctx<'_>,
    paths: &[String],
    mode: Option<&str>,
    umask: u32,
) -> Result<(), Failure> {
    let mode = mode
        .map(|m| files::apply_mode(m, 0o777 & !umask, true, umask).map_err(Failure::msg))
        .transpose()?;
    let chmod = mode.map_or(String::new(), |m| format!("try chmod {m:04o} \"$1\"; "));
    let mut script = format!(
        "mk() {{ if [ -d \"$1\" ]; then return 0; fi; case $1 in */*) set -- \"$1\" \"${{1%/*}}\"; \
         [ -z \"$2\" ] || (mk \"$2\") || exit ;; esac; try mkdir \"$1\"; {chmod}}}\n"
    );
    for path in paths {
        script.push_str(&format!("mk {}\n", quote(path.trim_end_matches('/'))));
    }
    files::ask(ctx.host, &script, Vec::new()).await?;
    Ok(())
}

/// Sets what differs (unless in check mode) and says how the file is now; `None` if nothing was done.
pub(super) async fn set_rights(
    ctx: &Ctx<'_>,
    now: &FileStatus,
    change: &RightsChange,
    follow: bool,
) -> Result<Option<FileStatus>, Failure> {
    if change.is_empty() || ctx.check {
        return Ok(None);
    }
    let word = match (&now.source, follow) {
        (Some(source), true) => quote(source),
        _ => quote(&now.path),
    };
    // A change of owner clears set-id bits: the mode is set again after it.
    let owned = change.owner.is_some() || change.group.is_some();
    let mode = change
        .mode
        .or(Some(now.mode).filter(|m| owned && *m & 0o6000 != 0 && !now.is(FileType::Link)));
    let mut script =
        files::rights_lines(&word, mode, change.owner.as_deref(), change.group.as_deref());
    script.push_str(&Query::of(&now.path).follow(follow).line());
    let mut answer = files::ask(ctx.host, &script, Vec::new()).await?;
    Ok(FileStatus::parse(&mut answer)?)
}

/// Diff of rights that differ.
pub(super) fn rights_diff(now: &FileStatus, change: &RightsChange) -> Value {
    let mut changes = Vec::new();
    if let Some(mode) = change.mode {
        changes.push(("mode", now.octal().into(), format!("{mode:04o}").into()));
    }
    if let Some(owner) = &change.owner {
        let old = now.owner.clone().unwrap_or_else(|| now.uid.to_string());
        changes.push(("owner", old.into(), owner.as_str().into()));
    }
    if let Some(group) = &change.group {
        let old = now.group.clone().unwrap_or_else(|| now.gid.to_string());
        changes.push(("group", old.into(), group.as_str().into()));
    }
    state_diff(&now.path, &changes)
}

async fn content_diff(
    ctx: &Ctx<'_>,
    put: &Put,
    path: &str,
    exists: bool,
) -> Result<Value, Failure> {
    let before = if exists { files::read(ctx.host, path, true).await? } else { None };
    let remote;
    let after = match &put.content {
        Content::Bytes(bytes) => Some(bytes.as_slice()),
        Content::Remote(from) => {
            remote = files::read(ctx.host, from, true).await?;
            remote.as_ref().map(|(_, bytes)| bytes.as_slice())
        }
    };
    Ok(text_diff((path, before.as_ref().map(|(_, b)| b.as_slice())), (path, after)))
}

impl Put {
    /// Bytes for a destination; everything else off.
    pub(super) fn bytes(content: Vec<u8>, src: String, dest: &str) -> Self {
        Self {
            checksum: sha1(&content),
            content: Content::Bytes(content),
            src,
            into_directory: true,
            dest: dest.to_owned(),
            rights: Rights::default(),
            backup: false,
            force: true,
            follow: false,
            validate: None,
            directory_mode: None,
        }
    }
}

#[cfg(test)]
#[path = "put_tests.rs"]
mod tests;
