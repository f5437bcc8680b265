//! Bad inputs through the program as a person runs it: one clear error with its cause, the exit code of ansible-core, and
//! nothing done on the host.
//!
//! The codes of the first two tables were compared with ansible-core 2.19.14 given the same inputs.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    clippy::panic,
    clippy::too_many_lines,
    clippy::unwrap_used,
    unreachable_pub,
    unused_imports,
    reason = "tests"
)]

mod support;

use support::{Fleet, Ran};

/// Writes the marker on the host: it must never come so far.
const TOUCH: &str = "  - command: touch marker\n";

/// A play that would write the marker after these tasks.
fn before(tasks: &str) -> String {
    format!("- hosts: all\n  gather_facts: false\n  tasks:\n{tasks}{TOUCH}")
}

/// What somebody gets wrong.
struct Bad {
    name: &'static str,
    /// Files besides the playbook `bad.yml`.
    files: Vec<(&'static str, String)>,
    playbook: String,
    arguments: Vec<&'static str>,
    environment: Vec<(&'static str, &'static str)>,
    /// Observed with ansible-core for the same input.
    code: i32,
    /// Place, cause and hint.
    told: Vec<&'static str>,
}

fn bad(name: &'static str, code: i32, playbook: String, told: &[&'static str]) -> Bad {
    Bad {
        name,
        files: Vec::new(),
        playbook,
        arguments: vec!["bad.yml"],
        environment: Vec::new(),
        code,
        told: told.to_vec(),
    }
}

impl Bad {
    fn with(mut self, file: &'static str, text: &str) -> Self {
        self.files.push((file, text.to_owned()));
        self
    }

