//! What we did, on disk before we do it.
//!
//! `$XDG_STATE_HOME/mainstay/runs/RUN-ID/journal` (0700 directory): an append-only file of framed records (length,
//! CRC-32C, JSON). An effect on a cluster or a host that lasts takes a [`Receipt`], and a receipt exists only once its
//! intent is durable: what is not recorded first does not compile. A torn tail is cut off when a journal is read.
//!
//! The journal is not a listener of events: it comes before them. Order: record, effect, outcome, event.

mod disk;
mod effects;
mod fold;
mod frame;
mod record;
mod runs;
mod store;
#[cfg(test)]
mod tests;

pub use disk::Disk;
pub use effects::Effects;
pub use fold::{HeldNode, State, fold};
pub use frame::{Contents, End, MAX_FRAME, decode};
pub use record::{Effect, Ended, FORMAT, Record};
pub use runs::{Problem, Run, held_nodes, runs};
pub use store::{Journal, JournalError, read};

/// Proof that the intent of one effect is on disk. Made by `Journal::intend` alone; used up by the outcome's record.
#[derive(Debug)]
#[must_use = "an effect without an outcome record is unknown"]
pub struct Receipt {
    pub(in crate::journal) id: u64,
    pub(in crate::journal) effect: Effect,
}

impl Receipt {
    /// The effect that was recorded.
    #[must_use]
    pub fn effect(&self) -> &Effect {
        &self.effect
    }

    /// Its number in the journal.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }
}
