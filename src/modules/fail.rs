//! `fail`: the task fails with a message.

use super::spec::{Args, BUILTIN, Kind, Param, Spec};
use super::{Ctx, Failure, Module, Outcome};
use async_trait::async_trait;

pub(super) struct Fail;

static SPEC: Spec = Spec {
    names: &["fail"],
    params: &[Param::new("msg", Kind::Raw).default("Failed as requested from task")],
    controller: true,
    ..BUILTIN
};

#[async_trait]
impl Module for Fail {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    async fn run(&self, args: Args, _ctx: &mut Ctx<'_>) -> Result<Outcome, Failure> {
        let message = args.get("msg").cloned().unwrap_or_else(|| "".into());
        Err(Failure::Failed(Box::new(Outcome::ok().with("msg", message))))
    }
}
