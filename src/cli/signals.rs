//! Interrupts: the first asks the run to stop, the second ends the process.

use super::exit;
use crate::cluster::Cancel;
use tokio::signal::unix::{SignalKind, signal};

/// Sets `stop` at the first SIGINT, SIGTERM or SIGHUP. At the second one the process ends at once: the journal has what
/// is held.
///
/// # Errors
/// The handlers cannot be installed.
pub fn watch(stop: Cancel) -> std::io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
            if stop.is_cancelled() {
                std::process::exit(i32::from(exit::INTERRUPTED));
            }
            stop.cancel();
            super::terminal::complain(
                "stopping: what runs is finished first; interrupt again to end at once",
            );
        }
    });
    Ok(())
}