    fn arguments(mut self, arguments: &[&'static str]) -> Self {
        self.arguments = arguments.to_vec();
        self
    }

    fn environment(mut self, name: &'static str, value: &'static str) -> Self {
        self.environment.push((name, value));
        self
    }

    fn run(&self, fleet: &Fleet) -> Ran {
        for (file, text) in &self.files {
            fleet.write(file, text);
        }
        fleet.write("bad.yml", &self.playbook);
        let arguments = [&["-i", "inventory.ini"], self.arguments.as_slice()].concat();
        fleet.run(&fleet.path("bin/ansible-playbook"), &arguments, &self.environment)
    }
}

/// The exit code, what is said, said once and in one form; and nothing on the host.
#[track_caller]
fn check(name: &str, code: i32, told: &[&str], fleet: &Fleet, ran: Ran) {
    assert_eq!(ran.code, code, "{name}: {ran}");
    let all = format!("{}{}", ran.stdout, ran.stderr);
    for text in told {
        assert!(all.contains(text), "{name}: {text:?} is not in\n{ran}");
    }
    assert!(!all.contains("[ERROR]: error"), "{name}: {ran}");
    assert!(ran.stderr.matches("[ERROR]").count() <= 1, "{name}: {ran}");
    assert!(!all.contains("panicked"), "{name}: {ran}");
    assert_eq!(fleet.on_host(1, "marker"), None, "{name}: {ran}");
}

fn all_of(table: Vec<Bad>) {
    let fleet = Fleet::start(1);
    for case in table {
        let ran = case.run(&fleet);
        check(case.name, case.code, &case.told, &fleet, ran);
    }
    let good = fleet.play(&before(""), &[]).exits(0);
    assert!(fleet.on_host(1, "marker").is_some(), "the play itself must work: {good}");
}

#[test]
fn what_is_written_wrong_is_told_with_its_place_and_nothing_runs() {
    let role = "- hosts: all\n  gather_facts: false\n  roles: [nosuch]\n".to_owned();
    all_of(vec![
        bad(
            "broken YAML",
            4,
            before("  - name: [unclosed\n    debug:\n"),
            &["[ERROR]: expected `,` or `]`", "--> bad.yml:5:10", "hint: close the list"],
        ),
        bad(
            "a tab",
            4,
            before("  - name: x\n\t  debug:\n"),
            &["[ERROR]: a tab cannot be used", "--> bad.yml:5:1", "hint: indent with spaces"],
        ),
        bad(
            "an unknown module",
            4,
            before("  - comand: uptime\n"),
            &["unknown module \"comand\"", "--> bad.yml:4:5", "did you mean \"command\"?"],
        ),
        bad(
            "an unknown keyword",
            4,
            before("  - debug:\n    wen: true\n"),
            &[
                "'wen' is not a valid attribute for a Task",
                "--> bad.yml:5:5",
                "did you mean \"when\"?",
            ],
        ),
        bad("no list of plays", 4, "hosts: all\n".to_owned(), &["bad.yml:1:1", "with a dash"]),
        bad("an empty playbook", 4, String::new(), &["the playbook is empty", "- hosts: all"]),
        bad(
            "a play without hosts",
            4,
            format!("- tasks:\n{TOUCH}"),
            &["the play has no \"hosts\"", "bad.yml:1:3"],
        ),
        bad(
            "a missing role",
            1,
            role,
            &["there is no role \"nosuch\"", "bad.yml:3:11", "looked in"],
        ),
        bad(
            "a missing task file",
            1,
            before("  - import_tasks: nosuch.yml\n"),
            &["there is no file \"nosuch.yml\"", "bad.yml:4:19"],
        ),
        bad(
            "a missing imported playbook",
            1,
            "- import_playbook: nosuch.yml\n".to_owned(),
            &["there is no playbook nosuch.yml", "bad.yml:1:20"],
        ),
        bad(
            "an unknown strategy",
            1,
            format!("- hosts: all\n  strategy: nosuch\n  tasks:\n{TOUCH}"),
            &["strategy \"nosuch\" is not supported", "bad.yml:2:", "linear"],
        ),
        bad("broken group_vars", 4, before(""), &["group_vars/all.yml:1:4", "is not closed"])
            .with("group_vars/all.yml", "a: [\n"),
        bad(
            "mended group_vars, wrong pattern",
            1,
            before("").replace("all", "~("),
            &["bad.yml:1:10"],
        )
        .with("group_vars/all.yml", "a: 1\n"),
    ]);
}

#[test]
fn what_is_asked_for_wrong_is_told_and_nothing_runs() {
    let vaulted = "- hosts: all\n  gather_facts: false\n  vars_files: [secret.yml]\n  tasks:\n";
    let vaulted = format!("{vaulted}{TOUCH}");
    let envelope = vault("right");
    let ok = || before("");
    all_of(vec![
        bad(
            "a missing playbook",
            1,
            ok(),
            &["the playbook: none.yml could not be found", "hint: "],
        )
        .arguments(&["none.yml"]),
        bad("a directory for a playbook", 1, ok(), &["does not appear to be a file", "hint: "])
            .arguments(&["."]),
        bad(
            "a limit that matches nothing",
            1,
            ok(),
            &["no hosts to target", "--limit nope matches"],
        )
        .arguments(&["bad.yml", "-l", "nope"]),
        bad("a missing limit file", 1, ok(), &["limit file none does not exist"])
            .arguments(&["bad.yml", "-l", "@none"]),
        bad("forks that are no number", 2, ok(), &["--forks: \"x\""])
            .arguments(&["bad.yml", "-f", "x"]),
        bad("no forks", 2, ok(), &["--forks: \"0\"", "1 or more"])
            .arguments(&["bad.yml", "-f", "0"]),
        bad("an unknown option", 2, ok(), &["unexpected argument '--bogus'"])
            .arguments(&["bad.yml", "--bogus"]),
        bad("no playbook", 2, ok(), &["<PLAYBOOK>"]).arguments(&[]),
        bad(
            "a bad setting",
            5,
            ok(),
            &["DEFAULT_FORKS: \"x\" is not a whole number", "ANSIBLE_FORKS"],
        )
        .environment("ANSIBLE_FORKS", "x"),
        bad("a setting of no choice", 5, ok(), &["DEFAULT_GATHERING: \"never\"", "implicit"])
            .environment("ANSIBLE_GATHERING", "never"),
        bad("extra variables that are none", 5, ok(), &["must be a dictionary"])
            .arguments(&["bad.yml", "-e", "[1]"]),
        bad("broken extra variables", 4, ok(), &["is not closed", "<command line>:1:1"])
            .arguments(&["bad.yml", "-e", "{a"]),
        bad("a missing file of extra variables", 1, ok(), &["none", "No such file"])
            .arguments(&["bad.yml", "-e", "@none"]),
        bad(
            "no vault password",
            1,
            vaulted.clone(),
            &["no vault password was given", "secret.yml:1:1", "hint: "],
        )
        .with("secret.yml", &envelope),
        bad(
            "a wrong vault password",
            1,
            vaulted.clone(),
            &["no vault password fits", "secret.yml:1:1", "hint: "],
        )
        .with("wrong", "wrong\n")
        .arguments(&["bad.yml", "--vault-password-file", "wrong"]),
        bad("a missing vault password file", 1, vaulted, &["password file none was not found"])
            .arguments(&["bad.yml", "--vault-password-file", "none"]),
    ]);
}

/// An envelope made by the program itself.
fn vault(password: &str) -> String {
    let fleet = Fleet::start(0);
    fleet.write("pw", password);
    fleet.write("plain", "secret: 1\n");
    let ran = fleet.mainstay(&[
        "vault",
        "encrypt",
        "--vault-password-file",
        "pw",
        "--output",
        "-",
        "plain",
    ]);
    ran.exits(0).stdout
}

/// With no inventory nothing matches: warnings, and success, as with ansible-core.
#[test]
fn a_missing_inventory_is_warned_of_and_nothing_runs() {
    let fleet = Fleet::start(1);
    fleet.write("bad.yml", &before(""));
    let ran = fleet.run(&fleet.path("bin/ansible-playbook"), &["-i", "none", "bad.yml"], &[]);
    let told = [
        "[WARNING]: \"none\" cannot be read as an inventory: there is no such file",
        "no hosts matched",
    ];
    check("a missing inventory", 0, &told, &fleet, ran);
    let strict = [("ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED", "true")];
    let ran = fleet.run(&fleet.path("bin/ansible-playbook"), &["-i", "none", "bad.yml"], &strict);
    check("a missing inventory that counts", 1, &told[..0], &fleet, ran);
}

#[test]
fn what_is_undefined_fails_the_host_before_anything_runs() {
    let fleet = Fleet::start(1);
    for (name, task) in [
        ("in an argument", "  - command: echo {{ nope }}\n"),
        ("in a condition", "  - debug:\n    when: nope == 1\n"),
        ("in a loop", "  - debug:\n    loop: \"{{ nope }}\"\n"),
    ] {
        let ran = fleet.play(&before(task), &[]);
        check(name, 2, &["[ERROR]: 'nope' is undefined", "Origin: play.yml:"], &fleet, ran);
    }
}

/// The fingerprint of a host's present key, as `ssh-keygen -l` shows it.
fn fingerprint(fleet: &Fleet) -> String {
    let line = fleet.host(1).known_hosts_line();
    let (_, key) = line.split_once(' ').unwrap();
    let key = russh::keys::PublicKey::from_openssh(key).unwrap();
    key.fingerprint(russh::keys::HashAlg::Sha256).to_string()
}

/// A host that must not be reached by this: unreachable with exit code 4, as with ansible-core and its ssh; the reason
/// is told at the task; no shell of the host got anything.
#[track_caller]
fn unreachable(name: &str, arguments: &[&str], told: &[&str], fleet: &Fleet) {
    let ran = fleet.play(&before(""), arguments);
    assert_eq!(
        ran.recap("w1"),
        "w1 : ok=0 changed=0 unreachable=1 failed=0 skipped=0 rescued=0 ignored=0",
        "{name}"
    );
    let usual = ["fatal: [w1]: UNREACHABLE!", "[ERROR]: Task failed: ", "Origin: play.yml:4:5"];
    check(name, 4, &[&usual, told].concat(), fleet, ran);
    assert_eq!(fleet.host(1).scripts(), 0, "{name}");
}

#[test]
fn an_unknown_host_key_is_refused_with_its_fingerprint() {
    let fleet = Fleet::start(1);
    fleet.write(".ssh/known_hosts", "");
    let (print, file) = (fingerprint(&fleet), fleet.path(".ssh/known_hosts"));
    let file = file.display().to_string();
    let told = ["host key of", "is unknown", &print, "ssh-keyscan", &file];
    unreachable("an unknown host key", &[], &told, &fleet);
    assert_eq!(fleet.host(1).logins(), 0);
}

#[test]
fn a_changed_host_key_is_refused_with_the_place_of_the_old_one() {
    let fleet = Fleet::start(1);
    let known = fleet.host(1).known_hosts_line();
    fleet.write(".ssh/known_hosts", &format!("# hosts\n\n{known}"));
    fleet.host(1).change_host_key();
    let (print, line) = (fingerprint(&fleet), fleet.path(".ssh/known_hosts:3"));
    let line = line.display().to_string();
    let told = ["HAS CHANGED", &print, &line, "ssh-keygen -R"];
    unreachable("a changed host key", &[], &told, &fleet);
    assert_eq!(fleet.host(1).logins(), 0);
}

#[test]
fn a_host_that_does_not_answer_is_unreachable() {
    let fleet = Fleet::start(1);
    let (_closed, port) = support::closed_port();
    let told = [&format!("127.0.0.1 port {port}"), "Connection refused"];
    unreachable("a closed port", &["-e", &format!("ansible_port={port}")], &told, &fleet);
    let told = ["no-such-host.invalid", "the name cannot be resolved"];
    let name = ["-e", "ansible_host=no-such-host.invalid"];
    unreachable("an unknown name", &name, &told, &fleet);
}

#[test]
fn a_refused_login_is_unreachable() {
    let fleet = Fleet::start(1);
    let other = support::new_key().to_openssh(russh::keys::ssh_key::LineEnding::LF).unwrap();
    support::write_mode(&fleet.write("other", ""), &other, 0o600);
    let key = ["-e", "ansible_user=tester ansible_ssh_private_key_file=other"];
    let told = ["to let `tester` in", "tried: key", "other", "no password is set"];
    unreachable("a wrong key", &key, &told, &fleet);
    let none = ["-e", "ansible_user=tester ansible_ssh_private_key_file=nosuch"];
    unreachable("a missing key", &none, &["not tried: ", "nosuch: No such file"], &fleet);
    let none = ["-e", "ansible_user=tester ansible_ssh_private_key_file=none"];
    unreachable("no key", &none, &["tried: nothing"], &fleet);

    fleet.host(1).set_password("right");
    let password = |text: &str| {
        let extra = "ansible_ssh_extra_args='-o PubkeyAuthentication=no'";
        format!("ansible_user=tester ansible_password={text} {extra}")
    };
    let wrong = password("wr0ng");
    let told = ["to let `tester` in", "tried: ", "password"];
    unreachable("a wrong password", &["-e", &wrong], &told, &fleet);
    fleet.play(&before(""), &["-e", &password("right")]).exits(0);

    let fleet = Fleet::start(1);
    fleet.host(1).refuse_logins();
    let told = ["refused to let", "id_ed25519", "the server accepts: "];
    unreachable("a refused login", &[], &told, &fleet);
}

/// Asks for a password as `sudo -S` does: its prompt, a line of standard input, three attempts. `-n` asks nothing.
const SUDO: &str = r#"
ask=1
while :; do case $1 in
    -n) ask=; shift ;;
    -p) prompt=$2; shift 2 ;;
    -u) shift 2 ;;
    -*) shift ;;
    *) break ;;
