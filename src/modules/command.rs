//! `command` and `shell`: one program, or one text for a shell.

use super::spec::{Args, BUILTIN, Kind, Param, Spec};
use super::{Ctx, Failure, Module, Outcome, check::FREE_FORM, fields, words};
use crate::transport::{Output, quote};
use async_trait::async_trait;
use mainstay_language::value::Value;

/// `command`: no shell between the arguments and the program.
pub(super) struct Command;
/// `shell`: the text is given to `/bin/sh` or to `executable`.
pub(super) struct Shell;

const COMMON: [Param; 8] = [
    Param::new(FREE_FORM, Kind::Text),
    Param::new("cmd", Kind::Text),
    Param::new("chdir", Kind::Path),
    Param::new("creates", Kind::Path),
    Param::new("removes", Kind::Path),
    Param::new("stdin", Kind::Raw),
    Param::new("stdin_add_newline", Kind::Bool).default("true"),
    Param::new("executable", Kind::Path),
];

static COMMAND: Spec = Spec {
    names: &["command"],
    free_form: Some(FREE_FORM),
    params: &[
        COMMON[0],
        COMMON[1],
        COMMON[2],
        COMMON[3],
        COMMON[4],
        COMMON[5],
        COMMON[6],
        COMMON[7],
        Param::new("argv", Kind::List),
        Param::new("expand_argument_vars", Kind::Bool).default("true"),
        Param::new("strip_empty_ends", Kind::Bool).default("true"),
    ],
    ..BUILTIN
};

static SHELL: Spec = Spec {
    names: &["shell"],
    free_form: Some(FREE_FORM),
    params: &[
        COMMON[0], COMMON[1], COMMON[2], COMMON[3], COMMON[4], COMMON[5], COMMON[6], COMMON[7],
    ],
    ..BUILTIN
};

/// What runs, and how results name it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Job {
    /// Shell text of the words to run.
    pub(super) words: String,
    /// Shell text of the program's name, which is looked for first.
    pub(super) program: String,
    /// `cmd` of the result: text, or the list of arguments.
    pub(super) shown: Value,
    /// Rather than words, for messages.
    pub(super) name: String,
}

/// Free-form text, `cmd` or `argv` of `command`.
pub(super) fn command_job(args: &Args) -> Result<Job, Failure> {
    let text = args.text(FREE_FORM).filter(|t| !t.trim().is_empty()).or_else(|| args.text("cmd"));
    let argv: Vec<String> = match (text, args.get("argv")) {
        (Some(_), Some(_)) => {
            return Err(Failure::msg("only command or argv can be given, not both"));
        }
        (None, None) => return Err(Outcome::ok().with("rc", 256).failed("no command given")),
        (Some(text), None) => words::split(text).map_err(Failure::msg)?,
        (None, Some(_)) => args.texts("argv"),
    };
    let Some(first) = argv.first() else {
        return Err(Outcome::ok().with("rc", 256).failed("no command given"));
    };
    let word = |w: &String| {
        if args.flag("expand_argument_vars") { words::expanding(w) } else { quote(w) }
    };
    Ok(Job {
        words: argv.iter().map(word).collect::<Vec<_>>().join(" "),
        program: word(first),
        name: first.clone(),
        shown: argv.into(),
    })
}

/// Free-form text or `cmd` of `shell`.
pub(super) fn shell_job(args: &Args) -> Result<Job, Failure> {
    let text = args.text(FREE_FORM).filter(|t| !t.trim().is_empty()).or_else(|| args.text("cmd"));
    let Some(text) = text else {
        return Err(Outcome::ok().with("rc", 256).failed("no command given"));
    };
    let shell = args.text("executable").unwrap_or("/bin/sh");
    Ok(Job {
        words: format!("{} -c {}", words::expanding(shell), quote(text)),
        program: words::expanding(shell),
        name: shell.to_owned(),
        shown: Value::text(text),
    })
}

/// The script: what stops it is told in its first line; after `run` everything is the program's own.
pub(super) fn script(args: &Args, job: Option<&Job>) -> String {
    let mut text = String::new();
    if let Some(dir) = args.text("chdir") {
        text.push_str(&format!(
            "cd -- {} 2>/dev/null || {{ echo chdir; exit 0; }}\n",
            words::expanding(dir)
        ));
    }
    let exists = "for f do if [ -e \"$f\" ] || [ -L \"$f\" ]; then";
    if let Some(path) = args.text("creates") {
        text.push_str(&format!("set -- {}\n{exists} echo creates; exit 0; fi; done\n", glob(path)));
    }
    if let Some(path) = args.text("removes") {
        text.push_str(&format!(
            "set -- {}\ngone=1\n{exists} gone=0; fi; done\n[ $gone = 0 ] || {{ echo removes; exit 0; }}\n",
            glob(path)
        ));
    }
    if let Some(job) = job {
        text.push_str(&format!("p={}\n{FIND}echo run\nexec {}\n", job.program, job.words));
    } else {
        text.push_str("echo run\n");
    }
    text
}

