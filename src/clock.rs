//! Time, as everybody gets it.
//!
//! Not here: any clock. The real one is in `cli`, pretended ones are in tests.

use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;

/// Time, injected: nothing else in the product reads a clock or sleeps.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Wall clock, UTC.
    fn now(&self) -> jiff::Timestamp;
    /// Monotonic, from any start.
    fn monotonic(&self) -> Duration;
    /// Waits.
    async fn sleep(&self, duration: Duration);
    /// The same clock for something that outlives a task (a connection to a cluster that a task names itself); `None` if
    /// it cannot be shared.
    fn handle(&self) -> Option<Arc<dyn Clock>> {
        None
    }
}
