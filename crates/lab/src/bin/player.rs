//! The program that nodes re-execute where the lab is tested without a product around it.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    let played = mainstay_lab::entry(&arguments);
    // Called by its own name it has one thing to do: what a sandbox's tests need of a tool.
    ExitCode::from(played.unwrap_or_else(|| redeem(&arguments)))
}

/// `mainstay-lab-player TICKET`
fn redeem(arguments: &[std::ffi::OsString]) -> u8 {
    let ticket = arguments.get(1).and_then(|ticket| ticket.to_str()).unwrap_or_default();
    match mainstay_lab::sandbox::redeem(ticket) {
        Ok(mainstay_lab::sandbox::Ended::Code(code)) => code,
        _ => 2,
    }
}
