//! `async` and `poll`: a task that goes on by itself on its host.

use super::task::Doing;
use crate::event::Event;
use crate::modules::{Args, Ctx, Failure, Module, Outcome, asynchronous};
use mainstay_language::value::{Value, string};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Numbers the jobs of this process.
static JOBS: AtomicU64 = AtomicU64::new(0);

impl Doing<'_> {
    /// Starts the job; waits for it unless `poll` is 0. A lost connection does not end the job: it is asked again until
    /// its time is over.
    pub(super) async fn in_background(
        &self,
        module: &dyn Module,
        args: &Args,
        ctx: &Ctx<'_>,
        (limit, poll): (u64, u64),
    ) -> Result<Outcome, Failure> {
        let name = module.spec().names.first().copied().unwrap_or_default();
        let number = JOBS.fetch_add(1, Ordering::Relaxed);
        let job = format!("{}.{number}", self.run.id.replace('-', "."));
        let limit = Duration::from_secs(limit);
        let started = asynchronous::start(name, args, &job, limit, ctx).await?;
        if poll == 0 {
            return Ok(started);
        }
        let deadline = self.run.clock.monotonic() + limit;
        loop {
            self.run.clock.sleep(Duration::from_secs(poll)).await;
            match asynchronous::status(&job, ctx).await {
                Ok(outcome) if outcome.fields.get("finished").is_some_and(Value::is_true) => {
                    return Ok(outcome);
                }
                Ok(outcome) => self.run.events.emit(Event::AsyncPoll {
                    host: Arc::clone(self.host),
                    job: job.clone(),
                    result: Value::Map(outcome.fields),
                }),
                Err(Failure::Transport(error)) if error.is_unreachable() => {}
                Err(failure) => return Err(failure),
            }
            if self.run.clock.monotonic() >= deadline {
                let seconds = string(&Value::Int(limit.as_secs().into()));
                let message =
                    format!("async task did not complete within the requested time - {seconds}s");
                let outcome = Outcome::ok().with("msg", message).with("ansible_job_id", job);
                return Err(Failure::Failed(Box::new(outcome)));
            }
        }
    }
}
