//! etcdutl.

use super::table::table;
use super::{minor, version};
use crate::node::{Snapshot, size};
use crate::tools::flags::{self, Flag, switch, value};
use crate::tools::session::{Done, Failed, Session};
use serde_json::json;

const FLAGS: [Flag; 8] = [
    value("write-out").or('w'),
    value("data-dir"),
    value("name"),
    value("initial-cluster"),
    value("initial-cluster-token"),
    value("initial-advertise-peer-urls"),
    switch("skip-hash-check"),
    value("wal-dir"),
];

fn failed(text: impl std::fmt::Display) -> Failed {
    Failed::new(1, format!("Error: {text}"))
}

pub(in crate::tools) async fn run(session: &Session) -> Done {
    let flags = flags::parse(session.words(), &FLAGS).map_err(failed)?;
    let words: Vec<&str> = flags.words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["version"] => {
            let version = version(session);
            session
                .line(format!("etcdutl version: {version}\nAPI version: {}", minor(&version)))
                .await;
            Ok(0)
        }
        ["snapshot", "status", file] => {
            let (snapshot, bytes) = read(session, file)?;
            let cells = vec![
                format!("{:x}", snapshot.hash()),
                snapshot.revision.to_string(),
                snapshot.keys.len().to_string(),
                size(bytes),
                snapshot.version.clone(),
            ];
            match flags.get("write-out") {
                Some("json") => {
                    let status = json!({"hash": snapshot.hash(), "revision": snapshot.revision, "totalKey": snapshot.keys.len(),
                        "totalSize": bytes, "version": snapshot.version});
                    session.line(status).await;
                }
                Some("table") => {
                    session
                        .out(table(
                            &["HASH", "REVISION", "TOTAL KEYS", "TOTAL SIZE", "VERSION"],
                            &[cells],
                        ))
                        .await;
                }
                _ => session.line(cells.join(", ")).await,
            }
            Ok(0)
        }
        ["snapshot", "restore", file] => {
            restore(session, file, flags.get("data-dir").unwrap_or("default.etcd")).await
        }
        other => Err(failed(format!("etcdutl {} is not supported by the lab", other.join(" ")))),
    }
}

fn read(session: &Session, file: &str) -> Result<(Snapshot, u64), Failed> {
    let path = session.call.path(file);
    let bytes = session
        .machine
        .files
        .read(&path)
        .map_err(|_| failed(format!("stat {file}: no such file or directory")))?;
    let snapshot = Snapshot::from_bytes(&bytes).map_err(failed)?;
    Ok((snapshot, bytes.len() as u64))
}

/// A new data directory with what the snapshot holds; a member that is started on it begins there.
async fn restore(session: &Session, file: &str, directory: &str) -> Done {
    let (snapshot, _) = read(session, file)?;
    let machine = &session.machine;
    let target = session.call.path(directory);
    if !machine.files.list(&target).unwrap_or_default().is_empty() {
        return Err(failed(format!("data-dir \"{directory}\" not empty or could not be read")));
    }
    let io = |error: std::io::Error| failed(error);
    machine.files.make_directory(&format!("{target}/member/snap"), 0o700).map_err(io)?;
    machine.files.make_directory(&format!("{target}/member/wal"), 0o700).map_err(io)?;
    machine.save(&format!("{target}/member/snap/db"), &snapshot.to_bytes(), 0o600).map_err(io)?;
    session.seconds(2.0).await;
    session.complain(format!("{{\"level\":\"info\",\"msg\":\"restored snapshot\",\"path\":\"{file}\",\"data-dir\":\"{directory}\"}}")).await;
    Ok(0)
}
