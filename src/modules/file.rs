//! `file`: directories, links, rights, and what must not be there.

use super::common::{self, Rights, RightsChange, UMASK, expand, state_diff, with_rights};
use super::file_times::Times;
use super::put::{basename, rights_diff, set_rights};
use super::spec::{Args, BUILTIN, Kind, Param, Spec};
use super::{Ctx, Failure, Module, Outcome};
use crate::transport::files::{self, FileStatus, FileType, Query, Walk};
use crate::transport::quote;
use async_trait::async_trait;
use mainstay_language::value::Value;

pub(super) struct File;

static SPEC: Spec = Spec {
    names: &["file"],
    params: with_rights![
        Param::new("path", Kind::Path).required().aliases(&["dest", "name"]),
        Param::new("state", Kind::Text).choices(&[
            "absent",
            "directory",
            "file",
            "hard",
            "link",
            "touch"
        ]),
        Param::new("src", Kind::Path),
        Param::new("recurse", Kind::Bool).default("no"),
        Param::new("force", Kind::Bool).default("no"),
        Param::new("follow", Kind::Bool).default("yes"),
        Param::new("modification_time", Kind::Text),
        Param::new("modification_time_format", Kind::Text).default("%Y%m%d%H%M.%S"),
        Param::new("access_time", Kind::Text),
        Param::new("access_time_format", Kind::Text).default("%Y%m%d%H%M.%S"),
    ],
    ..BUILTIN
};

/// What the host has, in one round trip.
struct Now {
    path: String,
    /// The path itself.
    itself: Option<FileStatus>,
    /// What it points to, if it is a link.
    followed: Option<FileStatus>,
    /// `src`, links followed, relative to the path's directory for `link`.
    source: Option<FileStatus>,
    umask: u32,
    times: Times,
}

impl Now {
    fn name(&self) -> &'static str {
        self.itself.as_ref().map_or("absent", common::state)
    }
}

/// A change of kind: shell lines that make the path what it should be (rights follow), or none.
#[derive(Debug, PartialEq, Eq)]
struct Step {
    lines: Option<String>,
    /// Rights apply to what a link points to.
    follow: bool,
}

async fn probe(
    path: String,
    src: Option<&str>,
    state: &str,
    mut times: Times,
    ctx: &Ctx<'_>,
) -> Result<Now, Failure> {
    let source = src.map(|src| {
        if src.starts_with('/') || state != "link" {
            src.to_owned()
        } else {
            let dir = path.rsplit_once('/').map_or(".", |(dir, _)| dir);
            format!("{dir}/{src}")
        }
    });
    let script = [
        Query::of(&path).line(),
        Query::of(&path).follow(true).line(),
        source
            .as_deref()
            .map_or_else(|| "say absent ''\n".into(), |s| Query::of(s).follow(true).line()),
        UMASK.to_owned(),
        times.question(),
    ]
    .concat();
    let mut answer = files::ask(ctx.host, &script, Vec::new()).await?;
    Ok(Now {
        itself: FileStatus::parse(&mut answer)?,
        followed: FileStatus::parse(&mut answer)?,
        source: FileStatus::parse(&mut answer)?,
        umask: common::umask(&mut answer)?,
        times: {
            times.hear(&mut answer)?;
            times
        },
        path,
    })
}

fn refuse(now: &Now, message: String) -> Failure {
    let mut outcome = Outcome::ok().with("path", now.path.as_str());
    outcome = match &now.itself {
        Some(status) => outcome.file(status),
        None => outcome.with("state", "absent"),
    };
    outcome.failed(message)
}

