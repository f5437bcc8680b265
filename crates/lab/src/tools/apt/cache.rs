//! apt-cache: policy, madison, show, pkgnames.

use super::options::Options;
use crate::node::{List, Package, Packages, compare};
use crate::tools::session::{Done, Failed, Session};
use std::cmp::Ordering;

pub(in crate::tools) async fn run(session: &Session) -> Done {
    let options = Options::parse(session.words())?;
    let packages = session.machine.state().packages.clone();
    let Some((verb, names)) = options.words.split_first() else {
        return Err(Failed::new(1, "apt 2.6.1 (amd64)\nUsage: apt-cache [options] command"));
    };
    match verb.as_str() {
        "policy" if names.is_empty() => session.out(overview(&packages)).await,
        "policy" => {
            session.out(names.iter().map(|name| policy(&packages, name)).collect::<String>()).await;
        }
        "madison" => {
            session
                .out(names.iter().map(|name| madison(&packages, name)).collect::<String>())
                .await;
        }
        "show" => {
            let text: String = names
                .iter()
                .flat_map(|name| {
                    let here = packages.installed.get(name).map(|installed| &installed.package);
                    let offers = packages.offers(name);
                    let only_here =
                        here.filter(|here| !offers.iter().any(|(p, _)| p.version == here.version));
                    offers
                        .into_iter()
                        .map(|(package, _)| package)
                        .chain(only_here)
                        .map(stanza)
                        .collect::<Vec<_>>()
                })
                .collect();
            if text.is_empty() {
                return Err(Failed::new(100, "E: No packages found"));
            }
            session.out(text).await;
        }
        "pkgnames" => {
            let prefix = names.first().map_or("", String::as_str);
            let offered =
                packages.lists.iter().flat_map(|list| list.packages.iter().map(|p| p.name.clone()));
            let all: std::collections::BTreeSet<String> = packages
                .installed
                .keys()
                .cloned()
                .chain(offered)
                .filter(|name| name.starts_with(prefix))
                .collect();
            session.out(all.into_iter().map(|name| name + "\n").collect::<String>()).await;
        }
        other => return Err(Failed::new(100, format!("E: Invalid operation {other}"))),
    }
    Ok(0)
}

/// Where a package came from, as `policy` and `madison` name it.
fn place(list: &List) -> String {
    let arch = if list.origin.components.is_empty() { "" } else { " amd64" };
    format!("{}{arch} Packages", list.origin.label())
}

fn policy(packages: &Packages, name: &str) -> String {
    let here = packages.installed.get(name).map(|installed| &installed.package);
    let offers = packages.offers(name);
    let Some(candidate) = packages.candidate(name) else { return String::new() };
    let installed = here.map_or("(none)", |package| &package.version);
    let mut text = format!(
        "{name}:\n  Installed: {installed}\n  Candidate: {}\n  Version table:\n",
        candidate.version
    );
    let mut versions: Vec<&str> = offers
        .iter()
        .map(|(package, _)| package.version.as_str())
        .chain(here.map(|p| p.version.as_str()))
        .collect();
    versions.sort_by(|a, b| compare(b, a));
    versions.dedup_by(|a, b| compare(a, b) == Ordering::Equal);
    for version in versions {
        let from: Vec<&List> = offers
            .iter()
            .filter(|(package, _)| package.version == version)
            .map(|(_, list)| *list)
            .collect();
        let is_here = here.is_some_and(|package| package.version == version);
        let priority = if from.is_empty() { 100 } else { 500 };
        text.push_str(&format!(" {} {version} {priority}\n", if is_here { "***" } else { "   " }));
        for list in from {
            text.push_str(&format!("        500 {}\n", place(list)));
        }
        if is_here {
            text.push_str("        100 /var/lib/dpkg/status\n");
        }
    }
    text
}

fn overview(packages: &Packages) -> String {
    let mut text = "Package files:\n 100 /var/lib/dpkg/status\n     release a=now\n".to_owned();
    for list in &packages.lists {
        text.push_str(&format!(
            " 500 {}\n     release c={}\n",
            place(list),
            list.origin.components.join(" ")
        ));
    }
    text + "Pinned packages:\n"
}

fn madison(packages: &Packages, name: &str) -> String {
    let lines = packages.offers(name).into_iter().map(|(package, list)| {
        format!("{:>10} | {:>10} | {}\n", package.name, package.version, place(list))
    });
    lines.collect()
}

/// A package as a list describes it.
pub(super) fn stanza(package: &Package) -> String {
    let Package { name, version, architecture, section, priority, summary, size, .. } = package;
    let depends: Vec<String> =
        package.depends.iter().map(|(name, least)| format!("{name} (>= {least})")).collect();
    let depends = if depends.is_empty() {
        String::new()
    } else {
        format!("Depends: {}\n", depends.join(", "))
    };
    let provides = if package.provides.is_empty() {
        String::new()
    } else {
        format!("Provides: {}\n", package.provides)
    };
    format!(
        "Package: {name}\nVersion: {version}\nArchitecture: {architecture}\n{depends}{provides}Filename: \
         {architecture}/{name}_{version}_{architecture}.deb\nSize: {size}\nSection: {section}\nPriority: {priority}\n\
         Description: {summary}\n\n"
    )
}
