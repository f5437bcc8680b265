//! `package`: whatever package manager the host has; apt now.

use super::spec::{Args, BUILTIN, Kind, Param, Spec};
use super::{Ctx, Failure, Module, Outcome};
use async_trait::async_trait;

pub(super) struct Package;

static SPEC: Spec = Spec {
    names: &["package"],
    params: &[
        Param::new("name", Kind::TextList).required(),
        Param::new("state", Kind::Text).required(),
        Param::new("use", Kind::Text).default("auto"),
    ],
    // Everything else is for the package manager's own module, which checks it.
    any: true,
    ..BUILTIN
};

const PROBE: &str = "for p in apt-get dnf5 dnf yum zypper apk pacman; do \
                     if command -v $p >/dev/null 2>&1; then echo $p; exit 0; fi; done";

#[async_trait]
impl Module for Package {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    async fn run(&self, args: Args, ctx: &mut Ctx<'_>) -> Result<Outcome, Failure> {
        let manager = match (args.text("use"), ctx.facts.get("pkg_mgr").and_then(|v| v.as_str())) {
            (Some(name), _) if name != "auto" => name.rsplit('.').next().unwrap_or(name).to_owned(),
            (_, Some(fact)) => fact.to_owned(),
            _ => ctx.host.script(PROBE).await?.stdout.text().trim().to_owned(),
        };
        match manager.as_str() {
            "apt" | "apt-get" => {
                let mut raw = args.0;
                raw.remove("use");
                let args = Args::check(super::apt::Apt.spec(), &raw)?;
                super::apt::Apt.run(args, ctx).await
            }
            "" => Err(Failure::msg(
                "Could not detect which package manager to use. Try gathering facts or setting the \"use\" option.",
            )),
            other => Err(Failure::msg(format!("the package manager {other} is not supported"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::modules::testing::{Bench, Scripted, says};
    use serde_json::json;

    #[tokio::test]
    async fn dispatches() {
        let apt = || says("1\x002\0bash|amd64|5|ii |\0\0end\0");
        for (args, fact, answers, msg) in [
            (json!({"name": "bash", "state": "present"}), Some("apt"), vec![apt()], json!(null)),
            (
                json!({"name": "bash", "state": "present"}),
                None,
                vec![says("apt-get\n"), apt()],
                json!(null),
            ),
            (
                json!({"name": "bash", "state": "present", "use": "apt"}),
                None,
                vec![apt()],
                json!(null),
            ),
            (
                json!({"name": "bash", "state": "present"}),
                Some("dnf"),
                vec![],
                json!("the package manager dnf is not supported"),
            ),
            (
                json!({"name": "b", "state": "installed"}),
                Some("apt"),
                vec![],
                json!(
                    "value of state must be one of: absent, build-dep, fixed, latest, present, got: installed"
                ),
            ),
        ] {
            let mut bench = Bench::on(Scripted::new(answers));
            if let Some(fact) = fact {
                bench.facts.insert("pkg_mgr", fact);
            }
            let got = bench.json("package", args.clone()).await;
            assert_eq!(got["msg"], msg, "{args}");
        }
    }
}
