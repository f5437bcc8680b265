//! Which keyword may stand where, and what it may hold.

/// Where a keyword may stand. A set: `PLAY | TASK`.
pub type On = u8;
/// On a play.
pub const PLAY: On = 1;
/// On an entry of `roles:` or of a role's dependencies.
pub const ROLE: On = 2;
/// On a block.
pub const BLOCK: On = 4;
/// On a task.
pub const TASK: On = 8;
/// On a handler only (a handler has the keywords of a task as well).
pub const HANDLER: On = 16;

const ALL: On = PLAY | ROLE | BLOCK | TASK;
const INNER: On = ROLE | BLOCK | TASK;

/// What a literal value must be. Templates are not checked here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// true or false, and texts that mean it
    Bool,
    /// a whole number
    Int,
    /// a number
    Float,
    /// a number, perhaps with a percent sign
    Percent,
    /// numbers or percents, alone or in a list
    Batches,
    /// a scalar
    Text,
    /// one of these
    Choice(&'static [&'static str]),
    /// a scalar or a list of scalars
    Texts,
    /// one condition or a list of them
    Conditions,
    /// a map, or a list of maps
    Maps,
    /// checked where it is read
    Own,
}

/// A keyword of the language.
#[derive(Debug)]
pub struct Keyword {
    /// As it is written.
    pub name: &'static str,
    /// Where.
    pub on: On,
    /// What.
    pub kind: Kind,
    /// Whether it is one of the keywords in [`super::Keywords::simple`].
    pub simple: bool,
}

const fn shared(name: &'static str, on: On, kind: Kind) -> Keyword {
    Keyword { name, on, kind, simple: true }
}

const fn own(name: &'static str, on: On, kind: Kind) -> Keyword {
    Keyword { name, on, kind, simple: false }
}

const DEBUGGER: &[&str] = &["always", "on_failed", "on_unreachable", "on_skipped", "never"];
const ORDER: &[&str] = &["inventory", "sorted", "reverse_sorted", "reverse_inventory", "shuffle"];

/// Every keyword.
pub const KEYWORDS: &[Keyword] = &[
    own("hosts", PLAY, Kind::Own),
    own("tasks", PLAY, Kind::Own),
    own("pre_tasks", PLAY, Kind::Own),
    own("post_tasks", PLAY, Kind::Own),
    own("roles", PLAY, Kind::Own),
    own("handlers", PLAY, Kind::Own),
    own("vars_prompt", PLAY, Kind::Own),
    own("vars_files", PLAY, Kind::Own),
    own("maintenance", PLAY, Kind::Own),
    own("gather_facts", PLAY, Kind::Bool),
    own("gather_subset", PLAY, Kind::Texts),
    own("gather_timeout", PLAY, Kind::Int),
    own("fact_path", PLAY, Kind::Text),
    own("serial", PLAY, Kind::Batches),
    own("max_fail_percentage", PLAY, Kind::Percent),
    own("strategy", PLAY, Kind::Text),
    own("order", PLAY, Kind::Choice(ORDER)),
    own("force_handlers", PLAY, Kind::Bool),
    own("user", PLAY, Kind::Text),
    own("name", ALL, Kind::Text),
    own("vars", ALL, Kind::Maps),
    own("when", INNER, Kind::Conditions),
    own("tags", ALL, Kind::Texts),
    own("environment", ALL, Kind::Maps),
    own("module_defaults", ALL, Kind::Maps),
    own("notify", BLOCK | TASK, Kind::Texts),
    own("role", ROLE, Kind::Text),
    own("block", BLOCK, Kind::Own),
    own("rescue", BLOCK, Kind::Own),
    own("always", BLOCK, Kind::Own),
    own("action", TASK, Kind::Own),
    own("local_action", TASK, Kind::Own),
    own("args", TASK, Kind::Own),
    own("loop", TASK, Kind::Own),
    own("loop_control", TASK, Kind::Own),
    own("register", TASK, Kind::Text),
    own("changed_when", TASK, Kind::Conditions),
    own("failed_when", TASK, Kind::Conditions),
    own("until", TASK, Kind::Conditions),
    own("retries", TASK, Kind::Int),
    own("delay", TASK, Kind::Float),
    own("async", TASK, Kind::Int),
    own("poll", TASK, Kind::Int),
    own("listen", HANDLER, Kind::Texts),
    shared("any_errors_fatal", ALL, Kind::Bool),
    shared("ignore_errors", ALL, Kind::Bool),
    shared("ignore_unreachable", ALL, Kind::Bool),
    shared("delegate_to", INNER, Kind::Text),
    shared("delegate_facts", INNER, Kind::Bool),
    shared("run_once", ALL, Kind::Bool),
    shared("become", ALL, Kind::Bool),
    shared("become_user", ALL, Kind::Text),
    shared("become_method", ALL, Kind::Text),
    shared("become_flags", ALL, Kind::Text),
    shared("become_exe", ALL, Kind::Text),
    shared("check_mode", ALL, Kind::Bool),
    shared("diff", ALL, Kind::Bool),
    shared("no_log", ALL, Kind::Bool),
    shared("throttle", ALL, Kind::Int),
    shared("timeout", ALL, Kind::Int),
    shared("connection", ALL, Kind::Text),
    shared("remote_user", ALL, Kind::Text),
    shared("port", ALL, Kind::Int),
    shared("collections", ALL, Kind::Texts),
    shared("debugger", ALL, Kind::Choice(DEBUGGER)),
];

/// The keyword of that name.
#[must_use]
pub fn keyword(name: &str) -> Option<&'static Keyword> {
    KEYWORDS.iter().find(|k| k.name == name)
}

/// The nearest of `names` to a mistyped one, if it is near enough to be meant.
#[must_use]
pub fn nearest<'n>(written: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let allowed = match written.chars().count() {
        0..=2 => 1,
        3..=7 => 2,
        _ => 3,
    };
    names
        .into_iter()
        .map(|name| (distance(written, name), name))
        .filter(|(d, name)| *d <= allowed && *d < name.chars().count())
        .min_by_key(|(d, _)| *d)
        .map(|(_, name)| name)
}

/// Insertions, deletions, substitutions and swaps of neighbours between two words.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut previous: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let at = |row: &[usize], j: usize| row.get(j).copied().unwrap_or(usize::MAX - 1);
            let mut best = (at(&previous, j) + usize::from(x != y))
                .min(at(&previous, j + 1) + 1)
                .min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x);
            if swapped {
                best = best.min(at(&before, j - 1) + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut previous, row);
    }
    previous.last().copied().unwrap_or(0)
}

/// `plays and tasks`: where a keyword may stand, for messages.
#[must_use]
pub fn places(on: On) -> String {
    let names: Vec<_> = [
        (PLAY, "plays"),
        (ROLE, "role entries"),
        (BLOCK, "blocks"),
        (TASK, "tasks"),
        (HANDLER, "handlers"),
    ]
    .iter()
    .filter(|(bit, _)| on & bit != 0)
    .map(|(_, name)| *name)
    .collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        Some((last, _)) => (*last).to_owned(),
        None => String::new(),
    }
}
