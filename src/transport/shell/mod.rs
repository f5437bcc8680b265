//! Shells that wait for their script on standard input: what is typed, what they answer, how rights are gained.
//!
//! The same for SSH and for the controller. Pure: whoever has the streams feeds them to [`Greeting`].
//!
//! A shell is started as `[sudo …] /bin/sh -c READER`. The reader prints a marker with its process id, waits for a
//! framed script ([`frame`]) and evaluates it; what follows the frame is the script's standard input. Whatever was
//! printed before the marker (banners, the lecture of sudo) is not the script's. Without a marker nothing has run.

mod frame;
mod greeting;
mod launch;

pub(crate) use frame::{STARTED, frame, kill_script};
pub(crate) use greeting::{Greeting, Step};
pub(crate) use launch::Launch;

use russh::keys::key::safe_rng;
use russh::keys::ssh_key::rand_core::Rng;

/// Sixteen hexadecimal digits that nobody can foresee.
pub(crate) fn nonce() -> String {
    format!("{:016x}", safe_rng().next_u64())
}
