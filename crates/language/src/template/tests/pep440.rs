//! Versions of Python packages, by the rules of PEP 440.

use crate::template::filters::call::fail;
use minijinja::Error;
use std::cmp::Ordering;

/// A version in the order of its precedence.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version {
    epoch: u64,
    release: Vec<u64>,
    pre: Pre,
    post: Option<u64>,
    dev: Dev,
    local: Vec<Local>,
}

/// A development release alone comes before every pre-release, no pre-release after them all.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Pre {
    OnlyDev,
    Stage(Stage, u64),
    Final,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Alpha,
    Beta,
    Candidate,
}

/// No development release comes after them all.
#[derive(Debug, PartialEq, Eq)]
struct Dev(Option<u64>);

impl PartialOrd for Dev {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Dev {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |dev: &Self| (dev.0.is_none(), dev.0);
        key(self).cmp(&key(other))
    }
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Local {
    Word(String),
    Number(u64),
}

/// Reads a version, in any of the spellings that are allowed.
pub(super) fn parse(version: &str) -> Result<Version, Error> {
    let text = version.trim().to_lowercase();
    read(&text).ok_or_else(|| fail(format!("'{version}' is not a version by PEP 440")))
}

fn read(text: &str) -> Option<Version> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let (public, local) = text.split_once('+').map_or((text, None), |(p, l)| (p, Some(l)));
    let (epoch, rest) = match public.split_once('!') {
        Some((epoch, rest)) => (digits(epoch)?, rest),
        None => (0, public),
    };
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    let (numbers, mut rest) = rest.split_at(end);
    if numbers.ends_with('.') {
        rest = public.get(public.len() - rest.len() - 1..)?;
    }
    let mut release =
        numbers.trim_end_matches('.').split('.').map(digits).collect::<Option<Vec<_>>>()?;
    while release.len() > 1 && release.last() == Some(&0) {
        release.pop();
    }
    let stage = suffix(&mut rest, &["alpha", "beta", "preview", "pre", "rc", "a", "b", "c"]);
    let post = post(&mut rest);
    let dev = suffix(&mut rest, &["dev"]).map(|(_, number)| number);
    if !rest.is_empty() {
        return None;
    }
    let pre = match stage {
        Some(("a" | "alpha", number)) => Pre::Stage(Stage::Alpha, number),
        Some(("b" | "beta", number)) => Pre::Stage(Stage::Beta, number),
        Some((_, number)) => Pre::Stage(Stage::Candidate, number),
        None if post.is_none() && dev.is_some() => Pre::OnlyDev,
        None => Pre::Final,
    };
    let local = match local {
        Some(local) => local.split(['.', '-', '_']).map(local_part).collect::<Option<_>>()?,
        None => Vec::new(),
    };
    Some(Version { epoch, release, pre, post, dev: Dev(dev), local })
}

fn digits(text: &str) -> Option<u64> {
    if text.bytes().all(|b| b.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// A word with separators around it and a number after it, taken off the front.
fn suffix(rest: &mut &str, words: &[&'static str]) -> Option<(&'static str, u64)> {
    let separators = ['.', '-', '_'];
    let start = rest.strip_prefix(separators).unwrap_or(rest);
    let word = words.iter().find(|word| start.starts_with(**word))?;
    let after = start.get(word.len()..)?;
    let tail = after.strip_prefix(separators).unwrap_or(after);
    let end = tail.find(|c: char| !c.is_ascii_digit()).unwrap_or(tail.len());
    if end == 0 {
        *rest = after;
        return Some((word, 0));
    }
    let (number, left) = tail.split_at(end);
    *rest = left;
    Some((word, number.parse().ok()?))
}

/// `.post1`, `-r1`, or the short form `-1`.
fn post(rest: &mut &str) -> Option<u64> {
    if let Some((_, number)) = suffix(rest, &["post", "rev", "r"]) {
        return Some(number);
    }
    let short = rest.strip_prefix('-')?;
    let end = short.find(|c: char| !c.is_ascii_digit()).unwrap_or(short.len());
    let (number, left) = short.split_at(end);
    let number = number.parse().ok()?;
    *rest = left;
    Some(number)
}

fn local_part(text: &str) -> Option<Local> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    Some(digits(text).map_or_else(|| Local::Word(text.to_owned()), Local::Number))
}
