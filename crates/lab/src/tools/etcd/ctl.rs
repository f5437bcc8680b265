//! etcdctl.

use super::table::table;
use super::{minor, version};
use crate::node::{Machine, Member, Snapshot, size};
use crate::store::Json;
use crate::tools::flags::{self, Flag, Flags, switch, value};
use crate::tools::session::{Done, Failed, Session};
use serde_json::{Value, json};
use std::sync::Arc;

const FLAGS: [Flag; 14] = [
    value("endpoints"),
    value("cacert"),
    value("cert"),
    value("key"),
    value("write-out").or('w'),
    value("command-timeout"),
    value("dial-timeout"),
    value("user"),
    switch("cluster"),
    switch("hex"),
    switch("debug"),
    switch("insecure-skip-tls-verify"),
    switch("insecure-transport"),
    value("peer-urls"),
];

/// One endpoint: its name, and who answers there.
struct Endpoint {
    url: String,
    machine: Option<Arc<Machine>>,
    /// Why it cannot be asked, before anything is asked.
    trouble: Option<String>,
}

fn failed(text: impl std::fmt::Display) -> Failed {
    Failed::new(1, format!("Error: {text}"))
}

pub(in crate::tools) async fn run(session: &Session) -> Done {
    let words: Vec<String> = session.words().to_vec();
    let flags = flags::parse(&words, &FLAGS).map_err(failed)?;
    if flags.get("user").is_some() {
        return Err(failed("--user is not supported by the lab"));
    }
    let commands: Vec<&str> = flags.words.iter().map(String::as_str).collect();
    match commands.as_slice() {
        ["version"] => {
            let version = version(session);
            session
                .line(format!("etcdctl version: {version}\nAPI version: {}", minor(&version)))
                .await;
            Ok(0)
        }
        ["endpoint", "health"] => health(session, &flags).await,
        ["endpoint", "status"] => status(session, &flags).await,
        ["member", "list"] => members(session, &flags).await,
        ["member", "remove", id] => remove(session, &flags, id).await,
        ["alarm", "list"] => {
            let (_, member) = first(session, &flags).await?;
            if flags.get("write-out") == Some("json") {
                session.line(json!({"header": header(session, &member, true)})).await;
            }
            Ok(0)
        }
        ["alarm", "disarm"] => first(session, &flags).await.map(|_| 0),
        ["snapshot", "save", file] => save(session, &flags, file).await,
        ["move-leader", id] => {
            first(session, &flags).await?;
            let id = u64::from_str_radix(id, 16)
                .map_err(|_| failed(format!("expected 1 argument, bad member ID {id}")))?;
            session.site.etcd().lead(id);
            session.line(format!("Leadership transferred to {id:x}")).await;
            Ok(0)
        }
        ["defrag"] => {
            for endpoint in endpoints(session, &flags) {
                ask(session, &endpoint).await?;
                session
                    .line(format!(
                        "Finished defragmenting etcd member[{}]. took 30.1ms",
                        endpoint.url
                    ))
                    .await;
            }
            Ok(0)
        }
        ["snapshot", "status" | "restore", ..] => Err(failed(format!(
            "unknown command \"{}\" for \"etcdctl snapshot\": use etcdutl",
            commands.get(1).unwrap_or(&"")
        ))),
        other => Err(failed(format!("etcdctl {} is not supported by the lab", other.join(" ")))),
    }
}

/// Of the command line or the environment; of all members with `--cluster`.
fn endpoints(session: &Session, flags: &Flags) -> Vec<Endpoint> {
    let given = flags
        .get("endpoints")
        .or_else(|| session.call.variable("ETCDCTL_ENDPOINTS"))
        .unwrap_or("127.0.0.1:2379");
    let trouble = credentials(session, flags);
    let all: Vec<String> = if flags.on("cluster") && trouble.is_none() {
        session
            .site
            .etcd()
            .members
            .iter()
            .map(|member| format!("https://{}:2379", member.address))
            .collect()
    } else {
        given.split(',').map(str::to_owned).collect()
    };
    all.into_iter()
        .map(|url| {
            let place = url.split("://").last().unwrap_or(&url);
            let (host, port) = place.rsplit_once(':').unwrap_or((place, "2379"));
            let machine =
                session.site.at(&session.machine, host).filter(|_| port == "2379").cloned();
            let plain = !url.starts_with("https://");
            let trouble =
                trouble.clone().or_else(|| plain.then(|| "context deadline exceeded".to_owned()));
            Endpoint { url, machine, trouble }
        })
        .collect()
}

