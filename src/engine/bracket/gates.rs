//! Gates: what must hold before a slot is freed and the next node starts.

use super::fleet::Fleet;
use super::node::Before;
use super::options::Gate;
use crate::engine::scope::HostScope;
use crate::event::NodeStep;
use mainstay_language::value::{Scope, Value, string};
use std::sync::Arc;
use std::time::Duration;

/// Between two tries of a command.
const TRY: Duration = Duration::from_secs(5);

impl Fleet<'_> {
    /// What gates compare with, read before a node is taken.
    ///
    /// # Errors
    /// The API cannot be read.
    pub async fn before(&self) -> Result<Before, String> {
        let wanted = self.options.gates.iter().any(|gate| matches!(gate, Gate::Workloads { .. }));
        if !wanted {
            return Ok(None);
        }
        self.cluster.workloads().await.map(Some).map_err(|e| e.to_string())
    }

    /// Soaks, then waits for every gate.
    ///
    /// # Errors
    /// The gate that does not hold in time, and what it says.
    pub async fn gates(&self, host: &Arc<str>, before: &Before) -> Result<(), String> {
        if !self.options.soak.is_zero() {
            self.tell(
                host,
                NodeStep::Waiting(format!("soaking {} s", self.options.soak.as_secs())),
            );
            tokio::select! {
                () = self.run.clock.sleep(self.options.soak) => {}
                () = self.cancel.cancelled() => return Err("the run was asked to stop while it soaked".to_owned()),
            }
        }
        for gate in &self.options.gates {
            match gate {
                Gate::Workloads { timeout } => self.workloads_gate(host, before, *timeout).await?,
                Gate::Command { command, on, timeout } => {
                    self.command_gate(host, command, on.as_ref(), *timeout).await?;
                }
            }
        }
        Ok(())
    }

    async fn workloads_gate(
        &self,
        host: &Arc<str>,
        before: &Before,
        timeout: Duration,
    ) -> Result<(), String> {
        let Some(before) = before else { return Ok(()) };
        let mut tell = |worse: &[String]| {
            self.tell(
                host,
                NodeStep::Gate { text: format!("workloads: {}", worse.join("; ")), passed: false },
            );
        };
        self.cluster
            .gate_workloads(before, timeout, &self.cancel, &mut tell)
            .await
            .map_err(|error| format!("gate workloads: {error}"))?;
        self.tell(
            host,
            NodeStep::Gate { text: "workloads no worse than before".to_owned(), passed: true },
        );
        Ok(())
    }

    async fn command_gate(
        &self,
        host: &Arc<str>,
        command: &Value,
        on: Option<&Value>,
        timeout: Duration,
    ) -> Result<(), String> {
        let scope: Arc<dyn Scope> = HostScope::of_play(&self.run.world, self.playing, host);
        let render = |raw: &Value| {
            let value = self.run.templar.render(raw, &scope, &self.playing.site());
            value.map(|v| string(&v)).map_err(|e| e.to_string())
        };
        let text = render(command)?;
        let where_ = match on {
            Some(raw) => Arc::from(render(raw)?),
            None => Arc::clone(host),
        };
        let deadline = self.run.clock.monotonic() + timeout;
        let mut told = String::new();
        loop {
            let why = self.try_command(&where_, &text).await?;
            let Some(why) = why else {
                self.tell(
                    host,
                    NodeStep::Gate { text: format!("{text:?} on {where_}"), passed: true },
                );
                return Ok(());
            };
            if why != told {
                self.tell(
                    host,
                    NodeStep::Gate { text: format!("{text:?} on {where_}: {why}"), passed: false },
                );
                told.clone_from(&why);
            }
            if self.run.clock.monotonic() >= deadline {
                return Err(format!(
                    "gate {text:?} on {where_} did not hold within {} s: {why}",
                    timeout.as_secs()
                ));
            }
            tokio::select! {
                () = self.run.clock.sleep(TRY) => {}
                () = self.cancel.cancelled() => return Err("the run was asked to stop".to_owned()),
            }
        }
    }

    /// Why the command says no; `None` if it says yes. A host that cannot be reached says no.
    async fn try_command(&self, host: &Arc<str>, text: &str) -> Result<Option<String>, String> {
        let reached = self.run.host_as_root(self.playing, host).await.map_err(|d| d.to_string())?;
        let output = match reached {
            Ok(mut reached) => {
                reached.timeout = Some(Duration::from_secs(60));
                reached.script(text).await
            }
            Err(error) => Err(error),
        };
        Ok(match output {
            Ok(output) if output.ok() => None,
            Ok(output) => {
                let said = format!("{}{}", output.stdout.text(), output.stderr.text());
                Some(format!(
                    "exit {}: {}",
                    output.status.code(),
                    said.trim().lines().last().unwrap_or_default()
                ))
            }
            Err(error) => Some(error.to_string()),
        })
    }
}
