//! `slurp`: a file's content, in Base64.

use super::common::expand;
use super::spec::{Args, BUILTIN, Kind, Param, Spec};
use super::{Ctx, Failure, Module, Outcome};
use crate::transport::files::{self, FileError};
use crate::transport::quote;
use async_trait::async_trait;
use base64::Engine;

pub(super) struct Slurp;

static SPEC: Spec = Spec {
    names: &["slurp"],
    params: &[Param::new("src", Kind::Path).required().aliases(&["path"])],
    ..BUILTIN
};

/// The bytes of a file of the host, or why not in the words of `slurp` and `fetch`.
pub(super) async fn content(ctx: &Ctx<'_>, path: &str) -> Result<Option<Vec<u8>>, Failure> {
    match files::read(ctx.host, path, true).await {
        Ok(found) => Ok(found.map(|(_, bytes)| bytes)),
        Err(FileError::Refused(why)) => Err(Failure::msg(why)),
        Err(other) => Err(other.into()),
    }
}

#[async_trait]
impl Module for Slurp {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    async fn run(&self, args: Args, ctx: &mut Ctx<'_>) -> Result<Outcome, Failure> {
        let path = expand(ctx.host, args.text("src").unwrap_or_default()).await?;
        let bytes = match content(ctx, &path).await {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Err(Failure::msg(format!("File not found: {path}"))),
            Err(failure) => {
                // Only a refusal costs a second question: a directory has its own message.
                let quoted = quote(&path);
                let output = ctx.host.script(&format!("[ -d {quoted} ]")).await?;
                return Err(if output.ok() {
                    Failure::msg(format!("Source is a directory and must be a file: {path}"))
                } else {
                    failure
                });
            }
        };
        Ok(Outcome::ok()
            .with("content", base64::engine::general_purpose::STANDARD.encode(bytes))
            .with("source", path)
            .with("encoding", "base64"))
    }
}
