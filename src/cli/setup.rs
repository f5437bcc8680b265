//! Wires a run: settings, secrets, inventory, variables, loader, connections, journal, reports.

use super::args::Common;
use super::dialer::Transports;
use super::exit;
use super::fact_store;
use super::ground::Ground;
use super::magic;
use super::playbook::Persona;
use super::real::RealClock;
pub(super) use super::refusal::Refusal;
use super::reports;
use super::terminal::Terminal;
use crate::engine::{
    ClusterSlot, Connections, Defaults, Gathering, Mismatch, Options, Parts, Prompter, Run,
    Selection, Where, World,
};
use crate::event::{Event, Events, Redactor};
use crate::journal::{Journal, JournalError, Record};
use crate::modules;
use crate::settings::{Origin, Settings};
use crate::transport::Secret;
use mainstay_language::diag::{Diagnostic, Diagnostics};
use mainstay_language::inventory::{self, Constructed, Files, LoadOptions, Pattern};
use mainstay_language::outside::Outside;
use mainstay_language::playbook::{Loader, ModuleInfo, Modules, Names, Setup};
use mainstay_language::template::{Site, Templar};
use mainstay_language::value::{Map, Scope, Value};
use mainstay_language::vars::{HashBehaviour, HostVars, Layers};
use mainstay_language::vault::Secrets;
use std::cell::Cell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A run about to start.
pub(super) struct Prepared {
    /// The run.
    pub run: Run,
    /// Its journal.
    pub journal: Arc<Journal>,
    /// Where plays that are in no playbook live: the setting, or the working directory.
    pub directory: PathBuf,
    /// The journal has the run's end.
    pub ended: Cell<bool>,
}

/// Builds a run from flags and settings; reads the inventory, connects nowhere.
///
/// # Errors
/// A flag, a setting, the inventory or a secret cannot be used.
#[expect(clippy::disallowed_methods, reason = "the real clock")]
pub(super) fn prepare(
    common: &Common,
    playbooks: &[PathBuf],
    persona: Persona,
    start_at: Option<String>,
) -> Result<Prepared, Refusal> {
    let Ground {
        outside,
        settings,
        redactor,
        secrets,
        templar,
        loaded,
        sources,
        load,
        extra,
        limit,
        mut warnings,
    } = Ground::lay(&common.sources, playbooks)?;
    let directory = settings.path("PLAYBOOK_DIR").unwrap_or_else(|| outside.directory());
    let options = options(common, &settings, persona, limit, start_at)?;
    let constants = magic::constants(common, &options, &settings);
    let loader = Loader::new(Setup {
        outside: Arc::clone(&outside),
        secrets: Arc::clone(&secrets),
        modules: Arc::new(Table),
        names: Arc::new(StaticNames(Arc::clone(&templar))),
        roles_path: settings.paths("DEFAULT_ROLES_PATH"),
        collections_path: settings.paths("COLLECTIONS_PATHS"),
        private_roles: (settings.origin("DEFAULT_PRIVATE_ROLE_VARS") != Origin::Default)
            .then(|| settings.flag("DEFAULT_PRIVATE_ROLE_VARS")),
        extra_vars: extra.clone(),
    });
    let defaults = defaults(common, &settings, &*outside, &redactor, persona)?;
    let dead_runs = super::runs::name_held(&state_directory(&*outside)).unwrap_or_else(|error| {
        warnings.push(Diagnostic::warning(format!("what earlier runs hold is unknown: {error}")));
        Vec::new()
    });
    let facts = fact_store::cache(&settings, &outside)?;
    let (id, journal) = journal(&*outside)?;
    let (report, quiet) = reports::human(common, &options, &settings, persona, &*outside)?;
    let lines = reports::json_lines(&journal)?;
    let events = Events::new(Box::new(jiff::Timestamp::now), redactor.clone(), vec![report, lines]);
    events.emit(Event::RunStarted { run: Arc::clone(&id) });
    let directories = loaded.directories.clone();
    let world = World::new(
        loaded.inventory,
        extra,
        constants,
        merge(Arc::clone(&outside), Arc::clone(&secrets), directories),
    )
    .keeping_facts(facts);
    let run = Run::new(Parts {
        id,
        options,
        world: Arc::new(world),
        templar: Arc::clone(&templar),
        clock: Arc::new(RealClock::default()),
        effects: Arc::clone(&journal) as Arc<dyn crate::journal::Effects>,
        events,
        loader,
        connections: Connections::new(Box::new(Transports::new(&*outside, None)), defaults),
        cluster: ClusterSlot::new(place_of_api(common, &*outside, dead_runs)),
        stop: crate::cluster::Cancel::new(),
        redactor,
        prompter: Arc::new(reports::Asking { terminal: Terminal, quiet }),
        secrets: Arc::clone(&secrets),
        reload: reload(Arc::clone(&outside), secrets, Arc::clone(&templar), sources, load),
        outside,
    });
    for warning in warnings.0 {
        run.events.emit(Event::Warning { message: warning.to_string() });
    }
    run.recall_facts(common.sources.flush_cache);
    Ok(Prepared { run, journal, directory, ended: Cell::new(false) })
}

