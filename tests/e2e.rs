//! Playbooks over real SSH connections on the loopback, through the program as a person runs it.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "tests"
)]

mod support;

use support::{Cut, Fleet};

#[test]
fn a_command_runs_on_every_host_and_the_recap_says_so() {
    let fleet = Fleet::start(5);
    let ran = fleet
        .play(
            "- hosts: workers\n  gather_facts: false\n  tasks:\n  - command: touch {{ inventory_hostname }}\n",
            &[],
        )
        .exits(0);
    for nth in 1..=5 {
        assert_eq!(fleet.on_host(nth, &format!("w{nth}")).as_deref(), Some(""));
        let name = format!("w{nth}");
        assert_eq!(
            ran.recap(&name),
            format!("{name} : ok=1 changed=1 unreachable=0 failed=0 skipped=0 rescued=0 ignored=0")
        );
    }
}

#[test]
fn a_host_that_is_lost_in_the_middle_does_not_stop_the_others() {
    let fleet = Fleet::start(5);
    fleet.host(3).cut_at(Cut::Text("echo second".to_owned()));
    let ran = fleet
        .play(
            "- hosts: workers\n  gather_facts: false\n  tasks:\n  - command: echo first\n  - command: echo second\n  - command: touch third\n",
            &[],
        )
        .exits(4);
    assert_eq!(
        ran.recap("w3"),
        "w3 : ok=1 changed=1 unreachable=1 failed=0 skipped=0 rescued=0 ignored=0"
    );
    assert_eq!(fleet.on_host(3, "third"), None);
    for nth in [1, 2, 4, 5] {
        assert!(fleet.on_host(nth, "third").is_some(), "{ran}");
    }
}
