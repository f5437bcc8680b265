//! `kubeadm upgrade plan`.

use super::upgrade::{kubelets, read};
use super::{UPGRADE, admin, argument, error, klog, parse, preflight, release};
use crate::node::{Role, parse_version, read_manifest};
use crate::store::Json;
use crate::tools::client::Client;
use crate::tools::session::{Done, Failed, Session};
use semver::Version;
use serde_json::Value;

pub(super) async fn run(session: &Session, kubeadm: &Version) -> Done {
    let flags = parse(session, 2, &UPGRADE)?;
    if flags.get("dry-run").is_some() || flags.get("config").is_some() {
        return Err(error("--dry-run and --config are not supported by the lab"));
    }
    let client = admin(session, &flags)?;
    session.line("[preflight] Running pre-flight checks.").await;
    preflight::root(session, &flags, "").await?;
    read(session, &client).await?;
    preflight::health(session, &client, &flags, "").await?;
    session.line("[upgrade] Fetching available versions to upgrade to").await;
    let info = client
        .get("/version")
        .await
        .map_err(|why| error(format!("[upgrade/versions] FATAL: {why}")))?;
    let cluster = info.at("gitVersion").and_then(Value::as_str).and_then(parse_version);
    let cluster =
        cluster.ok_or_else(|| error("[upgrade/versions] FATAL: the server has no version"))?;
    session.line(format!("[upgrade/versions] Cluster version: {cluster}\n[upgrade/versions] kubeadm version: v{kubeadm}")).await;
    let stable = match flags.words.first() {
        Some(text) => argument(text)?,
        None => {
            for (line, text) in [
                (108, "could not fetch a Kubernetes version from the internet: unable to get URL \"https://dl.k8s.io/release/stable.txt\": Get \"https://dl.k8s.io/release/stable.txt\": dial tcp: lookup dl.k8s.io: no such host".to_owned()),
                (109, format!("falling back to the local client version: v{kubeadm}")),
            ] {
                session.complain(klog(session, 'W', &format!("version.go:{line}"), &text)).await;
            }
            kubeadm.clone()
        }
    };
    session.line(format!("[upgrade/versions] Target version: v{stable}")).await;
    if cluster.minor == stable.minor {
        session
            .line(format!(
                "[upgrade/versions] Latest version in the v{}.{} series: v{stable}",
                cluster.major, cluster.minor
            ))
            .await;
    }
    session.line("").await;
    if stable > cluster {
        let text = table(session, &client, &cluster, &stable, kubeadm).await?;
        session.out(text).await;
    }
    Ok(0)
}

async fn table(
    session: &Session,
    client: &Client<'_>,
    cluster: &Version,
    to: &Version,
    kubeadm: &Version,
) -> Result<String, Failed> {
    let fatal = |why: String| error(format!("[upgrade/versions] FATAL: {why}"));
    let row = |name: &str, node: &str, from: &str, to: &str| {
        [name, node, from, to].map(str::to_owned).to_vec()
    };
    let heading = row("COMPONENT", "NODE", "CURRENT", "TARGET");
    let target = format!("v{to}");
    let mut manual = vec![heading.clone()];
    let mut all = kubelets(client).await.map_err(fatal)?;
    all.sort_by(|(a, x), (b, y)| (x, a).cmp(&(y, b)));
    manual.extend(
        all.iter().map(|(node, version)| row("kubelet", node, &format!("v{version}"), &target)),
    );
    let mut rows = vec![heading];
    let masters =
        || session.site.machines.iter().filter(|machine| machine.role == Role::ControlPlane);
    let tag = |machine: &crate::node::Machine, component: &str| {
        let text =
            machine.files.text(&format!("{}/{component}.yaml", crate::node::MANIFESTS)).ok()?;
        Some(read_manifest(&text)?.tag().to_owned())
    };
    for component in crate::node::COMPONENTS {
        rows.extend(masters().filter_map(|machine| {
            Some(row(component, &machine.name, &tag(machine, component)?, &target))
        }));
    }
    let of = release(session, kubeadm)?;
    rows.push(row("kube-proxy", "", &cluster.to_string(), &target));
    let dns: Value = client
        .get("/apis/apps/v1/namespaces/kube-system/deployments/coredns")
        .await
        .map_err(fatal)?;
    let image = dns
        .pointer("/spec/template/spec/containers/0/image")
        .and_then(Value::as_str)
        .unwrap_or_default();
    rows.push(row("CoreDNS", "", image.rsplit(':').next().unwrap_or_default(), of.coredns));
    rows.extend(
        masters().filter_map(|machine| {
            Some(row("etcd", &machine.name, &tag(machine, "etcd")?, of.etcd))
        }),
    );
    let series = if to.minor == cluster.minor {
        format!("version in the v{}.{} series", cluster.major, cluster.minor)
    } else {
        "stable version".to_owned()
    };
    let note = if kubeadm < to {
        format!(
            "Note: Before you can perform this upgrade, you have to update kubeadm to {target}.\n\n"
        )
    } else {
        String::new()
    };
    Ok(format!(
        "Components that must be upgraded manually after you have upgraded the control plane with 'kubeadm upgrade apply':\n{}\n\
         Upgrade to the latest {series}:\n\n{}\nYou can now apply the upgrade by executing the following command:\n\n\
         \tkubeadm upgrade apply {target}\n\n{note}{LINE}\n\
         The table below shows the current state of component configs as understood by this version of kubeadm.\n\
         Configs that have a \"yes\" mark in the \"MANUAL UPGRADE REQUIRED\" column require manual config upgrade or\n\
         resetting to kubeadm defaults before a successful upgrade can be performed. The version to manually\n\
         upgrade to is denoted in the \"PREFERRED VERSION\" column.\n\n{}{LINE}",
        columns(&manual),
        columns(&rows),
        columns(&configurations()),
    ))
}

const LINE: &str = "_____________________________________________________________________\n\n";

/// Versions of the components' configurations: the newest ones for years.
fn configurations() -> Vec<Vec<String>> {
    [
        ["API GROUP", "CURRENT VERSION", "PREFERRED VERSION", "MANUAL UPGRADE REQUIRED"],
        ["kubeproxy.config.k8s.io", "v1alpha1", "v1alpha1", "no"],
        ["kubelet.config.k8s.io", "v1beta1", "v1beta1", "no"],
    ]
    .map(|row| row.map(str::to_owned).to_vec())
    .to_vec()
}

/// As Go's tabwriter with a least width of 10 and a padding of 3.
fn columns(rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.len() + 3)
            .max()
            .unwrap_or(0)
            .max(10)
    };
    let widths: Vec<usize> = (0..count).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().enumerate().map(|(index, cell)| {
            let width =
                if index + 1 == row.len() { 0 } else { widths.get(index).copied().unwrap_or(0) };
            format!("{cell:<width$}")
        });
        cells.collect::<String>() + "\n"
    };
    rows.iter().map(line).collect()
}
