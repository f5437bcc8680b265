//! The command line.

mod nodes;
mod tools;
mod vault;

pub(super) use nodes::{Cordon, Drain, Uncordon};
pub(super) use tools::{AdHoc, Config, ConfigAction, Dump, Format, Inventory, Which};
pub(super) use vault::{Edit, Encrypt, EncryptString, Files, Rekey, VaultAction, VaultTool};

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// An SSH-based agentless fleet runner for cluster maintenance.
#[derive(Debug, Parser)]
#[command(name = "mainstay", version, about, disable_help_subcommand = true)]
pub(super) struct Mainstay {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// Commands of `mainstay`.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run playbooks
    Run(Playbook),
    /// Show hosts, groups and their variables
    Inventory(Inventory),
    /// Encrypt and decrypt files and values
    Vault(VaultTool),
    /// Show the settings
    Config(Config),
    /// Upgrade a kubeadm cluster: control planes first, then workers, one minor version
    Upgrade(Upgrade),
    /// Make nodes unschedulable
    Cordon(Cordon),
    /// Make nodes unschedulable and evict their pods
    Drain(Drain),
    /// Make nodes schedulable again
    Uncordon(Uncordon),
    /// List recorded runs and the nodes that they still hold
    Runs(Runs),
    /// Uncordon the nodes that a run still holds
    Abort(Abort),
}

/// Flags of `ansible-playbook`.
#[derive(Debug, Parser, Clone, Default)]
#[command(name = "ansible-playbook", version, about = "Run playbooks")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct Playbook {
    /// Playbook files
    #[arg(required = true, value_name = "PLAYBOOK")]
    pub playbooks: Vec<PathBuf>,
    /// Flags of every run
    #[command(flatten)]
    pub common: Common,
    /// Show hosts and do nothing else
    #[arg(long)]
    pub list_hosts: bool,
    /// Show tasks and do nothing else
    #[arg(long)]
    pub list_tasks: bool,
    /// Show tags and do nothing else
    #[arg(long)]
    pub list_tags: bool,
    /// Check the syntax and do nothing else
    #[arg(long)]
    pub syntax_check: bool,
    /// Start at the task of this name
    #[arg(long, value_name = "NAME")]
    pub start_at_task: Option<String>,
}

/// Flags that every command that runs tasks takes.
#[derive(Debug, Args, Clone, Default)]
pub(super) struct Common {
    /// Hosts and their variables
    #[command(flatten)]
    pub sources: Sources,
    /// Only tasks with these tags
    #[arg(short, long, value_name = "TAGS")]
    pub tags: Vec<String>,
    /// No task with these tags
    #[arg(long, value_name = "TAGS")]
    pub skip_tags: Vec<String>,
    /// Run notified handlers even if a task failed
    #[arg(long)]
    pub force_handlers: bool,
    /// How tasks are run
    #[command(flatten)]
    pub execution: Execution,
    /// How to connect
    #[command(flatten)]
    pub connection: Connection,
    /// The Kubernetes API
    #[command(flatten)]
    pub kubernetes: Kubernetes,
}

/// Where hosts, variables and secrets come from.
#[derive(Debug, Args, Clone, Default)]
pub(super) struct Sources {
    /// Inventory file, directory or comma-separated hosts (repeatable)
    #[arg(short, long, visible_alias = "inventory-file", value_name = "INVENTORY")]
    pub inventory: Vec<String>,
    /// Only these hosts (pattern, or @FILE)
    #[arg(short, long, value_name = "PATTERN")]
    pub limit: Vec<String>,
    /// Extra variables: key=value, JSON, YAML or @FILE (repeatable)
    #[arg(short, long, value_name = "VARS")]
    pub extra_vars: Vec<String>,
    /// Forget the facts that earlier runs kept (setting `fact_caching`)
    #[arg(long)]
    pub flush_cache: bool,
    /// More output (repeatable)
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Vault secrets
    #[command(flatten)]
    pub vault: Vault,
}

/// How tasks are run.
#[derive(Debug, Args, Clone, Default)]
pub(super) struct Execution {
    /// Hosts at once
    #[arg(short, long, value_name = "N")]
    pub forks: Option<String>,
    /// Predict changes, make none
    #[arg(short = 'C', long)]
    pub check: bool,
    /// Show what changes in files
    #[arg(short = 'D', long)]
    pub diff: bool,
}