esac; done
[ "$ask" ] || { echo 'sudo: a password is required' >&2; exit 1; }
for attempt in 1 2 3; do
    printf '%s' "$prompt" >&2
    IFS= read -r password || { echo 'sudo: no password was provided' >&2; exit 1; }
    [ "$password" = r1ght ] && exec "$@"
    echo 'Sorry, try again.' >&2
done
echo 'sudo: 3 incorrect password attempts' >&2
exit 1"#;

/// What sudo refuses is a failed task, exit code 2, as with ansible-core.
#[test]
fn a_refused_sudo_fails_the_host() {
    let fleet = Fleet::start(1);
    let refused = |name: &str, arguments: &[&str], told: &[&str]| {
        let ran = fleet.play(&before(""), &[&["-b"], arguments].concat());
        assert_eq!(
            ran.recap("w1"),
            "w1 : ok=0 changed=0 unreachable=0 failed=1 skipped=0 rescued=0 ignored=0",
            "{name}"
        );
        let usual = ["fatal: [w1]: FAILED!", "[ERROR]: Task failed: ", "Origin: play.yml:4:5"];
        check(name, 2, &[&usual, told].concat(), &fleet, ran);
    };
    fleet.host(1).install("sudo", SUDO);
    let hint = ["a password is required", "set ansible_become_password"];
    refused("no password", &[], &hint);
    let wrong = ["-e", "ansible_become_password=wr0ng"];
    refused("a wrong password", &wrong, &["sudo refused the password for root"]);
    fleet.host(1).install("sudo", "echo 'tester is not in the sudoers file.' >&2; exit 1");
    refused("sudo for nobody", &[], &["tester is not in the sudoers file"]);
    fleet.host(1).install("sudo", SUDO);
    fleet.play(&before(""), &["-b", "-e", "ansible_become_password=r1ght"]).exits(0);
    assert!(fleet.on_host(1, "marker").is_some());
}