/// What has to be done for `state`; pure.
fn decide(state: &str, args: &Args, now: &Now) -> Result<Step, Failure> {
    let follow = args.flag("follow");
    let path = quote(&now.path);
    let seen = if follow { now.followed.as_ref() } else { now.itself.as_ref() };
    let none = Ok(Step { lines: None, follow });
    match state {
        "file" => match seen {
            None => Err(refuse(now, format!("file ({}) is absent, cannot continue", now.path))),
            Some(s) if s.is(FileType::Directory) => {
                Err(refuse(now, format!("file ({}) is directory, cannot continue", now.path)))
            }
            Some(_) => none,
        },
        "directory" => match (&now.itself, seen) {
            (_, Some(s)) if s.is(FileType::Directory) => none,
            (None, _) => Ok(Step { lines: Some(format!("try mkdir -p {path}\n")), follow }),
            (Some(s), _) => {
                Err(refuse(now, format!("{} already exists as a {}", now.path, common::state(s))))
            }
        },
        "touch" => Ok(touch(now, follow)),
        "link" => link(args, now),
        "hard" => hard(args, now),
        _ => none,
    }
}

fn touch(now: &Now, follow: bool) -> Step {
    let seen = if follow { now.followed.as_ref() } else { now.itself.as_ref() };
    let mut lines = String::new();
    if now.itself.is_none() {
        lines.push_str(&format!("try touch -- {}\n", quote(&now.path)));
    }
    lines.push_str(&now.times.lines(&now.path, seen, follow));
    Step { lines: Some(lines).filter(|l| !l.is_empty()), follow }
}

fn link(args: &Args, now: &Now) -> Result<Step, Failure> {
    let force = args.flag("force");
    let target = now.itself.as_ref().and_then(|s| s.target.clone());
    let Some(src) = args.text("src").map(str::to_owned).or_else(|| target.clone()) else {
        return Err(refuse(now, "src is required for creating new links".into()));
    };
    // Rights go to what the link points to, if there is something and `follow` is on.
    let follow = args.flag("follow") && now.source.is_some();
    let is_link = now.itself.as_ref().is_some_and(|s| s.is(FileType::Link));
    if is_link && target.as_deref() == Some(src.as_str()) {
        return Ok(Step { lines: None, follow });
    }
    let mut path = now.path.clone();
    let directory = now.itself.as_ref().is_some_and(|s| s.is(FileType::Directory));
    if directory && !src.is_empty() && !force {
        return Err(refuse(
            now,
            format!("refusing to convert from directory to symlink for {path}"),
        ));
    }
    if now.source.is_none() && !force {
        return Err(refuse(
            now,
            format!(
                "src file does not exist, use 'force=yes' if you really want to create the link: {src}"
            ),
        ));
    }
    if now.itself.is_some() && !is_link && !force {
        return Err(refuse(
            now,
            format!("refusing to convert from {} to symlink for {path}", now.name()),
        ));
    }
    if path.len() > 1 {
        path = path.trim_end_matches('/').to_owned();
    }
    Ok(Step { lines: Some(replace(&path, directory, &format!("ln -s {}", quote(&src)))), follow })
}

/// The link is made under another name and moved over what is there.
fn replace(path: &str, directory: bool, make: &str) -> String {
    let q = quote(path);
    let clear = if directory { format!("try rmdir {q}\n") } else { String::new() };
    format!(
        "t={q}.mainstay.$$\ntrap 'rm -f \"$t\"' EXIT\ntry {make} \"$t\"\n{clear}\
         if [ -L {q} ]; then try rm -f {q}; fi\ntry mv -f \"$t\" {q}\ntrap - EXIT\n"
    )
}

fn hard(args: &Args, now: &Now) -> Result<Step, Failure> {
    let Some(src) = args.text("src") else {
        return Err(refuse(now, "src is required for creating new hardlinks".into()));
    };
    let Some(source) = &now.source else {
        return Err(refuse(now, format!("src does not exist: {src}")));
    };
    let same =
        now.itself.as_ref().is_some_and(|s| (s.device, s.inode) == (source.device, source.inode));
    if same {
        return Ok(Step { lines: None, follow: false });
    }
    if now.itself.is_some() && !args.flag("force") {
        return Err(refuse(
            now,
            format!("Cannot link, different hard link exists at destination: {}", now.path),
        ));
    }
    let directory = now.itself.as_ref().is_some_and(|s| s.is(FileType::Directory));
    let lines = replace(&now.path, directory, &format!("ln {}", quote(src)));
    Ok(Step { lines: Some(lines), follow: false })
}

