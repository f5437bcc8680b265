//! The one producer of events: numbers them and hands them to the listeners, in order.

use super::{Envelope, Event, Redactor, Stats};
use std::sync::{Mutex, PoisonError};

/// A consumer of events: a report. It sees only events.
pub trait Listener: Send {
    /// One event. A listener that cannot write says so in `broken`.
    fn on(&mut self, envelope: &Envelope);

    /// Why it cannot go on (a full disk, a closed pipe), if it cannot.
    fn broken(&self) -> Option<String> {
        None
    }
}

/// Tells the time of an event.
pub type Now = Box<dyn Fn() -> jiff::Timestamp + Send + Sync>;

/// Where the engine emits.
pub struct Events {
    inner: Mutex<Inner>,
    now: Now,
    redactor: Redactor,
}

struct Inner {
    seq: u64,
    listeners: Vec<Box<dyn Listener>>,
    stats: Stats,
}

impl Events {
    /// To these listeners, in this order.
    #[must_use]
    pub fn new(now: Now, redactor: Redactor, listeners: Vec<Box<dyn Listener>>) -> Self {
        Self {
            inner: Mutex::new(Inner { seq: 0, listeners, stats: Stats::default() }),
            now,
            redactor,
        }
    }

    /// Numbers an event, takes secrets out of it and tells everybody.
    pub fn emit(&self, event: Event) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.seq += 1;
        let envelope =
            Envelope { seq: inner.seq, at: (self.now)(), event: self.redactor.clean(event) };
        inner.stats.fold(&envelope.event);
        for listener in &mut inner.listeners {
            listener.on(&envelope);
        }
    }

    /// The recap so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).stats.clone()
    }

    /// Why a listener cannot go on.
    #[must_use]
    pub fn broken(&self) -> Option<String> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.listeners.iter().find_map(|listener| listener.broken())
    }
}
