//! `pause`: the run waits.

use super::spec::{Args, BUILTIN, Kind, Param, Spec};
use super::{Ctx, Failure, Module, Outcome, fields};
use async_trait::async_trait;
use std::time::Duration;

pub(super) struct Pause;

static SPEC: Spec = Spec {
    names: &["pause"],
    params: &[
        Param::new("seconds", Kind::Float),
        Param::new("minutes", Kind::Float),
        Param::new("prompt", Kind::Text),
        Param::new("echo", Kind::Bool).default("yes"),
    ],
    exclusive: &[&["seconds", "minutes"]],
    controller: true,
    ..BUILTIN
};

/// As Python prints a float.
fn python(amount: f64) -> String {
    mainstay_language::value::string(&amount.into())
}

#[async_trait]
impl Module for Pause {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    async fn run(&self, args: Args, ctx: &mut Ctx<'_>) -> Result<Outcome, Failure> {
        let (amount, unit, seconds) = match (args.float("seconds"), args.float("minutes")) {
            (Some(n), _) => (n, "seconds", n),
            (None, Some(n)) => (n, "minutes", n * 60.0),
            // Without a time it waits for somebody at a terminal, and the run has none.
            (None, None) => {
                return Err(Failure::msg("pause without seconds or minutes needs a terminal"));
            }
        };
        // As in Ansible, a pause is at least a second.
        let wait = Duration::try_from_secs_f64(seconds.max(1.0))
            .map_err(|_| Failure::msg(format!("{unit}: {amount} is not a time")))?;
        let (start, begin) = (ctx.clock.now(), ctx.clock.monotonic());
        ctx.clock.sleep(wait).await;
        let took = ctx.clock.monotonic().saturating_sub(begin);
        let mut outcome = Outcome::ok()
            .with("start", fields::moment(start))
            .with("stop", fields::moment(ctx.clock.now()))
            .with("delta", took.as_secs())
            .with("rc", 0)
            .with("stdout", format!("Paused for {} {unit}", python(amount)))
            .with("stderr", "")
            .with("user_input", "")
            .with("echo", args.flag("echo"));
        if let Some(prompt) = args.text("prompt") {
            outcome.warnings.push(format!("pause: {prompt} (nobody is asked; waited {unit})"));
        }
        Ok(outcome)
    }
}

#[cfg(test)]
mod tests {
    use crate::modules::testing::{Bench, Scripted};
    use serde_json::json;

    #[tokio::test]
    async fn waits() {
        let bench = Bench::on(Scripted::new([]));
        for (args, delta, stdout) in [
            (json!({"seconds": 5}), 5, "Paused for 5.0 seconds"),
            (json!({"minutes": "0.5"}), 30, "Paused for 0.5 minutes"),
            (json!({"seconds": 0}), 1, "Paused for 0.0 seconds"),
            (json!({"seconds": 2, "prompt": "wait"}), 2, "Paused for 2.0 seconds"),
        ] {
            let got = bench.json("pause", args).await;
            assert_eq!((&got["delta"], &got["stdout"]), (&json!(delta), &json!(stdout)));
        }
        for args in [json!({}), json!({"prompt": "x"}), json!({"seconds": 1, "minutes": 1})] {
            assert_eq!(bench.json("pause", args).await["failed"], true);
        }
    }
}