/// A member answers only those who show a certificate.
fn credentials(session: &Session, flags: &Flags) -> Option<String> {
    let of = |flag: &str, variable: &str| {
        flags.get(flag).or_else(|| session.call.variable(variable)).map(str::to_owned)
    };
    let (Some(cert), Some(key)) = (of("cert", "ETCDCTL_CERT"), of("key", "ETCDCTL_KEY")) else {
        return Some("context deadline exceeded".to_owned());
    };
    for path in [Some(cert), Some(key), of("cacert", "ETCDCTL_CACERT")].into_iter().flatten() {
        let path = session.call.path(&path);
        if !session.machine.files.has(&path) {
            return Some(format!("open {path}: no such file or directory"));
        }
    }
    None
}

/// The member that answers at an endpoint.
async fn ask(session: &Session, endpoint: &Endpoint) -> Result<Member, Failed> {
    let runs =
        endpoint.machine.as_ref().is_some_and(|machine| session.site.member_runs(&machine.name));
    if let Some(trouble) = endpoint.trouble.as_ref().filter(|trouble| trouble.starts_with("open "))
    {
        return Err(failed(trouble));
    }
    let name = endpoint
        .machine
        .as_ref()
        .filter(|_| runs && endpoint.trouble.is_none())
        .map(|machine| machine.name.clone());
    let member =
        name.and_then(|name| session.site.etcd().members.iter().find(|m| m.name == name).cloned());
    let Some(member) = member else {
        session.seconds(5.0).await;
        return Err(failed("context deadline exceeded"));
    };
    session.seconds(0.02).await;
    Ok(member)
}

/// The first endpoint that answers, with a leader behind it.
async fn first(session: &Session, flags: &Flags) -> Result<(String, Member), Failed> {
    let mut why = failed("no endpoint");
    for endpoint in endpoints(session, flags) {
        match ask(session, &endpoint).await {
            Ok(member) if session.site.etcd_serves() => return Ok((endpoint.url, member)),
            Ok(_) => why = failed("etcdserver: no leader"),
            Err(failed) => why = failed,
        }
    }
    Err(why)
}

fn header(session: &Session, member: &Member, revision: bool) -> Value {
    let etcd = session.site.etcd();
    let mut header = json!({"cluster_id": etcd.cluster_id, "member_id": member.id});
    if revision {
        header.put("revision", session.site.database.revision());
    }
    header.put("raft_term", etcd.term);
    header
}

async fn health(session: &Session, flags: &Flags) -> Done {
    let mut rows = Vec::new();
    for endpoint in endpoints(session, flags) {
        let error = match ask(session, &endpoint).await {
            Ok(_) if session.site.etcd_serves() => None,
            Ok(_) => Some("failed to commit proposal: etcdserver: no leader".to_owned()),
            Err(why) if why.text.contains("open ") => return Err(why),
            Err(_) => Some("failed to commit proposal: context deadline exceeded".to_owned()),
        };
        rows.push((endpoint.url, error));
    }
    let healthy = rows.iter().all(|(_, error)| error.is_none());
    let took = |error: &Option<String>| if error.is_some() { "5.001s" } else { "9.010196ms" };
    match flags.get("write-out") {
        Some("json") => {
            let all: Vec<String> = rows
                .iter()
                .map(|(url, error)| {
                    let end = error
                        .as_ref()
                        .map(|why| {
                            format!(
                                ",\"error\":{}",
                                json!(why.replace("failed to commit proposal: ", ""))
                            )
                        })
                        .unwrap_or_default();
                    format!(
                        "{{\"endpoint\":\"{url}\",\"health\":{},\"took\":\"{}\"{end}}}",
                        error.is_none(),
                        took(error)
                    )
                })
                .collect();
            session.line(format!("[{}]", all.join(","))).await;
        }
        Some("table") => {
            let cells = rows.iter().map(|(url, error)| {
                vec![
                    url.clone(),
                    error.is_none().to_string(),
                    took(error).to_owned(),
                    error.clone().unwrap_or_default(),
                ]
            });
            session
                .out(table(&["ENDPOINT", "HEALTH", "TOOK", "ERROR"], &cells.collect::<Vec<_>>()))
                .await;
        }
        _ => {
            for (url, error) in &rows {
                match error {
                    None => session
                        .line(format!(
                            "{url} is healthy: successfully committed proposal: took = 9.010196ms"
                        ))
                        .await,
                    Some(why) => session.complain(format!("{url} is unhealthy: {why}")).await,
                }
            }
        }
    }
    if healthy { Ok(0) } else { Err(failed("unhealthy cluster")) }
}

