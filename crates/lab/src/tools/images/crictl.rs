//! crictl.

use super::{digest, fetch, normal, runs};
use crate::node::{CONTAINERD, StaticPod};
use crate::tools::flags::{self, Flag, Flags, switch, value};
use crate::tools::session::{Done, Failed, Session};
use serde_json::json;

const FLAGS: [Flag; 12] = [
    value("runtime-endpoint").or('r'),
    value("image-endpoint").or('i'),
    value("output").or('o'),
    value("name"),
    value("state").or('s'),
    value("timeout").or('t'),
    value("label"),
    value("config").or('c'),
    switch("quiet").or('q'),
    switch("all").or('a'),
    switch("no-trunc"),
    switch("version").or('v'),
];

fn fatal(text: impl std::fmt::Display) -> Failed {
    Failed::new(1, format!("FATA[0000] {text}"))
}

pub(in crate::tools) async fn run(session: &Session) -> Done {
    let Some(version) = version(session) else {
        return Err(Failed::new(127, "crictl: command not found"));
    };
    let flags = flags::parse(session.words(), &FLAGS)
        .map_err(|why| fatal(why.replace("unknown flag: -", "flag provided but not defined: ")))?;
    if flags.on("version") {
        session.line(format!("crictl version v{version}")).await;
        return Ok(0);
    }
    if !runs(session) {
        return Err(fatal(
            "validate service connection: validate CRI v1 runtime API for endpoint \"unix:///run/containerd/containerd.sock\": rpc \
             error: code = Unavailable desc = connection error: desc = \"transport: Error while dialing: dial unix \
             /run/containerd/containerd.sock: connect: connection refused\"",
        ));
    }
    let words: Vec<&str> = flags.words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["version"] => {
            session.line(format!("Version:  0.1.0\nRuntimeName:  containerd\nRuntimeVersion:  v{CONTAINERD}\nRuntimeApiVersion:  v1")).await;
            Ok(0)
        }
        ["pull", reference] => {
            fetch(session, reference)
                .await
                .map_err(|why| fatal(format!("pulling image: {why}")))?;
            session
                .line(format!("Image is up to date for sha256:{}", digest(&normal(reference))))
                .await;
            Ok(0)
        }
        ["inspecti", references @ ..] if !references.is_empty() => {
            inspect(session, &flags, references).await
        }
        ["images" | "image" | "img", filter @ ..] => {
            images(session, &flags, filter.first().copied()).await
        }
        ["rmi", references @ ..] if !references.is_empty() => {
            for reference in references {
                let name = normal(reference);
                if session.machine.state().images.remove(&name).is_none() {
                    return Err(fatal(format!("no such image {reference}")));
                }
                session.line(format!("Deleted: {name}")).await;
            }
            Ok(0)
        }
        ["ps"] => ps(session, &flags).await,
        ["pods"] => pods(session, &flags).await,
        ["info"] => {
            let info = json!({"status": {"conditions": [
                {"type": "RuntimeReady", "status": true, "reason": "", "message": ""},
                {"type": "NetworkReady", "status": true, "reason": "", "message": ""},
            ]}, "runtimeHandlers": [{"name": "runc"}]});
            session.line(serde_json::to_string_pretty(&info).unwrap_or_default()).await;
            Ok(0)
        }
        other => Err(fatal(format!("crictl {} is not supported by the lab", other.join(" ")))),
    }
}

fn version(session: &Session) -> Option<String> {
    let state = session.machine.state();
    let installed = state.packages.installed.get("cri-tools")?;
    Some(installed.package.version.split('-').next().unwrap_or_default().to_owned())
}

async fn inspect(session: &Session, flags: &Flags, references: &[&str]) -> Done {
    for reference in references {
        let name = normal(reference);
        let size = session.machine.state().images.get(&name).copied();
        let Some(size) = size else {
            return Err(fatal(format!("no such image \"{reference}\" present")));
        };
        let id = format!("sha256:{}", digest(&name));
        if flags.on("quiet") && flags.get("output").is_none() {
            session
                .line(
                    serde_json::to_string_pretty(
                        &json!({"status": {"id": id, "repoTags": [name]}}),
                    )
                    .unwrap_or_default(),
                )
                .await;
            continue;
        }
        let repository = name.rsplit_once(':').map_or(name.as_str(), |(repository, _)| repository);
        let status = json!({"status": {
            "id": id, "repoTags": [name], "repoDigests": [format!("{repository}@{id}")], "size": size.to_string(), "pinned": name.contains("/pause:"),
        }});
        session.line(serde_json::to_string_pretty(&status).unwrap_or_default()).await;
    }
    Ok(0)
}

