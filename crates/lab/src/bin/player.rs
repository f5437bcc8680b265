//! The program that nodes re-execute where the lab is tested without a product around it.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    let played = mainstay_lab::entry(&arguments);
    // Called by its own name it has nothing to do.
    ExitCode::from(played.unwrap_or(2))
}