async fn absent(now: &Now, ctx: &Ctx<'_>) -> Result<Outcome, Failure> {
    let mut outcome = Outcome::ok().with("path", now.path.as_str()).with("state", "absent");
    if now.itself.is_none() {
        return Ok(outcome);
    }
    if now.path.trim_end_matches('/').is_empty() {
        return Err(Failure::msg("refusing to remove /"));
    }
    outcome.changed = true;
    if ctx.diff {
        outcome.diff.push(state_diff(&now.path, &[("state", now.name().into(), "absent".into())]));
    }
    if !ctx.check {
        let script = format!("dot {}\ntry rm -rf \"$p\"\n", quote(&now.path));
        files::ask(ctx.host, &script, Vec::new()).await?;
    }
    Ok(outcome)
}

/// Rights of everything below a directory.
async fn recurse(path: &str, rights: &Rights, umask: u32, ctx: &Ctx<'_>) -> Result<bool, Failure> {
    let roots = [path.to_owned()];
    let walk = Walk { roots: &roots, follow: false, depth: None, with_roots: false };
    let mut script = String::new();
    for status in files::walk(ctx.host, &walk).await?.into_iter().flat_map(|f| f.files) {
        let change = rights.change(&status, umask)?;
        if !change.is_empty() {
            script.push_str(&files::rights_lines(
                &quote(&status.path),
                change.mode,
                change.owner.as_deref(),
                change.group.as_deref(),
            ));
        }
    }
    if script.is_empty() {
        return Ok(false);
    }
    if !ctx.check {
        files::ask(ctx.host, &script, Vec::new()).await?;
    }
    Ok(true)
}

/// New directories get the rights one by one: a parent that was there keeps its own.
fn new_directories(path: &str, mode: Option<u32>, rights: &Rights) -> String {
    let each =
        files::rights_lines("\"$1\"", mode, rights.owner.as_deref(), rights.group.as_deref());
    format!(
        "mk() {{ if [ -d \"$1\" ]; then return 0; fi; case $1 in */*) set -- \"$1\" \"${{1%/*}}\"; \
         [ -z \"$2\" ] || mk2 \"$2\" ;; esac; try mkdir \"$1\"\n{each}}}\n\
         mk2() {{ r=$(mk \"$1\"); [ -z \"$r\" ] || {{ printf '%s\\0' failed \"cannot create $1\"; exit 0; }}; }}\nmk {}\n",
        quote(path.trim_end_matches('/'))
    )
}

#[async_trait]
impl Module for File {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    async fn run(&self, args: Args, ctx: &mut Ctx<'_>) -> Result<Outcome, Failure> {
        let rights = Rights::of(&args)?;
        let path = expand(ctx.host, args.text("path").unwrap_or_default()).await?;
        let src = match args.text("src") {
            Some(src) => Some(expand(ctx.host, src).await?),
            None => None,
        };
        let wanted = args.text("state");
        let times = Times::of(&args)?;
        let state = wanted.unwrap_or_default();
        let mut now = probe(path, src.as_deref(), state, times.clone(), ctx).await?;
        let state = match (wanted, args.flag("recurse")) {
            (Some(state), _) => state,
            (None, true) => "directory",
            (None, false) => match now.name() {
                "absent" => "file",
                found => found,
            },
        };
        if args.flag("recurse") && state != "directory" {
            return Err(refuse(&now, "recurse option requires state to be 'directory'".into()));
        }
        if src.is_some() && !matches!(state, "link" | "hard") {
            return Err(refuse(&now, "src option requires state to be 'link' or 'hard'".into()));
        }
        if state == "absent" {
            return absent(&now, ctx).await;
        }
        // A directory may be named to put the link or file of the same name into it.
        if matches!(state, "file" | "touch" | "hard" | "link")
            && now.path.ends_with('/')
            && now.path.len() > 1
            && let Some(src) = &src
        {
            let inside = format!("{}{}", now.path, basename(src));
            now = probe(inside, Some(src), state, times, ctx).await?;
        }
        // Without a state, a hard link or link that is there stays as it is: only rights count.
        let step = if wanted.is_none() && matches!(state, "hard" | "link") && src.is_none() {
            Step { lines: None, follow: args.flag("follow") && now.followed.is_some() }
        } else {
            decide(state, &args, &now)?
        };
        act(state, step, &args, &rights, src, now, ctx).await
    }
}

