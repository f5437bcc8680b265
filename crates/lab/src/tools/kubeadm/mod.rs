//! kubeadm: version, config images, upgrade plan/apply/node, token, join, reset, certs. Compared with kubeadm 1.36.3 and
//! 1.37.2 on a cluster: every form of `version`, images of other versions, `upgrade apply` from 1.36.3 to 1.37.2 line by line,
//! refused versions, `upgrade apply` and `plan` on a worker, unknown commands and flags, missing arguments, manifests (equal
//! byte by byte), `certs check-expiration`.

mod certs;
mod images;
mod join;
mod phases;
mod plan;
mod preflight;
mod reset;
mod skew;
mod static_pods;
#[cfg(test)]
mod tests;
mod token;
mod upgrade;

use super::client::Client;
use super::flags::{self, Flag, Flags, switch, value};
use super::session::{Done, Failed, Session};
use crate::node::{Release, parse_version};
use semver::Version;

/// Flags of all commands.
const COMMON: [Flag; 3] = [value("v").or('v'), value("kubeconfig"), value("rootfs")];

pub(super) async fn run(session: &Session) -> Done {
    let Some(version) = session.machine.state().kubernetes("kubeadm") else {
        return Err(Failed::new(127, "kubeadm: command not found"));
    };
    let words: Vec<&str> = session.words().iter().map(String::as_str).collect();
    match words.as_slice() {
        ["version", ..] => show_version(session, &version).await,
        ["config", "images", "list", ..] => images::list(session, &version).await,
        ["config", "images", "pull", ..] => images::pull(session, &version).await,
        ["upgrade", "apply", ..] => upgrade::apply(session, &version).await,
        ["upgrade", "node", ..] => upgrade::node(session, &version).await,
        ["upgrade", "plan", ..] => plan::run(session, &version).await,
        ["token", ..] => token::run(session).await,
        ["join", ..] => join::run(session, &version).await,
        ["reset", ..] => reset::run(session).await,
        ["certs", "check-expiration", ..] => certs::check(session).await,
        [] => {
            session.line("kubeadm: easily bootstrap a secure Kubernetes cluster").await;
            Ok(0)
        }
        [
            first @ ("init" | "config" | "upgrade" | "certs" | "alpha" | "kubeconfig"
            | "completion"),
            rest @ ..,
        ] => {
            let rest = rest.first().map(|word| format!(" {word}")).unwrap_or_default();
            Err(error(format!("kubeadm {first}{rest} is not supported by the lab")))
        }
        [other, ..] => Err(error(format!("unknown command \"{other}\" for \"kubeadm\""))),
    }
}

/// What kubeadm says last of all.
fn error(text: impl std::fmt::Display) -> Failed {
    Failed::new(
        1,
        format!("error: {text}\nTo see the stack trace of this error execute with --v=5 or higher"),
    )
}

/// Flags and words of a subcommand that is `skip` words long.
fn parse(session: &Session, skip: usize, own: &[Flag]) -> Result<Flags, Failed> {
    let known: Vec<Flag> = COMMON.iter().chain(own).copied().collect();
    let words = session.words().get(skip..).unwrap_or_default();
    let flags = flags::parse(words, &known).map_err(error)?;
    match flags.get("rootfs") {
        Some(_) => Err(error("--rootfs is not supported by the lab")),
        None => Ok(flags),
    }
}