/// `61.6MB`, as Docker's units write it.
fn size(bytes: u64) -> String {
    let tenths = bytes / 100_000;
    if tenths >= 1000 {
        format!("{}MB", (tenths + 5) / 10)
    } else {
        format!("{}.{}MB", tenths / 10, tenths % 10)
    }
}

async fn images(session: &Session, flags: &Flags, filter: Option<&str>) -> Done {
    let images = session.machine.state().images.clone();
    let shown = images.iter().filter(|(name, _)| {
        filter.is_none_or(|filter| name.starts_with(filter) || **name == normal(filter))
    });
    if flags.get("output") == Some("json") {
        let all: Vec<_> = shown.map(|(name, bytes)| json!({"id": format!("sha256:{}", digest(name)), "repoTags": [name], "size": bytes.to_string()})).collect();
        session
            .line(serde_json::to_string_pretty(&json!({"images": all})).unwrap_or_default())
            .await;
        return Ok(0);
    }
    let id = |name: &str| digest(name).chars().take(13).collect::<String>();
    if flags.on("quiet") {
        session
            .out(shown.map(|(name, _)| format!("sha256:{}\n", digest(name))).collect::<String>())
            .await;
        return Ok(0);
    }
    let mut rows = vec![["IMAGE", "TAG", "IMAGE ID", "SIZE"].map(str::to_owned)];
    rows.extend(shown.map(|(name, bytes)| {
        let (repository, tag) = name.rsplit_once(':').unwrap_or((name, ""));
        [repository.to_owned(), tag.to_owned(), id(name), size(*bytes)]
    }));
    session.out(columns(&rows)).await;
    Ok(0)
}

fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let widths: Vec<usize> = (0..N)
        .map(|i| {
            rows.iter().filter_map(|row| row.get(i)).map(String::len).max().unwrap_or(0).max(16) + 4
        })
        .collect();
    let line = |row: &[String; N]| {
        let cells = row.iter().enumerate().map(|(index, cell)| {
            let width = if index + 1 == N { 0 } else { widths.get(index).copied().unwrap_or(0) };
            format!("{cell:<width$}")
        });
        cells.collect::<String>() + "\n"
    };
    rows.iter().map(line).collect()
}

async fn ps(session: &Session, flags: &Flags) -> Done {
    let state = session.machine.state().clone();
    let name = |pod: &StaticPod| format!("{}-{}", pod.name, session.machine.name);
    let shown = state
        .containers
        .values()
        .filter(|c| c.up && flags.get("name").is_none_or(|part| c.pod.name.contains(part)));
    if flags.on("quiet") {
        session.out(shown.map(|c| format!("{}\n", digest(&c.pod.hash))).collect::<String>()).await;
        return Ok(0);
    }
    let now = session.machine.now();
    let mut rows = vec![
        ["CONTAINER", "IMAGE", "CREATED", "STATE", "NAME", "ATTEMPT", "POD ID", "POD"]
            .map(str::to_owned),
    ];
    rows.extend(shown.map(|container| {
        let pod = &container.pod;
        let short = |text: &str| digest(text).chars().take(13).collect::<String>();
        [
            short(&pod.hash),
            short(&pod.image),
            format!("{} ago", crate::tools::when::span(now - container.since)),
            "Running".to_owned(),
            pod.name.clone(),
            "0".to_owned(),
            short(&name(pod)),
            name(pod),
        ]
    }));
    session.out(columns(&rows)).await;
    Ok(0)
}

async fn pods(session: &Session, flags: &Flags) -> Done {
    let state = session.machine.state().clone();
    let mut rows = vec![
        ["POD ID", "CREATED", "STATE", "NAME", "NAMESPACE", "ATTEMPT", "RUNTIME"]
            .map(str::to_owned),
    ];
    let now = session.machine.now();
    for container in state.containers.values().filter(|c| c.up) {
        let name = format!("{}-{}", container.pod.name, session.machine.name);
        let id: String = digest(&name).chars().take(13).collect();
        let created = format!("{} ago", crate::tools::when::span(now - container.since));
        rows.push([
            id,
            created,
            "Ready".to_owned(),
            name,
            "kube-system".to_owned(),
            "0".to_owned(),
            "(default)".to_owned(),
        ]);
    }
    if flags.on("quiet") {
        let ids: String = rows.iter().skip(1).map(|[id, ..]| format!("{id}\n")).collect();
        session.out(ids).await;
        return Ok(0);
    }
    session.out(columns(&rows)).await;
    Ok(0)
}