/// Looks the program up as `execvp` does: a shell's builtin is no program.
const FIND: &str = r#"case $p in
*/*) [ -e "$p" ] || { echo missing; exit 0; }
  if [ -d "$p" ] || [ ! -x "$p" ]; then echo denied; exit 0; fi ;;
*) found=; IFS=:
  for d in $PATH; do if [ -f "${d:-.}/$p" ] && [ -x "${d:-.}/$p" ]; then found=1; break; fi; done
  unset IFS; [ -n "$found" ] || { echo missing; exit 0; } ;;
esac
"#;

fn glob(path: &str) -> String {
    if words::expands(path) { words::expanding(path) } else { words::glob(path) }
}

/// What the first line of the answer means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The rest is what the program wrote.
    Ran(String),
    /// Held back by `creates` or `removes`, or stopped.
    Stopped(String),
}

pub(super) fn verdict(output: &Output) -> Result<Verdict, Failure> {
    let text = output.stdout.text();
    match text.split_once('\n') {
        Some(("run", rest)) => Ok(Verdict::Ran(rest.to_owned())),
        Some((word @ ("chdir" | "creates" | "removes" | "missing" | "denied"), "")) => {
            Ok(Verdict::Stopped(word.to_owned()))
        }
        _ => Err(Outcome::ok()
            .with("rc", output.status.code())
            .streams(&text, &output.stderr.text(), true)
            .failed(format!(
                "the host's shell did not run the script: {}",
                fields::reason(output)
            ))),
    }
}

/// The result for a command that was not run, and why.
fn stopped(why: &str, args: &Args, job: &Job) -> Result<Outcome, Failure> {
    let base = Outcome::ok().with("cmd", job.shown.clone());
    let held = |path: &str, state: &str, exists: &str| {
        Outcome::ok()
            .with("rc", 0)
            .with("cmd", job.shown.clone())
            .with("msg", format!("Did not run command since '{path}' {exists}"))
            .with("start", Value::Null)
            .with("end", Value::Null)
            .with("delta", Value::Null)
            .streams(&format!("skipped, since {path} {state}"), "", true)
    };
    let chdir = args.text("chdir").unwrap_or_default();
    match why {
        "creates" => Ok(held(args.text("creates").unwrap_or_default(), "exists", "exists")),
        "removes" => {
            Ok(held(args.text("removes").unwrap_or_default(), "does not exist", "does not exist"))
        }
        "chdir" => Err(base
            .with("rc", Value::Null)
            .streams("", "", true)
            .failed(format!("Unable to change directory before execution: {chdir}"))),
        "denied" => Err(base
            .with("rc", 13)
            .streams("", "", true)
            .failed(format!("Error executing command: permission denied: {}", job.name))),
        _ => Err(base
            .with("rc", 2)
            .streams("", "", true)
            .failed(format!("Error executing command: no such file or directory: {}", job.name))),
    }
}

/// What the program reads.
pub(super) fn stdin(args: &Args) -> Vec<u8> {
    let Some(value) = args.get("stdin") else { return Vec::new() };
    let mut text = mainstay_language::value::string(value);
    if args.flag("stdin_add_newline") {
        text.push('\n');
    }
    text.into_bytes()
}

async fn run(job: &Job, args: &Args, ctx: &mut Ctx<'_>) -> Result<Outcome, Failure> {
    let decides = args.get("creates").is_some() || args.get("removes").is_some();
    if ctx.check {
        if decides {
            let output = ctx.host.script(&script(args, None)).await?;
            if let Verdict::Stopped(why) = verdict(&output)? {
                return stopped(&why, args, job);
            }
        }
        let mut outcome = Outcome::changed(decides)
            .with("rc", 0)
            .with("cmd", job.shown.clone())
            .with("msg", "Command would have run if not in check mode")
            .with("start", Value::Null)
            .with("end", Value::Null)
            .with("delta", Value::Null)
            .streams("", "", true);
        outcome.skipped = !decides;
        return Ok(outcome);
    }
    let (start, begin) = (ctx.clock.now(), ctx.clock.monotonic());
    let output = ctx.host.script_with_input(&script(args, Some(job)), stdin(args)).await?;
    let took = ctx.clock.monotonic().saturating_sub(begin);
    result(&output, args, job, (start, ctx.clock.now(), took))
}

/// The result of a script made by [`script`] that ran to its end, with when it began and ended and how long it took.
pub(super) fn result(
    output: &Output,
    args: &Args,
    job: &Job,
    (start, end, took): (jiff::Timestamp, jiff::Timestamp, std::time::Duration),
) -> Result<Outcome, Failure> {
    let stdout = match verdict(output)? {
        Verdict::Stopped(why) => return stopped(&why, args, job),
        Verdict::Ran(stdout) => stdout,
    };
    let strip = args.get("strip_empty_ends").is_none() || args.flag("strip_empty_ends");
    let outcome = Outcome::changed(true)
        .with("cmd", job.shown.clone())
        .with("rc", output.status.code())
        .with("start", fields::moment(start))
        .with("end", fields::moment(end))
        .with("delta", fields::delta(took))
        .with("msg", "")
        .streams(&stdout, &output.stderr.text(), strip);
    if output.ok() { Ok(outcome) } else { Err(outcome.failed("non-zero return code")) }
}

#[async_trait]
impl Module for Command {
    fn spec(&self) -> &'static Spec {
        &COMMAND
    }

    async fn run(&self, args: Args, ctx: &mut Ctx<'_>) -> Result<Outcome, Failure> {
        let job = command_job(&args)?;
        let mut outcome = run(&job, &args, ctx).await?;
        if args.get("executable").is_some() {
            let warning =
                "command: 'executable' is no longer supported and not used; shell takes it";
            outcome.warnings.push(warning.to_owned());
        }
        Ok(outcome)
    }
}

#[async_trait]
impl Module for Shell {
    fn spec(&self) -> &'static Spec {
        &SHELL
    }

    async fn run(&self, args: Args, ctx: &mut Ctx<'_>) -> Result<Outcome, Failure> {
        run(&shell_job(&args)?, &args, ctx).await
    }
}

#[cfg(test)]
#[path = "command_tests.rs"]
mod tests;
