//! Targets for tests: one that answers by script, and this machine.

use super::{Captured, Command, Host, Output, Status, Stream, Target, TransportError};
use async_trait::async_trait;
use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// A target as a task sees it, without become.
pub(crate) fn host(target: Arc<dyn Target>) -> Host {
    Host { target, name: "h1".into(), become_: None, environment: Vec::new(), timeout: None }
}

/// Answers scripts in order and remembers them.
#[derive(Default)]
pub(crate) struct Scripted {
    answers: Mutex<VecDeque<Result<Output, TransportError>>>,
    /// What was asked: script and standard input.
    pub(crate) asked: Mutex<Vec<(String, Vec<u8>)>>,
}

impl Scripted {
    pub(crate) fn new(
        answers: impl IntoIterator<Item = Result<Output, TransportError>>,
    ) -> Arc<Self> {
        Arc::new(Self { answers: Mutex::new(answers.into_iter().collect()), ..Self::default() })
    }

    pub(crate) fn scripts(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().map(|(script, _)| script.clone()).collect()
    }
}

/// A script that exits with 0 and this output.
pub(crate) fn says(stdout: &str) -> Result<Output, TransportError> {
    Ok(answer(0, stdout.as_bytes(), ""))
}

/// A script that ends like this.
pub(crate) fn answer(code: i32, stdout: &[u8], stderr: &str) -> Output {
    Output {
        status: Status::Exited(code),
        stdout: Captured { bytes: stdout.to_vec(), omitted: 0 },
        stderr: Captured { bytes: stderr.as_bytes().to_vec(), omitted: 0 },
    }
}

#[async_trait]
impl Target for Scripted {
    async fn run(&self, command: Command) -> Result<Output, TransportError> {
        self.asked.lock().unwrap().push((command.script.clone(), command.stdin));
        self.answers
            .lock()
            .unwrap()
            .pop_front()
            .unwrap_or_else(|| panic!("no answer for: {}", command.script))
    }
    async fn upload(&self, _: &Path, _: &str) -> Result<(), TransportError> {
        Err(TransportError::Unsupported("upload".to_owned()))
    }
    async fn open_stream(&self, _: &str, _: u16) -> Result<Box<dyn Stream>, TransportError> {
        Err(TransportError::Unsupported("stream".to_owned()))
    }
    async fn disconnect(&self) {}
    fn is_local(&self) -> bool {
        false
    }
}

/// This machine, by `/bin/sh`; for real runs in temporary directories.
pub(crate) struct ThisMachine;

#[async_trait]
impl Target for ThisMachine {
    async fn run(&self, command: Command) -> Result<Output, TransportError> {
        use std::process::Stdio;
        use tokio::io::AsyncWriteExt;
        let mut child = tokio::process::Command::new("/bin/sh")
            .args(["-c", &command.script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let feed = async move {
            // A script may end without reading its input.
            stdin.write_all(&command.stdin).await.ok();
            drop(stdin);
        };
        let (output, ()) = tokio::join!(child.wait_with_output(), feed);
        let output = output.unwrap();
        Ok(Output {
            status: Status::Exited(output.status.code().unwrap_or(137)),
            stdout: Captured { bytes: output.stdout, omitted: 0 },
            stderr: Captured { bytes: output.stderr, omitted: 0 },
        })
    }
    async fn upload(&self, local: &Path, remote: &str) -> Result<(), TransportError> {
        std::fs::copy(local, remote).unwrap();
        Ok(())
    }
    async fn open_stream(&self, _: &str, _: u16) -> Result<Box<dyn Stream>, TransportError> {
        Err(TransportError::Unsupported("stream".to_owned()))
    }
    async fn disconnect(&self) {}
    fn is_local(&self) -> bool {
        true
    }
}
