//! `--list-hosts`, `--list-tasks`, `--list-tags`: what would run, without connecting.

use crate::engine::{self, Run};
use mainstay_language::diag::Diagnostic;
use mainstay_language::playbook::{self, Play, Playbook};
use mainstay_language::value::Value;
use std::fmt::Write as _;
use std::sync::Arc;

/// What is listed.
#[derive(Debug, Clone, Copy)]
pub struct What {
    /// Hosts of every play.
    pub hosts: bool,
    /// Tasks with their tags.
    pub tasks: bool,
    /// Tags alone.
    pub tags: bool,
}

/// The listing of one playbook file, as `ansible-playbook` prints it.
///
/// # Errors
/// A pattern is wrong.
pub fn list(run: &Run, file: &str, playbook: Playbook, what: What) -> Result<String, Diagnostic> {
    let mut out = format!("\nplaybook: {file}\n");
    for (number, play) in playbook.plays.into_iter().enumerate() {
        one(run, number + 1, &Arc::new(play), what, &mut out)?;
    }
    Ok(out)
}

fn one(
    run: &Run,
    number: usize,
    play: &Arc<Play>,
    what: What,
    out: &mut String,
) -> Result<(), Diagnostic> {
    let patterns = engine::patterns(run, play)?;
    let name =
        play.lineage.keywords.name.as_ref().map_or_else(|| patterns.join(","), ToString::to_string);
    let tags: Vec<String> = play.lineage.keywords.tags.iter().map(ToString::to_string).collect();
    let _ = write!(
        out,
        "\n  play #{number} ({}): {name}\tTAGS: [{}]\n",
        patterns.join(","),
        tags.join(",")
    );
    if what.hosts {
        let hosts = run.select_hosts(&patterns, play.hosts.place())?;
        let _ =
            write!(out, "    pattern: {}\n    hosts ({}):\n", python_list(&patterns), hosts.len());
        for host in hosts {
            let _ = writeln!(out, "      {host}");
        }
    }
    let mut entries = Vec::new();
    for section in &play.sections {
        entries.extend(playbook::tasks(section));
    }
    entries.retain(|entry| run.options.tags.takes(&entry.tags));
    if what.tasks {
        out.push_str("    tasks:\n");
        for entry in &entries {
            let _ = writeln!(out, "      {}\tTAGS: [{}]", entry.label, entry.tags.join(", "));
        }
    }
    if what.tags {
        let mut all: Vec<String> = entries.iter().flat_map(|entry| entry.tags.clone()).collect();
        all.sort();
        all.dedup();
        let _ = writeln!(out, "      TASK TAGS: [{}]", all.join(", "));
    }
    Ok(())
}

fn python_list(items: &[String]) -> String {
    mainstay_language::value::repr(&Value::from(items.to_vec()))
}