fn options(
    common: &Common,
    settings: &Settings,
    persona: Persona,
    limit: Option<Pattern>,
    start_at: Option<String>,
) -> Result<Options, Refusal> {
    let setting = if persona.is_ansible() { "DEFAULT_FORKS" } else { "MAINSTAY_FORKS" };
    let forks = match &common.execution.forks {
        Some(text) => text.parse().ok().filter(|n| *n > 0).ok_or_else(|| {
            Refusal::new(
                exit::HOST_FAILED,
                Diagnostic::error(format!("--forks: {text:?} is not a number of hosts, 1 or more")),
            )
        })?,
        None => {
            settings.number(setting).map_err(|d| Refusal::new(exit::BAD_OPTION, d))?.unwrap_or(5)
        }
    };
    let verbosity = common.sources.verbose.max(
        u8::try_from(settings.number("DEFAULT_VERBOSITY").ok().flatten().unwrap_or(0)).unwrap_or(0),
    );
    let split = |list: &[String]| -> Vec<String> {
        list.iter()
            .flat_map(|t| t.split(','))
            .map(|t| t.trim().to_owned())
            .filter(|t| !t.is_empty())
            .collect()
    };
    let mut only = split(&common.tags);
    if only.is_empty() {
        only = settings.list("TAGS_RUN");
    }
    if only.is_empty() {
        only.push("all".to_owned());
    }
    let mut skip = split(&common.skip_tags);
    if skip.is_empty() {
        skip = settings.list("TAGS_SKIP");
    }
    Ok(Options {
        check: common.execution.check,
        diff: common.execution.diff || settings.flag("DIFF_ALWAYS"),
        forks: usize::try_from(forks).unwrap_or(usize::MAX),
        verbosity,
        tags: Selection { only, skip },
        force_handlers: common.force_handlers || settings.flag("DEFAULT_FORCE_HANDLERS"),
        any_errors_fatal: settings.flag("ANY_ERRORS_FATAL"),
        remote_tmp: settings.get("REMOTE_TMP").unwrap_or("~/.ansible/tmp").to_owned(),
        limit,
        pattern_mismatch: choice(
            settings,
            "HOST_PATTERN_MISMATCH",
            &[
                ("ignore", Mismatch::Ignore),
                ("warning", Mismatch::Warning),
                ("error", Mismatch::Error),
            ],
        )?,
        gathering: choice(
            settings,
            "DEFAULT_GATHERING",
            &[
                ("implicit", Gathering::Implicit),
                ("explicit", Gathering::Explicit),
                ("smart", Gathering::Smart),
            ],
        )?,
        start_at,
        missing_handler_is_error: settings.flag("ERROR_ON_MISSING_HANDLER"),
    })
}

fn choice<T: Copy>(settings: &Settings, name: &str, choices: &[(&str, T)]) -> Result<T, Refusal> {
    let text = settings.get(name).unwrap_or_default();
    choices.iter().find(|(word, _)| *word == text).map(|(_, value)| *value).ok_or_else(|| {
        let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
        let message = format!("{name}: {text:?} is none of {}", words.join(", "));
        Refusal::new(exit::BAD_OPTION, Diagnostic::error(message))
    })
}

