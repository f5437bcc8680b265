//! The runs of a state directory: what they were, whether they are alive, what they still hold.

use super::store::FILE;
use super::{Effect, End, Ended, HeldNode, JournalError, Record, State, fold, read};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// One run of the state directory.
#[derive(Debug, Clone)]
pub struct Run {
    /// Its directory.
    pub directory: PathBuf,
    /// What its journal says.
    pub state: State,
    /// How the readable part of the journal ends.
    pub end: End,
    /// The process that wrote it still runs.
    pub alive: bool,
}

impl Run {
    /// It ended by itself; otherwise it was stopped in the middle (or still runs).
    #[must_use]
    pub fn ended(&self) -> bool {
        self.state.exit.is_some()
    }
}

/// A run's directory that cannot be read.
#[derive(Debug)]
pub struct Problem {
    /// Its directory.
    pub directory: PathBuf,
    /// Why.
    pub error: JournalError,
}

/// All runs, newest first, and the directories that could not be read. `alive` tells whether a process of that id runs
/// on the machine's boot of that id; the caller asks the system.
///
/// # Errors
/// The directory cannot be listed; one that does not exist holds no runs.
pub fn runs(
    state_directory: &Path,
    alive: &dyn Fn(u32, &str) -> bool,
) -> io::Result<(Vec<Run>, Vec<Problem>)> {
    let mut found = Vec::new();
    let mut problems = Vec::new();
    for (directory, contents) in journals(state_directory)? {
        match contents {
            Ok(contents) => {
                let state = fold(&contents.records);
                let alive = state.exit.is_none() && alive(state.process.0, &state.process.1);
                found.push(Run { directory, state, end: contents.end, alive });
            }
            Err(error) => problems.push(Problem { directory, error }),
        }
    }
    found.sort_by(|a, b| (&b.state.started, &b.state.run).cmp(&(&a.state.started, &a.state.run)));
    Ok((found, problems))
}

/// Nodes that runs of this state directory still hold, or may hold. A node that a later run (a resume, an abort, an
/// `uncordon`) gave back is not held any more.
///
/// # Errors
/// As for [`runs`]; a journal that cannot be read is named in the second list, for what it holds is unknown.
pub fn held_nodes(state_directory: &Path) -> io::Result<(Vec<HeldNode>, Vec<Problem>)> {
    let mut histories = Vec::new();
    let mut problems = Vec::new();
    for (directory, contents) in journals(state_directory)? {
        match contents {
            Ok(contents) => {
                if let End::Damaged { at } = contents.end {
                    let path = directory.join(FILE);
                    let error = JournalError::Damaged { path, at };
                    problems.push(Problem { directory, error });
                }
                let started = fold(&contents.records).started;
                histories.push((started, contents.records));
            }
            Err(error) => problems.push(Problem { directory, error }),
        }
    }
    histories.sort_by(|a, b| a.0.cmp(&b.0));
    let mut held = BTreeMap::new();
    for (_, records) in &histories {
        for key in released(records) {
            held.remove(&key);
        }
        held.extend(fold(records).held);
    }
    Ok((held.into_values().collect(), problems))
}

type Key = (String, String, String);
type Journals = Vec<(PathBuf, Result<super::Contents, JournalError>)>;

#[expect(clippy::disallowed_methods, reason = "the journal owns its files")]
fn journals(state_directory: &Path) -> io::Result<Journals> {
    let entries = match std::fs::read_dir(state_directory.join("runs")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let directory = entry?.path();
        let journal = directory.join(FILE);
        // An empty file is a run that was stopped before it could record anything, and so before it could do anything.
        if journal.metadata().is_ok_and(|meta| meta.len() > 0) {
            found.push((directory, read(&journal)));
        }
    }
    Ok(found)
}

/// Nodes that these records gave back, whoever had cordoned them.
fn released(records: &[Record]) -> Vec<Key> {
    let mut intents = BTreeMap::new();
    let mut released = Vec::new();
    for record in records {
        match record {
            Record::Intent { id, effect: Effect::Uncordon { cluster, node, uid } } => {
                intents.insert(*id, (cluster.clone(), node.clone(), uid.clone()));
            }
            Record::Outcome { id, result: Ended::Done | Ended::NotNeeded, .. } => {
                released.extend(intents.remove(id));
            }
            _ => {}
        }
    }
    released
}
