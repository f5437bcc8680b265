//! A lab that is kept running: `lab up`, `status`, `ssh`, `down`.

use super::{config, place, player, serve};
use crate::cli::args::Shape;
use crate::cli::exit;
use crate::cli::real::RealClock;
use crate::cli::refusal::Refusal;
use crate::cli::terminal::say;
use crate::cluster::{Cluster, ClusterAccess, NodeInfo};
use mainstay_lab::lab::{self, DescribedNode, Description, Place};
use mainstay_language::diag::Diagnostic;
use std::ffi::OsString;
use std::fmt::Write;
use std::os::unix::process::CommandExt;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};

/// How long a lab may take to start.
const START: Duration = Duration::from_secs(180);

/// Starts the lab's process and waits until it can be used.
pub(super) async fn up(shape: &Shape) -> Result<u8, Refusal> {
    let place = place();
    // Wrong words are found out here, where somebody reads the answer.
    config(place.clone(), shape)?;
    if place.described()?.is_some_and(|described| described.runs()) {
        let text = format!("a lab runs already, in {}", place.directory().display());
        let hint = "`mainstay lab status` shows it, `mainstay lab down` ends it";
        return Err(Refusal::new(exit::GENERAL, Diagnostic::error(text).hint(hint)));
    }
    // What a lab that was killed left.
    lab::remove(&place, &player()?).await?;
    let lines = start(shape).await?;
    if lines.last().map(String::as_str) != Some(serve::READY) {
        return Err(Refusal::because(exit::GENERAL, format!("the lab did not start: {}", lines.join("\n"))));
    }
    let described = running(&place)?;
    tell(&files(&place, &described))?;
    Ok(exit::DONE)
}

/// Starts `lab serve` in a session of its own; gives what it says until it is ready or ends.
#[expect(clippy::disallowed_methods, reason = "the lab is a process of its own")]
async fn start(shape: &Shape) -> Result<Vec<String>, Refusal> {
    let cannot = |error: std::io::Error| {
        Refusal::because(exit::GENERAL, format!("the lab's process cannot be started: {error}"))
    };
    let mut command = tokio::process::Command::new(player()?);
    command.args(["lab", "serve"]).args(words(shape)).current_dir("/");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = command.spawn().map_err(cannot)?;
    let mut lines = Vec::new();
    let heard = tokio::time::timeout(START, async {
        if let Some(output) = child.stdout.take() {
            let mut output = BufReader::new(output).lines();
            while let Some(line) = output.next_line().await? {
                let ready = line == serve::READY;
                lines.push(line);
                if ready {
                    return Ok(());
                }
            }
        }
        if let Some(errors) = child.stderr.take() {
            let mut errors = BufReader::new(errors).lines();
            while let Some(line) = errors.next_line().await? {
                lines.push(line);
            }
        }
        Ok(())
    });
    match heard.await {
        Ok(heard) => heard.map_err(cannot)?,
        Err(_) => lines.push(format!("it took longer than {} s", START.as_secs())),
    }
    Ok(lines)
}

/// The arguments that say the same to `lab serve`.
fn words(shape: &Shape) -> Vec<String> {
    let mut words = vec![
        format!("--control-planes={}", shape.control_planes),
        format!("--workers={}", shape.workers),
        format!("--version={}", shape.version),
    ];
    words.extend(shape.faults.iter().map(|fault| format!("--fault={fault}")));
    words
}

/// Ends the lab's process and removes what is left of it.
pub(super) async fn down() -> Result<u8, Refusal> {
    let place = place();
    let Some(described) = place.described()? else {
        // A lab that was killed while it started says nothing of itself.
        lab::remove(&place, &player()?).await?;
        tell("no lab runs")?;
        return Ok(exit::DONE);
    };
    lab::end(&described).await?;
    lab::remove(&place, &player()?).await?;
    tell("the lab is gone")?;
    Ok(exit::DONE)
}

