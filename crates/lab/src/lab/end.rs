//! Ending a lab from outside, and removing what is left of one.

use super::error::LabError;
use super::place::{Description, Place};
use crate::sandbox::{self, Signal};
use rustix::process::{Pid, PidfdFlags, pidfd_open, pidfd_send_signal};
use std::path::Path;
use std::time::Duration;

/// How long a lab may take to end by itself.
const END: Duration = Duration::from_secs(20);
/// Between two looks whether it has ended.
const LOOK: Duration = Duration::from_millis(50);

/// Asks the process of a lab to end, and ends it if it does not.
///
/// # Errors
/// The process is somebody else's, or does not go.
pub async fn end(described: &Description) -> Result<(), LabError> {
    let Some(pid) = i32::try_from(described.process.0).ok().and_then(Pid::from_raw) else {
        return Ok(());
    };
    let cannot = |error: rustix::io::Errno| LabError::system("the lab's process", error.into());
    let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else { return Ok(()) };
    // Only now: the number cannot pass to another process any more without being noticed.
    for signal in [Signal::TERM, Signal::KILL] {
        if !described.runs() {
            return Ok(());
        }
        match pidfd_send_signal(&process, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => {}
            Err(error) => return Err(cannot(error)),
        }
        let gone = async {
            while described.runs() {
                tokio::time::sleep(LOOK).await;
            }
        };
        if tokio::time::timeout(END, gone).await.is_ok() {
            return Ok(());
        }
    }
    Err(LabError::system("the lab's process", std::io::Error::other("it does not end")))
}

/// Ends what processes of nodes are left and removes the directory whole; one that is not there, or was not made by a
/// lab, is left alone.
///
/// # Errors
/// Something in it cannot be removed.
pub async fn remove(place: &Place, player: &Path) -> Result<(), LabError> {
    let directory = place.directory();
    let failed = |error| LabError::file(directory, error);
    if !place.is_a_labs() {
        return Ok(());
    }
    sandbox::sweep(directory).await.map_err(failed)?;
    let isolation = place.isolation()?;
    sandbox::remove(directory, &isolation, player).await.map_err(failed)
}
