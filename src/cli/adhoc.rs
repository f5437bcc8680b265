//! `ansible PATTERN -m MODULE -a ARGS`: a play of one task.

use super::args::{AdHoc, Common};
use super::ground;
use super::playbook::{Persona, conclude, finish, on_runtime};
use super::refusal::Refusal;
use super::setup::{self, Prepared};
use super::terminal::say;
use super::{exit, signals};
use crate::engine;
use crate::event::Event;
use crate::modules;
use mainstay_language::diag::{Diagnostic, Diagnostics, Place, Source};
use mainstay_language::playbook::split::key_values;
use mainstay_language::playbook::{
    Action, BlockKind, Item, Keywords, Lineage, Play, Playbook, RoleInclude, Task,
};
use mainstay_language::value::{Map, Text, Value};
use mainstay_language::yaml;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

/// Modules whose text is a command.
const COMMANDS: [&str; 4] = ["command", "shell", "script", "raw"];

/// Actions of playbooks that are no modules.
const ACTIONS: [&str; 4] = ["import_tasks", "include_tasks", "import_role", "import_playbook"];

/// Runs one task and returns the exit code.
#[must_use]
pub(super) fn run(args: AdHoc) -> u8 {
    on_runtime(inner(args))
}

async fn inner(args: AdHoc) -> Result<u8, Refusal> {
    let common = Common {
        sources: args.sources.clone(),
        execution: args.execution.clone(),
        connection: args.connection.clone(),
        kubernetes: args.kubernetes.clone(),
        ..Common::default()
    };
    let task = if args.list_hosts { None } else { Some(action(&args)?) };
    let prepared = setup::prepare(&common, &[], Persona::AdHoc { one_line: args.one_line }, None)?;
    Box::pin(conclude(&prepared, ask(&args, task, &prepared))).await
}

/// The one task, on the hosts of the pattern; the hosts alone if there is none.
async fn ask(args: &AdHoc, task: Option<Action>, prepared: &Prepared) -> Result<u8, Refusal> {
    let run = &prepared.run;
    let pattern = Text::computed(args.pattern.as_str());
    let hosts = run
        .select_hosts(std::slice::from_ref(&args.pattern), None)
        .map_err(|diagnostic| Refusal::new(exit::GENERAL, diagnostic))?;
    if hosts.is_empty() && !args.sources.limit.is_empty() {
        return Err(ground::no_hosts(&format!(
            "{} within --limit {}",
            args.pattern,
            args.sources.limit.join(",")
        )));
    }
    let Some(action) = task else { return list(&hosts) };
    if hosts.is_empty() {
        run.events.emit(Event::Warning { message: "No hosts matched, nothing to do".to_owned() });
        return Ok(exit::DONE);
    }
    signals::watch(run.stop.clone())
        .map_err(|e| Refusal::because(exit::DEFECT, format!("cannot watch signals: {e}")))?;
    let here = run.outside.directory();
    let directory = args
        .playbook_dir
        .as_ref()
        .map_or_else(|| prepared.directory.clone(), |path| here.join(path));
    let book = Playbook { plays: vec![play(Value::Text(pattern), directory, args, action).into()] };
    let failure = engine::run_all(run, book).await.err();
    Ok(finish(prepared, failure).await)
}

fn list(hosts: &[Arc<str>]) -> Result<u8, Refusal> {
    let mut text = format!("  hosts ({}):", hosts.len());
    for host in hosts {
        text.push_str("\n    ");
        text.push_str(host);
    }
    say(&text).map_err(|e| Refusal::because(exit::JOURNAL, e.to_string()))?;
    Ok(exit::DONE)
}

/// The module and its arguments.
fn action(args: &AdHoc) -> Result<Action, Refusal> {
    let written = args.module_name.as_str();
    match written.rsplit('.').next().unwrap_or(written) {
        "meta" => {
            let source = Source::new("<-a>", args.module_args.as_str());
            if args.module_args.trim() == "end_role" {
                let message = "Cannot execute 'end_role' from outside of a role";
                return Err(Refusal::because(exit::UNREACHABLE, message));
            }
            return Ok(Action::Meta(Text::written(args.module_args.trim(), source.start())));
        }
        "include_role" => return include_role(args),
        _ => {}
    }
    let Some(module) = modules::find(written) else { return Err(unknown(written)) };
    let spec = module.spec();
    let name = (*spec.names.first().unwrap_or(&written)).to_owned();
    let is_command = COMMANDS.contains(&name.as_str());
    let source = Source::new("<-a>", args.module_args.as_str());
    let map = arguments(&source, is_command)
        .map_err(|diagnostic| Refusal::new(exit::BAD_OPTION, diagnostic))?;
    if is_command && map.is_empty() {
        let message = format!("No argument passed to {name} module");
        let diagnostic =
            Diagnostic::error(message).hint("give its command with -a, as in -a uptime");
        return Err(Refusal::new(exit::BAD_OPTION, diagnostic));
    }
    if spec.free_form.is_none()
        && !is_command
        && let Some(text) = map.get("_raw_params")
    {
        let message =
            format!("{name}: {:?} is not key=value", mainstay_language::value::string(text));
        return Err(Refusal::new(
            exit::HOST_FAILED,
            Diagnostic::error(message).at(&source.start()),
        ));
    }
    Ok(Action::Module { written: written.to_owned(), name, args: Value::Map(map) })
}

