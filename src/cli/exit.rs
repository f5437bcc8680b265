//! Exit codes. The first six are Ansible's, the others ours.

use mainstay_language::diag::{Diagnostic, Nature};

/// All done.
pub const DONE: u8 = 0;
/// Something general: a missing playbook, a `--limit` that matches nothing.
pub const GENERAL: u8 = 1;
/// A host failed; also wrong arguments.
pub const HOST_FAILED: u8 = 2;
/// A host could not be reached, or the playbook does not parse.
pub const UNREACHABLE: u8 = 4;
/// A bad option value.
pub const BAD_OPTION: u8 = 5;
/// Refused by a preflight check or guard; nothing was changed.
pub const REFUSED: u8 = 10;
/// Stopped in the middle: something is still held, the message says what.
pub const STOPPED: u8 = 11;
/// Another run holds the cluster.
pub const LOCKED: u8 = 12;
/// The journal or a report could not be written.
pub const JOURNAL: u8 = 13;
/// Interrupted by the user.
pub const INTERRUPTED: u8 = 99;
/// A defect of ours.
pub const DEFECT: u8 = 250;

/// The code for something written that cannot be used, outside of a playbook's own structure.
#[must_use]
pub fn of(diagnostic: &Diagnostic) -> u8 {
    match diagnostic.nature {
        Nature::Syntax => UNREACHABLE,
        Nature::General | Nature::Missing => GENERAL,
    }
}
