//! Patterns as they are written: `web:&prod:!web3`, `db[0]`, `~regex`.

use super::address::parse_address;
use super::files::Files;
use crate::diag::{Diagnostic, Diagnostics, Place};
use crate::outside::FileKind;
use globset::{GlobBuilder, GlobMatcher};
use regex::Regex;

/// A pattern of hosts: terms in the order in which they are applied.
#[derive(Debug, Clone)]
pub struct Pattern {
    pub(super) terms: Vec<Term>,
}

/// What a term does with the hosts chosen so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Operation {
    /// Adds its hosts.
    Union,
    /// Keeps only its hosts.
    Intersection,
    /// Removes its hosts.
    Exclusion,
}

/// One term.
#[derive(Debug, Clone)]
pub(super) struct Term {
    pub(super) operation: Operation,
    /// As written, with its `!` or `&`.
    pub(super) written: String,
    pub(super) expression: String,
    pub(super) matcher: Matcher,
    pub(super) subscript: Option<Subscript>,
}

/// How names are compared.
#[derive(Debug, Clone)]
pub(super) enum Matcher {
    /// Character by character.
    Exact,
    /// `*`, `?`, `[…]`: the whole name.
    Glob(GlobMatcher),
    /// Anchored at the start.
    Regex(Regex),
}

/// Which of a term's hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subscript {
    /// One; negative counts from the end.
    Index(i64),
    /// From one to another, both included; no end means the last.
    Range(usize, Option<usize>),
}

impl Pattern {
    /// The pattern `all`.
    #[must_use]
    pub fn all() -> Self {
        Self { terms: vec![Term::all()] }
    }

    /// Parses a pattern (`hosts:` of a play, the argument of an ad-hoc command). With only `&` and `!` terms, or none at
    /// all, it starts from `all`. Warnings (an old form of subscript) are added to `warnings`.
    ///
    /// # Errors
    /// A regular expression is wrong.
    pub fn parse(
        text: &str,
        place: Option<&Place>,
        warnings: &mut Diagnostics,
    ) -> Result<Self, Diagnostic> {
        Self::from_terms(split(text), place, warnings)
    }

    /// Parses several patterns as one (a list under `hosts:`).
    ///
    /// # Errors
    /// As [`Pattern::parse`].
    pub fn parse_all<'a>(
        texts: impl IntoIterator<Item = &'a str>,
        place: Option<&Place>,
        warnings: &mut Diagnostics,
    ) -> Result<Self, Diagnostic> {
        Self::from_terms(texts.into_iter().flat_map(split).collect(), place, warnings)
    }

    /// Parses the value of `--limit`: as a pattern, where a term `@FILE` stands for the lines of that file.
    ///
    /// # Errors
    /// As [`Pattern::parse`]; the file does not exist or cannot be read.
    pub fn parse_limit(
        text: &str,
        files: Files<'_>,
        warnings: &mut Diagnostics,
    ) -> Result<Self, Diagnostic> {
        let mut terms = Vec::new();
        for term in split(text) {
            let Some(name) = term.strip_prefix('@') else {
                terms.push(term);
                continue;
            };
            let path = files.absolute(name);
            match files.status(&path).map(|s| s.kind) {
                None => return Err(Diagnostic::error(format!("limit file {name} does not exist"))),
                Some(FileKind::Directory) => {
                    return Err(Diagnostic::error(format!("limit file {name} is a directory")));
                }
                Some(_) => {}
            }
            let content = files.read(&path)?;
            terms.extend(content.text().lines().map(|line| line.trim().to_owned()));
        }
        Self::from_terms(terms, None, warnings)
    }

    fn from_terms(
        texts: Vec<String>,
        place: Option<&Place>,
        warnings: &mut Diagnostics,
    ) -> Result<Self, Diagnostic> {
        let mut terms = Vec::with_capacity(texts.len());
        for text in texts.into_iter().filter(|t| !t.is_empty()) {
            let term = Term::parse(text, warnings).map_err(|d| d.at_opt(place))?;
            terms.push(term);
        }
        if !terms.iter().any(|t| t.operation == Operation::Union) {
            terms.push(Term::all());
        }
        terms.sort_by_key(|t| t.operation);
        Ok(Self { terms })
    }
}

