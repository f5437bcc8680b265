//! `version`: loose, strict, semantic and Python package versions.

use super::pep440;
use crate::template::filters::call::{Args, Entry, entry, fail};
use crate::template::filters::python;
use minijinja::{Error, State, Value};
use std::cmp::Ordering;

pub(super) static ENTRIES: &[Entry] =
    &[entry("version", version), entry("version_compare", version)];

fn version(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let value = args.value("value")?;
    let other = args.value("version")?;
    let operator = args.text_option("operator")?.unwrap_or_else(|| "eq".to_owned());
    let strict = args.option("strict")?.filter(|strict| !strict.is_none());
    let kind = args.text_option("version_type")?;
    let (value, other) = (python::string(&value)?, python::string(&other)?);
    if value.is_empty() || other.is_empty() {
        return Err(fail("a version is empty"));
    }
    let kind = match (&strict, kind) {
        (Some(_), Some(_)) => return Err(fail("'strict' and 'version_type' exclude each other")),
        (Some(strict), None) if strict.is_true() => "strict".to_owned(),
        (_, kind) => kind.unwrap_or_else(|| "loose".to_owned()),
    };
    let wanted = operator_of(&operator)?;
    let order = match kind.as_str() {
        "loose" => compare_loose(&loose(&value), &loose(&other), &operator)?,
        "strict" => strict_version(&value)?.cmp(&strict_version(&other)?),
        "semver" | "semantic" => semantic(&value)?.cmp(&semantic(&other)?),
        "pep440" => pep440::parse(&value)?.cmp(&pep440::parse(&other)?),
        other => {
            return Err(fail(format!(
                "'version_type' is loose, strict, semver, semantic or pep440, not '{other}'"
            )));
        }
    };
    Ok(Value::from(wanted(order)))
}

fn operator_of(name: &str) -> Result<fn(Ordering) -> bool, Error> {
    Ok(match name {
        "==" | "=" | "eq" => Ordering::is_eq,
        "<" | "lt" => Ordering::is_lt,
        "<=" | "le" => Ordering::is_le,
        ">" | "gt" => Ordering::is_gt,
        ">=" | "ge" => Ordering::is_ge,
        "!=" | "<>" | "ne" => Ordering::is_ne,
        other => return Err(fail(format!("'{other}' is no comparison such as '>=' or 'ge'"))),
    })
}

/// A part of a loose version.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    Number(u128),
    Word(String),
}

/// Runs of digits, runs of lower-case letters, and whatever stands between; dots separate.
fn loose(version: &str) -> Vec<Part> {
    #[derive(PartialEq, Clone, Copy)]
    enum Class {
        Digit,
        Letter,
        Dot,
        Other,
    }
    let class = |c: char| match c {
        '0'..='9' => Class::Digit,
        'a'..='z' => Class::Letter,
        '.' => Class::Dot,
        _ => Class::Other,
    };
    let mut parts: Vec<(Class, String)> = Vec::new();
    for c in version.chars() {
        match parts.last_mut() {
            Some((last, text)) if *last == class(c) && *last != Class::Dot => text.push(c),
            _ => parts.push((class(c), c.to_string())),
        }
    }
    let parts = parts.into_iter().filter(|(class, _)| *class != Class::Dot);
    parts
        .map(|(_, text)| match text.parse() {
            Ok(number) => Part::Number(number),
            Err(_) => Part::Word(text),
        })
        .collect()
}

fn compare_loose(a: &[Part], b: &[Part], operator: &str) -> Result<Ordering, Error> {
    for (x, y) in a.iter().zip(b) {
        match (x, y) {
            (Part::Number(x), Part::Number(y)) if x != y => return Ok(x.cmp(y)),
            (Part::Word(x), Part::Word(y)) if x != y => return Ok(x.cmp(y)),
            (Part::Number(_), Part::Word(_)) | (Part::Word(_), Part::Number(_)) => {
                // Not equal is a fact; which of them is later is not known.
                return match operator {
                    "==" | "=" | "eq" | "!=" | "<>" | "ne" => Ok(Ordering::Less),
                    _ => Err(fail("a number and a word at the same place cannot be ordered")),
                };
            }
            _ => {}
        }
    }
    Ok(a.len().cmp(&b.len()))
}

/// `N.N[.N][aN|bN]`.
fn strict_version(version: &str) -> Result<([u64; 3], (u8, u64)), Error> {
    let wrong = || fail(format!("'{version}' is not a strict version such as 1.2.3 or 1.2b1"));
    let (numbers, pre) = match version.find(['a', 'b']) {
        Some(at) => version.split_at(at),
        None => (version, ""),
    };
    let stage = match pre.chars().next() {
        Some('a') => 0,
        Some(_) => 1,
        None => 2,
    };
    let digits = |text: &str| -> Result<u64, Error> {
        let fits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        text.parse().ok().filter(|_| fits).ok_or_else(wrong)
    };
    let pre_number = if pre.is_empty() { 0 } else { digits(pre.get(1..).unwrap_or_default())? };
    let parts = numbers.split('.').map(digits).collect::<Result<Vec<_>, _>>()?;
    match parts.as_slice() {
        [major, minor] => Ok(([*major, *minor, 0], (stage, pre_number))),
        [major, minor, patch] => Ok(([*major, *minor, *patch], (stage, pre_number))),
        _ => Err(wrong()),
    }
}

/// An identifier of a pre-release: numbers come before words.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Identifier {
    Number(u128),
    Word(String),
}

/// A semantic version in the order of its precedence; a release comes after its pre-releases.
type Semantic = ([u128; 3], bool, Vec<Identifier>);

fn semantic(version: &str) -> Result<Semantic, Error> {
    let wrong = || fail(format!("'{version}' is not a semantic version"));
    let (core, build) = version.split_once('+').map_or((version, None), |(c, b)| (c, Some(b)));
    let (core, pre) = core.split_once('-').map_or((core, None), |(c, p)| (c, Some(p)));
    let word = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    if build.is_some_and(|build| !build.split('.').all(word)) {
        return Err(wrong());
    }
    let number = |text: &str| -> Option<u128> {
        let plain = text.bytes().all(|b| b.is_ascii_digit());
        text.parse().ok().filter(|_| plain && (text == "0" || !text.starts_with('0')))
    };
    let mut numbers = core.split('.').map(number);
    let mut next = || numbers.next().flatten().ok_or_else(wrong);
    let core = [next()?, next()?, next()?];
    if numbers.next().is_some() {
        return Err(wrong());
    }
    let mut identifiers = Vec::new();
    for text in pre.into_iter().flat_map(|pre| pre.split('.')) {
        if !word(text) {
            return Err(wrong());
        }
        identifiers.push(if text.bytes().all(|b| b.is_ascii_digit()) {
            Identifier::Number(number(text).ok_or_else(wrong)?)
        } else {
            Identifier::Word(text.to_owned())
        });
    }
    Ok((core, pre.is_none(), identifiers))
}
