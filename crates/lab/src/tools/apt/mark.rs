//! apt-mark: hold, unhold, showhold, manual, auto, showmanual, showauto.

use super::lock;
use super::options::Options;
use crate::node::{Installed, Packages, matches};
use crate::tools::session::{Done, Failed, Session};

pub(in crate::tools) async fn run(session: &Session) -> Done {
    let options = Options::parse(session.words())?;
    let Some((verb, words)) = options.words.split_first() else {
        return Err(Failed::new(
            1,
            "apt 2.6.1 (amd64)\nUsage: apt-mark [options] {auto|manual} pkg1 [pkg2 ...]",
        ));
    };
    match verb.as_str() {
        "hold" | "unhold" | "auto" | "manual" => change(session, &options, verb, words).await,
        "showhold" => show(session, words, |installed| installed.held).await,
        "showmanual" => show(session, words, |installed| !installed.automatic).await,
        "showauto" => show(session, words, |installed| installed.automatic).await,
        other => Err(Failed::new(100, format!("E: Invalid operation {other}"))),
    }
}

async fn show(session: &Session, words: &[String], is: impl Fn(&Installed) -> bool) -> Done {
    let text: String = {
        let state = session.machine.state();
        let wanted =
            |name: &String| words.is_empty() || words.iter().any(|word| matches(word, name));
        let all = state.packages.installed.iter();
        all.filter(|(name, installed)| wanted(name) && is(installed))
            .map(|(name, _)| format!("{name}\n"))
            .collect()
    };
    session.out(text).await;
    Ok(0)
}

/// Names that the words mean; the words that mean none.
fn named(packages: &Packages, words: &[String]) -> (Vec<String>, Vec<String>) {
    let (mut names, mut unknown) = (Vec::new(), Vec::new());
    for word in words {
        if packages.knows(word) {
            names.push(word.clone());
            continue;
        }
        let found: Vec<String> =
            packages.installed.keys().filter(|name| matches(word, name)).cloned().collect();
        if found.is_empty() {
            unknown.push(word.clone());
        }
        names.extend(found);
    }
    (names, unknown)
}

async fn change(session: &Session, options: &Options, verb: &str, words: &[String]) -> Done {
    let (names, unknown) = named(&session.machine.state().packages, words);
    if !unknown.is_empty() || names.is_empty() {
        let lines: String =
            unknown.iter().map(|name| format!("E: Unable to locate package {name}\n")).collect();
        return Err(Failed::new(100, format!("{lines}E: No packages found")));
    }
    let (done, to_do): (Vec<String>, Vec<String>) = {
        let packages = &session.machine.state().packages;
        let is_done = |name: &String| {
            let installed = packages.installed.get(name);
            match verb {
                "hold" => installed.is_some_and(|i| i.held),
                "unhold" => installed.is_none_or(|i| !i.held),
                "auto" => installed.is_some_and(|i| i.automatic),
                _ => installed.is_some_and(|i| !i.automatic),
            }
        };
        names.into_iter().partition(is_done)
    };
    for name in &done {
        session.line(already(verb, name)).await;
    }
    if to_do.is_empty() {
        return Ok(0);
    }
    if !options.has("simulate") {
        if !session.is_root() {
            return Err(Failed::new(
                100,
                "dpkg: error: requested operation requires superuser privilege\nE: Executing dpkg failed. Are you root?",
            ));
        }
        if let Some((pid, _)) = lock::holder(&session.machine) {
            let said = lock::dpkgs_words(pid).text;
            return Err(Failed::new(100, format!("{said}E: Executing dpkg failed. Are you root?")));
        }
        session.seconds(0.1).await;
        let mut state = session.machine.state();
        for name in &to_do {
            if let Some(installed) = state.packages.installed.get_mut(name) {
                match verb {
                    "hold" => installed.held = true,
                    "unhold" => installed.held = false,
                    _ => installed.automatic = verb == "auto",
                }
            }
        }
        drop(state);
        crate::tools::dpkg::save_status(session);
    }
    for name in &to_do {
        session.line(now(verb, name)).await;
    }
    Ok(0)
}

fn already(verb: &str, name: &str) -> String {
    match verb {
        "hold" => format!("{name} was already set on hold."),
        "unhold" => format!("{name} was already not on hold."),
        "auto" => format!("{name} was already set to automatically installed."),
        _ => format!("{name} was already set to manually installed."),
    }
}

fn now(verb: &str, name: &str) -> String {
    match verb {
        "hold" => format!("{name} set on hold."),
        "unhold" => format!("Canceled hold on {name}."),
        "auto" => format!("{name} set to automatically installed."),
        _ => format!("{name} set to manually installed."),
    }
}
