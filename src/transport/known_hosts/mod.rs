//! Whether a server is the one it should be.
//!
//! Our own reader of known_hosts, with the verdicts of OpenSSH: names hashed or not, ports, wildcards, negation,
//! `@revoked`, `@cert-authority`; a host that is known by any other key is *changed*, never unknown. Whatever cannot be
//! read refuses. [`decide`] is pure; [`Book`] reads the files once a run and adds first contacts.

mod book;
mod decide;
mod message;
mod parse;
mod pattern;
#[cfg(test)]
mod tests;

pub(crate) use book::Book;
pub(crate) use decide::{Names, Offered, Verdict, algorithms, decide};
pub(crate) use message::refusal;
pub(crate) use pattern::{matches, matches_list};
