//! `async` and `poll`: jobs that go on by themselves.

use crate::support::{Cut, Fleet, ran};
use crate::working::figures;
use std::path::Path;
use std::time::{Duration, Instant};

/// A play of these tasks on every host.
fn play(tasks: &str) -> String {
    format!("- hosts: workers\n  gather_facts: false\n  tasks:\n{tasks}")
}

fn left(host: &Path) -> usize {
    std::fs::read_dir(host.join(".ansible_async")).map_or(0, Iterator::count)
}

/// Each of the two waits for the file of the other: one after the other they would never end.
#[test]
fn several_jobs_run_at_once_and_are_asked_later() {
    let fleet = Fleet::start(2);
    let ran = fleet
        .play(
            &play(
                "  - shell: 'touch {{ item }}; until [ -e {{ other }} ]; do sleep 0.05; done; echo {{ item }}'
    async: 50
    poll: 0
    loop: [a, b]
    vars: {other: \"{{ {'a': 'b', 'b': 'a'}[item] }}\"}
    register: jobs
  - assert:
      that: [not item.finished, item.started, item.ansible_job_id in item.results_file]
    loop: '{{ jobs.results }}'
    loop_control: {label: x}
  - async_status: {jid: '{{ item.ansible_job_id }}'}
    loop: '{{ jobs.results }}'
    loop_control: {label: x}
    register: ends
    until: ends is finished
    retries: 2000
    delay: 0
  - copy: {content: \"{{ ends.results | map(attribute='stdout') | join(' ') }}\", dest: said}
  - async_status: {jid: '{{ item.ansible_job_id }}', mode: cleanup}
    loop: '{{ jobs.results }}'
    loop_control: {label: x}
",
            ),
            &[],
        )
        .exits(0);
    for nth in [1, 2] {
        assert_eq!(fleet.on_host(nth, "said").as_deref(), Some("a b"), "{ran}");
        assert_eq!(left(fleet.host(nth).root()), 0);
    }
}

#[test]
fn a_job_that_is_waited_for_has_the_result_of_the_command() {
    let fleet = Fleet::start(1);
    let ran = fleet
        .play(
            &play(
                "  - shell: echo out; echo err >&2; exit 3
    async: 50
    poll: 1
    register: job
    ignore_errors: true
  - copy: {content: '{{ job.rc }} {{ job.stdout }} {{ job.stderr }} {{ job.finished }}', dest: said}
  - shell: sleep 60; touch late
    async: 1
    poll: 1
",
            ),
            &[],
        )
        .exits(2);
    assert_eq!(fleet.on_host(1, "said").as_deref(), Some("3 out err True"), "{ran}");
    assert!(ran.stdout.contains("ASYNC FAILED on w1: jid="), "{ran}");
    assert!(ran.stdout.contains("[ERROR]: Task failed: "), "{ran}");
    assert_eq!(fleet.on_host(1, "late"), None);
    assert!(ran.stdout.contains("Task failed: Timeout exceeded"), "{ran}");
    assert_eq!(left(fleet.host(1).root()), 0);
}

/// The host is lost when the job is asked for the first time, and comes back: the job did not notice.
#[test]
fn a_job_outlives_its_connection() {
    let fleet = Fleet::start(1);
    fleet.write(
        "play.yml",
        &play(
            "  - shell: until [ -e go ]; do sleep 0.05; done; echo done
    async: 50
    poll: 1
    register: job
  - copy: {content: '{{ job.stdout }}', dest: said}
",
        ),
    );
    fleet.host(1).cut_at(Cut::Script(2));
    let program = fleet.path("bin/ansible-playbook");
    let mut command = fleet.command(&program, &["-i", "inventory.ini", "play.yml"], &[]);
    let ran = std::thread::scope(|scope| {
        let running = scope.spawn(move || ran(&mut command));
        let begun = Instant::now();
        while fleet.host(1).scripts() < 2 && begun.elapsed() < Duration::from_secs(30) {
            std::thread::sleep(Duration::from_millis(3));
        }
        fleet.host(1).up();
        std::fs::write(fleet.host(1).root().join("go"), "").unwrap();
        running.join().unwrap()
    });
    let ran = ran.exits(0);
    assert_eq!(fleet.on_host(1, "said").as_deref(), Some("done"), "{ran}");
    assert_eq!(figures(&ran, "w1"), "ok=2 changed=2");
    assert_eq!(left(fleet.host(1).root()), 0);
    assert!(fleet.host(1).connections() > 1);
}

/// What decides on the controller is waited for, and never left alone.
#[test]
fn other_modules_run_under_the_limit_or_not_at_all() {
    let fleet = Fleet::start(1);
    let ran = fleet
        .play(
            &play(
                "  - file: {path: made, state: touch}
    async: 50
    poll: 1
    register: made
  - assert: {that: [made is finished, made is changed, made.dest == 'made']}
  - wait_for: {path: never, timeout: 300}
    async: 1
    poll: 1
    ignore_errors: true
    register: waited
  - assert: {that: [waited.msg == 'Timeout exceeded']}
  - copy: {content: x, dest: copied}
    async: 50
",
            ),
            &[],
        )
        .exits(2);
    assert!(ran.stdout.contains("This action (copy) does not support async."), "{ran}");
    assert_eq!(fleet.on_host(1, "copied"), None);

    let alone =
        "  - command: touch first\n  - file: {path: x, state: touch}\n    async: 50\n    poll: 0\n";
    let ran = fleet.play(&play(alone), &[]).exits(4);
    let told = "async with poll: 0 is not supported for file\n  --> play.yml:7:11";
    assert!(ran.stderr.contains(told), "{ran}");
    let hidden = play(&alone.replace("poll: 0", "poll: \"{{ 0 }}\""));
    let ran = fleet.play(&hidden, &[]).exits(2);
    assert!(ran.stdout.contains("not for file\nOrigin: play.yml:5:5"), "{ran}");
    assert_eq!(fleet.on_host(1, "x"), None);
}
