//! Secrets reach hosts and nothing else: no output of any verbosity, no journal, no file of the run.

use crate::support::{Fleet, Ran};

/// Where each of them comes from is in its name.
const CANARIES: [&str; 7] = [
    "canary-no-log",
    "canary-vaulted-1138",
    "canary-become",
    "canary-item",
    "canary-content",
    "canary-stderr",
    "canary-extra",
];

/// `canary-vaulted-1138` with the password `open sesame`.
const VAULTED: &str = "!vault |
          $ANSIBLE_VAULT;1.1;AES256
          63303236353463653638383066353866613737636133646639396234373461646162333266396539
          3838333031666466663064356464623237323162303238640a313330653964333261376331316130
          61366466333935653832373736623236386365643864633737346334306238666238646564646461
          6532343830643834380a323633393665346634626537616661336338356263613133653065646634
          61626538346233323535326136323639646664336564313064396236653736636261";

fn playbook() -> String {
    format!(
        "- hosts: workers
  gather_facts: false
  vars:
    password: canary-no-log
    vaulted: {VAULTED}
  tasks:
  - shell: echo {{{{ password }}}} > got-password
    no_log: true
  - shell: echo {{{{ item }}}} > got-item
    loop: [canary-item]
    no_log: true
  - copy: {{content: canary-content, dest: got-content}}
    no_log: true
  - shell: echo {{{{ vaulted }}}} | tee got-vaulted
  - debug: {{var: vaulted}}
  - shell: echo {{{{ extra }}}} > got-extra
    no_log: true
  - command: touch as-root
    become: true
  - shell: echo canary-stderr >&2; exit 1
    no_log: true
    register: failed
    ignore_errors: true
  - debug: {{msg: '{{{{ failed.rc }}}} reached'}}
"
    )
}

fn fleet() -> Fleet {
    let fleet = Fleet::start(2);
    for nth in 1..=2 {
        // Asks as sudo does, and takes the password from standard input.
        fleet.host(nth).install(
            "sudo",
            "while [ $# -gt 0 ] && [ \"$1\" != /bin/sh ]; do
  [ \"$1\" = -p ] && printf %s \"$2\" >&2
  shift
done
read -r password || exit 1
echo \"$password\" > got-become
exec \"$@\"",
        );
    }
    let inventory =
        fleet.inventory_text() + "[workers:vars]\nansible_become_password=canary-become\n";
    fleet.write("inventory.ini", &inventory);
    fleet.write("vault-password", "open sesame");
    fleet.write("play.yml", &playbook());
    fleet
}

#[test]
fn secrets_are_in_no_output_and_no_record() {
    let fleet = fleet();
    let program = fleet.path("bin/ansible-playbook");
    let vault = ["--vault-password-file", "vault-password", "-e", "extra=canary-extra"];
    let mut outputs: Vec<(String, Ran)> = Vec::new();
    for verbosity in ["--diff", "-v", "-vvv", "-vvvv"] {
        let arguments = [&["-i", "inventory.ini", "play.yml", verbosity], &vault[..]].concat();
        outputs
            .push((format!("ansible {verbosity}"), fleet.run(&program, &arguments, &[]).exits(0)));
        let arguments =
            [&["run", "-i", "inventory.ini", "play.yml", verbosity], &vault[..]].concat();
        outputs.push((format!("mainstay {verbosity}"), fleet.mainstay(&arguments).exits(0)));
    }
    // They did reach the hosts.
    for (file, content) in [
        ("got-password", "canary-no-log\n"),
        ("got-item", "canary-item\n"),
        ("got-content", "canary-content"),
        ("got-vaulted", "canary-vaulted-1138\n"),
        ("got-extra", "canary-extra\n"),
        ("got-become", "canary-become\n"),
    ] {
        assert_eq!(fleet.on_host(2, file).as_deref(), Some(content), "{}", outputs[0].1);
    }
    for (name, ran) in &outputs {
        assert!(ran.stdout.contains("reached"), "{name}: {ran}");
        for canary in CANARIES {
            assert!(!ran.stdout.contains(canary), "{name}: {canary} in {ran}");
            assert!(!ran.stderr.contains(canary), "{name}: {canary} in {ran}");
        }
    }
    let records = fleet.snapshot("state");
    assert!(records.iter().any(|(path, _)| path.ends_with("events.jsonl")));
    for (path, content) in records {
        let content = String::from_utf8_lossy(&content);
        for canary in CANARIES {
            assert!(!content.contains(canary), "{canary} in {}:\n{content}", path.display());
        }
    }
}
