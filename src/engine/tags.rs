//! Which tasks `--tags` and `--skip-tags` select: pure.

/// The selection of a run.
#[derive(Debug, Clone)]
pub struct Selection {
    /// `--tags`, default `all`.
    pub only: Vec<String>,
    /// `--skip-tags`
    pub skip: Vec<String>,
}

impl Default for Selection {
    fn default() -> Self {
        Self { only: vec!["all".to_owned()], skip: Vec::new() }
    }
}

impl Selection {
    /// Whether everything is selected that nothing hides.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.skip.is_empty() && self.only == ["all"]
    }

    /// Whether a task with these tags runs.
    #[must_use]
    pub fn takes(&self, tags: &[String]) -> bool {
        let has = |tag: &str| tags.iter().any(|t| t == tag);
        let wanted = |tag: &str| self.only.iter().any(|t| t == tag);
        let shared = tags.iter().any(|tag| wanted(tag));
        let untagged = tags.is_empty();
        let run = has("always")
            || (wanted("all") && !has("never"))
            || shared
            || (wanted("tagged") && !untagged && !has("never"))
            || (wanted("untagged") && untagged);
        run && !self.skips(tags)
    }

    fn skips(&self, tags: &[String]) -> bool {
        let skipped = |tag: &str| self.skip.iter().any(|t| t == tag);
        let has = |tag: &str| tags.iter().any(|t| t == tag);
        if skipped("all") && !(has("always") && !skipped("always")) {
            return true;
        }
        tags.iter().any(|tag| skipped(tag))
            || (skipped("tagged") && !tags.is_empty())
            || (skipped("untagged") && tags.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::Selection;

    /// Observed with ansible-core 2.19.14: one task per set of tags, `--tags` and `--skip-tags` as given.
    #[test]
    fn selects_as_ansible() {
        let cases: [(&str, &str, &str, bool); 19] = [
            ("all", "", "", true),
            ("all", "", "a", true),
            ("all", "", "never", false),
            ("all", "", "never,a", false),
            ("a", "", "never,a", true),
            ("a", "", "a,b", true),
            ("a", "", "b", false),
            ("a", "", "", false),
            ("a", "", "always", true),
            ("tagged", "", "", false),
            ("tagged", "", "b", true),
            ("tagged", "", "never,b", false),
            ("untagged", "", "", true),
            ("untagged", "", "b", false),
            ("all", "a", "a", false),
            ("all", "a", "b", true),
            ("all", "all", "always", true),
            ("all", "all", "b", false),
            ("all", "always", "always", false),
        ];
        for (only, skip, tags, expected) in cases {
            let split =
                |s: &str| s.split(',').filter(|t| !t.is_empty()).map(str::to_owned).collect();
            let selection = Selection { only: split(only), skip: split(skip) };
            let tags: Vec<String> = split(tags);
            assert_eq!(
                selection.takes(&tags),
                expected,
                "--tags {only} --skip-tags {skip}: {tags:?}"
            );
        }
    }
}
