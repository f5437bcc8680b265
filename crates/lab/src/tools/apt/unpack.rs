//! What dpkg says and does for apt-get.

use crate::node::{Packages, Transaction};
use crate::tools::session::{Failed, Session};

/// `-s`: what would be done.
pub(super) fn simulated(packages: &Packages, transaction: &Transaction) -> String {
    let mut text = String::new();
    for name in &transaction.removed {
        let version = packages.installed.get(name).map_or("", |i| i.package.version.as_str());
        text.push_str(&format!("Remv {name} [{version}]\n"));
    }
    let mut configured = String::new();
    for package in transaction.unpacked() {
        let (name, version, arch) = (&package.name, &package.version, &package.architecture);
        let offers = packages.offers(name);
        let local = offers
            .iter()
            .any(|(p, list)| p.version == *version && list.origin.uri.starts_with("file:"));
        let minor = offers
            .iter()
            .find_map(|(p, list)| (p.version == *version).then(|| list.origin.minor())?);
        let from = match minor {
            _ if local => "localhost".to_owned(),
            Some(minor) => format!("isv:kubernetes:core:stable:v1.{minor}:pkgs.k8s.io"),
            None => "Debian:12/oldstable".to_owned(),
        };
        let old = packages
            .installed
            .get(name)
            .map(|i| format!("[{}] ", i.package.version))
            .unwrap_or_default();
        text.push_str(&format!("Inst {name} {old}({version} {from} [{arch}])\n"));
        configured.push_str(&format!("Conf {name} ({version} {from} [{arch}])\n"));
    }
    text + &configured
}

/// The progress that dpkg shows, all in one line.
pub(in crate::tools) fn reading(files: usize) -> String {
    let steps: String =
        (1..=20).map(|step| format!("\r(Reading database ... {}%", step * 5)).collect();
    format!(
        "(Reading database ... {steps}\r(Reading database ... {files} files and directories currently installed.)\n"
    )
}

/// Unpacks and configures; the lock is held.
pub(super) async fn carry_out(session: &Session, transaction: &Transaction) -> Result<(), Failed> {
    let before = session.machine.state().packages.clone();
    let mut database = Some(reading(8_200 + 5 * before.installed.len()));
    for name in &transaction.removed {
        let version = before.installed.get(name).map_or("", |i| i.package.version.as_str());
        session.out(database.take().unwrap_or_default()).await;
        session.line(format!("Removing {name} ({version}) ...")).await;
        session.seconds(0.5).await;
    }
    for package in &transaction.downgraded {
        let old = before.installed.get(&package.name).map_or("", |i| i.package.version.as_str());
        session
            .line(format!(
                "dpkg: warning: downgrading {} from {old} to {}",
                package.name, package.version
            ))
            .await;
    }
    for package in transaction.unpacked() {
        let (name, version) = (&package.name, &package.version);
        let old = before.installed.get(name).map(|i| &i.package);
        if old.is_none() {
            session.line(format!("Selecting previously unselected package {name}.")).await;
        }
        session.out(database.take().unwrap_or_default()).await;
        let file = format!("{name}_{version}_{}.deb", package.architecture);
        session.line(format!("Preparing to unpack .../{file} ...")).await;
        session.seconds(0.6).await;
        if session.machine.disk_is_full() {
            return Err(Failed::new(
                100,
                format!(
                    "dpkg: error processing archive /var/cache/apt/archives/{file} (--unpack):\n cannot copy extracted data: failed \
                     to write (No space left on device)\nErrors were encountered while processing:\n /var/cache/apt/archives/{file}\n\
                     E: Sub-process /usr/bin/dpkg returned an error code (1)"
                ),
            ));
        }
        let over = old.map(|old| format!(" over ({})", old.version)).unwrap_or_default();
        session.line(format!("Unpacking {name} ({version}){over} ...")).await;
        session.seconds(0.6).await;
    }
    for package in transaction.unpacked() {
        session.line(format!("Setting up {} ({}) ...", package.name, package.version)).await;
        session.seconds(0.2).await;
    }
    {
        let mut state = session.machine.state();
        state.packages.apply(transaction);
        let gone = !state.packages.installed.contains_key("kubelet");
        if gone && let Some(unit) = state.units.get_mut("kubelet.service") {
            unit.stop(0);
        }
    }
    crate::tools::dpkg::save_status(session);
    session.machine.look_again();
    Ok(())
}
