//! What apt-get says about a transaction before anything is done.

use crate::node::{Package, Transaction};

/// `12.5 MB`, as apt writes sizes: powers of 1000, up to four digits.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["B", "kB", "MB", "GB"];
    let mut power = 0;
    let mut unit = 1;
    while bytes / unit >= 10_000 && power + 1 < UNITS.len() {
        power += 1;
        unit *= 1000;
    }
    let name = UNITS.get(power).copied().unwrap_or_default();
    if power > 0 && bytes / unit < 100 {
        let tenths = (bytes * 10 + unit / 2) / unit;
        format!("{}.{} {name}", tenths / 10, tenths % 10)
    } else {
        format!("{} {name}", (bytes + unit / 2) / unit)
    }
}

/// A heading and names, wrapped at 80 columns.
fn list(heading: &str, names: &[String]) -> String {
    if names.is_empty() {
        return String::new();
    }
    let mut text = format!("{heading}:\n");
    let mut used = 0;
    for name in names {
        if used > 0 && used + 1 + name.len() > 77 {
            text.push('\n');
            used = 0;
        }
        text.push_str(if used == 0 { "  " } else { " " });
        text.push_str(name);
        used += name.len() + 1;
    }
    text.push('\n');
    text
}

/// Everything up to the line of numbers, that line included.
pub(super) fn changes(transaction: &Transaction, purge: bool) -> String {
    let names = |packages: &[Package]| packages.iter().map(|p| p.name.clone()).collect::<Vec<_>>();
    let mut text = String::new();
    for name in &transaction.skipped {
        text.push_str(&format!(
            "Skipping {name}, it is not installed and only upgrades are requested.\n"
        ));
    }
    for (name, version) in &transaction.newest_already {
        text.push_str(&format!("{name} is already the newest version ({version}).\n"));
    }
    for name in &transaction.now_manual {
        text.push_str(&format!("{name} set to manually installed.\n"));
    }
    for name in &transaction.not_installed {
        text.push_str(&format!("Package '{name}' is not installed, so not removed\n"));
    }
    text.push_str(&list(
        "The following additional packages will be installed",
        &transaction.additional,
    ));
    let removed: Vec<String> = transaction
        .removed
        .iter()
        .map(|name| if purge { format!("{name}*") } else { name.clone() })
        .collect();
    let held = list("The following held packages will be changed", &transaction.held_changed);
    text.push_str(&list("The following packages will be REMOVED", &removed));
    text.push_str(&list("The following NEW packages will be installed", &names(&transaction.new)));
    text.push_str(&list("The following packages have been kept back", &transaction.kept_back));
    text.push_str(&held);
    text.push_str(&list("The following packages will be upgraded", &names(&transaction.upgraded)));
    text.push_str(&list(
        "The following packages will be DOWNGRADED",
        &names(&transaction.downgraded),
    ));
    text.push_str(&numbers(transaction));
    text
}

fn numbers(transaction: &Transaction) -> String {
    let mut text = format!(
        "{} upgraded, {} newly installed, ",
        transaction.upgraded.len(),
        transaction.new.len()
    );
    for (packages, word) in
        [(&transaction.reinstalled, "reinstalled"), (&transaction.downgraded, "downgraded")]
    {
        if !packages.is_empty() {
            text.push_str(&format!("{} {word}, ", packages.len()));
        }
    }
    text + &format!(
        "{} to remove and {} not upgraded.\n",
        transaction.removed.len(),
        transaction.not_upgraded
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As apt 2.6.1 shows 816, 1065, 22422182 and 72600000 bytes.
    #[test]
    fn sizes() {
        for (bytes, text) in [
            (0, "0 B"),
            (816, "816 B"),
            (1065, "1065 B"),
            (22_422_182, "22.4 MB"),
            (72_600_000, "72.6 MB"),
            (250_000, "250 kB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }
}
