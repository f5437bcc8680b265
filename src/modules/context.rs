//! What a module may use.

use crate::clock::Clock;
use crate::cluster::Cluster;
use crate::journal::Effects;
use crate::transport::Host;
use mainstay_language::outside::Outside;
use mainstay_language::template::Templar;
use mainstay_language::value::{Map, Scope};
use std::path::PathBuf;
use std::sync::Arc;

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
