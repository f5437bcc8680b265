//! How nodes are kept apart on this machine. It is found out by starting one.

use super::ids::Ids;
use super::node::{Sandbox, SandboxError};
use super::plan::{Exec, Plan, User};
use super::process::Ended;
use super::sweep;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;

/// How nodes are kept apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Isolation {
    /// Each has user, mount, process, UTS, IPC and control group namespaces of its own.
    Namespaces {
        /// Its users.
        ids: Ids,
    },
    /// Each has a tree of copies as its root. What takes a mount or a namespace is missing: `/proc` is a few files
    /// without processes, so there is no `ps`, `/dev/stderr` or name of a terminal; the kernel's host name is this
    /// machine's, though `hostname` and `uname` say the node's; what is not in the copies, as Python, is not there.
    Chroot,
}

/// No way to keep nodes apart was found.
#[derive(Debug, thiserror::Error)]
#[error("this machine does not let an ordinary user run nodes of their own: {reason}\n{advice}")]
pub struct Refused {
    /// What failed.
    pub reason: String,
    /// What to switch on.
    pub advice: String,
}

/// Finds out how nodes can be kept apart: the best way in which one could be started in `directory`, which must exist.
/// What nodes share is left in `shared` there. It takes a moment; the answer holds as long as the machine is set up as it is.
///
/// # Errors
/// There is none; the error says what to switch on.
pub async fn isolation(directory: &Path, player: &Path) -> Result<Isolation, Refused> {
    let mut tried: Vec<Isolation> =
        Ids::candidates().into_iter().map(|ids| Isolation::Namespaces { ids }).collect();
    if rustix::process::geteuid().is_root() {
        tried.push(Isolation::Chroot);
    }
    let mut reasons = Vec::new();
    for isolation in tried {
        let trial = directory.join("trial");
        let worked = works(&isolation, directory, player).await;
        // What could not be made needs no removal.
        sweep::remove(&trial, &isolation, player).await.ok();
        match worked {
            Ok(()) => return Ok(isolation),
            Err(error) => reasons.push(error.to_string()),
        }
    }
    Err(Refused { reason: reasons.join("; "), advice: advice(&Switches::read()) })
}

/// Starts a node and runs a shell in it, as another user than root where it has one.
async fn works(isolation: &Isolation, directory: &Path, player: &Path) -> Result<(), SandboxError> {
    let plan = Plan {
        dir: directory.join("trial"),
        shared: directory.join("shared"),
        hostname: "trial".to_owned(),
        boot_id: "00000000-0000-0000-0000-000000000000".to_owned(),
        programs: Vec::new(),
        player: player.to_owned(),
        accounts: Vec::new(),
    };
    let many = matches!(isolation, Isolation::Namespaces { ids } if ids.has_many());
    let user = if many { User { uid: 1, gid: 1 } } else { User::ROOT };
    let sandbox = Sandbox::start(plan, isolation).await?;
    let shell = Exec {
        program: None,
        argv: ["/bin/sh", "-c", "exit 7"].map(Into::into).into(),
        env: Vec::new(),
        cwd: "/".into(),
        user,
        terminal: None,
    };
    let ended = match sandbox.spawn(shell).await {
        Ok(mut process) => Ok(process.wait().await),
        Err(error) => Err(error),
    };
    sandbox.stop().await;
    match ended? {
        Ended::Code(7) => Ok(()),
        other => Err(SandboxError::Refused(format!("a shell in it ended with {other:?}"))),
    }
}

/// What this machine says about user namespaces. `None`: it has no such switch.
struct Switches {
    /// `kernel.unprivileged_userns_clone`
    clone: Option<String>,
    /// `kernel.apparmor_restrict_unprivileged_userns`
    apparmor: Option<String>,
    /// `user.max_user_namespaces`
    most: Option<String>,
    /// Whether system calls are filtered for this process.
    filtered: bool,
}

impl Switches {
    fn read() -> Self {
        let switch = |name| {
            let text = fs::read_to_string(Path::new("/proc/sys").join(name)).ok()?;
            Some(text.trim().to_owned())
        };
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        Self {
            clone: switch("kernel/unprivileged_userns_clone"),
            apparmor: switch("kernel/apparmor_restrict_unprivileged_userns"),
            most: switch("user/max_user_namespaces"),
            filtered: status.lines().any(|line| line == "Seccomp:\t2"),
        }
    }
}

fn advice(switches: &Switches) -> String {
    let mut commands = Vec::new();
    if switches.clone.as_deref() == Some("0") {
        commands.push("sysctl -w kernel.unprivileged_userns_clone=1");
    }
    if switches.apparmor.as_deref() == Some("1") {
        commands.push("sysctl -w kernel.apparmor_restrict_unprivileged_userns=0");
    }
    if switches.most.as_deref() == Some("0") {
        commands.push("sysctl -w user.max_user_namespaces=15000");
    }
    if !commands.is_empty() {
        return format!("as root, run: {}", commands.join("; "));
    }
    if switches.filtered {
        return "system calls are filtered here, as in a container: start it as root in the container, or start the \
                container with --security-opt seccomp=unconfined"
            .to_owned();
    }
    "user namespaces are not switched off by a sysctl here; start it as root, or look for a security module that denies \
     them"
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn switches(clone: &str, apparmor: &str, most: &str, filtered: bool) -> Switches {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Switches { clone: text(clone), apparmor: text(apparmor), most: text(most), filtered }
    }

    #[test]
    fn the_advice_names_what_is_switched_off() {
        let ubuntu = advice(&switches("1", "1", "100", false));
        assert_eq!(
            ubuntu,
            "as root, run: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
        );
        let debian = advice(&switches("0", "", "100", true));
        assert_eq!(debian, "as root, run: sysctl -w kernel.unprivileged_userns_clone=1");
        let hardened = advice(&switches("", "", "0", false));
        assert_eq!(hardened, "as root, run: sysctl -w user.max_user_namespaces=15000");
        assert!(advice(&switches("", "", "100", true)).contains("seccomp=unconfined"));
        assert!(advice(&switches("", "", "100", false)).contains("as root"));
    }
}
