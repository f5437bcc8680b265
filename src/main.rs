//! The program: everything is in the libraries.

use std::ffi::OsString;
use std::process::ExitCode;

#[expect(clippy::disallowed_methods, reason = "arguments enter here")]
fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    // In a node of the lab this program plays the node's tools. Before any thread: a part of it enters namespaces.
    match mainstay_lab::entry(&arguments) {
        Some(code) => ExitCode::from(code),
        None => mainstay::cli::run(arguments),
    }
}
