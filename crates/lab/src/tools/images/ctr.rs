//! ctr.

use super::{digest, fetch, runs};
use crate::node::{CONTAINERD, matches};
use crate::tools::session::{Done, Failed, Session};

pub(in crate::tools) async fn run(session: &Session) -> Done {
    let mut namespace = "default".to_owned();
    let mut words = Vec::new();
    let mut rest = session.words().iter();
    while let Some(word) = rest.next() {
        match word.as_str() {
            "-n" | "--namespace" => namespace = rest.next().cloned().unwrap_or_default(),
            "-a" | "--address" => drop(rest.next()),
            other if other.starts_with("--namespace=") => {
                namespace = other.trim_start_matches("--namespace=").to_owned();
            }
            _ => words.push(word.as_str()),
        }
    }
    if !session.is_root() || !runs(session) {
        let why = if session.is_root() { "connection refused" } else { "permission denied" };
        return Err(Failed::new(
            1,
            format!(
                "ctr: failed to dial \"/run/containerd/containerd.sock\": connection error: desc = \"transport: error while dialing: dial unix /run/containerd/containerd.sock: connect: {why}\""
            ),
        ));
    }
    command(session, &words, namespace == "k8s.io").await
}

/// A command after the global flags; only the kubelet's namespace holds anything.
async fn command(session: &Session, words: &[&str], is_kubernetes: bool) -> Done {
    match words {
        ["version"] => {
            let text = format!(
                "Client:\n  Version:  {CONTAINERD}\n  Revision: \n  Go version: go1.26.8\n\nServer:\n  Version:  {CONTAINERD}\n  Revision: \n  UUID: {}\n",
                uuid(session)
            );
            session.out(text).await;
            Ok(0)
        }
        ["image" | "images" | "i", "ls" | "list", options @ ..] => {
            list(session, is_kubernetes, options).await
        }
        ["image" | "images" | "i", "pull", options @ ..] => {
            let reference = options.iter().rev().find(|word| !word.starts_with('-'));
            let Some(reference) = reference else {
                return Err(Failed::new(1, "ctr: please provide an image reference to pull"));
            };
            fetch(session, reference).await.map_err(|why| {
                let why =
                    why.rsplit_once("desc = ").map_or(why.as_str(), |(_, why)| why).to_owned();
                Failed::new(1, format!("ctr: {why}"))
            })?;
            session
                .line(format!(
                    "{reference}: resolved       |++++++++++++++++++++++++++++++++++++++|\ndone: 2s"
                ))
                .await;
            Ok(0)
        }
        ["image" | "images" | "i", "rm" | "remove" | "delete", references @ ..] => {
            for reference in references.iter().filter(|word| !word.starts_with('-')) {
                if session.machine.state().images.remove(*reference).is_none() {
                    return Err(Failed::new(
                        1,
                        format!(
                            "ctr: unable to delete {reference}: image \"{reference}\": not found"
                        ),
                    ));
                }
                session.line(reference).await;
            }
            Ok(0)
        }
        ["container" | "containers" | "c", "ls" | "list", ..] => {
            let mut text = "CONTAINER    IMAGE    RUNTIME    \n".to_owned();
            let containers = session.machine.state().containers.clone();
            for container in containers.values().filter(|_| is_kubernetes) {
                text.push_str(&format!(
                    "{}    {}    io.containerd.runc.v2    \n",
                    digest(&container.pod.hash),
                    container.pod.image
                ));
            }
            session.out(text).await;
            Ok(0)
        }
        [] => {
            session.line("NAME:\n   ctr -").await;
            Ok(0)
        }
        other => {
            Err(Failed::new(1, format!("ctr: `{}` is not supported by the lab", other.join(" "))))
        }
    }
}

fn uuid(session: &Session) -> String {
    let id = &session.machine.machine_id;
    let part = |from: usize, to: usize| id.get(from..to).unwrap_or_default().to_owned();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

/// A filter `name==X` or `name~=PATTERN`.
fn passes(filter: &str, name: &str) -> bool {
    match (filter.split_once("=="), filter.split_once("~=")) {
        (Some(("name", wanted)), _) => wanted.trim_matches('"') == name,
        (_, Some(("name", part))) => {
            matches(&format!("*{}*", part.trim_matches(['"', '/', '^', '$'])), name)
        }
        _ => true,
    }
}

async fn list(session: &Session, is_kubernetes: bool, options: &[&str]) -> Done {
    let quiet = options.iter().any(|word| ["-q", "--quiet"].contains(word));
    let filters: Vec<&&str> = options.iter().filter(|word| !word.starts_with('-')).collect();
    let images = session.machine.state().images.clone();
    let shown = images.iter().filter(|_| is_kubernetes).filter(|(name, _)| {
        filters.is_empty() || filters.iter().any(|filter| passes(filter, name))
    });
    if quiet {
        session.out(shown.map(|(name, _)| format!("{name}\n")).collect::<String>()).await;
        return Ok(0);
    }
    let rows: Vec<[String; 6]> = shown
        .map(|(name, bytes)| {
            // In tenths of a MiB.
            let tenths = (bytes * 10 + (1 << 19)) >> 20;
            [
                name.clone(),
                "application/vnd.docker.distribution.manifest.v2+json".to_owned(),
                format!("sha256:{}", digest(name)),
                format!("{}.{} MiB", tenths / 10, tenths % 10),
                "linux/amd64".to_owned(),
                "io.cri-containerd.image=managed".to_owned(),
            ]
        })
        .collect();
    let header = ["REF", "TYPE", "DIGEST", "SIZE", "PLATFORMS", "LABELS"].map(str::to_owned);
    let all: Vec<&[String; 6]> = std::iter::once(&header).chain(&rows).collect();
    let widths: Vec<usize> = (0..6)
        .map(|i| all.iter().filter_map(|row| row.get(i)).map(String::len).max().unwrap_or(0))
        .collect();
    let line = |row: &&[String; 6]| {
        row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$} ")).collect::<String>()
            + "\n"
    };
    session.out(all.iter().map(line).collect::<String>()).await;
    Ok(0)
}
