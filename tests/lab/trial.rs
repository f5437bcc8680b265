//! One lab, a person who uses it, and what must be true afterwards.

use crate::support::{Ran, ran};
use mainstay_lab::fault::Fault;
use mainstay_lab::lab::{Config, Lab, Place};
use mainstay_lab::pace::Pace;
use mainstay_lab::store::Json;
use serde_json::Value;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// So much faster than real machines: a test is about the order of things, not about their length.
const PACE: u32 = 50;

/// A lab of one test, and a person's home directory.
pub struct Trial {
    runtime: tokio::runtime::Runtime,
    lab: Option<Lab>,
    home: tempfile::TempDir,
}

/// What is to be seen of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// `v1.37.2`
    pub kubelet: String,
    /// It is cordoned.
    pub cordoned: bool,
    /// The run that holds it.
    pub held_by: Option<String>,
}

impl Trial {
    /// A healthy cluster at 1.36.3 with the sample workload, settled.
    pub fn start(control_planes: u8, workers: u8) -> Self {
        let home = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let config = Config {
            place: Place::new(home.path().join("lab")),
            player: PathBuf::from(env!("CARGO_BIN_EXE_mainstay")),
            control_planes,
            workers,
            version: "1.36.3".parse().unwrap(),
            pace: Pace::faster(PACE),
            faults: Vec::new(),
        };
        let lab = runtime.block_on(Lab::start(config)).unwrap_or_else(|error| panic!("{error}"));
        lab.deploy_sample().unwrap();
        // The test is not about how long a node is watched.
        let inventory = lab.place().inventory();
        let text = std::fs::read_to_string(&inventory).unwrap();
        let quick = text.replace("node_ready_stable: 1s", "node_ready_stable: 0.2s");
        std::fs::write(&inventory, quick.replace("poll_seconds: 0.5", "poll_seconds: 0.1"))
            .unwrap();
        let trial = Self { runtime, lab: Some(lab), home };
        trial.settle();
        trial
    }

    /// The lab.
    pub fn lab(&self) -> &Lab {
        self.lab.as_ref().unwrap()
    }

    /// Waits until all nodes and workloads are well.
    pub fn settle(&self) {
        self.runtime.block_on(self.lab().settled(Duration::from_secs(180))).unwrap();
    }

    /// From now on this goes wrong.
    pub fn fault(&self, fault: &str) {
        self.lab().faults().add(fault.parse::<Fault>().unwrap());
    }

    /// Nothing goes wrong any more.
    pub fn repair(&self) {
        self.lab().faults().retain(|_| false);
    }

    /// Does something with the lab that takes its time.
    pub fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// A command, not yet started. `INV` stands for the lab's inventory, `CONF` for its kubeconfig.
    pub fn command(&self, words: &str) -> Command {
        let place = self.lab().place();
        let words = words.split_whitespace().map(|word| match word {
            "INV" => place.inventory().display().to_string(),
            "CONF" => place.kubeconfig().display().to_string(),
            word => word.to_owned(),
        });
        let mut command = Command::new(env!("CARGO_BIN_EXE_mainstay"));
        command
            .args(words)
            .env_clear()
            .env("HOME", self.home.path())
            .env("USER", "tester")
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LANG", "C.UTF-8")
            .env("XDG_STATE_HOME", self.home.path().join("state"))
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// A command, run to its end.
    pub fn mainstay(&self, words: &str) -> Ran {
        ran(&mut self.command(words))
    }

    /// The upgrade that all this is about.
    pub fn upgrade(&self) -> Ran {
        self.mainstay("upgrade --to 1.37.2 -i INV --yes")
    }

    /// A command that runs until its output has this text.
    pub fn until(&self, words: &str, text: &str) -> Child {
        let file = self.home.path().join("output");
        let output = std::fs::File::create(&file).unwrap();
        let mut command = self.command(words);
        command.stdout(output.try_clone().unwrap()).stderr(output);
        let child = command.spawn().unwrap();
        let what = format!("the output has {text:?}");
        Self::eventually(&what, || std::fs::read_to_string(&file).unwrap().contains(text));
        child
    }

    /// Everything that [`Trial::until`]'s command has printed so far.
    pub fn output(&self) -> String {
        std::fs::read_to_string(self.home.path().join("output")).unwrap()
    }

    /// Waits for something that is about to be.
    pub fn eventually(what: &str, is: impl Fn() -> bool) {
        let started = Instant::now();
        while !is() {
            assert!(
                started.elapsed() < Duration::from_secs(180),
                "not within three minutes: {what}"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// A file below the home directory.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.home.path().join(name), text).unwrap();
    }

    /// An object of the cluster.
    pub fn object(&self, resource: &str, namespace: &str, name: &str) -> Arc<Value> {
        self.lab().store().get(resource, namespace, name).unwrap()
    }

    /// The pods of a node, `namespace/name`, in order.
    pub fn pods(&self, node: &str) -> Vec<String> {
        let pods = self.lab().store().all("pods", "");
        let here = pods.iter().filter(|pod| pod.text("spec.nodeName") == node);
        let name = |pod: &Value| {
            format!("{}/{}", pod.text("metadata.namespace"), pod.text("metadata.name"))
        };
        let mut names: Vec<String> = here.map(|pod| name(pod)).collect();
        names.sort();
        names
    }

    /// How a node is now.
    pub fn node(&self, name: &str) -> Seen {
        let node = self.object("nodes", "", name);
        Seen {
            kubelet: node.text("status.nodeInfo.kubeletVersion").to_owned(),
            cordoned: node.flag("spec.unschedulable"),
            held_by: node.key("metadata.annotations", "mainstay.dev/held-by").map(str::to_owned),
        }
    }

    /// All nodes that are cordoned.
    pub fn cordoned(&self) -> Vec<String> {
        let nodes = self.lab().store().all("nodes", "");
        let cordoned = nodes.iter().filter(|node| node.flag("spec.unschedulable"));
        cordoned.map(|node| node.text("metadata.name").to_owned()).collect()
    }

    /// Versions of all kubelets, each once.
    pub fn versions(&self) -> Vec<String> {
        let nodes = self.lab().store().all("nodes", "");
        let mut versions: Vec<String> = nodes
            .iter()
            .map(|node| node.text("status.nodeInfo.kubeletVersion").to_owned())
            .collect();
        versions.sort();
        versions.dedup();
        versions
    }

    /// No node is cordoned but those; nobody is forgotten: what is held is named by the journal.
    #[track_caller]
    pub fn closed(&self, by_hand: &[&str]) {
        let runs = self.mainstay("runs --held");
        for name in self.cordoned() {
            if by_hand.contains(&name.as_str()) {
                continue;
            }
            let held_by = self.node(&name).held_by;
            let held_by =
                held_by.unwrap_or_else(|| panic!("{name} is cordoned and nobody says why"));
            assert!(
                runs.stdout.contains(&held_by),
                "{name} is held by {held_by}, unnamed:\n{runs}"
            );
        }
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        if let Some(lab) = self.lab.take() {
            let stopped = self.runtime.block_on(lab.stop());
            if !std::thread::panicking() {
                stopped.unwrap();
            }
        }
    }
}
