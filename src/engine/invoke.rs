//! A module with its arguments on the host where it runs.

use super::background::{self, Background};
use super::fact_cache::GATHERED;
use super::keywords::{Problem, action_name};
use super::task::{Doing, Done};
use super::verdict;
use crate::event::Verdict;
use crate::modules::{self, Args, Ask, Ctx, Failure, Module, Outcome, Spec};
use crate::transport::TransportError;
use mainstay_language::diag::Diagnostic;
use mainstay_language::playbook::{Action, action_group, split};
use mainstay_language::value::{Map, Scope, Text, Value, repr, string};
use std::sync::Arc;
use std::time::Duration;

impl Doing<'_> {
    /// Runs the module once and judges its own word; `failed_when` and the like come after.
    ///
    /// # Errors
    /// Something written cannot be rendered or used.
    pub(super) async fn invoke(&self, scope: &Arc<dyn Scope>) -> Result<Done, Problem> {
        let (module, raw) = self.module(scope)?;
        let spec = module.spec();
        let delegate = self.reader(scope).text(&self.task.lineage, "delegate_to")?.map(Arc::from);
        let scope = &self.with_delegate(scope, delegate.as_ref());
        let reader = self.reader(scope);
        let lineage = &self.task.lineage;
        let facts_of = self.facts_of(delegate.as_ref(), reader.flag(lineage, "delegate_facts")?);
        let check = reader.flag(lineage, "check_mode")?.unwrap_or(self.run.options.check);
        let diff = reader.flag(lineage, "diff")?.unwrap_or(self.run.options.diff);
        let args = self.arguments(module, raw, scope)?;
        if check && !spec.check {
            return Ok(finish(Ok(skipped_in_check_mode(self)), delegate, &facts_of));
        }
        let written = args;
        let args = match Args::check(spec, &written) {
            Ok(args) => args,
            Err(failure) => return Ok(finish(Err(failure), delegate, &facts_of)),
        };
        let background = self.background(module, scope)?;
        if background == Some(Background::Refused) {
            return Ok(finish(Err(background::refused(module)), delegate, &facts_of));
        }
        let background = background.filter(|_| !check);
        let mut host = match self.connect(scope, delegate.as_ref(), spec.controller)? {
            Ok(host) => host,
            Err(error) => return Ok(finish(Err(Failure::Transport(error)), delegate, &facts_of)),
        };
        host.timeout = Background::limit(background, host.timeout);
        let timeout = host.timeout;
        let facts = self.run.world.host(&facts_of).facts;
        let cluster = self.run.cluster.get();
        let mut ctx = Ctx {
            host: &host,
            check,
            diff,
            verbosity: self.run.options.verbosity,
            clock: &*self.run.clock,
            outside: &*self.run.outside,
            templar: &self.run.templar,
            scope: Arc::clone(scope),
            search: &self.site.search,
            effects: &*self.run.effects,
            cluster: cluster.as_deref(),
            facts: &facts,
            inventory_hostname: self.host,
            remote_tmp: &self.run.options.remote_tmp,
        };
        let answer = match background {
            Some(Background::Job { limit, poll }) => {
                self.job(module, &args, &ctx, (limit, poll)).await
            }
            _ => within(timeout, &*self.run.clock, module.run(args, &mut ctx)).await,
        };
        let answer = match background {
            Some(Background::Attended(_)) => background::attended(answer),
            _ => answer,
        };
        let mut done = finish(answer, delegate, &facts_of);
        if action_name(self.task).rsplit('.').next() == Some("gather_facts") {
            done.facts.iter_mut().for_each(|(_, facts)| facts.insert(GATHERED, true));
        }
        self.enroll(&mut done)?;
        if self.run.options.verbosity >= 3 && done.verdict != Verdict::Unreachable {
            done.result.insert("invocation", invocation(spec, &written));
        }
        Ok(done)
    }

    /// Whose facts the task finds.
    fn facts_of(&self, delegate: Option<&Arc<str>>, delegate_facts: Option<bool>) -> Arc<str> {
        match (delegate, delegate_facts) {
            (Some(name), Some(true)) => Arc::clone(name),
            _ => Arc::clone(self.host),
        }
    }

    fn enroll(&self, done: &mut Done) -> Result<(), Problem> {
        for (host, ask) in &done.asks {
            if matches!(ask, Ask::AddHost { .. } | Ask::JoinGroup { .. })
                && let Some(new) =
                    self.run.enroll(host, ask).map_err(|d| d.at(&self.task.lineage.place))?
            {
                done.result.insert("changed", new);
            }
        }
        Ok(())
    }

    /// The module and its raw arguments.
    fn module(&self, scope: &Arc<dyn Scope>) -> Result<(&'static dyn Module, Value), Problem> {
        match &self.task.action {
            Action::Module { name, args, written } => match modules::find(name) {
                Some(module) => Ok((module, args.clone())),
                None => Err(self.unknown(written)),
            },
            Action::Dynamic { spec, args } => {
                let spec = self.run.templar.render(spec, scope, &self.site)?;
                self.dynamic(&spec, args)
            }
            Action::Meta(_) | Action::IncludeTasks { .. } | Action::IncludeRole(_) => {
                Err(self.unknown(&super::keywords::action_name(self.task)))
            }
        }
    }

    /// `action: "{{ name }} key=value"` or `action: {module: name, …}`.
    fn dynamic(&self, spec: &Value, more: &Value) -> Result<(&'static dyn Module, Value), Problem> {
        let (name, mut args) = match spec {
            Value::Map(map) => {
                let mut map = map.clone();
                (map.remove("module").map(|m| string(&m)).unwrap_or_default(), map)
            }
            other => {
                let text = string(other);
                let (name, rest) = split::first_word(&text);
                let free = modules::find(name).is_some_and(|m| m.spec().free_form.is_some());
                let map = split::key_values(&Text::computed(rest), free)
                    .map_err(|message| Diagnostic::error(message).at(&self.task.lineage.place))?;
                (name.to_owned(), map)
            }
        };
        if let Value::Map(more) = more {
            let mut all = more.clone();
            all.extend_with(&args);
            args = all;
        }
        modules::find(&name)
            .map(|module| (module, Value::Map(args)))
            .ok_or_else(|| self.unknown(&name))
    }

    fn unknown(&self, name: &str) -> Problem {
        let mut diagnostic =
            Diagnostic::error(format!("no module is named {}", repr(&name.into())))
                .at(&self.task.lineage.place);
        if let Some(near) = modules::near(name) {
            diagnostic = diagnostic.hint(format!("did you mean {near}?"));
        }
        diagnostic.into()
    }

    /// Rendered arguments over the defaults of `module_defaults`. Arguments that the module evaluates itself (`that`
    /// of `assert`) stay as written.
    fn arguments(
        &self,
        module: &dyn Module,
        raw: Value,
        scope: &Arc<dyn Scope>,
    ) -> Result<Map, Problem> {
        let spec = module.spec();
        let mut all = self.module_defaults(spec, scope)?;
        let raw = match raw {
            Value::Text(_) => self.run.templar.render(&raw, scope, &self.site)?,
            other => other,
        };
        let entries = match &raw {
            Value::Map(map) => {
                self.with_variable_params(map.clone(), spec.free_form.is_some(), scope)?
            }
            Value::Null | Value::Omit => Map::new(),
            other => {
                let message = format!(
                    "arguments of {} are a {}, not a dictionary",
                    spec.names.first().unwrap_or(&""),
                    other.type_name()
                );
                return Err(Diagnostic::error(message).at(&self.task.lineage.place).into());
            }
        };
        for (key, value) in entries.iter() {
            let key = self.run.templar.render(key, scope, &self.site)?;
            let name = string(&key);
            if spec.unrendered.contains(&name.as_str()) {
                all.insert(name, value.clone());
                continue;
            }
            let rendered =
                self.run.templar.render(value, scope, &self.site).map_err(|mut error| {
                    let place = value.place().unwrap_or(&self.task.lineage.place);
                    error.diagnostic.place.get_or_insert_with(|| place.clone());
                    error
                })?;
            match rendered {
                Value::Omit => {
                    all.remove(&name);
                }
                value => all.insert(key, value),
            }
        }
        Ok(all)
    }

    /// `args: "{{ template }}"`: a template gives arguments; those that are written out win.
    fn with_variable_params(
        &self,
        mut map: Map,
        free: bool,
        scope: &Arc<dyn Scope>,
    ) -> Result<Map, Problem> {
        let Some(raw) = map.remove("_variable_params") else { return Ok(map) };
        let mut all = match self.run.templar.render(&raw, scope, &self.site)? {
            Value::Map(given) => given,
            Value::Omit | Value::Null => Map::new(),
            Value::Text(text) => split::key_values(&text, free)
                .map_err(|message| Diagnostic::error(message).at(&self.task.lineage.place))?,
            other => {
                let message = format!("arguments are a {}, not a dictionary", other.type_name());
                return Err(Diagnostic::error(message).at_opt(raw.place()).into());
            }
        };
        all.extend_with(&map);
        Ok(all)
    }

    /// The defaults of the module's groups and, above them, its own. The nearest level that has a key has all of it.
    fn module_defaults(&self, spec: &Spec, scope: &Arc<dyn Scope>) -> Result<Map, Problem> {
        let mut levels: Vec<_> = self.task.lineage.levels().collect();
        levels.reverse();
        let (mut groups, mut own) = (Map::new(), Map::new());
        for raw in levels.iter().flat_map(|level| &level.keywords.module_defaults) {
            let Value::Map(defaults) = raw else { continue };
            for (key, value) in defaults.iter() {
                let written = string(key);
                let is_it = |name: &str| {
                    modules::find(name).is_some_and(|module| module.spec().names == spec.names)
                };
                match written.strip_prefix("group/") {
                    Some(group) => {
                        let members = action_group(group).unwrap_or_default();
                        if members.iter().any(|name| is_it(name)) {
                            groups.insert(group, value.clone());
                        }
                    }
                    None if is_it(&written) => own.insert("", value.clone()),
                    None => {}
                }
            }
        }
        let mut all = Map::new();
        for (_, value) in groups.iter().chain(own.iter()) {
            if let Value::Map(map) = self.run.templar.render(value, scope, &self.site)? {
                all.extend_with(&map);
            }
        }
        Ok(all)
    }

    fn with_delegate(&self, scope: &Arc<dyn Scope>, delegate: Option<&Arc<str>>) -> Arc<dyn Scope> {
        let Some(name) = delegate else { return Arc::clone(scope) };
        let variables = super::scope::HostScope::bare(&self.run.world, name);
        let mut delegated = Map::new();
        delegated.insert(Arc::clone(name), Value::Scope(variables));
        let mut top = Map::new();
        top.insert("ansible_delegated_vars", Value::Map(delegated));
        Arc::new(super::task::Overlay { top, below: Arc::clone(scope) })
    }
}

