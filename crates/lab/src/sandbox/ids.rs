//! Which users a node has: how the numbers in its user namespace are mapped to those of this machine.

use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::process::{Command, Stdio};

/// Users that a node has at most: up to `nobody`, 65534, and the one after.
const MOST: u32 = 65_536;

/// The users of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ids {
    /// Root alone, who is the user of the daemon outside. Everybody who logs in is root.
    One,
    /// Root and others.
    Many {
        /// User numbers.
        uids: Vec<Extent>,
        /// Group numbers.
        gids: Vec<Extent>,
        /// Who may write the map.
        writer: Writer,
    },
}

/// A run of numbers in a user namespace (`user_namespaces(7)`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extent {
    /// The first one inside.
    pub inside: u32,
    /// What it is outside.
    pub outside: u32,
    /// How many.
    pub count: u32,
}

/// Who writes a map of many numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Writer {
    /// The daemon itself, which is root.
    Daemon,
    /// `newuidmap` and `newgidmap`, out of the ranges in `/etc/subuid` and `/etc/subgid`.
    Programs,
}

impl Ids {
    /// What might work here, the best first. What it takes is only known after trying.
    pub(super) fn candidates() -> Vec<Self> {
        let user = rustix::process::geteuid().as_raw();
        let group = rustix::process::getegid().as_raw();
        let many = if user == 0 { Self::own() } else { Self::granted(user, group) };
        many.into_iter().chain([Self::One]).collect()
    }

    /// Root's: the numbers inside are those outside, as far as this machine (or container) has them.
    fn own() -> Option<Self> {
        let identity = |file| {
            let count = present(&fs::read_to_string(file).ok()?)?.min(MOST);
            (count > 1).then(|| vec![Extent { inside: 0, outside: 0, count }])
        };
        let (uids, gids) = (identity("/proc/self/uid_map")?, identity("/proc/self/gid_map")?);
        Some(Self::Many { uids, gids, writer: Writer::Daemon })
    }

    /// An ordinary user's: itself as root, and the range that the administrator has granted.
    fn granted(user: u32, group: u32) -> Option<Self> {
        let name = login_name(&fs::read_to_string("/etc/passwd").ok()?, user);
        let range = |file, itself| {
            let table = fs::read_to_string(file).ok()?;
            let granted = granted_range(&table, user, name.as_deref())?;
            Some(vec![Extent { inside: 0, outside: itself, count: 1 }, granted])
        };
        let (uids, gids) = (range("/etc/subuid", user)?, range("/etc/subgid", group)?);
        Some(Self::Many { uids, gids, writer: Writer::Programs })
    }

    /// Whether there are users beside root.
    #[must_use]
    pub fn has_many(&self) -> bool {
        matches!(self, Self::Many { .. })
    }

    /// Maps the numbers of a process that has just entered a user namespace. Blocks for as long as the programs take.
    pub(super) fn write(&self, process: u32) -> io::Result<()> {
        let file = |name: &str| format!("/proc/{process}/{name}");
        match self {
            Self::One => {
                let user = rustix::process::geteuid().as_raw();
                let group = rustix::process::getegid().as_raw();
                fs::write(file("setgroups"), "deny")?;
                fs::write(file("uid_map"), format!("0 {user} 1"))?;
                fs::write(file("gid_map"), format!("0 {group} 1"))
            }
            Self::Many { uids, gids, writer: Writer::Daemon } => {
                fs::write(file("uid_map"), lines(uids))?;
                fs::write(file("gid_map"), lines(gids))
            }
            Self::Many { uids, gids, writer: Writer::Programs } => {
                map_with("newuidmap", process, uids)?;
                map_with("newgidmap", process, gids)
            }
        }
    }
}

fn lines(extents: &[Extent]) -> String {
    extents.iter().map(|e| format!("{} {} {}\n", e.inside, e.outside, e.count)).collect()
}

fn map_with(program: &str, process: u32, extents: &[Extent]) -> io::Result<()> {
    let numbers = extents.iter().flat_map(|e| [e.inside, e.outside, e.count]);
    let output = Command::new(program)
        .arg(process.to_string())
        .args(numbers.map(|number| number.to_string()))
        .stdin(Stdio::null())
        .output()
        .map_err(|error| io::Error::new(error.kind(), format!("{program}: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("{program}: {}", said.trim())))
}

/// How many numbers from 0 on exist in the namespace whose map this is.
fn present(map: &str) -> Option<u32> {
    map.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let inside = words.next()?;
        let count = words.nth(1)?.parse().ok()?;
        (inside == "0").then_some(count)
    })
}

fn login_name(passwd: &str, user: u32) -> Option<String> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(user)).then(|| name.to_owned())
    })
}

/// The first range of this user in a table as in `subuid(5)`; users stand there by name or by number.
fn granted_range(table: &str, user: u32, name: Option<&str>) -> Option<Extent> {
    table.lines().find_map(|line| {
        let mut fields = line.split(':');
        let whose = fields.next()?;
        if Some(whose) != name && whose.parse() != Ok(user) {
            return None;
        }
        let outside = fields.next()?.parse().ok()?;
        let count: u32 = fields.next()?.parse().ok()?;
        (count > 0).then_some(Extent { inside: 1, outside, count: count.min(MOST - 1) })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_granted_by_name_or_number() {
        let table = "root:1:1\nann:100000:65536\n1001:200000:10\n";
        let ann = granted_range(table, 1000, Some("ann"));
        assert_eq!(ann, Some(Extent { inside: 1, outside: 100_000, count: 65_535 }));
        let by_number = granted_range(table, 1001, None);
        assert_eq!(by_number, Some(Extent { inside: 1, outside: 200_000, count: 10 }));
        assert_eq!(granted_range(table, 1002, Some("bob")), None);
    }

    #[test]
    fn a_container_has_as_many_as_its_map_says() {
        assert_eq!(present("         0          0 4294967295\n"), Some(u32::MAX));
        assert_eq!(present("         0     100000      65536\n"), Some(65_536));
        assert_eq!(present("      1000       1000          1\n"), None);
    }

    #[test]
    fn a_name_is_that_of_the_number() {
        let passwd = "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n";
        assert_eq!(login_name(passwd, 1000).as_deref(), Some("ann"));
        assert_eq!(login_name(passwd, 7), None);
    }
}
