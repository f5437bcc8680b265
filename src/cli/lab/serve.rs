//! The process that is a lab: started by `lab up`, ended by `lab down`.

use super::{config, place};
use crate::cli::args::Shape;
use crate::cli::exit;
use crate::cli::refusal::Refusal;
use crate::cli::terminal::say;
use mainstay_lab::lab::Lab;
use tokio::signal::unix::{SignalKind, signal};

/// What the process says on its standard output when the lab can be used.
pub(super) const READY: &str = "ready";

/// Is the lab until it is asked to end.
pub(super) async fn serve(shape: &Shape) -> Result<u8, Refusal> {
    let cannot = |error: std::io::Error| {
        Refusal::because(exit::DEFECT, format!("cannot watch signals: {error}"))
    };
    // Before the lab is there: a signal in between must end it in order.
    let mut terminate = signal(SignalKind::terminate()).map_err(cannot)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(cannot)?;
    let lab = Lab::start(config(place(), shape)?).await?;
    let told = say(READY);
    if told.is_ok() {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
    lab.stop().await?;
    told.map_err(|error| Refusal::because(exit::GENERAL, format!("nobody waited: {error}")))?;
    Ok(exit::DONE)
}
