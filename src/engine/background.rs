//! `async` and `poll`: a task that goes on by itself on its host.

use super::task::Doing;
use crate::event::Event;
use crate::modules::{Args, Ctx, Failure, Module, Outcome, asynchronous};
use mainstay_language::value::Value;
use std::sync::Arc;
use std::time::Duration;

impl Doing<'_> {
    /// Starts the job; waits for it unless `poll` is 0.
    pub(super) async fn in_background(
        &self,
        module: &dyn Module,
        args: Args,
        ctx: &mut Ctx<'_>,
        limit: i64,
        poll: i64,
    ) -> Result<Outcome, Failure> {
        let started = asynchronous::start(module, args, ctx, limit).await?;
        if poll <= 0 {
            return Ok(started.outcome());
        }
        let pause = Duration::from_secs(u64::try_from(poll).unwrap_or(1));
        let deadline = self.run.clock.monotonic() + Duration::from_secs(u64::try_from(limit).unwrap_or(0));
        loop {
            self.run.clock.sleep(pause).await;
            // A lost connection does not end the job: it is asked again until the deadline.
            let answer = asynchronous::status(&started, ctx).await;
            match answer {
                Ok(Some(finished)) => return finished,
                Ok(None) => self.run.events.emit(Event::AsyncPoll {
                    host: Arc::clone(self.host),
                    job: started.job.clone(),
                    result: Value::Map(started.outcome().fields),
                }),
                Err(Failure::Transport(error)) if error.is_unreachable() => {}
                Err(failure) => return Err(failure),
            }
            if self.run.clock.monotonic() >= deadline {
                let message = format!("async task did not complete within the requested time - {limit}s");
                return Err(Failure::Failed(Box::new(
                    Outcome::ok().with("msg", message).with("ansible_job_id", started.job.clone()),
                )));
            }
        }
    }
}
