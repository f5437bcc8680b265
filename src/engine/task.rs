//! One task on one host: loop, items, verdict, register. [`super::invoke`] runs the module.

use super::items::Looping;
use super::keywords::{Problem, Reader, as_int, as_number, conditions};
use super::playing::Playing;
use super::run::Run;
use super::scope::{HostScope, search_path};
use super::verdict;
use crate::event::{Event, TaskResult, Verdict};
use crate::modules::Ask;
use mainstay_language::diag::Diagnostic;
use mainstay_language::playbook::Task;
use mainstay_language::template::{Site, TemplateErrorKind};
use mainstay_language::value::{Map, Scope, Value, string};
use std::sync::Arc;
use std::time::Duration;

/// A task to be run on a host.
pub struct Doing<'a> {
    /// The run.
    pub run: &'a Run,
    /// The play.
    pub playing: &'a Arc<Playing>,
    /// The task.
    pub task: &'a Arc<Task>,
    /// The host that it belongs to.
    pub host: &'a Arc<str>,
    /// Name as shown.
    pub name: &'a str,
    /// Stable path.
    pub path: &'a str,
    /// Search paths.
    pub site: Site,
}

/// How a task ended on a host.
#[derive(Debug, Clone)]
pub struct Done {
    /// What `register` stores.
    pub result: Map,
    /// The verdict.
    pub verdict: Verdict,
    /// The failure does not count.
    pub ignored: bool,
    /// Handlers to notify.
    pub notify: Vec<String>,
    /// What the modules want from the run, and for which host.
    pub asks: Vec<(Arc<str>, Ask)>,
    /// Facts, and of which host.
    pub facts: Vec<(Arc<str>, Map)>,
    /// Hidden from every report.
    pub no_log: bool,
    /// Where it ran, if delegated.
    pub delegate: Option<Arc<str>>,
    /// Before and after.
    pub diff: Vec<Value>,
    /// Shown in full.
    pub show: bool,
    /// The error in what was written, if that is why it failed.
    pub diagnostic: Option<Box<Diagnostic>>,
}

impl Done {
    /// With this result and verdict, nothing else.
    #[must_use]
    pub fn new(result: Map, verdict: Verdict) -> Self {
        Self {
            result,
            verdict,
            ignored: false,
            notify: Vec::new(),
            asks: Vec::new(),
            facts: Vec::new(),
            no_log: false,
            delegate: None,
            diff: Vec::new(),
            show: false,
            diagnostic: None,
        }
    }

    /// Skipped because a condition does not hold.
    #[must_use]
    pub fn skipped(condition: &Value) -> Self {
        let mut result = Map::new();
        result.insert("changed", false);
        result.insert("skipped", true);
        result.insert("skip_reason", "Conditional result was False");
        result.insert("false_condition", computed(condition));
        Self::new(result, Verdict::Skipped)
    }

    /// Failed because of what is written.
    #[must_use]
    pub fn problem(problem: Problem) -> Self {
        let mut result = Map::new();
        result.insert("changed", false);
        result.insert("failed", true);
        result.insert("msg", problem.0.message.clone());
        Self { diagnostic: Some(problem.0), ..Self::new(result, Verdict::Failed) }
    }

    /// Whether it changed something.
    #[must_use]
    pub fn changed(&self) -> bool {
        verdict::flag(&self.result, "changed")
    }
}

/// What results have where the reference has a Python traceback: playbooks test whether there is one.
const NO_TRACEBACK: &str = "(traceback unavailable)";

/// A condition about the result cannot be evaluated: the result stays, the task fails.
fn undecided(done: &mut Done, key: &str, problem: Problem) {
    let message = format!("Error while evaluating conditional: {}", problem.0.message);
    done.result.insert(key, message);
    done.result.insert("failed", true);
    done.verdict = Verdict::Failed;
    done.diagnostic = Some(problem.0);
}

/// A value as data.
fn computed(value: &Value) -> Value {
    match value {
        Value::Text(text) => Value::Text(mainstay_language::value::Text::computed(text.shared())),
        other => other.clone(),
    }
}

impl<'a> Doing<'a> {
    /// About to run.
    #[must_use]
    pub fn new(
        run: &'a Run,
        playing: &'a Arc<Playing>,
        task: &'a Arc<Task>,
        host: &'a Arc<str>,
        name: &'a str,
        path: &'a str,
    ) -> Self {
        let site = Site { search: search_path(task, Some(&playing.directory)).into() };
        Self { run, playing, task, host, name, path, site }
    }

