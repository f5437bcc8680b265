//! The program: everything is in the library.

use std::process::ExitCode;

#[expect(clippy::disallowed_methods, reason = "arguments enter here")]
fn main() -> ExitCode {
    mainstay::cli::run(std::env::args_os().collect())
}
