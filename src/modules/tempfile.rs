//! `tempfile`: a new file or directory of a name that nobody has.

use super::common::expand;
use super::spec::{Args, BUILTIN, Kind, Param, Spec};
use super::{Ctx, Failure, Module, Outcome};
use crate::transport::files::{self, FileStatus};
use crate::transport::quote;
use async_trait::async_trait;

pub(super) struct TempFile;

static SPEC: Spec = Spec {
    names: &["tempfile"],
    params: &[
        Param::new("state", Kind::Text).default("file").choices(&["file", "directory"]),
        Param::new("path", Kind::Path),
        Param::new("prefix", Kind::Text).default("ansible."),
        Param::new("suffix", Kind::Text).default(""),
    ],
    check: false,
    ..BUILTIN
};

#[async_trait]
impl Module for TempFile {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    async fn run(&self, args: Args, ctx: &mut Ctx<'_>) -> Result<Outcome, Failure> {
        let directory = args.text("state") == Some("directory");
        let prefix = args.text("prefix").unwrap_or_default();
        let suffix = args.text("suffix").unwrap_or_default();
        if prefix.contains('/') || suffix.contains('/') {
            return Err(Failure::msg("prefix and suffix must not contain /"));
        }
        let parent = match args.text("path") {
            Some(path) => quote(&expand(ctx.host, path).await?),
            None => "\"${TMPDIR:-/tmp}\"".to_owned(),
        };
        let flag = if directory { "-d" } else { "" };
        // busybox's mktemp takes no suffix: the name is made first and given its suffix by a move that replaces nothing.
        let finish = if suffix.is_empty() {
            String::new()
        } else {
            format!(
                "n=$t{}\n[ ! -e \"$n\" ] || fail \"$n exists\"\ntry mv \"$t\" \"$n\"\nt=$n\n",
                quote(suffix)
            )
        };
        let script = format!(
            "d={parent}\n[ -d \"$d\" ] || fail \"$d is not a directory\"\n\
             t=$(mktemp {flag} \"${{d%/}}\"/{}XXXXXXXX 2>&1) || fail \"$t\"\n{finish}say \"$t\"\nst - '' \"$t\"\n",
            quote(prefix)
        );
        let mut answer = files::ask(ctx.host, &script, Vec::new()).await?;
        let path = answer.text()?;
        let status = FileStatus::parse(&mut answer)?
            .ok_or_else(|| Failure::msg(format!("{path} vanished after it was made")))?;
        Ok(Outcome::changed(true).with("path", path).file(&status))
    }
}
