//! `dpkg_selections`: hold and release packages.

use super::spec::{Args, BUILTIN, Kind, Param, Spec};
use super::{Ctx, Failure, Module, Outcome};
use crate::transport::{files, quote};
use async_trait::async_trait;

pub(super) struct DpkgSelections;

static SPEC: Spec = Spec {
    names: &["dpkg_selections"],
    params: &[
        Param::new("name", Kind::Text).required(),
        Param::new("selection", Kind::Text).required().choices(&[
            "install",
            "hold",
            "deinstall",
            "purge",
        ]),
    ],
    ..BUILTIN
};

#[async_trait]
impl Module for DpkgSelections {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    async fn run(&self, args: Args, ctx: &mut Ctx<'_>) -> Result<Outcome, Failure> {
        let name = quote(args.text("name").unwrap_or_default());
        let wanted = args.text("selection").unwrap_or_default();
        let probe = format!("o=$(dpkg --get-selections {name} 2>/dev/null) || o=\nsay \"$o\"\n");
        let text = files::ask(ctx.host, &probe, Vec::new()).await?.text()?;
        let mut words = text.split_whitespace();
        let before = match (words.next(), words.next()) {
            (Some(_), Some(selection)) => selection.to_owned(),
            _ => "not present".to_owned(),
        };
        let changed = before != wanted;
        if changed && !ctx.check {
            if before == "not present" {
                return Err(Failure::msg(format!(
                    "Failed to find package '{}' to perform selection '{wanted}'.",
                    args.text("name").unwrap_or_default()
                )));
            }
            let act = format!(
                "e=$(printf '%s %s\\n' {name} {wanted} | dpkg --set-selections 2>&1) || fail \"$e\"\n"
            );
            files::ask(ctx.host, &act, Vec::new()).await?;
        }
        Ok(Outcome::changed(changed).with("before", before).with("after", wanted))
    }
}

#[cfg(test)]
mod tests {
    use crate::modules::testing::{Bench, Scripted, says};
    use serde_json::json;

    #[tokio::test]
    async fn decides() {
        let is = |selection: &str| says(&format!("kubelet\t\t{selection}\0end\0"));
        for (now, wanted, check, more, changed, failed) in [
            (is("install"), "hold", false, true, true, false),
            (is("hold"), "hold", false, false, false, false),
            (is("hold"), "install", false, true, true, false),
            (is("install"), "hold", true, false, true, false),
            (says("\0end\0"), "hold", false, false, false, true),
            (says("\0end\0"), "hold", true, false, true, false),
        ] {
            let mut answers = vec![now];
            if more {
                answers.push(says("end\0"));
            }
            let mut bench = Bench::on(Scripted::new(answers));
            bench.check = check;
            let got = bench
                .json("dpkg_selections", json!({"name": "kubelet", "selection": wanted}))
                .await;
            assert_eq!(
                (&got["changed"], &got["failed"]),
                (&json!(changed), &json!(failed)),
                "{got}"
            );
        }
    }
}
