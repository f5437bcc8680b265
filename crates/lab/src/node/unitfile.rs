//! Unit files of a node: what a playbook writes to /etc/systemd/system becomes a unit.

use super::files::Files;
use super::machine::Machine;
use super::unit::{Kind, Unit};
use std::io;

/// Where an administrator's unit files are.
const DIRECTORY: &str = "/etc/systemd/system";

/// Units whose files came or changed since; those of files that are gone go, unless they run.
///
/// # Errors
/// The directory cannot be read.
pub fn load_units(machine: &Machine) -> io::Result<()> {
    let found = read_all(&machine.files)?;
    let mut state = machine.state();
    state.units.retain(|name, unit| {
        unit.is_active()
            || !unit.path.starts_with(DIRECTORY)
            || unit.file_state == "masked"
            || found.iter().any(|(n, _)| n == name)
    });
    for (name, new) in found {
        match state.units.get_mut(&name) {
            Some(old) if old.path == new.path => {
                (old.kind, old.description) = (new.kind, new.description);
            }
            Some(_) => {}
            None => drop(state.units.insert(name, new)),
        }
    }
    Ok(())
}

/// All services of the directory, by name. Links are what `enable` and `mask` leave, not units.
fn read_all(files: &Files) -> io::Result<Vec<(String, Unit)>> {
    let mut all = Vec::new();
    for name in files.list(DIRECTORY)? {
        if !name.ends_with(".service") || name.starts_with('.') {
            continue;
        }
        let path = format!("{DIRECTORY}/{name}");
        let Ok(text) = files.text(&path) else { continue };
        if let Some(unit) = parse(&text, &path) {
            all.push((name, unit));
        }
    }
    Ok(all)
}

/// The value of a key in a section; the last one counts.
fn value<'a>(text: &'a str, section: &str, key: &str) -> Option<&'a str> {
    let mut here = false;
    let mut found = None;
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            here = name == section;
        } else if let Some((name, value)) = line.split_once('=').filter(|_| here)
            && name.trim() == key
        {
            found = Some(value.trim());
        }
    }
    found
}

/// `None` without a program to start.
fn parse(text: &str, path: &str) -> Option<Unit> {
    let command = value(text, "Service", "ExecStart")?.trim_start_matches(['-', '@', '+', '!']);
    let argv = words(command);
    let environment = value(text, "Service", "Environment").map(words).unwrap_or_default();
    let kind = Kind::Program {
        argv,
        environment: environment
            .iter()
            .filter_map(|pair| pair.split_once('='))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect(),
        once: value(text, "Service", "Type") == Some("oneshot"),
        remains: matches!(value(text, "Service", "RemainAfterExit"), Some("yes" | "true" | "1")),
    };
    let name = path.rsplit('/').next().unwrap_or(path);
    let description = value(text, "Unit", "Description").unwrap_or(name);
    let installs = value(text, "Install", "WantedBy").is_some();
    Some(Unit::new(kind, description, path, if installs { "disabled" } else { "static" }))
}

/// Words with systemd's quotes.
fn words(text: &str) -> Vec<String> {
    let (mut all, mut word, mut quote, mut any) = (Vec::new(), String::new(), None, false);
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match (c, quote) {
            ('"' | '\'', None) => (quote, any) = (Some(c), true),
            (c, Some(open)) if c == open => quote = None,
            ('\\', _) => word.extend(characters.next()),
            (c, None) if c.is_whitespace() => {
                if any || !word.is_empty() {
                    all.push(std::mem::take(&mut word));
                }
                any = false;
            }
            (c, _) => word.push(c),
        }
    }
    if any || !word.is_empty() {
        all.push(word);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_becomes_a_unit() {
        let text = "[Unit]\nDescription=Hello\n[Service]\nType=oneshot\nRemainAfterExit=yes\nEnvironment=\"A=b c\" D=e\n\
                    ExecStart=-/bin/sh -c 'echo \"x y\"'\n[Install]\nWantedBy=multi-user.target\n";
        let unit = parse(text, "/etc/systemd/system/hello.service").unwrap();
        let Kind::Program { argv, environment, once, remains } = &unit.kind else {
            panic!("{unit:?}")
        };
        assert_eq!(argv, &["/bin/sh", "-c", "echo \"x y\""]);
        assert_eq!(
            environment,
            &[("A".to_owned(), "b c".to_owned()), ("D".to_owned(), "e".to_owned())]
        );
        assert!(*once && *remains);
        assert_eq!((unit.description.as_str(), unit.file_state), ("Hello", "disabled"));
        assert!(parse("[Service]\nType=simple\n", "x").is_none());
    }
}
