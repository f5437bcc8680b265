//! `async` and `poll`: a task that goes on by itself on its host.
//!
//! `command` and `shell` become jobs on the host that outlive the connection. Other modules decide on the controller and
//! cannot be left alone: with `poll` above 0 they run under the limit of `async`, with the same result but for the
//! fields that name a job; with `poll: 0` they are refused, by the loader where both are written out. What ansible-core
//! refuses is refused here.

use super::keywords::{Problem, as_int};
use super::task::Doing;
use crate::event::Event;
use crate::modules::{Args, Ctx, Failure, Module, Outcome, asynchronous};
use crate::transport::TransportError;
use mainstay_language::diag::Diagnostic;
use mainstay_language::value::{Scope, Value, repr, string};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Numbers the jobs of this process.
static JOBS: AtomicU64 = AtomicU64::new(0);

/// How long after its limit a job is still asked: the host kills it at the limit and says so, which is the better end.
const LATE: Duration = Duration::from_secs(2);

/// Action plugins of ansible-core without `async`, besides those that need no connection.
const ACTIONS: [&str; 8] =
    ["async_status", "copy", "fetch", "raw", "reboot", "script", "template", "wait_for_connection"];

/// What `async` and `poll` make of a task.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Background {
    /// A job on the host.
    Job {
        /// It is killed after this.
        limit: Duration,
        /// How often it is asked; zero leaves it alone.
        poll: Duration,
    },
    /// The module runs here, for at most this long.
    Attended(Duration),
    /// The module knows no `async`.
    Refused,
}

impl Background {
    /// How long each script of a task may run that is not a job.
    pub(super) fn limit(background: Option<Self>, timeout: Option<Duration>) -> Option<Duration> {
        match background {
            Some(Self::Attended(limit)) => Some(timeout.map_or(limit, |most| most.min(limit))),
            _ => timeout,
        }
    }
}

fn canonical(module: &dyn Module) -> &'static str {
    module.spec().names.first().copied().unwrap_or_default()
}

/// The failure of a module that knows no `async`, in the words of ansible-core.
pub(super) fn refused(module: &dyn Module) -> Failure {
    Failure::msg(format!("This action ({}) does not support async.", canonical(module)))
}

/// The answer of a module that ran under the limit of `async`.
pub(super) fn attended(answer: Result<Outcome, Failure>) -> Result<Outcome, Failure> {
    let told = |outcome: Outcome| outcome.with("started", true).with("finished", true);
    match answer {
        Ok(outcome) => Ok(told(outcome)),
        Err(Failure::Failed(outcome)) => Err(Failure::Failed(Box::new(told(*outcome)))),
        Err(Failure::Transport(TransportError::TimedOut(_))) => {
            Err(told(Outcome::ok()).failed("Timeout exceeded"))
        }
        Err(failure) => Err(failure),
    }
}

impl Doing<'_> {
    /// `async` (seconds; 0 and less: not said) and `poll` (seconds, default 15) of this task.
    pub(super) fn background(
        &self,
        module: &dyn Module,
        scope: &Arc<dyn Scope>,
    ) -> Result<Option<Background>, Problem> {
        let number = |raw: &Option<Value>, keyword: &str| -> Result<Option<i64>, Problem> {
            let Some(raw) = raw else { return Ok(None) };
            match self.run.templar.render(raw, scope, &self.site)? {
                Value::Omit | Value::Null => Ok(None),
                value => as_int(&value).map(Some).ok_or_else(|| {
                    let message = format!("{keyword}: {} is not a number of seconds", repr(&value));
                    Diagnostic::error(message).at(&self.task.lineage.place).into()
                }),
            }
        };
        let limit = number(&self.task.asynchronous, "async")?;
        let Some(limit) = limit.and_then(|n| u64::try_from(n).ok()).filter(|n| *n > 0) else {
            return Ok(None);
        };
        let limit = Duration::from_secs(limit);
        let poll = number(&self.task.poll, "poll")?.unwrap_or(15);
        let poll = Duration::from_secs(u64::try_from(poll).unwrap_or(0));
        let name = canonical(module);
        Ok(Some(if module.spec().controller || ACTIONS.contains(&name) {
            Background::Refused
        } else if asynchronous::detaches(name) || poll.is_zero() {
            Background::Job { limit, poll }
        } else {
            Background::Attended(limit)
        }))
    }

    /// Starts the job; waits for it unless `poll` is zero, and clears up after it. A lost connection does not end the
    /// job: it is asked again until its time is over.
    pub(super) async fn job(
        &self,
        module: &dyn Module,
        args: &Args,
        ctx: &Ctx<'_>,
        (limit, poll): (Duration, Duration),
    ) -> Result<Outcome, Failure> {
        let number = JOBS.fetch_add(1, Ordering::Relaxed);
        let job = format!("{}.{number}", self.run.id.replace('-', "."));
        let started = asynchronous::start(canonical(module), args, &job, limit, ctx).await?;
        if poll.is_zero() {
            return Ok(started);
        }
        let deadline = self.run.clock.monotonic() + limit + LATE;
        loop {
            self.run.clock.sleep(poll).await;
            let answer = asynchronous::status(&job, ctx).await;
            if self.is_over(&job, &answer) {
                if let Err(failure) = asynchronous::cleanup(&job, ctx).await {
                    tracing::info!(host = %self.host, job, ?failure, "the job's files are left");
                }
                return answer;
            }
            if self.run.clock.monotonic() >= deadline {
                let seconds = string(&Value::Int(limit.as_secs().into()));
                let message =
                    format!("async task did not complete within the requested time - {seconds}s");
                return Err(Outcome::ok().with("ansible_job_id", job).failed(message));
            }
        }
    }

    /// Tells what the job answered. Whether there is nothing more to wait for.
    fn is_over(&self, job: &str, answer: &Result<Outcome, Failure>) -> bool {
        let (mut fields, failed) = match answer {
            Ok(outcome) => (outcome.fields.clone(), false),
            Err(Failure::Failed(outcome)) => (outcome.fields.clone(), true),
            Err(Failure::Transport(error)) => return !error.is_unreachable(),
        };
        fields.insert("failed", failed);
        let over = fields.get("finished").is_some_and(Value::is_true);
        self.run.events.emit(Event::AsyncPoll {
            host: Arc::clone(self.host),
            job: job.to_owned(),
            result: Value::Map(fields),
        });
        over
    }
}
