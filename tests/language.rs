//! Playbooks under `tests/language/`, run by the built program on this machine. Their first lines say how the run ends
//! (`# expect: exit=0 ok=3 …`: exit code and recap of `localhost`), as the reference was seen to end it.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "tests"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/language")
}

fn playbooks() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory()).expect("tests/language");
    let mut all: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    all.retain(|path| path.extension().is_some_and(|e| e == "yml"));
    all.sort();
    all
}

/// The words after `# expect:`; a file without them is forgotten by everyone but this.
fn expected(playbook: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(playbook).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("# expect: "));
    let line =
        line.unwrap_or_else(|| panic!("{} does not say what it expects", playbook.display()));
    line.split_whitespace().map(str::to_owned).collect()
}

/// Exit code, recap words of `localhost`, and everything that was written.
fn run(playbook: &Path) -> (String, Vec<String>, String) {
    let state = tempfile::tempdir().unwrap();
    // Under this name it has the options and the recap that the reference was compared in.
    let named = state.path().join("ansible-playbook");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_mainstay"), &named).unwrap();
    let output = Command::new(&named)
        .args(["-c", "local"])
        .arg(playbook)
        .current_dir(directory())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", state.path())
        .env("XDG_STATE_HOME", state.path())
        .output()
        .expect("the program starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let shown = format!("{}{}", text(&output.stdout), text(&output.stderr));
    let recap =
        shown.lines().rev().find_map(|line| line.strip_prefix("localhost ")).unwrap_or_default();
    let words = recap.split_whitespace().map(str::to_owned).collect();
    (output.status.code().map_or("signal".to_owned(), |code| format!("exit={code}")), words, shown)
}

#[test]
fn playbooks_end_as_with_the_reference() {
    let mut wrong = Vec::new();
    for playbook in playbooks() {
        let (exit, recap, shown) = run(&playbook);
        let missing: Vec<String> = expected(&playbook)
            .into_iter()
            .filter(|word| *word != exit && !recap.contains(word))
            .collect();
        if !missing.is_empty() {
            wrong.push(format!(
                "{}: not {}\n{exit}\n{shown}",
                playbook.display(),
                missing.join(" ")
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn no_file_is_forgotten() {
    let all = playbooks();
    assert!(all.len() >= 9, "{} playbooks", all.len());
    for playbook in all {
        let words = expected(&playbook);
        assert!(words.iter().any(|word| word.starts_with("exit=")), "{}", playbook.display());
        assert!(words.iter().any(|word| word.starts_with("ok=")), "{}", playbook.display());
    }
}