/// The lines that make what is not there, with its rights; empty if only rights are to change.
fn creation(state: &str, step: &Step, rights: &Rights, now: &Now) -> Result<String, Failure> {
    let Some(lines) = &step.lines else { return Ok(String::new()) };
    let new = now.itself.is_none();
    let seen = if step.follow { &now.followed } else { &now.itself };
    let directory = state == "directory";
    let mode = rights.new_mode(directory, now.umask)?;
    if new && directory {
        return Ok(new_directories(&now.path, mode, rights));
    }
    let rights_of = |mode| {
        let (owner, group) = (rights.owner.as_deref(), rights.group.as_deref());
        files::rights_lines(&quote(&now.path), mode, owner, group)
    };
    let mut script = lines.clone();
    if new && state != "link" {
        script.push_str(&rights_of(mode));
    } else if new || seen.is_none() {
        script.push_str(&rights_of(None));
    }
    Ok(script)
}

async fn act(
    state: &str,
    step: Step,
    args: &Args,
    rights: &Rights,
    src: Option<String>,
    now: Now,
    ctx: &Ctx<'_>,
) -> Result<Outcome, Failure> {
    let key = if matches!(state, "link" | "hard" | "touch") { "dest" } else { "path" };
    let mut outcome = Outcome::ok().with(key, now.path.as_str());
    let new = now.itself.is_none();
    let seen = if step.follow { now.followed.clone() } else { now.itself.clone() };
    let change = match &seen {
        Some(status) => rights.change(status, now.umask)?,
        None => RightsChange::default(),
    };
    outcome.changed = step.lines.is_some() || !change.is_empty();
    if ctx.diff && outcome.changed {
        outcome.diff.push(
            match (&seen, step.lines.is_some() && now.name() != state && state != "touch") {
                (Some(status), false) => rights_diff(status, &change),
                _ => {
                    let after = if state == "touch" { "touch" } else { state };
                    state_diff(&now.path, &[("state", now.name().into(), after.into())])
                }
            },
        );
    }
    if let (Some(src), "link" | "hard") = (&src, state) {
        outcome = outcome.with("src", src.as_str());
    } else if let (Some(target), "link") =
        (now.itself.as_ref().and_then(|s| s.target.clone()), state)
    {
        outcome = outcome.with("src", target);
    }
    if !ctx.check {
        let mut script = creation(state, &step, rights, &now)?;
        if script.is_empty()
            && let Some(status) = &seen
        {
            set_rights(ctx, status, &change, step.follow).await?;
        }
        script.push_str(&Query::of(&now.path).line());
        let mut answer = files::ask(ctx.host, &script, Vec::new()).await?;
        if let (Some(status), true) = (&seen, step.lines.is_some()) {
            set_rights(ctx, status, &change, step.follow).await?;
        }
        let mut status = FileStatus::parse(&mut answer)?;
        if status.is_none() {
            return Err(Failure::msg(format!("{} is still absent", now.path)));
        }
        if !change.is_empty() {
            status =
                files::stat(ctx.host, &[Query::of(&now.path)]).await?.into_iter().next().flatten();
        }
        if let Some(status) = &status {
            outcome = outcome.file(status);
        }
    } else if let Some(status) = &now.itself {
        outcome = outcome.file(status);
    }
    if state != "touch" {
        let timed = if state == "link" && step.follow { &now.source } else { &seen };
        now.times.apply(&now.path, timed.as_ref(), step.follow, &mut outcome, ctx).await?;
    }
    if args.flag("recurse") && !new && recurse(&now.path, rights, now.umask, ctx).await? {
        outcome.changed = true;
    }
    if state == "hard" && !ctx.check {
        outcome = outcome.with("state", Value::text("hard"));
    }
    Ok(outcome)
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
