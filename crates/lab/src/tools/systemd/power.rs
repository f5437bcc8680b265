//! reboot, poweroff, halt, shutdown: the node goes away and, perhaps, comes back.

use crate::tools::session::{Done, Failed, Session};
use crate::tools::when;
use std::time::Duration;

/// `reboot`, `poweroff`, `halt`.
pub(in crate::tools) fn run(session: &Session) -> Done {
    let name = session.call.argv.first().map_or("", String::as_str);
    for word in session.words() {
        if !["-f", "--force", "--no-wall", "-w", "--wtmp-only"].contains(&word.as_str()) {
            return Err(Failed::new(1, format!("{name}: unrecognized option '{word}'")));
        }
    }
    root_only(session)?;
    Ok(now(session, name == "reboot"))
}

fn root_only(session: &Session) -> Result<(), Failed> {
    if session.is_root() {
        return Ok(());
    }
    Err(Failed::new(
        1,
        "Failed to set wall message, ignoring: Interactive authentication required.\nCall to Reboot failed: Interactive authentication required.",
    ))
}

/// At once: systemd stops everything, which takes a moment.
pub(super) fn now(session: &Session, again: bool) -> u8 {
    down(session, Duration::ZERO, again);
    0
}

fn down(session: &Session, after: Duration, again: bool) {
    let word = if again { "rebooting" } else { "powering off" };
    session.machine.log("init.scope", "systemd[1]", format!("The system is {word}."));
    session.machine.state().stopping |= after.is_zero();
    session.site.processes.power(&session.machine.name, after + STOPPING, again);
}

/// Until the first thing that others notice.
const STOPPING: Duration = Duration::from_millis(1500);

/// `shutdown [-r|-h|-P|-H] [now|+MINUTES] [MESSAGE…]`
pub(in crate::tools) async fn shutdown(session: &Session) -> Done {
    let mut again = false;
    let mut words = Vec::new();
    for word in session.words() {
        match word.as_str() {
            "-r" | "--reboot" => again = true,
            "-h" | "-P" | "-H" | "--poweroff" | "--halt" => again = false,
            "--no-wall" => {}
            "-c" | "-k" => {
                return Err(Failed::new(
                    1,
                    format!("shutdown: {word} is not supported by the lab"),
                ));
            }
            other if other.starts_with('-') => {
                return Err(Failed::new(1, format!("shutdown: unrecognized option '{other}'")));
            }
            _ => words.push(word.clone()),
        }
    }
    root_only(session)?;
    let when = words.first().map_or("+1", String::as_str);
    let minutes: u64 = match when {
        "now" => 0,
        text => text
            .trim_start_matches('+')
            .parse()
            .map_err(|_| Failed::new(1, format!("Failed to parse time specification: {text}")))?,
    };
    let after = Duration::from_secs(minutes * 60);
    if minutes > 0 {
        let at = session.machine.now() + i64::try_from(minutes * 60).unwrap_or(0);
        let word = if again { "Reboot" } else { "Shutdown" };
        let text =
            format!("{word} scheduled for {}, use 'shutdown -c' to cancel.", when::systemd(at));
        session.complain(text).await;
    }
    down(session, after, again);
    Ok(0)
}
