//! `ping`: a shell on the host answers.

use super::spec::{Args, BUILTIN, Kind, Param, Spec};
use super::{Ctx, Failure, Module, Outcome, fields};
use async_trait::async_trait;

pub(super) struct Ping;

static SPEC: Spec =
    Spec { names: &["ping"], params: &[Param::new("data", Kind::Text).default("pong")], ..BUILTIN };

#[async_trait]
impl Module for Ping {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    async fn run(&self, args: Args, ctx: &mut Ctx<'_>) -> Result<Outcome, Failure> {
        let data = args.text("data").unwrap_or_default();
        if data == "crash" {
            return Err(Failure::msg("boom"));
        }
        let output = ctx.host.script("echo pong").await?;
        if !output.ok() || output.stdout.text().trim() != "pong" {
            return Err(Outcome::ok()
                .with("rc", output.status.code())
                .streams(&output.stdout.text(), &output.stderr.text(), true)
                .failed(format!("no POSIX shell answers: {}", fields::reason(&output))));
        }
        Ok(Outcome::ok().with("ping", data))
    }
}
