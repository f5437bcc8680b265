//! A scripted host and a context for module tests.

use super::{Args, Ctx, Failure, Module, Outcome};
use crate::clock::Clock;
use crate::journal::{Effect, Effects, Ended, Receipt};
pub(crate) use crate::transport::testing::{Scripted, answer, says};
use crate::transport::{Host, LocalTarget, Target, testing};
use async_trait::async_trait;
use mainstay_language::diag::Diagnostic;
use mainstay_language::outside::{FileKind, FileStatus, Outside, Ran};
use mainstay_language::template::Templar;
use mainstay_language::value::{Map, Scope, Value};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

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
            world_writable: meta.mode() & 0o002 != 0,
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

    fn note(&self, _: &crate::journal::Record) -> Result<(), Diagnostic> {
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
            host: testing::host(target),
            check: false,
            diff: false,
            clock: FakeClock::default(),
            vars: Map::new(),
            facts: Map::new(),
            search: Vec::new(),
        }
    }

    pub(crate) fn here() -> Self {
        Self::on(Arc::new(LocalTarget::new()))
    }

    /// Runs a module by name with arguments in JSON.
    pub(crate) async fn run(
        &self,
        name: &str,
        args: serde_json::Value,
    ) -> Result<Outcome, Failure> {
        self.run_map(name, Value::from(args).as_map().unwrap().clone()).await
    }

    async fn run_map(&self, name: &str, raw: Map) -> Result<Outcome, Failure> {
        let module: &dyn Module = super::find(name).unwrap();
        let args = Args::check(module.spec(), &raw)?;
        self.with_ctx(async |ctx| module.run(args, ctx).await).await
    }

    /// Runs something with the context of one task.
    pub(crate) async fn with_ctx<T>(&self, work: impl AsyncFnOnce(&mut Ctx<'_>) -> T) -> T {
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
        work(&mut ctx).await
    }

    /// The result as JSON, with `changed`, `failed` and `skipped`.
    pub(crate) async fn json(&self, name: &str, args: serde_json::Value) -> serde_json::Value {
        self.json_of(name, Value::from(args).as_map().unwrap().clone()).await
    }

    /// The same for arguments that a person wrote.
    pub(crate) async fn json_of(&self, name: &str, args: Map) -> serde_json::Value {
        let (outcome, failed) = match self.run_map(name, args).await {
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
