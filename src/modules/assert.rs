//! `assert`: conditions that must hold.

use super::spec::{Args, BUILTIN, Kind, Param, Spec};
use super::{Ask, Ctx, Failure, Module, Outcome};
use async_trait::async_trait;
use mainstay_language::template::Site;
use mainstay_language::value::Value;

pub(super) struct Assert;

static SPEC: Spec = Spec {
    names: &["assert"],
    params: &[
        Param::new("that", Kind::Raw).required(),
        Param::new("fail_msg", Kind::Raw).aliases(&["msg"]),
        Param::new("success_msg", Kind::Raw),
        Param::new("quiet", Kind::Bool).default("false"),
    ],
    unrendered: &["that"],
    controller: true,
    ..BUILTIN
};

/// The conditions, one by one: a list that a lone template yields is a list of conditions too.
fn conditions(that: &Value, ctx: &Ctx<'_>, site: &Site) -> Vec<Value> {
    if let Value::List(items) = that {
        return items.to_vec();
    }
    if that.needs_rendering() {
        // Only a template that is the whole text can yield a list; whatever else it is, `condition` judges it.
        if let Ok(Value::List(items)) = ctx.templar.render(that, &ctx.scope, site) {
            return items.to_vec();
        }
    }
    vec![that.clone()]
}

#[async_trait]
impl Module for Assert {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    async fn run(&self, args: Args, ctx: &mut Ctx<'_>) -> Result<Outcome, Failure> {
        let site = Site { search: ctx.search.into() };
        let quiet = args.flag("quiet");
        let that = args.get("that").cloned().unwrap_or(Value::Null);
        for condition in conditions(&that, ctx, &site) {
            let holds = ctx
                .templar
                .condition(&condition, &ctx.scope, &site)
                .map_err(|e| Failure::msg(e.diagnostic.to_string()))?;
            if !holds {
                let message = args
                    .get("fail_msg")
                    .cloned()
                    .unwrap_or_else(|| Value::text("Assertion failed"));
                return Err(Failure::Failed(Box::new(
                    Outcome::ok()
                        .with("evaluated_to", false)
                        .with("assertion", condition)
                        .with("msg", message),
                )));
            }
        }
        let message = args
            .get("success_msg")
            .cloned()
            .unwrap_or_else(|| Value::text("All assertions passed"));
        let mut outcome = Outcome::ok().with("msg", message);
        if !quiet {
            outcome.asks.push(Ask::ShowResult);
        }
        Ok(outcome)
    }
}
