//! A plan and its findings as plain text.

use super::{Finding, Plan, Role, Severity, Step};
use std::fmt::{self, Write};

impl Plan {
    /// A table, one row for each node and hop, and the warnings below it. Plain text, no colours.
    #[must_use]
    pub fn render(&self) -> String {
        let mut rows = vec![
            ["host", "node", "role", "API server", "kubelet", "to", "what"].map(str::to_owned),
        ];
        rows.extend(self.steps.iter().map(row));
        let mut widths = [0; 7];
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let mut text = String::new();
        for row in &rows {
            let cells: Vec<String> =
                row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            text.push_str(cells.join("  ").trim_end());
            text.push('\n');
        }
        for warning in &self.warnings {
            // Writing to a String cannot fail.
            let _infallible = writeln!(text, "{warning}");
        }
        text
    }
}

fn row(step: &Step) -> [String; 7] {
    [
        step.host.clone(),
        step.node.clone(),
        match step.role {
            Role::First | Role::ControlPlane => "control plane",
            Role::Worker => "worker",
        }
        .to_owned(),
        step.apiserver.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string),
        step.kubelet.to_string(),
        step.to.to_string(),
        what(step),
    ]
}

fn what(step: &Step) -> String {
    if step.done {
        return "done".to_owned();
    }
    let mut parts = vec![match step.role {
        Role::First => "kubeadm upgrade apply",
        Role::ControlPlane | Role::Worker => "kubeadm upgrade node",
    }];
    if step.drain {
        parts.push("drain");
    }
    if step.kubelet < step.to {
        parts.push("kubelet");
    }
    parts.join(", ")
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{severity}[{}]: {}", self.code, self.text)?;
        if !self.hint.is_empty() {
            write!(f, " ({})", self.hint)?;
        }
        Ok(())
    }
}
