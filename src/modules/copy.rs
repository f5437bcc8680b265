//! `copy`: files of the controller, text, or files of the host itself.

use super::common::{Rights, expand, find_local, read_local, sha1, with_rights};
use super::put::{Put, basename, put};
use super::spec::{Args, BUILTIN, Kind, Param, Spec};
use super::{Ctx, Failure, Module, Outcome, copy_tree};
use crate::transport::files::{self, Content, FileType, Query};
use async_trait::async_trait;
use mainstay_language::outside::FileKind;
use mainstay_language::template::Site;
use mainstay_language::value::{Encrypted, Value, string};
use std::path::Path;
use std::sync::Arc;

pub(super) struct Copy;

static SPEC: Spec = Spec {
    names: &["copy"],
    params: with_rights![
        Param::new("src", Kind::Path),
        Param::new("content", Kind::Raw),
        Param::new("dest", Kind::Path).required(),
        Param::new("backup", Kind::Bool).default("no"),
        Param::new("force", Kind::Bool).default("yes"),
        Param::new("remote_src", Kind::Bool).default("no"),
        Param::new("directory_mode", Kind::Mode),
        Param::new("local_follow", Kind::Bool).default("yes"),
        Param::new("follow", Kind::Bool).default("no"),
        Param::new("checksum", Kind::Text),
        Param::new("validate", Kind::Text),
        Param::new("decrypt", Kind::Bool).default("yes"),
    ],
    ..BUILTIN
};

/// `content` as bytes: structures as JSON, everything else as text.
fn content(value: &Value) -> Vec<u8> {
    match value {
        Value::Map(_) | Value::List(_) => value.to_json().to_string(),
        other => string(other),
    }
    .into_bytes()
}

/// The permission bits of a controller file, for `mode: preserve`.
pub(super) fn local_mode(ctx: &Ctx<'_>, path: &Path) -> Result<String, Failure> {
    let name = path.display().to_string();
    let ran = ctx
        .outside
        .run(&["stat", "-L", "-c", "%a", &name], None)
        .map_err(|e| Failure::msg(format!("{name}: {e}")))?;
    let mode = String::from_utf8_lossy(&ran.stdout).trim().to_owned();
    if ran.status == 0 && files::is_mode(&mode) {
        Ok(mode)
    } else {
        Err(Failure::msg(format!("{name}: its mode cannot be read")))
    }
}

/// The bytes of a controller file; a vault is opened if `decrypt` says so.
pub(super) fn local_bytes(ctx: &Ctx<'_>, path: &Path, decrypt: bool) -> Result<Vec<u8>, Failure> {
    let bytes = read_local(ctx, path)?;
    if !decrypt || !bytes.starts_with(b"$ANSIBLE_VAULT;") {
        return Ok(bytes);
    }
    let envelope = String::from_utf8_lossy(&bytes).into_owned();
    let vault = Value::Encrypted(Arc::new(Encrypted { envelope, place: None }));
    let site = Site { search: ctx.search.into() };
    match ctx.templar.render(&vault, &ctx.scope, &site) {
        Ok(plain) => Ok(string(&plain).into_bytes()),
        Err(e) => Err(Failure::msg(format!("{}: {}", path.display(), e.diagnostic))),
    }
}

/// Options that every file of a copy shares.
pub(super) fn template_of(args: &Args) -> Result<Put, Failure> {
    let dest = args.text("dest").unwrap_or_default();
    Ok(Put {
        rights: Rights::of(args)?,
        backup: args.flag("backup"),
        force: args.flag("force"),
        follow: args.flag("follow"),
        validate: args.text("validate").map(str::to_owned),
        directory_mode: args.text("directory_mode").map(str::to_owned),
        ..Put::bytes(Vec::new(), String::new(), dest)
    })
}

#[async_trait]
impl Module for Copy {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    async fn run(&self, args: Args, ctx: &mut Ctx<'_>) -> Result<Outcome, Failure> {
        let mut wanted = template_of(&args)?;
        let src = args.text("src").filter(|s| !s.is_empty());
        let bytes = match (src, args.get("content")) {
            (Some(_), Some(_)) => {
                return Err(Failure::msg("src and content are mutually exclusive"));
            }
            (None, None) => return Err(Failure::msg("src (or content) is required")),
            (None, Some(value)) => {
                wanted.into_directory = false;
                wanted.src = wanted.dest.clone();
                content(value)
            }
            (Some(src), None) if args.flag("remote_src") => {
                return remote(src, &args, wanted, ctx).await;
            }
            (Some(src), None) => {
                if !args.flag("local_follow") {
                    return Err(Failure::msg("local_follow: false is not supported"));
                }
                let path = find_local(ctx, "files", src.trim_end_matches('/'))?;
                let kind = ctx.outside.status(&path).map(|s| s.kind);
                if kind == Some(FileKind::Directory) {
                    return copy_tree::local(&path, src.ends_with('/'), &args, wanted, ctx).await;
                }
                if wanted.rights.mode.as_deref() == Some("preserve") {
                    wanted.rights.mode = Some(local_mode(ctx, &path)?);
                }
                wanted.src = path.display().to_string();
                local_bytes(ctx, &path, args.flag("decrypt"))?
            }
        };
        if wanted.rights.mode.as_deref() == Some("preserve") {
            return Err(Failure::msg("mode: preserve needs src"));
        }
        wanted.checksum = sha1(&bytes);
        expected(&args, &wanted.checksum)?;
        wanted.content = Content::Bytes(bytes);
        put(wanted, ctx).await
    }
}

fn expected(args: &Args, actual: &str) -> Result<(), Failure> {
    match args.text("checksum") {
        Some(expected) if !expected.eq_ignore_ascii_case(actual) => Err(Outcome::ok()
            .with("checksum", actual)
            .with("expected_checksum", expected)
            .failed("Copied file does not match the expected checksum. Transfer failed.")),
        _ => Ok(()),
    }
}

async fn remote(
    src: &str,
    args: &Args,
    mut wanted: Put,
    ctx: &Ctx<'_>,
) -> Result<Outcome, Failure> {
    let path = expand(ctx.host, src).await?;
    let query = Query::of(&path).follow(true).checksum("sha1sum");
    let found = files::stat(ctx.host, &[query]).await?.into_iter().next().flatten();
    let Some(source) = found else {
        return Err(Failure::msg(format!("Source {path} not found")));
    };
    if source.is(FileType::Directory) {
        return copy_tree::remote(&path, wanted, ctx).await;
    }
    let Some(checksum) = source.checksum.clone() else {
        return Err(Failure::msg(format!("Source {path} not readable")));
    };
    expected(args, &checksum)?;
    if wanted.rights.mode.as_deref() == Some("preserve") {
        wanted.rights.mode = Some(source.octal());
    }
    if basename(&path).is_empty() {
        return Err(Failure::msg(format!("Source {path} is not a file")));
    }
    wanted.checksum = checksum;
    wanted.content = Content::Remote(path.clone());
    wanted.src = path;
    put(wanted, ctx).await
}