fn defaults(
    common: &Common,
    settings: &Settings,
    outside: &dyn Outside,
    redactor: &Redactor,
    persona: Persona,
) -> Result<Defaults, Refusal> {
    let flags = &common.connection;
    let bad = |d: Diagnostic| Refusal::new(exit::BAD_OPTION, d);
    let timeout = match &flags.timeout {
        Some(text) => Some(text.parse().map_err(|_| {
            Refusal::new(
                exit::HOST_FAILED,
                Diagnostic::error(format!("--timeout: {text:?} is not a number of seconds")),
            )
        })?),
        None => settings.number("DEFAULT_TIMEOUT").map_err(bad)?,
    };
    let password = asked(
        flags.ask_pass,
        flags
            .connection_password_file
            .clone()
            .or_else(|| settings.path("CONNECTION_PASSWORD_FILE")),
        "SSH password: ",
        outside,
        redactor,
    )?;
    let become_password = asked(
        flags.ask_become_pass || settings.flag("DEFAULT_BECOME_ASK_PASS"),
        flags.become_password_file.clone().or_else(|| settings.path("BECOME_PASSWORD_FILE")),
        "BECOME password: ",
        outside,
        redactor,
    )?;
    let text = |flag: &Option<String>, name: &str| {
        flag.clone().or_else(|| settings.get(name).map(str::to_owned))
    };
    let task_timeout = if persona.is_ansible() {
        None
    } else {
        settings.number("MAINSTAY_TASK_TIMEOUT").map_err(bad)?
    };
    Ok(Defaults {
        connection: text(&flags.connection, "DEFAULT_TRANSPORT")
            .unwrap_or_else(|| "ssh".to_owned()),
        user: text(&flags.user, "DEFAULT_REMOTE_USER"),
        key_file: flags
            .private_key
            .clone()
            .or_else(|| settings.path("DEFAULT_PRIVATE_KEY_FILE").map(|p| p.display().to_string())),
        port: settings
            .number("DEFAULT_REMOTE_PORT")
            .map_err(bad)?
            .and_then(|p| u16::try_from(p).ok()),
        common_args: text(&flags.ssh_common_args, "SSH_COMMON_ARGS"),
        extra_args: text(&flags.ssh_extra_args, "SSH_EXTRA_ARGS"),
        ssh_args: settings.get("SSH_ARGS").map(str::to_owned),
        timeout,
        host_key_checking: Some(settings.flag("HOST_KEY_CHECKING")),
        become_: flags.become_ || settings.flag("DEFAULT_BECOME"),
        become_method: text(&flags.become_method, "DEFAULT_BECOME_METHOD")
            .unwrap_or_else(|| "sudo".to_owned()),
        become_user: text(&flags.become_user, "DEFAULT_BECOME_USER")
            .unwrap_or_else(|| "root".to_owned()),
        become_exe: settings.get("DEFAULT_BECOME_EXE").map(str::to_owned),
        become_flags: settings.get("DEFAULT_BECOME_FLAGS").map(str::to_owned),
        become_password,
        become_same_user: settings.flag("BECOME_ALLOW_SAME_USER"),
        local_user: super::dialer::own_user(outside),
        password,
        task_timeout: task_timeout.filter(|s| *s > 0).map(Duration::from_secs),
    })
}

/// A password from a file or the terminal.
fn asked(
    ask: bool,
    file: Option<PathBuf>,
    question: &str,
    outside: &dyn Outside,
    redactor: &Redactor,
) -> Result<Option<Secret>, Refusal> {
    let refuse = |message: String| Refusal::new(exit::GENERAL, Diagnostic::error(message));
    let text = match (file, ask) {
        (Some(path), _) => {
            let bytes = outside
                .read(&path)
                .map_err(|e| refuse(format!("cannot read {}: {e}", path.display())))?;
            Some(String::from_utf8_lossy(bytes.trim_ascii_end()).into_owned())
        }
        (None, true) => Terminal
            .ask(question, true)
            .map_err(|e| refuse(format!("cannot ask for a password: {e}")))?,
        (None, false) => None,
    };
    Ok(text.filter(|t| !t.is_empty()).map(|text| {
        redactor.hide(&text);
        Secret::from(text)
    }))
}

/// The directory of a run.
pub(super) fn run_directory(outside: &dyn Outside, id: &str) -> PathBuf {
    state_directory(outside).join("runs").join(id)
}

/// `$XDG_STATE_HOME/mainstay`, by default below `~/.local/state`.
pub(super) fn state_directory(outside: &dyn Outside) -> PathBuf {
    let state = outside.env("XDG_STATE_HOME").filter(|s| !s.is_empty()).map(PathBuf::from);
    let home = || {
        PathBuf::from(outside.env("HOME").unwrap_or_else(|| "/".to_owned())).join(".local/state")
    };
    state.unwrap_or_else(home).join("mainstay")
}

/// A new run's id and journal. The id sorts by time and is unique on this controller.
fn journal(outside: &dyn Outside) -> Result<(Arc<str>, Arc<Journal>), Refusal> {
    let now = outside.now();
    let stamp = now.strftime("%Y%m%dT%H%M%S").to_string();
    let process = std::process::id();
    let id = format!("{stamp}-{process}");
    let boot = outside.read(Path::new("/proc/sys/kernel/random/boot_id")).unwrap_or_default();
    let header = Record::Header {
        version: crate::journal::FORMAT,
        run: id.clone(),
        started: now.to_string(),
        arguments: arguments(),
        process: (process, String::from_utf8_lossy(&boot).trim().to_owned()),
    };
    let directory = run_directory(outside, &id);
    let refuse = |e: JournalError| Refusal::new(exit::JOURNAL, Diagnostic::error(e.to_string()));
    let journal = Journal::create(&directory, &header).map_err(refuse)?;
    Ok((Arc::from(id), Arc::new(journal)))
}

