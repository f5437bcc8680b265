//! `--start-at-task`: what stands before the first task of that name is passed over, play after play.
//!
//! The tasks that are looked at are those that are there before anything runs: imports and roles, the parts of blocks
//! except `rescue`; neither handlers nor what is included while the play runs. Hosts of one batch start together, so the
//! place is found once; later batches and plays run whole.

use super::cursor::Cursor;
use super::keywords::action_name;
use super::playing::Playing;
use super::run::Run;
use globset::GlobMatcher;
use mainstay_language::inventory::shell_glob;
use mainstay_language::playbook::{Section, Task};
use std::sync::Arc;

/// What a task has to be called: its name, with or without its role's, or its action if it has none.
#[derive(Debug, Clone)]
pub(super) struct Name {
    text: Arc<str>,
    glob: Option<GlobMatcher>,
}

impl Name {
    pub(super) fn new(text: &str) -> Self {
        Self { text: Arc::from(text), glob: shell_glob(text) }
    }

    /// Whether this is what is meant; `*`, `?` and `[…]` stand for what they do in a shell.
    pub(super) fn is(&self, name: &str) -> bool {
        *self.text == *name || self.glob.as_ref().is_some_and(|glob| glob.is_match(name))
    }

    fn of(&self, task: &Task) -> bool {
        let written = task.lineage.keywords.name.as_ref().map(|name| name.as_str().to_owned());
        let shown = written.clone().unwrap_or_else(|| action_name(task));
        let qualified = match task.lineage.role() {
            Some(role) => format!("{} : {shown}", role.name),
            None => shown,
        };
        written.is_some_and(|name| self.is(&name)) || self.is(&qualified)
    }
}

/// Where a batch starts.
#[derive(Debug, Clone)]
pub(super) struct Start {
    name: Name,
    section: Section,
}

impl Start {
    /// Looks for the task in the sections of a play.
    pub(super) fn find(run: &Run, playing: &Arc<Playing>, name: &str) -> Option<Self> {
        let name = Name::new(name);
        let found = [Section::Pre, Section::Main, Section::Post].into_iter().find(|section| {
            let mut cursor = Cursor::new(&playing.play, &[*section], false);
            seek(run, playing, &mut cursor, Some(&name))
        });
        found.map(|section| Self { name, section })
    }

    /// Puts a cursor that stands before these sections where its host starts: at the task, or behind sections that come
    /// before it.
    pub(super) fn apply(
        &self,
        run: &Run,
        playing: &Arc<Playing>,
        sections: &[Section],
        cursor: &mut Cursor,
    ) {
        if sections.contains(&self.section) {
            seek(run, playing, cursor, Some(&self.name));
        } else if sections.iter().all(|section| *section < self.section) {
            seek(run, playing, cursor, None);
        }
    }
}

/// Moves to the task of this name; without one, or if there is no such task, to the end.
fn seek(run: &Run, playing: &Arc<Playing>, cursor: &mut Cursor, name: Option<&Name>) -> bool {
    cursor.seek(&mut |task, _| run.selects(playing, task), &mut |task| {
        name.is_some_and(|name| name.of(task))
    })
}

#[cfg(test)]
mod tests {
    use super::Name;

    #[test]
    fn names_are_shell_patterns() {
        for (pattern, name, fits) in [
            ("b1", "b1", true),
            ("b1", "b12", false),
            ("b?", "b1", true),
            ("*two*", "one two three", true),
            ("[it]n", "in", true),
            ("b2 {{ x }}", "b2 {{ x }}", true),
            ("{a,b}*", "a1", false),
        ] {
            assert_eq!(Name::new(pattern).is(name), fits, "{pattern} {name}");
        }
    }
}