async fn show_version(session: &Session, version: &Version) -> Done {
    let flags = parse(session, 1, &[value("output").or('o')])?;
    let (minor, git) = (version.minor, format!("v{version}"));
    let info = [
        ("major", "1".to_owned()),
        ("minor", minor.to_string()),
        ("gitVersion", git.clone()),
        ("gitCommit", "lab".to_owned()),
        ("gitTreeState", "clean".to_owned()),
        ("buildDate", "2026-01-01T00:00:00Z".to_owned()),
        ("goVersion", "go1.26.8".to_owned()),
        ("compiler", "gc".to_owned()),
        ("platform", "linux/amd64".to_owned()),
    ];
    let text = match flags.get("output") {
        Some("short") => format!("{git}\n"),
        Some("json") => {
            let fields: Vec<String> =
                info.iter().map(|(key, value)| format!("    \"{key}\": \"{value}\"")).collect();
            format!("{{\n  \"clientVersion\": {{\n{}\n  }}\n}}\n", fields.join(",\n"))
        }
        Some("yaml") => {
            let mut fields = info.to_vec();
            fields.sort();
            let quoted = |key: &str| ["major", "minor", "buildDate"].contains(&key);
            let line = |(key, value): (&str, String)| {
                if quoted(key) {
                    format!("  {key}: \"{value}\"\n")
                } else {
                    format!("  {key}: {value}\n")
                }
            };
            format!("clientVersion:\n{}\n", fields.into_iter().map(line).collect::<String>())
        }
        Some(other) => return Err(error(format!("invalid output format: {other}"))),
        None => format!(
            "kubeadm version: &version.Info{{Major:\"1\", Minor:\"{minor}\", EmulationMajor:\"\", EmulationMinor:\"\", \
             MinCompatibilityMajor:\"\", MinCompatibilityMinor:\"\", GitVersion:\"{git}\", GitCommit:\"lab\", \
             GitTreeState:\"clean\", BuildDate:\"2026-01-01T00:00:00Z\", GoVersion:\"go1.26.8\", Compiler:\"gc\", \
             Platform:\"linux/amd64\"}}\n"
        ),
    };
    session.out(text).await;
    Ok(0)
}

/// A line of klog.
fn klog(session: &Session, severity: char, place: &str, text: &str) -> String {
    let at = session.machine.now();
    let day = super::when::klog(at);
    format!("{severity}{day}.000000 {:>7} {place}] {text}", session.call.pid)
}

/// What the kubeadm of this version brings with it.
fn release<'a>(session: &'a Session, version: &Version) -> Result<&'a Release, Failed> {
    let found = session.site.releases.get(version);
    found.ok_or_else(|| error(format!("the lab knows no release {version}")))
}

/// A version argument: `v1.37.2`, `1.37.2`, `latest` and the like are labels that need the internet.
fn argument(text: &str) -> Result<Version, Failed> {
    parse_version(text).ok_or_else(|| {
        error(format!(
            "could not parse version \"{text}\" as a semantic version, and the lab has no internet to look it up"
        ))
    })
}

/// The kubeconfig of an administrator, as kubeadm finds it.
fn admin<'a>(session: &'a Session, flags: &Flags) -> Result<Client<'a>, Failed> {
    let path = flags
        .get("kubeconfig")
        .map_or("/etc/kubernetes/admin.conf".to_owned(), |path| session.call.path(path));
    Client::from_file(session, &path).map_err(|why| {
        error(format!("couldn't create a Kubernetes client from file \"{path}\": failed to load admin kubeconfig: {why}"))
    })
}

/// Oldest control plane that a kubeadm handles: one minor below its own.
fn handles(own: &Version, cluster: &Version) -> Result<(), Failed> {
    let least = Version::new(1, own.minor.saturating_sub(1), 0);
    if *cluster >= least {
        return Ok(());
    }
    Err(error(format!(
        "this version of kubeadm only supports deploying clusters with the control plane version >= {least}. Current version: v{cluster}"
    )))
}

/// Flags that `upgrade apply` and `node` share.
const UPGRADE: [Flag; 12] = [
    switch("yes").or('y'),
    switch("force").or('f'),
    switch("dry-run"),
    switch("allow-experimental-upgrades"),
    switch("allow-release-candidate-upgrades"),
    switch("certificate-renewal"),
    switch("etcd-upgrade"),
    switch("print-config"),
    value("ignore-preflight-errors"),
    value("patches"),
    value("config"),
    value("skip-phases"),
];
