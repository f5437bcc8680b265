//! One file per module: arguments → probe → decide → act.
//!
//! A module is a readable story: read what the host has (several probes in one round trip), decide in a pure function,
//! act. It never builds shell text by hand: [`crate::transport::Host`] quotes. It knows no engine; what it wants from the
//! run (a new host, a fact, an included variable) it returns as an [`Ask`].

mod check;
mod common;
mod context;
mod fields;
mod outcome;
mod put;
mod spec;
mod table;
mod words;

mod add_host;
mod apt;
mod apt_plan;
mod apt_repository;
mod arg_spec;
mod arg_spec_rules;
mod assert;
pub mod asynchronous;
mod command;
mod copy;
mod copy_tree;
mod debug;
mod dpkg_selections;
mod facts_network;
mod facts_system;
mod fail;
mod fetch;
mod file;
mod file_times;
mod find;
mod include_vars;
mod inventory_facts;
mod k8s_drain;
mod lineinfile;
mod package;
mod pause;
mod ping;
mod raw;
mod reboot;
mod script;
mod set_fact;
mod setup;
mod slurp;
mod stat;
mod systemd;
mod tempfile;
mod template;
mod wait_for;

#[cfg(test)]
mod language_tests;
#[cfg(test)]
mod real_tests;
#[cfg(test)]
mod testing;

pub use check::{FREE_FORM, boolean, coerce};
pub use context::Ctx;
pub use outcome::{Ask, Failure, Outcome};
pub use spec::{Args, Kind, Param, Spec};
pub use table::{find, near, specs};

use async_trait::async_trait;

/// One module.
#[async_trait]
pub trait Module: Send + Sync {
    /// Names, parameters, check mode.
    fn spec(&self) -> &'static Spec;

    /// Does the work.
    ///
    /// # Errors
    /// [`Failure`]: the task failed or its host is unreachable.
    async fn run(&self, args: Args, ctx: &mut Ctx<'_>) -> Result<Outcome, Failure>;
}