/// Nodes as the cluster sees them, and where the lab's files are.
pub(super) async fn status() -> Result<u8, Refusal> {
    let place = place();
    let described = running(&place)?;
    let access = ClusterAccess::Kubeconfig { files: vec![place.kubeconfig()], context: None };
    let nodes = async {
        let cluster = Cluster::connect(access, Arc::new(RealClock::default())).await?;
        cluster.set_patience(Duration::from_secs(2));
        cluster.nodes().await
    };
    match nodes.await {
        Ok(nodes) => tell(&table(&described.nodes, &nodes))?,
        Err(error) => tell(&format!("the API does not answer: {error}"))?,
    }
    tell(&files(&place, &described))?;
    Ok(exit::DONE)
}

/// Columns, padded.
fn table(described: &[DescribedNode], nodes: &[NodeInfo]) -> String {
    let mut text = format!("{:<6} {:<14} {:<22} {:<28} kubelet", "node", "role", "ssh", "state");
    for there in described {
        let role = if there.control_plane { "control plane" } else { "worker" };
        let ssh = format!("{}@{}:{}", there.user, there.address, there.port);
        let node = nodes.iter().find(|node| node.name == there.name);
        let state = match node {
            None => "no node of the cluster".to_owned(),
            Some(node) => {
                let ready = if node.ready { "ready" } else { "not ready" };
                let cordoned = if node.unschedulable { ", cordoned" } else { "" };
                format!("{ready}{cordoned}")
            }
        };
        let version = node.map_or("", |node| node.kubelet_version.as_str());
        write!(text, "\n{:<6} {role:<14} {ssh:<22} {state:<28} {version}", there.name).ok();
    }
    text
}

/// What can be done with the lab.
fn files(place: &Place, described: &Description) -> String {
    let node = described.nodes.first().map_or("cp1", |node| node.name.as_str());
    format!(
        "inventory   {}\nkubeconfig  {}\n\n  mainstay upgrade --to VERSION -i {0}\n  kubectl --kubeconfig {1} get nodes\n  \
         mainstay lab ssh {node}\n  mainstay lab down",
        place.inventory().display(),
        place.kubeconfig().display(),
    )
}

/// Becomes an `ssh` that logs in to a node.
#[expect(clippy::disallowed_methods, reason = "the terminal is handed to ssh")]
pub(super) fn ssh(node: &str, command: &[OsString]) -> Result<u8, Refusal> {
    let place = place();
    let described = running(&place)?;
    let Some(there) = described.nodes.iter().find(|there| there.name == node) else {
        let names: Vec<&str> = described.nodes.iter().map(|there| there.name.as_str()).collect();
        let diagnostic = Diagnostic::error(format!("the lab has no node {node:?}"))
            .hint(format!("it has {}", names.join(", ")));
        return Err(Refusal::new(exit::GENERAL, diagnostic));
    };
    let option = |name: &str, path: std::path::PathBuf| format!("-o{name}=\"{}\"", path.display());
    let error = std::process::Command::new("ssh")
        .args(["-F", "none", "-oIdentitiesOnly=yes", "-oStrictHostKeyChecking=yes"])
        .arg(option("IdentityFile", place.key()))
        .arg(option("UserKnownHostsFile", place.known_hosts()))
        .arg(format!("-p{}", there.port))
        .arg(format!("{}@{}", there.user, there.address))
        .args(command)
        .exec();
    let diagnostic = Diagnostic::error(format!("ssh cannot be started: {error}"))
        .hint("install OpenSSH's client, or use any other with the lab's key and address");
    Err(Refusal::new(exit::GENERAL, diagnostic))
}

fn running(place: &Place) -> Result<Description, Refusal> {
    let described = place.described()?.filter(Description::runs);
    described.ok_or_else(|| {
        let diagnostic =
            Diagnostic::error("no lab runs").hint("`mainstay lab up` starts one and keeps it");
        Refusal::new(exit::GENERAL, diagnostic)
    })
}

fn tell(text: &str) -> Result<(), Refusal> {
    say(text).map_err(|error| Refusal::because(exit::JOURNAL, error.to_string()))
}
