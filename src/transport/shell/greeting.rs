//! From the start of a waiting shell to its marker: prompts, passwords, refusals.

use super::launch::{Launch, Method, Rights};
use crate::transport::{Secret, Status, TransportError};

/// What may be printed before the marker.
const LIMIT: usize = 64 << 10;

/// What to do next.
pub(crate) enum Step {
    /// Read on.
    Wait,
    /// Write this password and a newline.
    Password(Secret),
    /// The shell waits for its script.
    Ready {
        /// Process id of the shell.
        pid: u32,
        /// Standard output after the marker.
        rest: Vec<u8>,
    },
    /// Give up.
    Refused(TransportError),
}

/// Reads what a starting shell prints.
pub(crate) struct Greeting {
    marker: String,
    rights: Option<Rights>,
    out: Vec<u8>,
    err: Vec<u8>,
    asked: usize,
}

impl Greeting {
    pub(crate) fn new(launch: Launch) -> Self {
        let Launch { marker, rights, .. } = launch;
        Self { marker, rights, out: Vec::new(), err: Vec::new(), asked: 0 }
    }

    /// Takes bytes of standard output.
    pub(crate) fn stdout(&mut self, bytes: &[u8]) -> Step {
        self.out.extend_from_slice(bytes);
        if let Some((pid, rest)) = self.find_marker() {
            return Step::Ready { pid, rest };
        }
        if self.out.len() > LIMIT {
            return Step::Refused(TransportError::Unsupported(format!(
                "the login shell printed more than {LIMIT} bytes before it ran anything"
            )));
        }
        Step::Wait
    }

    /// Takes bytes of standard error.
    pub(crate) fn stderr(&mut self, bytes: &[u8]) -> Step {
        self.err.extend_from_slice(bytes);
        if self.err.len() > LIMIT {
            let extra = self.err.len() - LIMIT;
            self.err.drain(..extra);
        }
        let Some(rights) = &self.rights else { return Step::Wait };
        if !asks(rights, &self.err) {
            return Step::Wait;
        }
        self.asked += 1;
        self.err.clear();
        match (&rights.password, self.asked) {
            (Some(password), 1) => Step::Password(password.clone()),
            (Some(_), _) => Step::Refused(TransportError::Become(format!(
                "{} refused the password for {}",
                rights.method.name(),
                rights.user
            ))),
            (None, _) => Step::Refused(TransportError::Become(format!(
                "{} asks for a password to become {}; set ansible_become_password",
                rights.method.name(),
                rights.user
            ))),
        }
    }

    /// Why it ended before the marker.
    pub(crate) fn ended(&self, status: &Status) -> TransportError {
        let said = self.said();
        match &self.rights {
            Some(rights) => TransportError::Become(reason(rights, self.asked, &said, status)),
            None => TransportError::Unsupported(format!(
                "the login shell did not start /bin/sh (status {}){}",
                status.code(),
                if said.is_empty() { String::new() } else { format!(": {said}") }
            )),
        }
    }

    fn find_marker(&self) -> Option<(u32, Vec<u8>)> {
        let marker = self.marker.as_bytes();
        let at = self.out.windows(marker.len()).position(|window| window == marker)?;
        let after = self.out.get(at + marker.len()..)?;
        let end = after.iter().position(|&byte| byte == b'\n')?;
        let pid = std::str::from_utf8(after.get(..end)?).ok()?.trim().parse().ok()?;
        Some((pid, after.get(end + 1..)?.to_vec()))
    }

    /// The last lines that were printed, without our own words.
    fn said(&self) -> String {
        let text = format!(
            "{}\n{}",
            String::from_utf8_lossy(&self.out),
            String::from_utf8_lossy(&self.err)
        );
        let lines: Vec<&str> = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.contains("mainstay-"))
            .collect();
        lines.get(lines.len().saturating_sub(5)..).unwrap_or_default().join("\n")
    }
}

/// Whether the program waits for a password: sudo prints our prompt; su prints its own, in any language, with a colon
/// at the end and no newline.
fn asks(rights: &Rights, err: &[u8]) -> bool {
    let text = String::from_utf8_lossy(err);
    match rights.method {
        Method::Sudo => text.contains(&rights.prompt),
        Method::Su => {
            let last = text.rsplit('\n').next().unwrap_or_default().trim_end_matches(' ');
            // `su: …` is the beginning of a complaint, of which the rest has not come yet.
            last.ends_with([':', '：']) && !last.trim_start().starts_with("su:")
        }
    }
}

fn reason(rights: &Rights, asked: usize, said: &str, status: &Status) -> String {
    let (method, user) = (rights.method.name(), &rights.user);
    let hint = if said.contains("password is required") {
        "; set ansible_become_password, or allow it without a password (NOPASSWD)"
    } else if said.contains("must have a tty") || said.contains("must be run from a terminal") {
        "; the host demands a terminal, which is not supported: remove `requiretty` there"
    } else if asked > 0 && said.is_empty() {
        "; the password was refused"
    } else {
        ""
    };
    let said = if said.is_empty() {
        format!("it ended with status {}", status.code())
    } else {
        said.to_owned()
    };
    format!("{method} to {user} failed: {said}{hint}")
}