/// `-m include_role -a name=ROLE`
fn include_role(args: &AdHoc) -> Result<Action, Refusal> {
    const FROM: [&str; 4] = ["tasks_from", "vars_from", "defaults_from", "handlers_from"];
    let source = Source::new("<-a>", args.module_args.as_str());
    let bad =
        |diagnostic: Diagnostic| Refusal::new(exit::BAD_OPTION, diagnostic.at(&source.start()));
    let mut map = arguments(&source, false).map_err(bad)?;
    let Some(name) = map.remove("name") else {
        return Err(bad(Diagnostic::error(
            "include_role needs the name of a role, as in -a name=web",
        )));
    };
    let from = FROM.into_iter().filter_map(|key| Some((key, map.remove(key)?))).collect();
    let mut take = |key: &str| map.remove(key).unwrap_or(Value::Null);
    let include = RoleInclude {
        name,
        from,
        public: take("public"),
        allow_duplicates: take("allow_duplicates"),
        validate: take("rolespec_validate"),
        apply: Box::default(),
    };
    match map.keys().next() {
        None => Ok(Action::IncludeRole(Box::new(include))),
        Some(key) => Err(bad(Diagnostic::error(format!("include_role has no argument {key:?}")))),
    }
}

fn unknown(written: &str) -> Refusal {
    let diagnostic = Diagnostic::error(format!("unknown module {written:?}"));
    let short = written.rsplit('.').next().unwrap_or(written);
    let diagnostic = match modules::near(written) {
        _ if ACTIONS.contains(&short) => Diagnostic::error(format!("{written:?} needs a playbook"))
            .hint("write one and run it with ansible-playbook"),
        Some(near) => diagnostic.hint(format!("did you mean {near:?}?")),
        None => diagnostic,
    };
    Refusal::new(exit::HOST_FAILED, diagnostic)
}

/// `key=value` text, or a map in braces.
fn arguments(source: &Arc<Source>, is_command: bool) -> Result<Map, Diagnostic> {
    let text = source.text.as_str();
    let place = source.start();
    if text.trim_start().starts_with('{') && !text.trim_start().starts_with("{{") {
        let mut warnings = Diagnostics::default();
        return match yaml::load_one(source, &mut warnings)?.to_value() {
            Value::Map(map) => Ok(map),
            _ => Err(Diagnostic::error("arguments in braces must be a map").at(&place)),
        };
    }
    let written = Text::written(text, place.clone());
    key_values(&written, is_command).map_err(|message| Diagnostic::error(message).at(&place))
}

fn play(hosts: Value, directory: PathBuf, args: &AdHoc, action: Action) -> Play {
    let place = Source::new("<command line>", "").start();
    let top = level(
        Keywords { name: Some(Text::computed("Ansible Ad-Hoc")), ..Keywords::default() },
        BlockKind::Play,
        None,
        &place,
    );
    let mut keywords = Keywords::default();
    if let Some(seconds) = args.task_timeout {
        keywords.simple.insert("timeout", number(seconds));
    }
    let mut task =
        Task::plain(level(keywords, BlockKind::Task, Some(Arc::clone(&top)), &place), action);
    if let Some(seconds) = args.background {
        task.asynchronous = Some(number(seconds));
        task.poll = Some(number(args.poll.unwrap_or(15)));
    }
    let mut only = indexmap::IndexMap::new();
    only.insert("gather_facts", Value::Bool(false));
    Play {
        lineage: top,
        hosts,
        only,
        vars_prompt: Vec::new(),
        sections: [Vec::new(), vec![Item::Task(Arc::new(task))], Vec::new()],
        handlers: Vec::new(),
        roles: Vec::new(),
        maintenance: None,
        file: directory.join("<command line>"),
        directory,
    }
}

fn level(
    keywords: Keywords,
    kind: BlockKind,
    parent: Option<Arc<Lineage>>,
    place: &Place,
) -> Arc<Lineage> {
    Arc::new(Lineage { keywords, kind, parent, place: place.clone(), derived: OnceLock::new() })
}

fn number(seconds: u64) -> Value {
    Value::Int(i128::from(seconds))
}
