//! `mainstay lab`.

use clap::{Args, Subcommand};
use mainstay_lab::fault::Fault;
use std::ffi::OsString;

/// `mainstay lab`
#[derive(Debug, Args, Clone)]
#[command(args_conflicts_with_subcommands = true)]
pub(in crate::cli) struct Lab {
    /// What to do with a lab that is kept running
    #[command(subcommand)]
    pub action: Option<LabAction>,
    /// The cluster to show an upgrade on
    #[command(flatten)]
    pub shape: Shape,
}

/// What is done with a lab that is kept running.
#[derive(Debug, Subcommand, Clone)]
pub(in crate::cli) enum LabAction {
    /// Start a lab and keep it running
    Up(Shape),
    /// Show the lab's nodes and files
    Status,
    /// Log in to a node, or run a command there
    Ssh {
        /// The node
        node: String,
        /// The command; a login shell if there is none
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<OsString>,
    },
    /// End the lab and remove all that it made
    Down,
    /// Be the lab (what `up` starts)
    #[command(hide = true)]
    Serve(Shape),
}

/// How large a lab is, and what goes wrong in it.
#[derive(Debug, Args, Clone)]
pub(in crate::cli) struct Shape {
    /// Control planes: 1, 3, 5 or 7
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=7))]
    pub control_planes: u8,
    /// Workers
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(0..=50))]
    pub workers: u8,
    /// Version of Kubernetes that runs at first
    #[arg(long, value_name = "VERSION", default_value = "1.36.3")]
    pub version: String,
    /// Something that goes wrong, such as w2:kubelet-broken (repeatable; an unknown one lists them all)
    #[arg(long = "fault", value_name = "FAULT", value_parser = fault)]
    pub faults: Vec<String>,
}

/// A fault as it was written, if it is one.
fn fault(text: &str) -> Result<String, String> {
    text.parse::<Fault>().map(|_| text.to_owned()).map_err(|error| error.to_string())
}
