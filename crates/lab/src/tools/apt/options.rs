//! Command lines of apt's programs.

use crate::tools::session::Failed;

/// What the command line says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Options {
    /// The verb, and what it is about.
    pub(super) words: Vec<String>,
    /// 0, 1 (`-q`) or 2 (`-qq`).
    pub(super) quiet: u8,
    switches: Vec<&'static str>,
    settings: Vec<(String, String)>,
}

/// One letter, all names (the first is how it is asked for).
const SWITCHES: [(Option<char>, &[&str]); 20] = [
    (Some('y'), &["yes", "assume-yes"]),
    (Some('s'), &["simulate", "just-print", "dry-run", "recon", "no-act"]),
    (Some('d'), &["download-only"]),
    (Some('f'), &["fix-broken"]),
    (Some('m'), &["fix-missing", "ignore-missing"]),
    (Some('V'), &["verbose-versions"]),
    (None, &["allow-change-held-packages"]),
    (None, &["allow-downgrades"]),
    (None, &["allow-unauthenticated"]),
    (None, &["allow-remove-essential"]),
    (None, &["only-upgrade"]),
    (None, &["no-remove"]),
    (None, &["purge"]),
    (None, &["auto-remove", "autoremove"]),
    (None, &["reinstall"]),
    (None, &["install-recommends"]),
    (None, &["no-install-recommends"]),
    (None, &["with-new-pkgs"]),
    (None, &["force-yes"]),
    (None, &["allow-insecure-repositories"]),
];

impl Options {
    pub(super) fn parse(words: &[String]) -> Result<Self, Failed> {
        let mut options = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            if word == "--" {
                options.words.extend(words.cloned());
                break;
            } else if let Some(long) = word.strip_prefix("--") {
                options.long(long, &mut words)?;
            } else if word.len() > 1 && word.starts_with('-') {
                options.short(word, &mut words)?;
            } else {
                options.words.push(word.clone());
            }
        }
        Ok(options)
    }

    fn long<'a>(
        &mut self,
        long: &str,
        words: &mut impl Iterator<Item = &'a String>,
    ) -> Result<(), Failed> {
        let (name, value) = match long.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (long, None),
        };
        match name {
            "quiet" => self.quiet = value.and_then(|v| v.parse().ok()).unwrap_or(self.quiet + 1),
            "option" | "target-release" | "default-release" => {
                let value = value.map(str::to_owned).or_else(|| words.next().cloned());
                self.value(if name == "option" { 'o' } else { 't' }, value.as_deref())?;
            }
            _ => {
                let known = SWITCHES.iter().find(|(_, names)| names.contains(&name));
                let known = known
                    .and_then(|(_, names)| names.first())
                    .ok_or_else(|| not_understood(&format!("--{name}")))?;
                self.switches.push(known);
            }
        }
        Ok(())
    }

    fn short<'a>(
        &mut self,
        word: &str,
        words: &mut impl Iterator<Item = &'a String>,
    ) -> Result<(), Failed> {
        let mut letters = word.trim_start_matches('-').chars();
        while let Some(letter) = letters.next() {
            match letter {
                'q' => match letters.as_str().strip_prefix('=') {
                    Some(level) => {
                        self.quiet = level.parse().unwrap_or(1);
                        return Ok(());
                    }
                    None => self.quiet += 1,
                },
                'o' | 't' => {
                    let inline = letters.as_str();
                    let value = if inline.is_empty() {
                        words.next().map(String::as_str)
                    } else {
                        Some(inline)
                    };
                    return self.value(letter, value);
                }
                _ => {
                    let known = SWITCHES.iter().find(|(short, _)| *short == Some(letter));
                    let known = known.and_then(|(_, names)| names.first()).ok_or_else(|| {
                        Failed::new(100, format!("E: Command line option '{letter}' [from {word}] is not understood in combination with the other options."))
                    })?;
                    self.switches.push(known);
                }
            }
        }
        Ok(())
    }

    fn value(&mut self, letter: char, value: Option<&str>) -> Result<(), Failed> {
        let value = value.ok_or_else(|| {
            Failed::new(100, format!("E: Command line option -{letter} requires an argument."))
        })?;
        if letter == 't' {
            return Err(Failed::new(
                100,
                format!("E: The lab has no releases to choose from: -t {value}"),
            ));
        }
        let (key, value) = value.split_once('=').ok_or_else(|| {
            Failed::new(
                100,
                format!("E: Option {value}: Configuration item specification must have an =<val>."),
            )
        })?;
        self.settings.push((key.to_lowercase(), value.to_owned()));
        Ok(())
    }

    /// Whether a switch was given, by its first name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.switches.contains(&name)
    }

    /// A setting of `-o`.
    pub(super) fn setting(&self, key: &str) -> Option<&str> {
        self.settings.iter().rev().find(|(name, _)| *name == key).map(|(_, value)| value.as_str())
    }

    /// Seconds to wait for a lock: `-o DPkg::Lock::Timeout=N`, where less than 0 means for ever.
    pub(super) fn patience(&self) -> Option<u64> {
        let seconds: i64 = self.setting("dpkg::lock::timeout")?.parse().ok()?;
        Some(u64::try_from(seconds).unwrap_or(u64::MAX))
    }

    /// The file of sources and the directory of more, if there is one.
    pub(super) fn sources(&self) -> (String, Option<String>) {
        let under = |path: &str| {
            if path.starts_with('/') { path.to_owned() } else { format!("/etc/apt/{path}") }
        };
        let list = under(self.setting("dir::etc::sourcelist").unwrap_or("sources.list"));
        let parts = self.setting("dir::etc::sourceparts").unwrap_or("sources.list.d");
        (list, (parts != "-" && parts != "/dev/null" && !parts.is_empty()).then(|| under(parts)))
    }
}

fn not_understood(option: &str) -> Failed {
    Failed::new(
        100,
        format!(
            "E: Command line option {option} is not understood in combination with the other options"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Options, Failed> {
        Options::parse(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn lines_are_read() {
        let options =
            read("-y -q -o Dpkg::Options::=--force-confdef install -- kubeadm=1.37.2-*").unwrap();
        assert_eq!((options.quiet, options.has("yes"), options.words.len()), (1, true, 2));
        let options = read("-qq -o DPkg::Lock::Timeout=600 -o Dir::Etc::sourceparts=- -o Dir::Etc::sourcelist=k.list update").unwrap();
        assert_eq!((options.quiet, options.patience()), (2, Some(600)));
        assert_eq!(options.sources(), ("/etc/apt/k.list".to_owned(), None));
        assert_eq!(read("update").unwrap().sources().1.as_deref(), Some("/etc/apt/sources.list.d"));
    }

    #[test]
    fn others_are_refused() {
        let failed = read("--frob install x").unwrap_err();
        // apt 2.6.1
        assert_eq!(
            failed.text,
            "E: Command line option --frob is not understood in combination with the other options\n"
        );
        assert_eq!(failed.code, 100);
    }
}