/// Connection and privilege escalation.
#[derive(Debug, Args, Clone, Default)]
#[expect(clippy::struct_field_names, reason = "the names are the flags'")]
pub(super) struct Connection {
    /// Login user
    #[arg(short, long, value_name = "USER", help_heading = "Connection")]
    pub user: Option<String>,
    /// Ask for the login password
    #[arg(short = 'k', long, help_heading = "Connection")]
    pub ask_pass: bool,
    /// File with the login password
    #[arg(
        long,
        visible_alias = "conn-pass-file",
        value_name = "FILE",
        help_heading = "Connection"
    )]
    pub connection_password_file: Option<PathBuf>,
    /// Private key file
    #[arg(long, visible_alias = "key-file", value_name = "FILE", help_heading = "Connection")]
    pub private_key: Option<String>,
    /// ssh or local
    #[arg(short, long, value_name = "KIND", help_heading = "Connection")]
    pub connection: Option<String>,
    /// Seconds to connect
    #[arg(short = 'T', long, value_name = "SECONDS", help_heading = "Connection")]
    pub timeout: Option<String>,
    /// Options of ssh (-o, -J…)
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true, help_heading = "Connection")]
    pub ssh_common_args: Option<String>,
    /// More options of ssh
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true, help_heading = "Connection")]
    pub ssh_extra_args: Option<String>,
    /// Become another user
    #[arg(short, long = "become", help_heading = "Privilege escalation")]
    pub become_: bool,
    /// sudo or su
    #[arg(long, value_name = "METHOD", help_heading = "Privilege escalation")]
    pub become_method: Option<String>,
    /// Become this user
    #[arg(long, value_name = "USER", help_heading = "Privilege escalation")]
    pub become_user: Option<String>,
    /// Ask for the password of the other user's rights
    #[arg(short = 'K', long, help_heading = "Privilege escalation")]
    pub ask_become_pass: bool,
    /// File with that password
    #[arg(
        long,
        visible_alias = "become-pass-file",
        value_name = "FILE",
        help_heading = "Privilege escalation"
    )]
    pub become_password_file: Option<PathBuf>,
}

/// Vault secrets.
#[derive(Debug, Args, Clone, Default)]
#[expect(clippy::struct_field_names, reason = "the names are the flags'")]
pub(super) struct Vault {
    /// Ask for the vault password
    #[arg(short = 'J', long, visible_alias = "ask-vault-password", help_heading = "Vault")]
    pub ask_vault_pass: bool,
    /// File or program with the vault password (repeatable)
    #[arg(long, visible_alias = "vault-pass-file", value_name = "FILE", help_heading = "Vault")]
    pub vault_password_file: Vec<String>,
    /// ID@SOURCE, the source being a file, a program or "prompt" (repeatable)
    #[arg(long, value_name = "ID", help_heading = "Vault")]
    pub vault_id: Vec<String>,
}

/// Where the Kubernetes API is.
#[derive(Debug, Args, Clone, Default)]
pub(super) struct Kubernetes {
    /// kubeconfig file (default: the control planes' own, over their SSH connections)
    #[arg(long, value_name = "FILE", help_heading = "Kubernetes")]
    pub kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig
    #[arg(long, value_name = "NAME", help_heading = "Kubernetes")]
    pub context: Option<String>,
}

/// `mainstay upgrade`
#[derive(Debug, Args, Clone)]
pub(super) struct Upgrade {
    /// Target version, such as 1.37.2
    #[arg(long, value_name = "VERSION")]
    pub to: String,
    /// Show the plan and change nothing
    #[arg(long)]
    pub plan: bool,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// Take over the cluster's lease from a run elsewhere that does not renew it any more
    #[arg(long)]
    pub take_over: bool,
    /// Flags of every run
    #[command(flatten)]
    pub common: Common,
}

/// `mainstay runs`
#[derive(Debug, Args, Clone)]
pub(super) struct Runs {
    /// Only runs that still hold something
    #[arg(long)]
    pub held: bool,
}

/// `mainstay abort`
#[derive(Debug, Args, Clone)]
pub(super) struct Abort {
    /// The run, as `mainstay runs` shows it
    pub run: String,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// Flags of every run
    #[command(flatten)]
    pub common: Common,
}
