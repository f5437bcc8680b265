//! Which packages `apt` has to install or remove: parsers and a pure decision.

use super::Failure;
use globset::Glob;
use std::collections::HashMap;

/// `name`, `name=version`, `name:arch`, each perhaps with `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    /// With architecture, as written.
    pub(super) name: String,
    pub(super) version: Option<String>,
}

/// An installed package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Installed {
    pub(super) version: String,
    /// Only its configuration files are left.
    pub(super) residual: bool,
    /// Another package provides this name.
    pub(super) virtual_name: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Present,
    Latest,
    Absent,
}

pub(super) fn wanted(names: &[String]) -> Result<Vec<Wanted>, Failure> {
    let mut all = Vec::new();
    for text in names.iter().map(|n| n.trim()).filter(|n| !n.is_empty()) {
        if text.contains(">=") {
            return Err(Failure::msg(format!("{text}: version ranges (>=) are not supported")));
        }
        let (name, version) = match text.split_once('=') {
            Some((name, version)) => (name.trim(), Some(version.trim().to_owned())),
            None => (text, None),
        };
        if name.starts_with('-') {
            return Err(Failure::msg(format!("{name} is no package name")));
        }
        all.push(Wanted { name: name.to_owned(), version });
    }
    Ok(all)
}

/// Lines `package|architecture|version|status|provides` of `dpkg-query`. Under `name` and `name:arch`.
pub(super) fn parse_installed(text: &str) -> HashMap<String, Installed> {
    let mut all: HashMap<String, Installed> = HashMap::new();
    for line in text.lines() {
        let mut parts = line.split('|');
        let (Some(name), Some(arch), Some(version), Some(status)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        let residual = match status.get(1..2) {
            Some("i") => false,
            Some("c") => true,
            _ => continue,
        };
        let package = Installed { version: version.to_owned(), residual, virtual_name: false };
        all.insert(format!("{name}:{arch}"), package.clone());
        let better = all.get(name).is_none_or(|old| old.residual || old.virtual_name);
        if better {
            all.insert(name.to_owned(), package.clone());
        }
        if !residual {
            for provided in parts.next().unwrap_or_default().split(',') {
                let name = provided.split('(').next().unwrap_or_default().trim();
                if !name.is_empty() {
                    let known = Installed { virtual_name: true, ..package.clone() };
                    all.entry(name.to_owned()).or_insert(known);
                }
            }
        }
    }
    all
}

/// Candidates of `apt-cache policy`, by the name in its headings.
pub(super) fn parse_policy(text: &str) -> HashMap<String, String> {
    let mut all = HashMap::new();
    let mut name = "";
    for line in text.lines() {
        if !line.starts_with(' ') {
            name = line.trim_end_matches(':');
        } else if let Some(candidate) = line.trim().strip_prefix("Candidate:") {
            all.insert(name.to_owned(), candidate.trim().to_owned());
        }
    }
    all
}

fn matches(pattern: &str, text: &str) -> bool {
    if !pattern.contains(['*', '?', '[']) {
        return pattern == text;
    }
    Glob::new(pattern).is_ok_and(|glob| glob.compile_matcher().is_match(text))
}

/// The words for `apt-get`: `name` or `name=version`.
///
/// # Errors
/// A package is unknown.
pub(super) fn decide(
    wanted: &[Wanted],
    state: State,
    only_upgrade: bool,
    installed: &HashMap<String, Installed>,
    candidates: &HashMap<String, String>,
) -> Result<Vec<String>, Failure> {
    let mut words = Vec::new();
    for package in wanted {
        let word = match &package.version {
            Some(version) => format!("{}={version}", package.name),
            None => package.name.clone(),
        };
        if package.name.contains(['*', '?', '[']) {
            glob(package, state, only_upgrade, installed, &mut words);
            continue;
        }
        let here = installed.get(&package.name).filter(|i| !i.residual);
        let real = here.filter(|i| !i.virtual_name);
        let candidate = candidates.get(&package.name).filter(|c| *c != "(none)");
        match (state, here) {
            (State::Absent, _) => {
                let version = package.version.as_deref().unwrap_or("*");
                if real.is_some_and(|i| matches(version, &i.version)) {
                    words.push(package.name.clone());
                }
            }
            (_, None) if only_upgrade => {}
            (_, None) => {
                if candidate.is_none() && !candidates.contains_key(&package.name) {
                    return Err(Failure::msg(format!(
                        "No package matching '{}' is available",
                        package.name
                    )));
                }
                words.push(word);
            }
            (_, Some(i)) => match (&package.version, state) {
                (Some(version), _) if matches(version, &i.version) => {}
                (Some(_), _) => words.push(word),
                (None, State::Latest)
                    if candidate.is_some_and(|c| *c != i.version) && real.is_some() =>
                {
                    words.push(word);
                }
                (None, _) => {}
            },
        }
    }
    Ok(words)
}

/// A pattern of names: what it matches among the installed ones; for `present` apt expands it itself.
fn glob(
    package: &Wanted,
    state: State,
    only_upgrade: bool,
    installed: &HashMap<String, Installed>,
    words: &mut Vec<String>,
) {
    let mut names: Vec<&String> = installed
        .iter()
        .filter(|(name, i)| {
            !i.residual && !i.virtual_name && !name.contains(':') && matches(&package.name, name)
        })
        .map(|(name, _)| name)
        .collect();
    names.sort();
    match state {
        State::Absent => words.extend(names.into_iter().cloned()),
        _ if only_upgrade || state == State::Latest && !names.is_empty() => {
            words.extend(names.into_iter().cloned());
        }
        // dpkg knows only what is installed: apt-get finds out, and says "0 newly installed" if there is nothing to do.
        _ => {
            words.push(package.version.as_ref().map_or_else(
                || package.name.clone(),
                |version| format!("{}={version}", package.name),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Wanted, state → words.
    #[test]
    fn decides() {
        let installed = parse_installed(
            "bash|amd64|5.2.15-2|ii |\nkubelet|amd64|1.31.4-1.1|hi |\nvim|amd64|9.0|rc |\nmawk|amd64|1.3|ii |awk\n\
             libc6|i386|2.36|ii |\nhalf|amd64|1|iU |\n",
        );
        let candidates = parse_policy(
            "bash:\n  Installed: 5.2.15-2\n  Candidate: 5.2.15-2+b7\n  Version table:\n     5.2.15-2+b7 500\n\
             vim:\n  Installed: (none)\n  Candidate: 9.1\ncowsay:\n  Candidate: 3\nawk:\n  Candidate: (none)\n\
             kubelet:\n  Candidate: 1.32.0-1.1\nhalf:\n  Candidate: 2\n",
        );
        for (names, state, only_upgrade, words) in [
            (vec!["bash"], State::Present, false, vec![]),
            (vec!["bash"], State::Latest, false, vec!["bash"]),
            (vec!["bash=5.2.15-2"], State::Present, false, vec![]),
            (vec!["bash=5.2.*"], State::Present, false, vec![]),
            (vec!["kubelet=1.32.0-1.1"], State::Present, false, vec!["kubelet=1.32.0-1.1"]),
            (vec!["kubelet=1.31.4-1.1", "cowsay"], State::Present, false, vec!["cowsay"]),
            (vec!["vim"], State::Present, false, vec!["vim"]),
            (vec!["vim"], State::Absent, false, vec![]),
            (vec!["bash"], State::Absent, false, vec!["bash"]),
            (vec!["bash=9*"], State::Absent, false, vec![]),
            (vec!["awk"], State::Present, false, vec![]),
            (vec!["awk"], State::Absent, false, vec![]),
            (vec!["cowsay"], State::Latest, true, vec![]),
            (vec!["bash"], State::Latest, true, vec!["bash"]),
            (vec!["libc6:i386"], State::Present, false, vec![]),
            (vec!["half"], State::Present, false, vec!["half"]),
            (vec!["ba*", "kube*"], State::Absent, false, vec!["bash", "kubelet"]),
            (vec!["cow*"], State::Present, false, vec!["cow*"]),
        ] {
            let texts: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
            let wanted = wanted(&texts).unwrap();
            let got = decide(&wanted, state, only_upgrade, &installed, &candidates).unwrap();
            assert_eq!(got, words, "{names:?} {state:?}");
        }
        let unknown = wanted(&["nosuch".to_owned()]).unwrap();
        assert!(decide(&unknown, State::Present, false, &installed, &candidates).is_err());
        assert!(wanted(&["a>=1".to_owned()]).is_err());
        assert!(wanted(&["-o".to_owned()]).is_err());
    }
}
