//! What a module may use.

use crate::cluster::Cluster;
use crate::journal::{Effect, Ended, Receipt, Record};
use crate::transport::Host;
use async_trait::async_trait;
use mainstay_language::diag::Diagnostic;
use mainstay_language::outside::Outside;
use mainstay_language::template::Templar;
use mainstay_language::value::{Map, Scope};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Time, injected: nothing else in the product reads a clock or sleeps.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Wall clock, UTC.
    fn now(&self) -> jiff::Timestamp;
    /// Monotonic, from any start.
    fn monotonic(&self) -> Duration;
    /// Waits.
    async fn sleep(&self, duration: Duration);
    /// The same clock for something that outlives a task (a connection to a cluster that a task names itself); `None` if
    /// it cannot be shared.
    fn handle(&self) -> Option<Arc<dyn Clock>> {
        None
    }
}

/// The journal as modules see it: intent first, then the effect, then its outcome.
pub trait Effects: Send + Sync {
    /// Returns once the intent is durable.
    ///
    /// # Errors
    /// The journal cannot be written: the effect must not be tried.
    fn intend(&self, effect: Effect) -> Result<Receipt, Diagnostic>;
    /// Records how it ended.
    ///
    /// # Errors
    /// The journal cannot be written.
    fn ended(&self, receipt: Receipt, result: Ended, message: &str) -> Result<(), Diagnostic>;
    /// Records something that need not be on disk before the run goes on (a state delta).
    ///
    /// # Errors
    /// The journal cannot be written.
    fn note(&self, record: &Record) -> Result<(), Diagnostic>;
}

/// What one task execution may use.
pub struct Ctx<'a> {
    /// The host, with become, environment and deadline of the task.
    pub host: &'a Host,
    /// Check mode: predict, change nothing.
    pub check: bool,
    /// A diff is wanted.
    pub diff: bool,
    /// `-v` count.
    pub verbosity: u8,
    /// Time.
    pub clock: &'a dyn Clock,
    /// Files and environment of the controller.
    pub outside: &'a dyn Outside,
    /// Renders (`template`, `assert`, `debug: var`).
    pub templar: &'a Templar,
    /// Variables of the host that the task belongs to.
    pub scope: Arc<dyn Scope>,
    /// Directories that relative controller paths are looked for in, in order: role's `files`/`templates`/`vars`… are
    /// tried by the module as `dir/<kind>/name` and `dir/name`.
    pub search: &'a [PathBuf],
    /// The journal.
    pub effects: &'a dyn Effects,
    /// The Kubernetes API of this run, connected on first use; `None` if nothing says where it is.
    pub cluster: Option<&'a Cluster>,
    /// Facts of the host so far (`ansible_facts` without prefix), so that `package` and `service` need no second probe.
    pub facts: &'a Map,
    /// The host's name in the inventory.
    pub inventory_hostname: &'a str,
    /// Directory for temporary files on the host (`remote_tmp`), default `~/.ansible/tmp`.
    pub remote_tmp: &'a str,
}
