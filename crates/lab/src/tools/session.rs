//! One call of a tool, as the tool's face sees it: how it was called, where its output goes, what it may ask.

use super::wire::{Call, Exec};
use crate::node::{Machine, Site};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, mpsc};

/// To the tool's process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Says {
    /// Standard output.
    Out(Vec<u8>),
    /// Standard error.
    Err(Vec<u8>),
    /// Standard input is wanted from now on.
    WantInput,
    /// One line of it is wanted.
    WantLine,
    /// A line of its terminal is wanted, after this prompt.
    WantSecret(String),
    /// It becomes this program.
    Exec(Exec),
    /// It gets the program of this ticket started.
    Ticket(String),
}

/// From the tool's process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Hears {
    /// Standard input.
    Input(Vec<u8>),
    /// It has ended.
    InputEnd,
    /// A signal came.
    Signal(i32),
}

/// One call.
pub(super) struct Session {
    /// Where.
    pub(super) machine: Arc<Machine>,
    /// Everything else.
    pub(super) site: Arc<Site>,
    /// How.
    pub(super) call: Call,
    says: mpsc::Sender<Says>,
    hears: Mutex<mpsc::Receiver<Hears>>,
}

/// What went wrong, for the tool's standard error, and its exit code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failed {
    /// With its newlines.
    pub(super) text: String,
    /// Of the tool.
    pub(super) code: u8,
}

impl Failed {
    /// `text` and a newline.
    pub(super) fn new(code: u8, text: impl std::fmt::Display) -> Self {
        Self { text: format!("{text}\n"), code }
    }
}

/// What a tool's face returns: its exit code, or what went wrong.
pub(super) type Done = Result<u8, Failed>;

impl Session {
    /// A call, with the ways to and from its process.
    #[must_use]
    pub(super) fn new(
        machine: Arc<Machine>,
        site: Arc<Site>,
        call: Call,
        says: mpsc::Sender<Says>,
        hears: mpsc::Receiver<Hears>,
    ) -> Self {
        Self { machine, site, call, says, hears: Mutex::new(hears) }
    }

    /// Words after the tool's own name.
    #[must_use]
    pub(super) fn words(&self) -> &[String] {
        self.call.argv.get(1..).unwrap_or_default()
    }

    /// To standard output, as it is.
    pub(super) async fn out(&self, text: impl AsRef<[u8]>) {
        self.say(Says::Out(text.as_ref().to_vec())).await;
    }

    /// To standard output, with a newline.
    pub(super) async fn line(&self, text: impl std::fmt::Display) {
        self.out(format!("{text}\n")).await;
    }

    /// To standard error, with a newline.
    pub(super) async fn complain(&self, text: impl std::fmt::Display) {
        self.say(Says::Err(format!("{text}\n").into_bytes())).await;
    }

    /// To the tool's process; if that is gone the call ends soon, and nobody is left to hear.
    pub(super) async fn say(&self, what: Says) {
        drop(self.says.send(what).await);
    }

    /// All of its standard input.
    pub(super) async fn input(&self) -> Vec<u8> {
        self.say(Says::WantInput).await;
        let mut all = Vec::new();
        let mut hears = self.hears.lock().await;
        while let Some(Hears::Input(bytes)) = hears.recv().await {
            all.extend(bytes);
        }
        all
    }

    /// One line of its standard input, or of its terminal after a prompt; `None`: there is none.
    pub(super) async fn ask_line(&self, prompt: Option<&str>) -> Option<String> {
        self.say(prompt.map_or(Says::WantLine, |prompt| Says::WantSecret(prompt.to_owned()))).await;
        match self.hear().await {
            Some(Hears::Input(bytes)) => {
                Some(String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']).to_owned())
            }
            _ => None,
        }
    }

    /// What comes next from the process; `None`: it is gone.
    pub(super) async fn hear(&self) -> Option<Hears> {
        self.hears.lock().await.recv().await
    }

    /// Waits as long as this takes here.
    pub(super) async fn wait(&self, real: Duration) {
        self.site.pace.wait(real).await;
    }

    /// Waits so many seconds of a real cluster.
    pub(super) async fn seconds(&self, seconds: f64) {
        self.wait(Duration::from_secs_f64(seconds)).await;
    }

    /// Whether it is called by root.
    #[must_use]
    pub(super) fn is_root(&self) -> bool {
        self.call.user.0 == 0
    }
}