/// The command line as the journal keeps it: values of extra variables may be secrets and are left out.
#[expect(clippy::disallowed_methods, reason = "the command line, for the journal")]
fn arguments() -> Vec<String> {
    let mut kept = Vec::new();
    let mut hide = false;
    for argument in std::env::args() {
        let value_follows = matches!(argument.as_str(), "-e" | "--extra-vars");
        if hide && !argument.starts_with('@') {
            kept.push("…".to_owned());
        } else if argument.starts_with("--extra-vars=")
            || (argument.starts_with("-e") && argument.len() > 2)
        {
            kept.push("-e …".to_owned());
        } else {
            kept.push(argument);
        }
        hide = value_follows;
    }
    kept
}

/// Variables of hosts, with one cache for each playbook directory.
fn merge(
    outside: Arc<dyn Outside>,
    secrets: Arc<Secrets>,
    directories: Vec<PathBuf>,
) -> crate::engine::MergeVars {
    let caches: Mutex<HashMap<Option<PathBuf>, Arc<HostVars>>> = Mutex::default();
    Box::new(move |inventory, host, playbook| {
        let files = Files { outside: &*outside, secrets: &secrets };
        let key = playbook.map(Path::to_path_buf);
        let vars = {
            let mut caches = caches.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(caches.entry(key.clone()).or_insert_with(|| {
                let playbooks: Vec<PathBuf> = key.into_iter().collect();
                let mut warnings = Diagnostics::default();
                Arc::new(HostVars::new(
                    &directories,
                    &playbooks,
                    HashBehaviour::Replace,
                    files,
                    &mut warnings,
                ))
            }))
        };
        vars.get(inventory, host, files)
    })
}

fn reload(
    outside: Arc<dyn Outside>,
    secrets: Arc<Secrets>,
    templar: Arc<Templar>,
    sources: Vec<String>,
    options: LoadOptions,
) -> Box<dyn Fn() -> Result<inventory::Inventory, Diagnostics> + Send + Sync> {
    Box::new(move || {
        let files = Files { outside: &*outside, secrets: &secrets };
        inventory::load(&sources, &options, files, &Constructed(&templar))
            .map(|loaded| loaded.inventory)
    })
}

fn place_of_api(common: &Common, outside: &dyn Outside, dead_runs: Vec<String>) -> Where {
    let flag = common.kubernetes.kubeconfig.clone().map(|path| vec![path]);
    let from_env = || {
        let text = outside.env("K8S_AUTH_KUBECONFIG").or_else(|| outside.env("KUBECONFIG"))?;
        Some(text.split(':').filter(|p| !p.is_empty()).map(PathBuf::from).collect())
    };
    Where {
        kubeconfig: flag.or_else(from_env).unwrap_or_default(),
        context: common.kubernetes.context.clone(),
        who: format!(
            "{}@{}",
            outside
                .env("USER")
                .or_else(|| outside.env("LOGNAME"))
                .unwrap_or_else(|| "unknown".to_owned()),
            rustix::system::uname().nodename().to_string_lossy()
        ),
        started: outside.now().to_string(),
        dead_runs,
        take_silent: false,
    }
}

/// The module table as the loader sees it.
struct Table;

impl Modules for Table {
    fn resolve(&self, written: &str) -> Option<ModuleInfo> {
        let spec = modules::find(written)?.spec();
        let name = (*spec.names.first()?).to_owned();
        Some(ModuleInfo { name, free_form: spec.free_form.is_some() })
    }

    fn detaches(&self, name: &str) -> bool {
        modules::asynchronous::detaches(name)
    }

    fn near(&self, written: &str) -> Option<String> {
        modules::near(written).map(str::to_owned)
    }

    fn has_lookup(&self, name: &str) -> bool {
        Templar::has_lookup(name)
    }
}

/// Renders names of static imports.
struct StaticNames(Arc<Templar>);

impl Names for StaticNames {
    fn render(&self, value: &Value, vars: &Map) -> Result<Value, Diagnostic> {
        let scope: Arc<dyn Scope> = Arc::new(Layers::new([vars.clone()]));
        self.0.render(value, &scope, &Site::default()).map_err(|error| *error.diagnostic)
    }
}
