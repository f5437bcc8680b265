//! A scripted host and a context for module tests.

use super::{Args, Clock, Ctx, Effects, Failure, Module, Outcome};
use crate::journal::{Effect, Ended, Receipt};
use crate::transport::{Captured, Command, Host, Output, Status, Stream, Target, TransportError};
use async_trait::async_trait;
use mainstay_language::diag::Diagnostic;
use mainstay_language::outside::{FileKind, FileStatus, Outside, Ran};
use mainstay_language::template::Templar;
use mainstay_language::value::{Map, Scope, Value};
use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

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
    async fn download(&self, _: &str, _: &Path) -> Result<(), TransportError> {
        Err(TransportError::Unsupported("download".to_owned()))
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
    async fn download(&self, remote: &str, local: &Path) -> Result<(), TransportError> {
        std::fs::copy(remote, local).unwrap();
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

/// A clock that moves only when somebody sleeps.
#[derive(Default)]
pub(crate) struct FakeClock(pub(crate) Mutex<Duration>);

#[async_trait]
impl Clock for FakeClock {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::from_second(1_800_000_000).unwrap() + *self.0.lock().unwrap()
    }
    fn monotonic(&self) -> Duration {
        *self.0.lock().unwrap()
    }
    async fn sleep(&self, duration: Duration) {
        *self.0.lock().unwrap() += duration;
        tokio::task::yield_now().await;
    }
}

/// The real file system of this machine.
pub(crate) struct Disk;

impl Outside for Disk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }
    fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        let mut all: Vec<_> =
            std::fs::read_dir(directory)?.map(|e| e.map(|e| e.path())).collect::<Result<_, _>>()?;
        all.sort();
        Ok(all)
    }
    fn status(&self, path: &Path) -> Option<FileStatus> {
        use std::os::unix::fs::MetadataExt;
        let meta = std::fs::metadata(path).ok()?;
        Some(FileStatus {
            kind: if meta.is_dir() {
                FileKind::Directory
            } else if meta.is_file() {
                FileKind::File
            } else {
                FileKind::Other
            },
            link: std::fs::symlink_metadata(path).ok()?.file_type().is_symlink(),
            executable: meta.mode() & 0o111 != 0,
            identity: (meta.dev(), meta.ino()),
        })
    }
    fn write(&self, path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
        use std::os::unix::fs::PermissionsExt;
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, content)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
    }
    fn run(&self, _: &[&str], _: Option<&Path>) -> io::Result<Ran> {
        Err(io::ErrorKind::Unsupported.into())
    }
    fn env(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
    fn directory(&self) -> PathBuf {
        std::env::current_dir().unwrap()
    }
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::from_second(1_800_000_000).unwrap()
    }
}

/// Variables by name.
#[derive(Default)]
pub(crate) struct Vars(pub(crate) Map);

impl Scope for Vars {
    fn get(&self, name: &str) -> Option<Value> {
        self.0.get(name).cloned()
    }
    fn names(&self) -> Vec<Arc<str>> {
        self.0.keys().filter_map(|k| k.as_str().map(Arc::from)).collect()
    }
}

/// A journal that refuses everything: module tests that need one bring their own.
pub(crate) struct NoJournal;

impl Effects for NoJournal {
    fn intend(&self, _: Effect) -> Result<Receipt, Diagnostic> {
        Err(Diagnostic::error("the journal cannot be written"))
    }
    fn ended(&self, _: Receipt, _: Ended, _: &str) -> Result<(), Diagnostic> {
        Ok(())
    }
}

/// One task on one host.
pub(crate) struct Bench {
    pub(crate) host: Host,
    pub(crate) check: bool,
    pub(crate) diff: bool,
    pub(crate) clock: FakeClock,
    pub(crate) vars: Map,
    pub(crate) facts: Map,
    pub(crate) search: Vec<PathBuf>,
}

impl Bench {
    pub(crate) fn on(target: Arc<dyn Target>) -> Self {
        Self {
            host: Host {
                target,
                name: "h1".into(),
                become_: None,
                environment: Vec::new(),
                timeout: None,
            },
            check: false,
            diff: false,
            clock: FakeClock::default(),
            vars: Map::new(),
            facts: Map::new(),
            search: Vec::new(),
        }
    }

    pub(crate) fn here() -> Self {
        Self::on(Arc::new(ThisMachine))
    }

    /// Runs a module by name with arguments in JSON.
    pub(crate) async fn run(
        &self,
        name: &str,
        args: serde_json::Value,
    ) -> Result<Outcome, Failure> {
        let module: &dyn Module = super::find(name).unwrap();
        let raw = Value::from(args).as_map().unwrap().clone();
        let args = Args::check(module.spec(), &raw)?;
        let outside: Arc<dyn Outside> = Arc::new(Disk);
        let templar = Templar::new(Arc::clone(&outside));
        let mut ctx = Ctx {
            host: &self.host,
            check: self.check,
            diff: self.diff,
            verbosity: 0,
            clock: &self.clock,
            outside: &Disk,
            templar: &templar,
            scope: Arc::new(Vars(self.vars.clone())),
            search: &self.search,
            effects: &NoJournal,
            cluster: None,
            facts: &self.facts,
            inventory_hostname: "h1",
            remote_tmp: "~/.ansible/tmp",
        };
        module.run(args, &mut ctx).await
    }

    /// The result as JSON, with `changed`, `failed` and `skipped`.
    pub(crate) async fn json(&self, name: &str, args: serde_json::Value) -> serde_json::Value {
        let (outcome, failed) = match self.run(name, args).await {
            Ok(outcome) => (outcome, false),
            Err(Failure::Failed(outcome)) => (*outcome, true),
            Err(Failure::Transport(e)) => panic!("{e}"),
        };
        let mut json = Value::Map(outcome.fields).to_json();
        json["changed"] = outcome.changed.into();
        json["failed"] = failed.into();
        if outcome.skipped {
            json["skipped"] = true.into();
        }
        json
    }
}
