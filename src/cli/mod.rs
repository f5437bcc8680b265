//! Commands and arguments; the composition root, where the real clock, files and transports are wired.

mod adhoc;
mod args;
mod abort;
mod config;
mod confirm;
mod dialer;
mod editor;
mod embedded;
pub mod exit;
mod fact_store;
mod ground;
mod inventory;
mod listing;
mod magic;
mod nodes;
mod plain;
mod playbook;
mod real;
mod refusal;
mod reports;
mod runs;
mod secrets;
mod setup;
mod signals;
mod terminal;
mod upgrade;
mod vault;

use clap::Parser;
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

/// Runs the command that the arguments name. The name that the program is called by chooses whose command line it is.
#[must_use]
#[expect(clippy::needless_pass_by_value, reason = "they are the program's own")]
pub fn run(arguments: Vec<OsString>) -> ExitCode {
    let called = arguments.first().map(Path::new).and_then(Path::file_name).unwrap_or_default();
    let code = match called.to_string_lossy().as_ref() {
        "ansible-playbook" => parsed(args::Playbook::try_parse_from(&arguments))
            .map_or_else(|code| code, |args| playbook::run(args, playbook::Persona::Ansible)),
        "ansible" => {
            parsed(args::AdHoc::try_parse_from(&arguments)).map_or_else(|code| code, adhoc::run)
        }
        "ansible-inventory" => parsed(args::Inventory::try_parse_from(&arguments))
            .map_or_else(|code| code, |args| inventory::run(&args)),
        "ansible-vault" => parsed(args::VaultTool::try_parse_from(&arguments))
            .map_or_else(|code| code, |tool| vault::run(&tool)),
        "ansible-config" => parsed(args::Config::try_parse_from(&arguments))
            .map_or_else(|code| code, |config| config::run(&config)),
        _ => parsed(args::Mainstay::try_parse_from(&arguments)).map_or_else(|code| code, command),
    };
    ExitCode::from(code)
}

fn command(mainstay: args::Mainstay) -> u8 {
    match mainstay.command {
        args::Command::Run(args) => playbook::run(args, playbook::Persona::Mainstay),
        args::Command::Inventory(args) => inventory::run(&args),
        args::Command::Vault(tool) => vault::run(&tool),
        args::Command::Config(config) => config::run(&config),
        args::Command::Upgrade(args) => upgrade::run(args),
        args::Command::Cordon(args) => nodes::cordon(&args),
        args::Command::Drain(args) => nodes::drain(&args),
        args::Command::Uncordon(args) => nodes::uncordon(&args),
        args::Command::Runs(args) => runs::run(&args),
        args::Command::Abort(args) => abort::run(args),
    }
}

/// The arguments, or the code to exit with after what clap has to say.
fn parsed<T>(result: Result<T, clap::Error>) -> Result<T, u8> {
    result.map_err(|error| {
        let code = if error.use_stderr() { exit::HOST_FAILED } else { exit::DONE };
        // Nobody is left to tell if even this cannot be printed.
        let _printed = error.print();
        code
    })
}