/// The terms of a pattern. With a comma they are what is between commas; a single host with a port or a range is one
/// term; otherwise colons and spaces divide, except inside brackets.
fn split(text: &str) -> Vec<String> {
    let trimmed = |t: &str| t.trim().to_owned();
    if text.contains(',') {
        return text.split(',').map(trimmed).filter(|t| !t.is_empty()).collect();
    }
    if parse_address(text, true).is_some() {
        return vec![text.to_owned()];
    }
    let mut terms = Vec::new();
    let mut current = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let bracket = if c == '[' { rest.find(']').and_then(|end| rest.get(..=end)) } else { None };
        let taken = match bracket {
            Some(whole) => {
                current.push_str(whole);
                whole.len()
            }
            None if c.is_whitespace() || matches!(c, ':' | '[' | ']') => {
                terms.extend(Some(std::mem::take(&mut current)).filter(|t| !t.is_empty()));
                c.len_utf8()
            }
            None => {
                current.push(c);
                c.len_utf8()
            }
        };
        rest = rest.get(taken..).unwrap_or_default();
    }
    terms.extend(Some(current).filter(|t| !t.is_empty()));
    terms
}

impl Term {
    fn all() -> Self {
        Self {
            operation: Operation::Union,
            written: "all".to_owned(),
            expression: "all".to_owned(),
            matcher: Matcher::Exact,
            subscript: None,
        }
    }

    fn parse(written: String, warnings: &mut Diagnostics) -> Result<Self, Diagnostic> {
        let (operation, rest) = match written.chars().next() {
            Some('!') => (Operation::Exclusion, written.get(1..).unwrap_or_default()),
            Some('&') => (Operation::Intersection, written.get(1..).unwrap_or_default()),
            _ => (Operation::Union, written.as_str()),
        };
        if let Some(regex) = rest.strip_prefix('~') {
            let regex = Regex::new(&format!("^(?:{regex})")).map_err(|e| {
                Diagnostic::error(format!("\"{rest}\" is no regular expression: {e}"))
            })?;
            let expression = rest.to_owned();
            let matcher = Matcher::Regex(regex);
            return Ok(Self { operation, written, expression, matcher, subscript: None });
        }
        let (expression, subscript) = split_subscript(rest, warnings);
        let expression = expression.to_owned();
        let matcher = shell_glob(&expression).map_or(Matcher::Exact, Matcher::Glob);
        Ok(Self { operation, written, expression, matcher, subscript })
    }

    /// Whether hosts are looked at even if a group matches.
    pub(super) fn may_be_hosts(&self) -> bool {
        matches!(self.matcher, Matcher::Regex(_)) || self.expression.contains(['.', '?', '*', '['])
    }

    pub(super) fn matches(&self, name: &str) -> bool {
        match &self.matcher {
            Matcher::Exact => self.expression == name,
            Matcher::Glob(glob) => glob.is_match(name),
            Matcher::Regex(regex) => regex.is_match(name),
        }
    }
}

/// A shell pattern as Python's `fnmatch`: no braces, no escapes, a bracket without end is itself. `None` if it matches
/// no more than its own text.
#[must_use]
pub fn shell_glob(text: &str) -> Option<GlobMatcher> {
    if !text.contains(['*', '?', '[']) {
        return None;
    }
    let mut escaped = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let class = if c == '[' {
            let skip = if rest.starts_with("[!]") {
                3
            } else if rest.starts_with("[]") {
                2
            } else {
                1
            };
            rest.get(skip..).and_then(|r| r.find(']')).and_then(|end| rest.get(..=skip + end))
        } else {
            None
        };
        let taken = match (class, c) {
            (Some(class), _) => {
                escaped.push_str(class);
                class.len()
            }
            (None, '[' | '{' | '}' | '\\' | ']' | ',') => {
                escaped.push('\\');
                escaped.push(c);
                1
            }
            (None, c) => {
                escaped.push(c);
                c.len_utf8()
            }
        };
        rest = rest.get(taken..).unwrap_or_default();
    }
    // An impossible class ([z-a]) matches nothing in Python either.
    let glob = GlobBuilder::new(&escaped).literal_separator(false).backslash_escape(true).build();
    glob.ok().map(|glob| glob.compile_matcher())
}

fn split_subscript<'t>(text: &'t str, warnings: &mut Diagnostics) -> (&'t str, Option<Subscript>) {
    let parsed = (|| {
        let (name, inner) = text.strip_suffix(']')?.rsplit_once('[')?;
        let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
        if name.is_empty() {
            return None;
        }
        if digits(inner.strip_prefix('-').unwrap_or(inner)) {
            return Some((name, Subscript::Index(inner.parse().ok()?), false));
        }
        let at = inner.find([':', '-'])?;
        let (start, end) = (inner.get(..at)?, inner.get(at + 1..)?);
        if !digits(start) || !(end.is_empty() || digits(end)) {
            return None;
        }
        let end = if end.is_empty() { None } else { Some(end.parse().ok()?) };
        Some((name, Subscript::Range(start.parse().ok()?, end), inner.contains('-')))
    })();
    let Some((name, subscript, old)) = parsed else { return (text, None) };
    if old {
        warnings.push(
            Diagnostic::warning(format!("\"{text}\" has a subscript with \"-\""))
                .hint("write it with \":\"; both ends are included"),
        );
    }
    (name, Some(subscript))
}