    /// Ends a task that is not a module (an include that failed or was skipped): keywords, register, reports.
    pub(super) fn conclude(&self, done: Done, scope: &Arc<dyn Scope>) -> Done {
        let mut done = self.settle(done, scope);
        self.register(&mut done);
        self.tell(&done, None);
        done
    }

    /// The host's variables with these on top of `set_fact`'s own level's.
    pub(super) fn scope(&self, locals: &Map) -> Arc<dyn Scope> {
        HostScope::of_task(&self.run.world, self.playing, self.host, self.task, locals.clone())
    }

    /// Runs it to its end and tells the reports.
    pub async fn run(&self) -> Done {
        let scope = self.scope(&Map::new());
        let mut done = match Looping::of(self, &scope) {
            Ok(None) => self.one(&scope).await,
            Ok(Some(looping)) => self.each(looping).await,
            // A loop that cannot be rendered does not matter where a condition is false without it.
            Err(problem) => match self.false_condition(&scope) {
                Ok(Some(condition)) => Done::skipped(&condition),
                _ => self.judge_problem(problem, &scope),
            },
        };
        self.register(&mut done);
        self.tell(&done, None);
        done
    }

    /// The condition that does not hold, if one does not.
    fn false_condition(&self, scope: &Arc<dyn Scope>) -> Result<Option<Value>, Problem> {
        for condition in conditions(self.task) {
            if !self.run.templar.condition(condition, scope, &self.site)? {
                return Ok(Some(condition.clone()));
            }
        }
        Ok(None)
    }

    async fn each(&self, looping: Looping) -> Done {
        let mut all = Done::new(Map::new(), Verdict::Ok);
        let mut results = Vec::new();
        let mut ignored = true;
        let mut overlay = Map::new();
        let count = looping.items.len();
        for index in 0..count {
            if index > 0
                && let Some(pause) = looping.pause
            {
                self.run.clock.sleep(pause).await;
            }
            let mut locals = overlay.clone();
            locals.extend_with(&looping.locals(index));
            let scope = self.scope(&locals);
            let mut done = self.one(&scope).await;
            looping.mark(index, &mut done.result);
            // The label may use the item's own result; one that cannot be rendered fails the item.
            let label = looping
                .label(self, index, &self.after(&scope, &done.result))
                .unwrap_or_else(|problem| {
                    done = self.judge_problem(problem, &scope);
                    looping.mark(index, &mut done.result);
                    looping.plain_label(index)
                });
            for (host, ask) in &done.asks {
                if let Ask::SetFact { variables, .. } = ask
                    && host == self.host
                {
                    overlay.extend_with(variables);
                }
            }
            self.tell(&done, Some(label));
            let failed = matches!(done.verdict, Verdict::Failed | Verdict::Unreachable);
            ignored &= !failed || done.ignored;
            all.take(&mut done);
            let stop = looping.breaks(self, &scope, &done.result);
            results.push(done.result);
            match stop {
                Ok(true) => break,
                Ok(false) => {}
                Err(problem) => return Done::problem(problem),
            }
        }
        all.result = verdict::of_items(results);
        all.verdict = if verdict::flag(&all.result, "unreachable") {
            Verdict::Unreachable
        } else if verdict::flag(&all.result, "failed") {
            Verdict::Failed
        } else if verdict::flag(&all.result, "skipped") {
            Verdict::Skipped
        } else {
            Verdict::Ok
        };
        all.ignored = ignored && matches!(all.verdict, Verdict::Failed | Verdict::Unreachable);
        all
    }

    /// One item, or a task without a loop.
    async fn one(&self, scope: &Arc<dyn Scope>) -> Done {
        match self.false_condition(scope) {
            Ok(None) => {}
            Ok(Some(condition)) => return Done::skipped(&condition),
            Err(problem) => return self.judge_problem(problem, scope),
        }
        match self.attempts(scope).await {
            Ok(done) => self.settle(done, scope),
            Err(problem) => self.judge_problem(problem, scope),
        }
    }