/// Everything about one member.
fn facts(session: &Session, member: &Member) -> Value {
    let revision = session.site.database.revision();
    let keys: usize =
        session.site.database.dump().iter().map(|(key, value)| key.len() + value.len()).sum();
    let in_use = (keys as u64 + 40_960).next_multiple_of(4096);
    let machine = session.site.machine(&member.name);
    let tag = machine
        .and_then(|machine| machine.state().containers.get("etcd").map(|c| c.pod.tag().to_owned()));
    let running = tag.and_then(|tag| tag.split('-').next().map(str::to_owned)).unwrap_or_default();
    let leader = session.site.etcd().leader(|name| session.site.member_runs(name)).unwrap_or(0);
    let (cluster_id, term, entries) = {
        let etcd = session.site.etcd();
        (etcd.cluster_id, etcd.term, etcd.entries)
    };
    let index = revision + entries;
    json!({
        "header": {"cluster_id": cluster_id, "member_id": member.id, "revision": revision, "raft_term": term},
        "version": running, "dbSize": in_use + 12_288, "leader": leader, "raftIndex": index, "raftTerm": term,
        "raftAppliedIndex": index, "dbSizeInUse": in_use, "storageVersion": format!("{}.0", minor(&running)),
        "dbSizeQuota": 2_147_483_648_u64, "downgradeInfo": {},
    })
}

async fn status(session: &Session, flags: &Flags) -> Done {
    let mut rows = Vec::new();
    let mut code = 0;
    for endpoint in endpoints(session, flags) {
        match ask(session, &endpoint).await {
            Ok(member) => rows.push((endpoint.url, facts(session, &member), member)),
            Err(why) => {
                let why = why.text.trim_start_matches("Error: ").trim_end().to_owned();
                session
                    .complain(format!(
                        "Failed to get the status of endpoint {} ({why})",
                        endpoint.url
                    ))
                    .await;
                code = 1;
            }
        }
    }
    let cells = |(url, facts, member): &(String, Value, Member)| {
        let number = |name: &str| facts[name].as_u64().unwrap_or(0);
        let text = |name: &str| facts[name].as_str().unwrap_or_default().to_owned();
        let (size_all, used) = (number("dbSize"), number("dbSizeInUse"));
        vec![
            url.clone(),
            format!("{:x}", member.id),
            text("version"),
            text("storageVersion"),
            size(size_all),
            size(used),
            format!("{}%", (size_all - used) * 100 / size_all.max(1)),
            size(number("dbSizeQuota")),
            (number("leader") == member.id).to_string(),
            member.learner.to_string(),
            number("raftTerm").to_string(),
            number("raftIndex").to_string(),
            number("raftAppliedIndex").to_string(),
            String::new(),
            String::new(),
            "false".to_owned(),
        ]
    };
    match flags.get("write-out") {
        Some("json") => {
            let all: Vec<String> = rows
                .iter()
                .map(|(url, facts, _)| format!("{{\"Endpoint\":\"{url}\",\"Status\":{facts}}}"))
                .collect();
            session.line(format!("[{}]", all.join(","))).await;
        }
        Some("table") => {
            session.out(table(&STATUS, &rows.iter().map(cells).collect::<Vec<_>>())).await;
        }
        _ => {
            session
                .out(rows.iter().map(|row| cells(row).join(", ") + "\n").collect::<String>())
                .await;
        }
    }
    Ok(code)
}

