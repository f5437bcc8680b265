//! `mainstay lab`: a lab is started, upgraded by one minor version and removed.

use super::{config, player};
use crate::cli::args::Shape;
use crate::cli::exit;
use crate::cli::refusal::Refusal;
use crate::cli::terminal::{complain, say};
use mainstay_lab::lab::{Lab, Place};
use std::process::Stdio;
use std::time::Duration;

/// How long the upgrade may take before the lab is taken away from under it.
const UPGRADE: Duration = Duration::from_secs(15 * 60);

/// Shows an upgrade.
pub(super) async fn show(shape: &Shape) -> Result<u8, Refusal> {
    let directory =
        tempfile::Builder::new().prefix("mainstay-lab-").tempdir().map_err(|error| {
            Refusal::because(exit::GENERAL, format!("no temporary directory: {error}"))
        })?;
    let config = config(Place::new(directory.path()), shape)?;
    let target = mainstay_lab::node::Releases::default();
    let target = target.newest_of(config.version.minor + 1).map(|release| release.version.clone());
    let Some(target) = target else {
        let text = format!("the lab knows no version after {}", config.version);
        return Err(Refusal::because(exit::BAD_OPTION, text));
    };
    tell(&format!(
        "a cluster of {} control plane{}, {} worker{} at v{}, in {}",
        shape.control_planes,
        if shape.control_planes == 1 { "" } else { "s" },
        shape.workers,
        if shape.workers == 1 { "" } else { "s" },
        config.version,
        directory.path().display(),
    ))?;
    let lab = Lab::start(config).await?;
    let shown = tour(&lab, &target).await;
    lab.stop().await?;
    shown
}

async fn tour(lab: &Lab, target: &semver::Version) -> Result<u8, Refusal> {
    lab.deploy_sample()?;
    lab.settled(Duration::from_secs(60)).await?;
    tell(&lab.table())?;
    let inventory = lab.place().inventory();
    tell(&format!("\n$ mainstay upgrade --to {target} -i inventory.yml --yes\n"))?;
    let code = upgrade(&inventory, target).await?;
    tell(&format!("\n{}", lab.table()))?;
    Ok(code)
}

/// The command as a person would give it, in a process of its own.
#[expect(
    clippy::disallowed_methods,
    reason = "the upgrade is a process of its own, as a person's would be"
)]
async fn upgrade(inventory: &std::path::Path, target: &semver::Version) -> Result<u8, Refusal> {
    let cannot = |error: std::io::Error| {
        Refusal::because(exit::GENERAL, format!("the upgrade cannot be started: {error}"))
    };
    let mut child = tokio::process::Command::new(player()?)
        .args(["upgrade", "--to", &target.to_string(), "--yes", "-i"])
        .arg(inventory)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(cannot)?;
    // A key that interrupts is sent to both; the upgrade ends in order, then the lab goes.
    let ended = tokio::select! {
        ended = child.wait() => ended.map_err(cannot)?,
        () = interrupted() => {
            complain("the lab goes when the upgrade has ended");
            child.wait().await.map_err(cannot)?
        }
        () = tokio::time::sleep(UPGRADE) => {
            return Err(Refusal::because(exit::GENERAL, "the upgrade did not end within 15 minutes"));
        }
    };
    Ok(ended.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(exit::DEFECT))
}

async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        // It cannot be watched: the default action ends both.
        std::future::pending::<()>().await;
    }
}

fn tell(text: &str) -> Result<(), Refusal> {
    say(text).map_err(|error| Refusal::because(exit::JOURNAL, error.to_string()))
}