fn skipped_in_check_mode(doing: &Doing<'_>) -> Outcome {
    let action = super::keywords::action_name(doing.task);
    let message = format!("remote module ({action}) does not support check mode");
    Outcome { skipped: true, ..Outcome::ok().with("msg", message).with("skipped", true) }
}

/// What the module was called with, secrets left out.
fn invocation(spec: &modules::Spec, args: &Map) -> Value {
    let mut shown = Map::new();
    for (key, value) in args.iter() {
        let name = string(key);
        let secret = spec.params.iter().any(|param| param.secret && param.name == name);
        let value =
            if secret { Value::text("VALUE_SPECIFIED_IN_NO_LOG_PARAMETER") } else { value.clone() };
        shown.insert(key.clone(), value);
    }
    let mut invocation = Map::new();
    invocation.insert("module_args", shown);
    Value::Map(invocation)
}

async fn within(
    limit: Option<Duration>,
    clock: &dyn crate::clock::Clock,
    work: impl Future<Output = Result<Outcome, Failure>>,
) -> Result<Outcome, Failure> {
    let Some(limit) = limit else { return work.await };
    // The transport kills what runs on the host at the same limit and says so better; this is for all the rest.
    let grace = limit + Duration::from_secs(2);
    tokio::select! {
        done = work => done,
        () = clock.sleep(grace) => Err(Failure::Transport(TransportError::TimedOut(limit))),
    }
}

