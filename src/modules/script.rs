//! `script`: a script of the controller runs on the host.

use super::command::{Verdict, script as guards, verdict};
use super::common::find_local;
use super::copy::local_bytes;
use super::spec::{Args, BUILTIN, Kind, Param, Spec};
use super::{Ctx, Failure, Module, Outcome, check::FREE_FORM, words};
use crate::transport::{join, quote};
use async_trait::async_trait;

pub(super) struct Script;

static SPEC: Spec = Spec {
    names: &["script"],
    free_form: Some(FREE_FORM),
    params: &[
        Param::new(FREE_FORM, Kind::Text),
        Param::new("cmd", Kind::Text),
        Param::new("chdir", Kind::Path),
        Param::new("creates", Kind::Path),
        Param::new("removes", Kind::Path),
        Param::new("executable", Kind::Path),
        Param::new("decrypt", Kind::Bool).default("yes"),
    ],
    exclusive: &[&[FREE_FORM, "cmd"]],
    ..BUILTIN
};

#[async_trait]
impl Module for Script {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    async fn run(&self, args: Args, ctx: &mut Ctx<'_>) -> Result<Outcome, Failure> {
        let text = args.text(FREE_FORM).or(args.text("cmd")).unwrap_or_default();
        let argv = words::split(text).map_err(Failure::msg)?;
        let Some((name, rest)) = argv.split_first() else {
            return Err(Failure::msg("no script given"));
        };
        let path = find_local(ctx, "files", name)?;
        let bytes = local_bytes(ctx, &path, args.flag("decrypt"))?;
        let decides = args.get("creates").is_some() || args.get("removes").is_some();
        let held = |why: &str| {
            let (path, message) = match why {
                "creates" => (args.text("creates"), "exists, matching creates option"),
                "removes" => (args.text("removes"), "does not exist, matching removes option"),
                _ => {
                    return Err(Failure::msg(format!(
                        "Unable to change directory before execution: {}",
                        args.text("chdir").unwrap_or_default()
                    )));
                }
            };
            let mut outcome =
                Outcome::ok().with("msg", format!("{} {message}", path.unwrap_or_default()));
            outcome.skipped = true;
            Ok(outcome)
        };
        if ctx.check {
            if decides {
                let output = ctx.host.script(&guards(&args, None)).await?;
                if let Verdict::Stopped(why) = verdict(&output)? {
                    return held(&why);
                }
            }
            let mut outcome = Outcome::changed(decides);
            outcome.skipped = !decides;
            return Ok(outcome);
        }
        let file = path.file_name().map_or_else(|| "script".into(), |n| n.to_string_lossy());
        let run = match args.text("executable") {
            Some(program) => format!("{} \"$s\" {}", quote(program), join(rest)),
            None => format!("\"$s\" {}", join(rest)),
        };
        // The file is there before `run` is said; a program that is named relative to it finds it beside.
        let script = format!(
            "s=$(mktemp -d) || exit 1\ntrap 'rm -rf \"${{s%/*}}\"' EXIT\ns=$s/{}\ncat > \"$s\" || exit 1\n\
             chmod 0700 \"$s\" || exit 1\n{}{run} </dev/null\n",
            quote(&file),
            guards(&args, None)
        );
        let output = ctx.host.script_with_input(&script, bytes).await?;
        let stdout = match verdict(&output)? {
            Verdict::Stopped(why) => return held(&why),
            Verdict::Ran(stdout) => stdout,
        };
        let outcome = Outcome::changed(true).with("rc", output.status.code()).streams(
            &stdout,
            &output.stderr.text(),
            false,
        );
        if output.ok() { Ok(outcome) } else { Err(outcome.failed("non-zero return code")) }
    }
}

#[cfg(test)]
mod tests {
    use crate::modules::testing::Bench;
    use serde_json::json;

    #[tokio::test]
    async fn runs_here() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("files")).unwrap();
        std::fs::write(
            dir.path().join("files/s.sh"),
            "#!/bin/sh\necho \"$# $2\"; pwd; exit ${1:-0}\n",
        )
        .unwrap();
        let mut bench = Bench::here();
        bench.search = vec![dir.path().to_path_buf()];
        for (args, rc, stdout) in [
            (json!({"_raw_params": "s.sh 0 'b c'"}), json!(0), json!("2 b c\n/\n")),
            (json!({"cmd": "s.sh 3 x"}), json!(3), json!("2 x\n/\n")),
            (json!({"cmd": "s.sh", "executable": "/bin/bash"}), json!(0), json!("0 \n/\n")),
            (json!({"cmd": "s.sh", "creates": "/etc"}), json!(null), json!(null)),
            (json!({"cmd": "s.sh", "removes": "/nope"}), json!(null), json!(null)),
        ] {
            let mut args = args;
            args["chdir"] = json!("/");
            let got = bench.json("script", args.clone()).await;
            assert_eq!((&got["rc"], &got["stdout"]), (&rc, &stdout), "{args} {got}");
        }
        bench.check = true;
        assert_eq!(bench.json("script", json!({"cmd": "s.sh"})).await["skipped"], true);
        assert_eq!(bench.json("script", json!({"cmd": "nope.sh"})).await["failed"], true);
    }
}
