//! The locks of dpkg and apt: who holds them, and what everybody else hears.

use crate::fault::Fault;
use crate::node::Machine;
use crate::tools::session::{Failed, Session};
use std::sync::Arc;
use std::time::Duration;

/// dpkg's lock, held until this is dropped.
pub(in crate::tools) struct Held(Arc<Machine>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.state().dpkg_lock = None;
    }
}

/// The process that an unattended upgrade would be.
const OTHER: (u32, &str) = (1225, "unattended-upgr");

/// Pid and name of the process that holds the lock.
pub(in crate::tools) fn holder(machine: &Machine) -> Option<(u32, String)> {
    let fault = machine.fault(|name, fault| {
        matches!(fault, Fault::DpkgLock { node } if node == name).then_some(())
    });
    if fault.is_some() {
        return Some((OTHER.0, OTHER.1.to_owned()));
    }
    machine.state().dpkg_lock.clone()
}

/// Takes it, if it is free.
pub(in crate::tools) fn take(session: &Session) -> Result<Held, (u32, String)> {
    match holder(&session.machine) {
        Some(holder) => Err(holder),
        None => {
            let name = session.call.argv.first().cloned().unwrap_or_default();
            session.machine.state().dpkg_lock = Some((session.call.pid, name));
            Ok(Held(Arc::clone(&session.machine)))
        }
    }
}

const FRONTEND: &str = "/var/lib/dpkg/lock-frontend";

/// As apt takes it, which may wait.
pub(super) async fn take_patiently(
    session: &Session,
    patience: Option<u64>,
    loud: bool,
) -> Result<Held, Failed> {
    if !session.is_root() {
        return Err(Failed::new(
            100,
            format!(
                "E: Could not open lock file {FRONTEND} - open (13: Permission denied)\n\
                 E: Unable to acquire the dpkg frontend lock ({FRONTEND}), are you root?"
            ),
        ));
    }
    let mut left = patience.unwrap_or(0);
    loop {
        let (pid, name) = match take(session) {
            Ok(held) => return Ok(held),
            Err(holder) => holder,
        };
        let busy = format!("Could not get lock {FRONTEND}. It is held by process {pid} ({name})");
        if left == 0 {
            let first =
                if patience.unwrap_or(0) == 0 { format!("E: {busy}\n") } else { String::new() };
            return Err(Failed::new(
                100,
                format!(
                    "{first}E: Unable to acquire the dpkg frontend lock ({FRONTEND}), is another process using it?"
                ),
            ));
        }
        if loud {
            session.line(format!("Waiting for cache lock: {busy}...")).await;
        }
        session.wait(Duration::from_secs(1)).await;
        left -= 1;
    }
}

/// What dpkg itself says.
pub(in crate::tools) fn dpkgs_words(pid: u32) -> Failed {
    Failed::new(
        2,
        format!(
            "dpkg: error: dpkg frontend lock was locked by another process with pid {pid}\n\
             Note: removing the lock file is always wrong, can damage the locked area\n\
             and the entire system. See <https://wiki.debian.org/Teams/Dpkg/FAQ#db-lock>."
        ),
    )
}
