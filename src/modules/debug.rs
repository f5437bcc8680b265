//! `debug`: a message or a variable in the task's result.

use super::set_fact::is_identifier;
use super::spec::{Args, BUILTIN, Kind, Param, Spec};
use super::{Ask, Ctx, Failure, Module, Outcome};
use async_trait::async_trait;
use mainstay_language::template::{Site, TemplateErrorKind};
use mainstay_language::value::{Text, Value};

pub(super) struct Debug;

static SPEC: Spec = Spec {
    names: &["debug"],
    params: &[
        Param::new("msg", Kind::Raw),
        Param::new("var", Kind::Raw),
        Param::new("verbosity", Kind::Int).default("0"),
    ],
    unrendered: &["var"],
    exclusive: &[&["msg", "var"]],
    controller: true,
    ..BUILTIN
};

/// The expression's value under the expression's text; a name that does not exist is shown as such, not an error.
fn variable(text: &Text, ctx: &Ctx<'_>) -> Result<Value, Failure> {
    let site = Site { search: ctx.search.into() };
    match ctx.templar.expression(text, &ctx.scope, &site) {
        Ok(value) => ctx
            .templar
            .render(&value, &ctx.scope, &site)
            .map_err(|e| Failure::msg(e.diagnostic.to_string())),
        Err(e) if e.kind == TemplateErrorKind::Undefined => {
            Ok(Value::text(format!("<< error 1 - {} >>", e.diagnostic.message)))
        }
        Err(e) => Err(Failure::msg(e.diagnostic.to_string())),
    }
}

#[async_trait]
impl Module for Debug {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    async fn run(&self, args: Args, ctx: &mut Ctx<'_>) -> Result<Outcome, Failure> {
        if args.int("verbosity").is_some_and(|wanted| wanted > i64::from(ctx.verbosity)) {
            let mut outcome = Outcome::ok().with("skipped_reason", "Verbosity threshold not met.");
            outcome.skipped = true;
            return Ok(outcome);
        }
        let mut outcome = match args.get("var") {
            Some(Value::Text(text)) if !text.is_template() => {
                Outcome::ok().with(text.as_str(), variable(text, ctx)?)
            }
            Some(written) => templated(written, ctx)?,
            None => Outcome::ok().with(
                "msg",
                args.get("msg").cloned().unwrap_or_else(|| Value::text("Hello world!")),
            ),
        };
        outcome.asks.push(Ask::ShowResult);
        Ok(outcome)
    }
}

/// `var: "{{ name }}"` names a variable by a template; any other template (or structure) is shown itself.
fn templated(written: &Value, ctx: &Ctx<'_>) -> Result<Outcome, Failure> {
    let site = Site { search: ctx.search.into() };
    let render = |value: &Value| {
        ctx.templar
            .render(value, &ctx.scope, &site)
            .map_err(|e| Failure::msg(e.diagnostic.to_string()))
    };
    let value = render(written)?;
    let Some(name) = value.as_str().filter(|name| is_identifier(name)) else {
        let key = written.as_str().unwrap_or(written.type_name());
        return Ok(Outcome::ok().with(key, value));
    };
    let shown = ctx.scope.get(name).map_or_else(|| Ok(value.clone()), |found| render(&found))?;
    Ok(Outcome::ok().with(name, shown))
}
