//! Health and version, open to everybody.

use super::request::Request;
use super::respond::{self, Answer};
use super::route::Serving;
use serde_json::json;

/// The checks of a kube-apiserver that mean something here.
const CHECKS: &[&str] = &[
    "ping",
    "log",
    "etcd",
    "etcd-readiness",
    "informer-sync",
    "poststarthook/start-system-namespaces-controller",
    "poststarthook/scheduling/bootstrap-system-priority-classes",
    "poststarthook/bootstrap-controller",
    "shutdown",
];

/// `/version`, `/healthz`, `/livez`, `/readyz` and their single checks.
pub(super) fn answer(serving: &Serving, path: &str, request: &Request) -> Option<Answer> {
    if path == "/version" {
        return Some(version(&serving.version));
    }
    let (probe, check) = ["healthz", "livez", "readyz"].into_iter().find_map(|probe| {
        let rest = path.strip_prefix('/')?.strip_prefix(probe)?;
        (rest.is_empty() || rest.starts_with('/')).then(|| (probe, rest.trim_start_matches('/')))
    })?;
    if !check.is_empty() {
        return CHECKS.contains(&check).then(|| respond::text(200, "ok"));
    }
    if !request.query.has("verbose") {
        return Some(respond::text(200, "ok"));
    }
    let of_probe = CHECKS.iter().filter(|check| {
        probe == "readyz" || !matches!(**check, "informer-sync" | "shutdown" | "etcd-readiness")
    });
    let lines: String = of_probe.map(|check| format!("[+]{check} ok\n")).collect();
    Some(respond::text(200, format!("{lines}{probe} check passed\n")))
}

fn version(version: &semver::Version) -> Answer {
    let (major, minor) = (version.major.to_string(), version.minor.to_string());
    let before = version.minor.saturating_sub(1).to_string();
    respond::json(
        200,
        &json!({"major": major, "minor": minor, "emulationMajor": major, "emulationMinor": minor,
            "minCompatibilityMajor": major, "minCompatibilityMinor": before, "gitVersion": format!("v{version}"),
            "gitCommit": "lab", "gitTreeState": "clean", "buildDate": "1970-01-01T00:00:00Z", "goVersion": "",
            "compiler": "", "platform": format!("linux/{}", go_arch())}),
    )
}

/// The machine, as Go names it.
fn go_arch() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}
