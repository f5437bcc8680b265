//! Units of a node's systemd: what is known of each, and what happens to it. Pure; what runs is decided elsewhere.

use std::collections::BTreeMap;

/// Where a unit stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Active {
    /// Runs, or has done what it does once.
    Active,
    /// Waits for its next start.
    Activating,
    /// Does not run.
    #[default]
    Inactive,
    /// Ended badly.
    Failed,
}

impl Active {
    /// systemd's word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Activating => "activating",
            Self::Inactive => "inactive",
            Self::Failed => "failed",
        }
    }
}

/// What stands behind a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// The kubelet: started in the version of its package.
    Kubelet,
    /// containerd.
    Runtime,
    /// A part of the system that is only up or down, with its unit file's description.
    System,
    /// A program that the lab runs: a unit file in /etc/systemd/system, or `systemd-run`.
    Program {
        /// Words of `ExecStart`.
        argv: Vec<String>,
        /// `Environment`
        environment: Vec<(String, String)>,
        /// `Type=oneshot`
        once: bool,
        /// `RemainAfterExit=yes`
        remains: bool,
    },
    /// A timer of `systemd-run --on-active`; the unit that it starts.
    Timer(String),
}

/// One unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// What stands behind it.
    pub kind: Kind,
    /// From its file.
    pub description: String,
    /// Where its file is.
    pub path: String,
    /// `enabled`, `disabled`, `static`, `masked`, `transient`.
    pub file_state: &'static str,
    /// Where it stands.
    pub active: Active,
    /// `running`, `exited`, `dead`, `failed`, `auto-restart`, `waiting`, `elapsed`
    pub sub: &'static str,
    /// Of its process; 0 without one.
    pub pid: u32,
    /// Seconds since 1970 of the last change.
    pub since: i64,
    /// What it was started with: for the kubelet its version.
    pub started: Option<String>,
    /// Exit status of the last process; `None` before the first one ended.
    pub status: Option<i32>,
    /// Starts since boot after failures.
    pub restarts: u32,
    /// Goes away once it is over.
    pub collect: bool,
}

impl Unit {
    /// One that does not run.
    #[must_use]
    pub fn new(kind: Kind, description: &str, path: &str, file_state: &'static str) -> Self {
        Self {
            kind,
            description: description.to_owned(),
            path: path.to_owned(),
            file_state,
            active: Active::Inactive,
            sub: "dead",
            pid: 0,
            since: 0,
            started: None,
            status: None,
            restarts: 0,
            collect: false,
        }
    }

    /// It has a process now.
    pub fn run(&mut self, pid: u32, now: i64) {
        (self.active, self.sub, self.pid, self.since) = (Active::Active, "running", pid, now);
    }

    /// It is down, on purpose.
    pub fn stop(&mut self, now: i64) {
        (self.active, self.sub, self.pid, self.since) = (Active::Inactive, "dead", 0, now);
        self.started = None;
    }

    /// Its process ended by itself.
    pub fn end(&mut self, status: i32, now: i64) {
        let remains = matches!(self.kind, Kind::Program { remains: true, .. });
        self.status = Some(status);
        (self.pid, self.since) = (0, now);
        (self.active, self.sub) = match status {
            0 if remains => (Active::Active, "exited"),
            0 => (Active::Inactive, "dead"),
            _ => (Active::Failed, "failed"),
        };
    }

    /// It ended, and systemd starts it again in a moment, for ever.
    pub fn restart_later(&mut self, status: i32, now: i64) {
        self.status = Some(status);
        self.restarts += 1;
        (self.active, self.sub, self.pid, self.since) =
            (Active::Activating, "auto-restart", 0, now);
    }

    /// Whether it is up.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.active == Active::Active
    }
}

/// `kubelet` is `kubelet.service`.
#[must_use]
pub fn full_name(name: &str) -> String {
    let known = [".service", ".timer", ".socket", ".target", ".mount", ".path", ".slice", ".scope"];
    if known.iter().any(|end| name.ends_with(end)) {
        name.to_owned()
    } else {
        format!("{name}.service")
    }
}

/// System services of a small Debian 12: name, description, state, sub-state, file state.
const SYSTEM: [(&str, &str, Active, &str, &str); 9] = [
    (
        "cron.service",
        "Regular background program processing daemon",
        Active::Active,
        "running",
        "enabled",
    ),
    ("dbus.service", "D-Bus System Message Bus", Active::Active, "running", "static"),
    ("ssh.service", "OpenBSD Secure Shell server", Active::Active, "running", "enabled"),
    ("systemd-journald.service", "Journal Service", Active::Active, "running", "static"),
    ("systemd-logind.service", "User Login Management", Active::Active, "running", "static"),
    ("systemd-sysctl.service", "Apply Kernel Variables", Active::Active, "exited", "static"),
    (
        "systemd-tmpfiles-clean.service",
        "Cleanup of Temporary Directories",
        Active::Inactive,
        "dead",
        "static",
    ),
    (
        "systemd-update-utmp.service",
        "Record System Boot/Shutdown in UTMP",
        Active::Active,
        "exited",
        "static",
    ),
    ("multi-user.target", "Multi-User System", Active::Active, "active", "static"),
];

/// Units of a node that has booted; the kubelet and the runtime are still down.
#[must_use]
pub(super) fn initial(now: i64) -> BTreeMap<String, Unit> {
    let mut all = BTreeMap::new();
    let mut pid = 200;
    for (name, description, active, sub, file_state) in SYSTEM {
        let mut unit = Unit::new(
            Kind::System,
            description,
            &format!("/lib/systemd/system/{name}"),
            file_state,
        );
        (unit.active, unit.sub, unit.since) = (active, sub, now);
        if sub == "running" {
            pid += 17;
            unit.pid = pid;
        }
        all.insert(name.to_owned(), unit);
    }
    let node = [
        ("containerd.service", Kind::Runtime, "containerd container runtime"),
        ("kubelet.service", Kind::Kubelet, "kubelet: The Kubernetes Node Agent"),
    ];
    for (name, kind, description) in node {
        let path = format!("/usr/lib/systemd/system/{name}");
        all.insert(name.to_owned(), Unit::new(kind, description, &path, "enabled"));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_ends_as_its_process_does() {
        let program =
            |remains| Kind::Program { argv: vec![], environment: vec![], once: false, remains };
        for (remains, status, active, sub) in [
            (false, 0, Active::Inactive, "dead"),
            (false, 1, Active::Failed, "failed"),
            (true, 0, Active::Active, "exited"),
        ] {
            let mut unit = Unit::new(program(remains), "", "", "transient");
            unit.run(7, 1);
            assert!(unit.is_active());
            unit.end(status, 2);
            assert_eq!((unit.active, unit.sub, unit.pid), (active, sub, 0));
        }
    }

    #[test]
    fn names_get_their_kind() {
        assert_eq!(full_name("kubelet"), "kubelet.service");
        assert_eq!(full_name("x.timer"), "x.timer");
        assert_eq!(full_name("a.b"), "a.b.service");
    }
}
