//! People and machines that stop a run in the middle.

use crate::trial::Trial;
use rustix::process::{Pid, Signal, kill_process};

fn signal(child: &std::process::Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// Interrupts when the output says this; the run ends in order, and the next one finishes the job.
fn interrupted_at(text: &str) {
    let trial = Trial::start(1, 2);
    let mut child = trial.until("upgrade --to 1.37.2 -i INV --yes", text);
    signal(&child, Signal::INT);
    let code = child.wait().unwrap().code();
    assert_eq!(code, Some(99), "{}", trial.output());
    // Given back, or held by name if its work was half done.
    trial.closed(&[]);
    trial.upgrade().exits(0);
    assert_eq!((trial.versions(), trial.cordoned()), (vec!["v1.37.2".to_owned()], vec![]));
}

/// Kills without a word; the next command names what is held, and the next upgrade finishes the job.
fn killed_at(text: &str, held: &[&str]) {
    let trial = Trial::start(1, 2);
    let mut child = trial.until("upgrade --to 1.37.2 -i INV --yes", text);
    signal(&child, Signal::KILL);
    child.wait().unwrap();
    assert_eq!(trial.cordoned(), held, "{}", trial.output());
    trial.closed(&[]);
    let ran = trial.upgrade().exits(0);
    for node in held {
        assert!(ran.stderr.contains(&format!("node {node} is still cordoned by run")), "{ran}");
    }
    assert_eq!((trial.versions(), trial.cordoned()), (vec!["v1.37.2".to_owned()], vec![]));
}

#[test]
fn interrupted_while_kubeadm_runs() {
    interrupted_at("play control plane components");
}

#[test]
fn interrupted_while_the_master_is_drained() {
    interrupted_at("draining    cp1");
}

#[test]
fn interrupted_while_a_worker_is_worked_on() {
    interrupted_at("drained     w1");
}

#[test]
fn interrupted_between_workers() {
    interrupted_at("uncordoned  w1");
}

#[test]
fn killed_while_kubeadm_runs() {
    killed_at("play control plane components", &[]);
}

#[test]
fn killed_with_a_master_drained() {
    killed_at("drained     cp1", &["cp1"]);
}

#[test]
fn killed_with_a_worker_drained() {
    killed_at("drained     w1", &["w1"]);
}

#[test]
fn what_a_killed_run_holds_can_be_released_by_hand() {
    let trial = Trial::start(1, 2);
    let mut child = trial.until("upgrade --to 1.37.2 -i INV --yes", "drained     w1");
    signal(&child, Signal::KILL);
    child.wait().unwrap();
    let run = trial.node("w1").held_by.unwrap();
    trial.mainstay(&format!("abort {run} -i INV")).exits(0);
    assert_eq!(trial.cordoned(), Vec::<String>::new());
    assert!(!trial.mainstay("runs --held").stdout.contains(&run));
}

#[test]
fn a_second_run_is_kept_out() {
    let trial = Trial::start(1, 2);
    let mut child = trial.until("upgrade --to 1.37.2 -i INV --yes", "cordoned    cp1");
    let second = trial.upgrade();
    assert!([10, 12].contains(&second.code), "{second}");
    let by_hand = trial.mainstay("uncordon cp1 -i INV");
    assert!(by_hand.code == 12 || !trial.cordoned().contains(&"cp1".to_owned()), "{by_hand}");
    assert_eq!(child.wait().unwrap().code(), Some(0), "{}", trial.output());
    assert_eq!((trial.versions(), trial.cordoned()), (vec!["v1.37.2".to_owned()], vec![]));
}

#[test]
fn a_kubelet_that_does_not_come_back_is_held_and_named() {
    let trial = Trial::start(1, 2);
    let words = "upgrade --to 1.37.2 -i INV --yes -e node_ready_timeout=3s";
    let mut child = trial.until(words, "drained     w1");
    trial.fault("w1:kubelet-broken");
    assert_eq!(child.wait().unwrap().code(), Some(11), "{}", trial.output());
    assert_eq!(trial.cordoned(), ["w1"], "{}", trial.output());
    trial.closed(&[]);
    trial.repair();
    trial.settle();
    trial.upgrade().exits(0);
    assert_eq!((trial.versions(), trial.cordoned()), (vec!["v1.37.2".to_owned()], vec![]));
}

#[test]
fn an_api_server_that_goes_and_comes_back_is_waited_for() {
    let trial = Trial::start(1, 2);
    let mut child = trial.until("upgrade --to 1.37.2 -i INV --yes", "cordoned    w1");
    trial.fault("cp1:api-down");
    std::thread::sleep(std::time::Duration::from_secs(3));
    trial.repair();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{}", trial.output());
    assert_eq!((trial.versions(), trial.cordoned()), (vec!["v1.37.2".to_owned()], vec![]));
}
