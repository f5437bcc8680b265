//! Runs playbooks: cursors, parties that walk together, tasks, the maintenance bracket.
//!
//! Follow one task: [`plays`] (hosts, batches) → [`party`] (who does what next, by the pure [`cursor`]) → [`task`]
//! (conditions, loop, attempts, verdict) → [`invoke`] (module, arguments, connection) → back to [`party`], which applies
//! the outcome to the [`world`] and to the host's cursor.

mod background;
mod batch;
mod bracket;
mod cluster_slot;
mod connections;
pub mod cursor;
mod delta;
mod etcd;
mod fact_cache;
mod handlers;
mod include;
mod invoke;
mod items;
mod keywords;
mod levels;
mod meta;
pub mod party;
pub mod playing;
mod plays;
mod prompt;
mod refused;
mod run;
mod scope;
mod start_at;
mod tags;
pub mod task;
mod vars_files;
mod verdict;
pub mod world;

pub use cluster_slot::{ClusterSlot, Where, own_play};
pub use connections::{Connections, Defaults, Dialer, Login, LoginSecrets};
pub use fact_cache::{FactCache, FactStore};
pub use plays::{patterns, run_all};
pub use prompt::Prompter;
pub use refused::{Kind, Refused};
pub use run::{Gathering, Mismatch, Options, Parts, Run};
pub use scope::HostScope;
pub use tags::Selection;
pub use world::{MergeVars, World};
