//! `raw`: the text as it is, for the host's shell.

use super::spec::{Args, BUILTIN, Kind, Param, Spec};
use super::{Ctx, Failure, Module, Outcome, check::FREE_FORM};
use crate::transport::quote;
use async_trait::async_trait;

pub(super) struct Raw;

static SPEC: Spec = Spec {
    names: &["raw"],
    free_form: Some(FREE_FORM),
    params: &[Param::new(FREE_FORM, Kind::Text).required(), Param::new("executable", Kind::Path)],
    check: false,
    ..BUILTIN
};

#[async_trait]
impl Module for Raw {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    async fn run(&self, args: Args, ctx: &mut Ctx<'_>) -> Result<Outcome, Failure> {
        let text = args.text(FREE_FORM).unwrap_or_default();
        let output = match args.text("executable") {
            Some(shell) => {
                ctx.host.script(&format!("exec {} -c {}", quote(shell), quote(text))).await?
            }
            None => ctx.host.script(text).await?,
        };
        let outcome = Outcome::changed(true).with("rc", output.status.code()).streams(
            &output.stdout.text(),
            &output.stderr.text(),
            false,
        );
        if output.ok() { Ok(outcome) } else { Err(outcome.failed("non-zero return code")) }
    }
}
