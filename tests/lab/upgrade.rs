//! The main job.

use crate::trial::Trial;
use mainstay_lab::store::Json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

/// The fewest ready pods of the sample while something runs.
struct Watch {
    fewest: Arc<AtomicI64>,
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Watch {
    fn start(trial: &Trial) -> Self {
        let (fewest, stop) = (Arc::new(AtomicI64::new(i64::MAX)), Arc::new(AtomicBool::new(false)));
        let (low, end, store) =
            (Arc::clone(&fewest), Arc::clone(&stop), Arc::clone(trial.lab().store()));
        let thread = std::thread::spawn(move || {
            while !end.load(Ordering::Relaxed) {
                let web = store.get("deployments", "default", "web").unwrap();
                let ready = web.int("status.readyReplicas").unwrap_or(0);
                low.fetch_min(ready, Ordering::Relaxed);
                std::thread::sleep(std::time::Duration::from_millis(2));
            }
        });
        Self { fewest, stop, thread: Some(thread) }
    }

    fn fewest(mut self) -> i64 {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
        self.fewest.load(Ordering::Relaxed)
    }
}

fn upgrades(control_planes: u8, workers: u8, by_hand: &str) {
    let trial = Trial::start(control_planes, workers);
    trial.mainstay(&format!("cordon {by_hand} -i INV --reason disks")).exits(0);
    let watch = Watch::start(&trial);
    let ran = trial.upgrade().exits(0);
    assert!(watch.fewest() >= 3, "fewer pods than the budget wants\n{ran}");
    assert_eq!(trial.versions(), ["v1.37.2"], "{ran}");
    assert_eq!(trial.cordoned(), [by_hand], "{ran}");
    for n in 1..=control_planes {
        let etcd = format!("etcd-cp{n}");
        // The kubelet that was just restarted shows its static pods a moment later.
        Trial::eventually("etcd is at 3.7.0", || {
            let pod = trial.lab().store().get("pods", "kube-system", &etcd);
            pod.is_ok_and(|pod| {
                pod.list("spec.containers")[0].text("image") == "registry.k8s.io/etcd:3.7.0-0"
            })
        });
    }
    let nodes: Vec<String> = trial.lab().nodes().map(|node| node.name.clone()).collect();
    let revisions = || -> Vec<String> {
        nodes
            .iter()
            .map(|name| trial.object("nodes", "", name).at("spec").unwrap().to_string())
            .collect()
    };
    let before = revisions();
    let again = trial.upgrade().exits(0);
    assert!(again.stdout.contains("every node is at v1.37.2: nothing to do"), "{again}");
    assert_eq!(revisions(), before, "nothing is cordoned on the way");
}

#[test]
fn one_control_plane_and_three_workers() {
    upgrades(1, 3, "w3");
}

#[test]
fn three_control_planes_and_three_workers() {
    upgrades(3, 3, "w2");
}

#[test]
fn a_plan_changes_nothing() {
    let trial = Trial::start(1, 1);
    let revision = |trial: &Trial| trial.object("nodes", "", "w1").at("spec").unwrap().to_string();
    let before = revision(&trial);
    let ran = trial.mainstay("upgrade --to 1.37.2 -i INV --plan").exits(0);
    assert!(ran.stdout.contains("kubeadm upgrade apply"), "{ran}");
    assert_eq!((revision(&trial), trial.versions()), (before, vec!["v1.36.3".to_owned()]));
}

#[test]
fn options_of_the_bracket_come_from_the_inventory() {
    let trial = Trial::start(1, 2);
    trial.fault("budget-refuses=default/web");
    let inventory = std::fs::read_to_string(trial.lab().place().inventory()).unwrap();
    let short = inventory.replace("drain_timeout: 2m", "drain_timeout: 2s");
    assert_ne!(short, inventory);
    trial.write("short.yml", &short);
    let ran = trial.mainstay("upgrade --to 1.37.2 -i short.yml --yes").exits(11);
    assert!(ran.stdout.contains("not drained after 2 s"), "{ran}");
    let both = short.replace(
        "ansible_user: ops}",
        "ansible_user: ops, drain_grace: '{{ 5 if inventory_hostname == \"w1\" else 6 }}'}",
    );
    trial.write("both.yml", &both);
    let ran = trial.mainstay("upgrade --to 1.37.2 -i both.yml --yes");
    assert!(ran.stderr.contains("give different options"), "{ran}");
}
