//! apt-get, apt-cache, apt-mark of apt 2.6.1. Compared with the real ones on a Debian 12 node with repositories of two minor
//! versions: update (new, known, missing, malformed), install (new, newer, older, held, unknown, with a pattern, with a
//! needed package), remove, purge, upgrade, simulations, -q and -qq, hold and unhold, policy, madison, a busy lock with and
//! without a timeout.

pub(super) mod cache;
pub(super) mod get;
pub(super) mod lock;
pub(super) mod mark;
mod options;
mod show;
mod unpack;
#[cfg(test)]
mod tests;
mod update;
