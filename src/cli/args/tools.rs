//! Flags of `ansible`, `ansible-inventory` and `ansible-config`.

use super::{Connection, Execution, Kubernetes, Sources};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Flags of `ansible`: one task on the hosts of a pattern.
#[derive(Debug, Parser, Clone, Default)]
#[command(name = "ansible", version, about = "Run one module on hosts")]
pub(crate) struct AdHoc {
    /// Hosts
    #[arg(value_name = "PATTERN")]
    pub pattern: String,
    /// Module
    #[arg(short, long, value_name = "MODULE", default_value = "command")]
    pub module_name: String,
    /// Its arguments: key=value text, or a JSON or YAML map in braces
    #[arg(
        short = 'a',
        long = "args",
        value_name = "ARGS",
        default_value = "",
        allow_hyphen_values = true
    )]
    pub module_args: String,
    /// Show hosts and do nothing else
    #[arg(long)]
    pub list_hosts: bool,
    /// One line a host
    #[arg(short, long)]
    pub one_line: bool,
    /// Seconds that the task may take
    #[arg(long, value_name = "SECONDS")]
    pub task_timeout: Option<u64>,
    /// Run in the background for at most so many seconds
    #[arg(short = 'B', long, value_name = "SECONDS")]
    pub background: Option<u64>,
    /// Ask a background task after its state every so many seconds
    #[arg(short = 'P', long = "poll", value_name = "SECONDS", requires = "background")]
    pub poll: Option<u64>,
    /// Directory whose `group_vars`, `host_vars` and files count
    #[arg(long, visible_alias = "basedir", value_name = "DIRECTORY")]
    pub playbook_dir: Option<PathBuf>,
    /// Hosts and their variables
    #[command(flatten)]
    pub sources: Sources,
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

/// Flags of `ansible-inventory`.
#[derive(Debug, Parser, Clone, Default)]
#[command(name = "ansible-inventory", version, about = "Show hosts, groups and their variables")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct Inventory {
    /// All hosts and groups as JSON
    #[arg(long)]
    pub list: bool,
    /// The variables of one host
    #[arg(long, value_name = "HOST")]
    pub host: Option<String>,
    /// Groups and hosts as a tree
    #[arg(long)]
    pub graph: bool,
    /// The group at the root of the tree
    #[arg(value_name = "GROUP", requires = "graph")]
    pub group: Option<String>,
    /// Variables in the tree
    #[arg(long, requires = "graph")]
    pub vars: bool,
    /// YAML instead of JSON
    #[arg(short, long)]
    pub yaml: bool,
    /// Write to this file
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Directory whose `group_vars` and `host_vars` count
    #[arg(long, visible_alias = "basedir", value_name = "DIRECTORY")]
    pub playbook_dir: Option<PathBuf>,
    /// Hosts and their variables
    #[command(flatten)]
    pub sources: Sources,
}

/// Flags of `ansible-config`.
#[derive(Debug, Parser, Clone)]
#[command(
    name = "ansible-config",
    version,
    about = "Show the settings",
    disable_help_subcommand = true
)]
pub(crate) struct Config {
    /// What to show
    #[command(subcommand)]
    pub action: ConfigAction,
}

/// What `ansible-config` shows.
#[derive(Debug, Subcommand, Clone)]
pub(crate) enum ConfigAction {
    /// Every setting with its value and where it comes from
    Dump(Dump),
    /// Every setting that is known here, with its environment variables, its keys and its default
    List(Which),
    /// The configuration file as it is
    View(Which),
}

/// Which configuration file.
#[derive(Debug, Args, Clone)]
pub(crate) struct Which {
    /// This file instead of the one that would be found
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Flags of `dump`.
#[derive(Debug, Args, Clone)]
pub(crate) struct Dump {
    /// Which file
    #[command(flatten)]
    pub which: Which,
    /// Only what is not the default
    #[arg(long, visible_alias = "changed-only")]
    pub only_changed: bool,
    /// As lines, as JSON or as YAML
    #[arg(short, long, value_name = "FORMAT", default_value = "display")]
    pub format: Format,
}

/// How a dump is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Display,
    Json,
    Yaml,
}
