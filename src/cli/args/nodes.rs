//! `mainstay cordon`, `drain` and `uncordon`.

use super::Common;
use clap::Args;
use std::time::Duration;

/// `mainstay cordon`
#[derive(Debug, Args, Clone)]
pub(in crate::cli) struct Cordon {
    /// Nodes, by their names in the cluster
    #[arg(required = true, value_name = "NODE")]
    pub nodes: Vec<String>,
    /// Why, for other people: written on the nodes
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Flags of every run
    #[command(flatten)]
    pub common: Common,
}

/// `mainstay uncordon`
#[derive(Debug, Args, Clone)]
pub(in crate::cli) struct Uncordon {
    /// Nodes, by their names in the cluster
    #[arg(required = true, value_name = "NODE")]
    pub nodes: Vec<String>,
    /// Flags of every run
    #[command(flatten)]
    pub common: Common,
}

/// `mainstay drain`
#[derive(Debug, Args, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of kubectl drain")]
pub(in crate::cli) struct Drain {
    /// Nodes, by their names in the cluster; all are cordoned, then one after the other is drained
    #[arg(required = true, value_name = "NODE")]
    pub nodes: Vec<String>,
    /// Why, for other people: written on the nodes
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// How long each node may take
    #[arg(
        long = "drain-timeout",
        value_name = "DURATION",
        default_value = "15m",
        value_parser = duration
    )]
    pub within: Duration,
    /// Seconds that pods get to end (default: their own)
    #[arg(long, value_name = "SECONDS")]
    pub grace_period: Option<u32>,
    /// Pods of DaemonSets stay and are not in the way (unlike kubectl's, true by default)
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_value_t = true,
        default_missing_value = "true",
        action = clap::ArgAction::Set
    )]
    pub ignore_daemonsets: bool,
    /// Pods with emptyDir volumes may go, with their data
    #[arg(long)]
    pub delete_emptydir_data: bool,
    /// Pods without a controller may go
    #[arg(long)]
    pub force: bool,
    /// Only pods with these labels (kubectl's selector syntax)
    #[arg(long, value_name = "SELECTOR")]
    pub pod_selector: Option<String>,
    /// Delete instead of evicting: budgets are not asked
    #[arg(long)]
    pub disable_eviction: bool,
    /// Do not wait for pods whose deletion began longer ago than this
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub skip_wait_for_delete_timeout: Option<Duration>,
    /// Show which pods go and change nothing
    #[arg(long)]
    pub plan: bool,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// Flags of every run
    #[command(flatten)]
    pub common: Common,
}

fn duration(text: &str) -> Result<Duration, String> {
    crate::clock::duration(text)
        .ok_or_else(|| "expected a duration such as 90s, 15m or 1h30m".to_owned())
}
