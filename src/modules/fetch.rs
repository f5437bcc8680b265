//! `fetch`: a file of the host, of any size, comes to the controller.

use super::common::expand;
use super::spec::{Args, BUILTIN, Kind, Param, Spec};
use super::{Ctx, Failure, Module, Outcome};
use crate::transport::files::{self, FileType, Query};
use async_trait::async_trait;
use mainstay_language::outside::FileKind;
use mainstay_language::value::Value;
use std::path::{Component, Path, PathBuf};

pub(super) struct Fetch;

static SPEC: Spec = Spec {
    names: &["fetch"],
    params: &[
        Param::new("src", Kind::Path).required(),
        Param::new("dest", Kind::Path).required(),
        Param::new("flat", Kind::Bool).default("no"),
        Param::new("fail_on_missing", Kind::Bool).default("yes"),
        Param::new("validate_checksum", Kind::Bool).default("yes"),
    ],
    ..BUILTIN
};

/// Where it goes. The host's part of the path cannot leave the destination.
fn local_path(ctx: &Ctx<'_>, dest: &str, src: &str, flat: bool) -> Result<PathBuf, Failure> {
    let mut base = match dest.strip_prefix("~/") {
        Some(rest) => PathBuf::from(ctx.outside.env("HOME").unwrap_or_default()).join(rest),
        None => PathBuf::from(dest),
    };
    if !base.is_absolute() {
        base = ctx.search.first().cloned().unwrap_or_else(|| ctx.outside.directory()).join(base);
    }
    let below = |text: &str| -> Result<PathBuf, Failure> {
        let mut out = PathBuf::new();
        for part in Path::new(text).components() {
            match part {
                Component::Normal(name) => out.push(name),
                Component::ParentDir => {
                    return Err(Failure::msg(format!("refusing a path with ..: {text}")));
                }
                _ => {}
            }
        }
        Ok(out)
    };
    let name = src.trim_end_matches('/').rsplit('/').next().unwrap_or(src);
    if !flat {
        return Ok(base.join(below(ctx.inventory_hostname)?).join(below(src)?));
    }
    if dest.ends_with('/') {
        return Ok(base.join(below(name)?));
    }
    if ctx.outside.status(&base).is_some_and(|s| s.kind == FileKind::Directory) {
        return Err(Failure::msg(
            "dest is an existing directory, use a trailing slash if you want to fetch src into that directory",
        ));
    }
    Ok(base)
}

#[async_trait]
impl Module for Fetch {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    async fn run(&self, args: Args, ctx: &mut Ctx<'_>) -> Result<Outcome, Failure> {
        let src = expand(ctx.host, args.text("src").unwrap_or_default()).await?;
        let dest = args.text("dest").unwrap_or_default();
        let path = local_path(ctx, dest, &src, args.flag("flat"))?;
        let missing = |message: &str| {
            let outcome = Outcome::ok().with("file", src.as_str());
            if args.flag("fail_on_missing") {
                Err(outcome.failed(message))
            } else {
                Ok(outcome.with("msg", format!("{message}, ignored")))
            }
        };
        let query = Query::of(&src).follow(true).checksum("sha1sum");
        let status = match files::stat(ctx.host, &[query]).await?.into_iter().next().flatten() {
            None => return missing("the remote file does not exist, not transferring"),
            Some(s) if s.is(FileType::Directory) => {
                return missing("remote file is a directory, fetch cannot work on directories");
            }
            Some(status) => status,
        };
        let Some(remote) = status.checksum else {
            return missing("remote file is not readable, not transferring");
        };
        let local = files::local_sum(&path).await;
        let name = path.display().to_string();
        if local.as_deref() == Some(remote.as_str()) {
            return Ok(Outcome::ok()
                .with("checksum", remote)
                .with("dest", name)
                .with("file", src)
                .with("md5sum", Value::Null));
        }
        let outcome = Outcome::changed(true)
            .with("checksum", remote.as_str())
            .with("dest", name.as_str())
            .with("md5sum", Value::Null)
            .with("remote_checksum", remote.as_str())
            .with("remote_md5sum", Value::Null);
        if ctx.check {
            return Ok(outcome);
        }
        let expected = args.flag("validate_checksum").then_some(remote.as_str());
        let got = files::bring(ctx.host, &src, &path, expected).await?;
        if expected.is_some_and(|expected| expected != got) {
            return Err(Outcome::ok()
                .with("file", src)
                .with("checksum", got)
                .with("remote_checksum", remote)
                .failed("checksum mismatch"));
        }
        Ok(outcome)
    }
}

#[cfg(test)]
mod tests {
    use crate::modules::testing::Bench;
    use serde_json::json;

    #[tokio::test]
    async fn fetches_here() {
        let dir = tempfile::tempdir().unwrap();
        let d = dir.path().to_str().unwrap();
        std::fs::write(format!("{d}/f"), b"a\0b").unwrap();
        let bench = Bench::here();
        let f = format!("{d}/f");
        let tree = format!("{d}/to/h1{f}");
        for (args, changed, failed, file) in [
            (json!({"src": f, "dest": format!("{d}/to")}), true, false, Some(&tree)),
            (json!({"src": f, "dest": format!("{d}/to")}), false, false, Some(&tree)),
            (json!({"src": f, "dest": format!("{d}/flat/"), "flat": true}), true, false, None),
            (json!({"src": f, "dest": d, "flat": true}), false, true, None),
            (json!({"src": format!("{d}/no"), "dest": d}), false, true, None),
            (
                json!({"src": format!("{d}/no"), "dest": d, "fail_on_missing": false}),
                false,
                false,
                None,
            ),
            (json!({"src": d, "dest": d}), false, true, None),
            (json!({"src": "/../etc/passwd", "dest": d}), false, true, None),
        ] {
            let got = bench.json("fetch", args.clone()).await;
            assert_eq!(
                (&got["changed"], &got["failed"]),
                (&json!(changed), &json!(failed)),
                "{args} {got}"
            );
            if let Some(file) = file {
                assert_eq!(std::fs::read(file).unwrap(), b"a\0b");
            }
        }
        assert_eq!(std::fs::read(format!("{d}/flat/f")).unwrap(), b"a\0b");
    }
}
