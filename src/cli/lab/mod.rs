//! `mainstay lab`: a cluster in this process tree, to try things on and to rehearse.

mod demo;
mod kept;
mod serve;

use super::args::{Lab, LabAction, Shape};
use super::exit;
use super::playbook::on_runtime;
use super::real::RealOutside;
use super::refusal::Refusal;
use super::setup::state_directory;
use mainstay_lab::lab::{Config, LabError, Place};
use mainstay_lab::pace::Pace;
use mainstay_language::diag::Diagnostic;
use std::path::PathBuf;

/// So many times faster than real machines: the whole upgrade of four nodes is worth watching and takes under a minute.
const PACE: u32 = 20;

/// Does it and returns the exit code.
#[must_use]
pub(super) fn run(lab: Lab) -> u8 {
    on_runtime(async move {
        match lab.action {
            None => demo::show(&lab.shape).await,
            Some(LabAction::Up(shape)) => kept::up(&shape).await,
            Some(LabAction::Status) => kept::status().await,
            Some(LabAction::Ssh { node, command }) => kept::ssh(&node, &command),
            Some(LabAction::Down) => kept::down().await,
            Some(LabAction::Serve(shape)) => serve::serve(&shape).await,
        }
    })
}

/// The lab that is kept running: one for each user.
fn place() -> Place {
    Place::new(state_directory(&RealOutside).join("lab"))
}

/// This program: it plays the nodes' tools.
fn player() -> Result<PathBuf, Refusal> {
    std::env::current_exe().map_err(|error| {
        Refusal::because(exit::DEFECT, format!("this program does not know its file: {error}"))
    })
}

fn config(place: Place, shape: &Shape) -> Result<Config, Refusal> {
    let text = shape.version.trim_start_matches('v');
    let version = semver::Version::parse(text).map_err(|error| {
        let text = format!("--version: {:?} is no version: {error}", shape.version);
        Refusal::new(exit::BAD_OPTION, Diagnostic::error(text).hint("one such as 1.36.3"))
    })?;
    Ok(Config {
        place,
        player: player()?,
        control_planes: shape.control_planes,
        workers: shape.workers,
        version,
        pace: Pace::faster(PACE),
        faults: shape.faults.iter().filter_map(|fault| fault.parse().ok()).collect(),
    })
}

impl From<LabError> for Refusal {
    fn from(error: LabError) -> Self {
        let hint = error.hint();
        let diagnostic = Diagnostic::error(error.to_string());
        let diagnostic = match hint {
            Some(hint) => diagnostic.hint(hint),
            None => diagnostic,
        };
        Self::new(exit::GENERAL, diagnostic)
    }
}
