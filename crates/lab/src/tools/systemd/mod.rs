//! systemctl, systemd-run, journalctl and what turns a node off: systemd 252. Compared on a Debian 12 node: is-active,
//! is-enabled, is-failed, show, status, start and its kin of known and unknown units, enable, disable, mask, list-units,
//! transient units that run, end, fail and collide, timers, --wait and --pipe.

pub(super) mod control;
mod describe;
pub(super) mod journal;
pub(super) mod power;
mod programs;
pub(super) mod run;
#[cfg(test)]
mod tests;