const STATUS: [&str; 16] = [
    "ENDPOINT",
    "ID",
    "VERSION",
    "STORAGE VERSION",
    "DB SIZE",
    "IN USE",
    "PERCENTAGE NOT IN USE",
    "QUOTA",
    "IS LEADER",
    "IS LEARNER",
    "RAFT TERM",
    "RAFT INDEX",
    "RAFT APPLIED INDEX",
    "ERRORS",
    "DOWNGRADE TARGET VERSION",
    "DOWNGRADE ENABLED",
];

async fn members(session: &Session, flags: &Flags) -> Done {
    let (_, member) = first(session, flags).await?;
    let all = session.site.etcd().members.clone();
    let urls = |member: &Member| {
        (format!("https://{}:2380", member.address), format!("https://{}:2379", member.address))
    };
    let cells = |member: &Member| {
        let (peer, client) = urls(member);
        vec![
            format!("{:x}", member.id),
            "started".to_owned(),
            member.name.clone(),
            peer,
            client,
            member.learner.to_string(),
        ]
    };
    match flags.get("write-out") {
        Some("json") => {
            let list: Vec<Value> = all
                .iter()
                .map(|member| {
                    let (peer, client) = urls(member);
                    json!({"ID": member.id, "name": member.name, "peerURLs": [peer], "clientURLs": [client]})
                })
                .collect();
            session.line(json!({"header": header(session, &member, false), "members": list})).await;
        }
        Some("table") => {
            let rows: Vec<Vec<String>> = all.iter().map(cells).collect();
            session
                .out(table(
                    &["ID", "STATUS", "NAME", "PEER ADDRS", "CLIENT ADDRS", "IS LEARNER"],
                    &rows,
                ))
                .await;
        }
        _ => {
            session
                .out(all.iter().map(|member| cells(member).join(", ") + "\n").collect::<String>())
                .await;
        }
    }
    Ok(0)
}

async fn remove(session: &Session, flags: &Flags, id: &str) -> Done {
    first(session, flags).await?;
    let found = session
        .site
        .etcd()
        .members
        .iter()
        .find(|member| format!("{:x}", member.id) == id)
        .map(|m| m.name.clone());
    let Some(name) = found else { return Err(failed("etcdserver: member not found")) };
    session.site.etcd().leave(&name);
    let cluster = session.site.etcd().cluster_id;
    session.line(format!("Member {id} removed from cluster {cluster:x}")).await;
    Ok(0)
}

async fn save(session: &Session, flags: &Flags, file: &str) -> Done {
    let (url, member) = first(session, flags).await?;
    let running = facts(session, &member).text("storageVersion").to_owned();
    let snapshot = Snapshot {
        revision: session.site.database.revision(),
        version: running.clone(),
        keys: session.site.database.dump(),
    };
    let bytes = snapshot.to_bytes();
    let path = session.call.path(file);
    let moment = session.machine.moment();
    let log = |place: &str, message: &str, rest: &str| {
        format!(
            "{{\"level\":\"info\",\"ts\":\"{moment}\",\"caller\":\"snapshot/v3_snapshot.go:{place}\",\"msg\":\"{message}\"{rest}}}"
        )
    };
    session
        .complain(log("83", "created temporary db file", &format!(",\"path\":\"{path}.part\"")))
        .await;
    session.complain(log("96", "fetching snapshot", &format!(",\"endpoint\":\"{url}\""))).await;
    session.seconds(0.5).await;
    let text = size(bytes.len() as u64);
    session.complain(log("111", "fetched snapshot", &format!(",\"endpoint\":\"{url}\",\"size\":\"{text}\",\"took\":\"37.746278ms\",\"etcd-version\":\"{running}\""))).await;
    session.machine.save(&path, &bytes, 0o600).map_err(|error| {
        let why = match error.kind() {
            std::io::ErrorKind::NotFound => {
                format!("could not open {path}.part (open {path}.part: no such file or directory)")
            }
            _ => format!("could not write snapshot (write {path}.part: no space left on device)"),
        };
        failed(why)
    })?;
    session.complain(log("121", "saved", &format!(",\"path\":\"{path}\""))).await;
    session.line(format!("Snapshot saved at {file}\nServer version {running}")).await;
    Ok(0)
}