/// The module's own word as a result.
fn finish(
    answer: Result<Outcome, Failure>,
    delegate: Option<Arc<str>>,
    facts_of: &Arc<str>,
) -> Done {
    let (outcome, mut verdict) = match answer {
        Ok(outcome) => (outcome, Verdict::Ok),
        Err(Failure::Failed(outcome)) => (*outcome, Verdict::Failed),
        Err(Failure::Transport(error)) => {
            let verdict =
                if error.is_unreachable() { Verdict::Unreachable } else { Verdict::Failed };
            (Outcome::ok().with("msg", error.to_string()), verdict)
        }
    };
    let mut result = outcome.fields;
    if verdict == Verdict::Ok
        && result.get("failed").map_or_else(|| verdict::implied_failure(&result), Value::is_true)
    {
        verdict = Verdict::Failed;
        if result.get("msg").is_none() && verdict::implied_failure(&result) {
            result.insert("msg", "non-zero return code");
        }
    }
    result.insert("changed", outcome.changed);
    match verdict {
        Verdict::Failed => result.insert("failed", true),
        Verdict::Unreachable => result.insert("unreachable", true),
        Verdict::Ok | Verdict::Skipped => {}
    }
    if outcome.skipped {
        result.insert("skipped", true);
        verdict = Verdict::Skipped;
    }
    if !outcome.facts.is_empty() {
        result.insert("ansible_facts", Value::Map(outcome.facts.clone()));
    }
    if !outcome.warnings.is_empty() {
        result.insert("warnings", Value::from(outcome.warnings));
    }
    if !outcome.diff.is_empty() {
        result.insert("diff", Value::list(outcome.diff.clone()));
    }
    let show = outcome.asks.iter().any(|ask| matches!(ask, Ask::ShowResult));
    let mut done = Done::new(result, verdict);
    done.asks = outcome.asks.into_iter().map(|ask| (Arc::clone(facts_of), ask)).collect();
    if !outcome.facts.is_empty() {
        done.facts.push((Arc::clone(facts_of), outcome.facts));
    }
    done.diff = outcome.diff;
    done.delegate = delegate;
    done.show = show;
    done
}