    /// Attempts until the condition holds, at most `retries` + 1.
    async fn attempts(&self, scope: &Arc<dyn Scope>) -> Result<Done, Problem> {
        let (attempts, delay) = self.retry_plan(scope)?;
        let repeated = attempts > 1 || !self.task.until.is_empty();
        let mut attempt = 1;
        loop {
            let mut done = self.invoke(scope).await?;
            let after = self.after(scope, &done.result);
            self.apply_conditions(&mut done, &after);
            if !repeated {
                return Ok(done);
            }
            done.result.insert("attempts", attempt);
            let after = self.after(scope, &done.result);
            let enough = if self.task.until.is_empty() {
                done.verdict != Verdict::Failed
            } else {
                self.holds(&self.task.until, &after)?
            };
            if enough || done.verdict == Verdict::Unreachable {
                return Ok(done);
            }
            if attempt >= attempts {
                done.result.insert("attempts", attempts.saturating_sub(1).max(1));
                done.result.insert("failed", true);
                done.verdict = Verdict::Failed;
                return Ok(done);
            }
            self.run.events.emit(Event::TaskRetry {
                host: Arc::clone(self.host),
                name: self.name.to_owned(),
                left: u64::try_from(attempts - attempt).unwrap_or(0),
            });
            self.run.clock.sleep(delay).await;
            attempt += 1;
        }
    }

    fn retry_plan(&self, scope: &Arc<dyn Scope>) -> Result<(i64, Duration), Problem> {
        let render = |value: &Option<Value>| -> Result<Option<Value>, Problem> {
            let Some(raw) = value else { return Ok(None) };
            let value = self.run.templar.render(raw, scope, &self.site)?;
            Ok(Some(value).filter(|v| !matches!(v, Value::Omit | Value::Null)))
        };
        let retries = match render(&self.task.retries)? {
            Some(value) => Some(as_int(&value).ok_or_else(|| {
                let message = format!("retries: {} is not a whole number", string(&value));
                Diagnostic::error(message).at(&self.task.lineage.place)
            })?),
            None if self.task.until.is_empty() => None,
            None => Some(3),
        };
        let delay = render(&self.task.delay)?.and_then(|v| as_number(&v)).unwrap_or(5.0).max(0.0);
        Ok((retries.unwrap_or(0).max(0) + 1, Duration::from_secs_f64(delay)))
    }

    /// The variables that `failed_when`, `changed_when` and `until` see: those of the task, and its result under the
    /// name of `register`.
    fn after(&self, scope: &Arc<dyn Scope>, result: &Map) -> Arc<dyn Scope> {
        let mut locals = Map::new();
        if let Some(Value::Text(name)) = &self.task.register {
            locals.insert(name.as_str(), Value::Map(result.clone()));
        }
        Arc::new(Overlay { top: locals, below: Arc::clone(scope) })
    }

    fn holds(&self, conditions: &[Value], scope: &Arc<dyn Scope>) -> Result<bool, Problem> {
        for condition in conditions {
            if !self.run.templar.condition(condition, scope, &self.site)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn apply_conditions(&self, done: &mut Done, after: &Arc<dyn Scope>) {
        if matches!(done.verdict, Verdict::Unreachable) || verdict::flag(&done.result, "skipped") {
            return;
        }
        if !self.task.changed_when.is_empty() {
            match self.holds(&self.task.changed_when, after) {
                Ok(changed) => done.result.insert("changed", changed),
                Err(problem) => undecided(done, "changed_when_result", problem),
            }
        }
        if !self.task.failed_when.is_empty() {
            match self.holds(&self.task.failed_when, after) {
                Ok(failed) => {
                    if done.verdict == Verdict::Failed && !failed {
                        done.result.insert("failed_when_suppressed_exception", NO_TRACEBACK);
                    }
                    done.result.insert("failed", failed);
                    done.result.insert("failed_when_result", failed);
                    done.verdict = if failed { Verdict::Failed } else { Verdict::Ok };
                }
                Err(problem) => undecided(done, "failed_when_result", problem),
            }
        }
    }

    /// `ignore_errors`, `ignore_unreachable`, `notify`, `no_log` on an ended item.
    fn settle(&self, mut done: Done, scope: &Arc<dyn Scope>) -> Done {
        let reader = self.reader(scope);
        let lineage = &self.task.lineage;
        if done.verdict == Verdict::Failed {
            done.result.insert("exception", NO_TRACEBACK);
        }
        match reader.flag(lineage, "no_log") {
            Ok(hide) => done.no_log |= hide.unwrap_or(false),
            Err(problem) => return Done { no_log: true, ..Done::problem(problem) },
        }
        let ignore = match done.verdict {
            Verdict::Failed => reader.flag(lineage, "ignore_errors"),
            Verdict::Unreachable => reader.flag(lineage, "ignore_unreachable"),
            Verdict::Ok | Verdict::Skipped => Ok(None),
        };
        match ignore {
            Ok(ignore) => done.ignored = ignore.unwrap_or(false),
            Err(problem) => return Done { no_log: done.no_log, ..Done::problem(problem) },
        }
        if done.changed() && done.verdict == Verdict::Ok {
            match self.notified(scope) {
                Ok(names) => done.notify = names,
                Err(problem) => return Done { no_log: done.no_log, ..Done::problem(problem) },
            }
        }
        done
    }

    fn judge_problem(&self, problem: Problem, scope: &Arc<dyn Scope>) -> Done {
        self.settle(Done::problem(problem), scope)
    }

    fn notified(&self, scope: &Arc<dyn Scope>) -> Result<Vec<String>, Problem> {
        let mut names = Vec::new();
        for level in self.task.lineage.levels() {
            for name in &level.keywords.notify {
                let raw = Value::Text(name.clone());
                match self.run.templar.render(&raw, scope, &self.site)? {
                    Value::List(list) => names.extend(list.iter().map(string)),
                    Value::Omit | Value::Null => {}
                    one => names.push(string(&one)),
                }
            }
        }
        Ok(names)
    }

    /// Reads keywords in this scope.
    pub(super) fn reader<'b>(&'b self, scope: &'b Arc<dyn Scope>) -> Reader<'b> {
        Reader { templar: &self.run.templar, scope, site: &self.site }
    }

    fn register(&self, done: &mut Done) {
        let Some(register) = &self.task.register else { return };
        let Some(name) = register.as_str() else { return };
        let mut result = done.result.clone();
        result.remove("invocation");
        verdict::add_lines(&mut result);
        if result.get("failed").is_none() {
            result.insert("failed", done.verdict == Verdict::Failed);
        }
        done.result = result;
        let variables: Map =
            [(Value::text(name), Value::Map(done.result.clone()))].into_iter().collect();
        done.asks.push((Arc::clone(self.host), Ask::SetFact { variables, cacheable: false }));
    }

    /// Tells the reports how it (or one of its items) ended.
    fn tell(&self, done: &Done, label: Option<String>) {
        let is_item = label.is_some();
        let mut fields =
            if done.no_log { verdict::censored(&done.result) } else { done.result.clone() };
        verdict::add_lines(&mut fields);
        let result = Box::new(TaskResult {
            host: Arc::clone(self.host),
            delegate: done.delegate.clone(),
            name: self.name.to_owned(),
            action: super::keywords::action_name(self.task),
            place: super::keywords::shown_place(self.task),
            verdict: done.verdict,
            changed: done.changed(),
            ignored: done.ignored,
            fields,
            label: label
                .map(|l| if done.no_log { "(censored due to no_log)".to_owned() } else { l }),
            diff: if done.no_log { Vec::new() } else { done.diff.clone() },
            verbose_always: done.show,
            diagnostic: if done.no_log { None } else { done.diagnostic.clone() },
            // The lines of a task under `no_log` may hold the secret itself.
            origin: (!done.no_log).then(|| self.task.lineage.place.clone()),
        });
        self.run.events.emit(if is_item {
            Event::ItemDone { result }
        } else {
            Event::TaskDone { result }
        });
    }
}

impl Done {
    /// Takes over what an item leaves behind besides its result.
    fn take(&mut self, item: &mut Self) {
        self.notify.append(&mut item.notify);
        self.asks.append(&mut item.asks);
        self.facts.append(&mut item.facts);
        self.no_log |= item.no_log;
        self.show |= item.show;
        if self.delegate.is_none() {
            self.delegate.clone_from(&item.delegate);
        }
        if self.diagnostic.is_none() {
            self.diagnostic = item.diagnostic.take();
        }
    }
}

/// A few variables above a scope.
pub struct Overlay {
    /// Seen first.
    pub top: Map,
    /// Seen otherwise.
    pub below: Arc<dyn Scope>,
}

impl Scope for Overlay {
    fn get(&self, name: &str) -> Option<Value> {
        self.top.get(name).cloned().or_else(|| self.below.get(name))
    }

    fn names(&self) -> Vec<Arc<str>> {
        let mut names = self.below.names();
        names.extend(self.top.keys().filter_map(|key| key.as_str().map(Arc::from)));
        names.sort();
        names.dedup();
        names
    }
}

/// Whether an error means that something is undefined.
#[must_use]
pub fn is_undefined(kind: TemplateErrorKind) -> bool {
    kind == TemplateErrorKind::Undefined
}
