//! Python's regular expressions on an engine with another dialect: patterns and replacements are translated.

use super::call::fail;
use fancy_regex::{Regex, RegexBuilder};
use minijinja::Error;
use std::cell::RefCell;
use std::collections::HashMap;

/// Flags of `re.compile`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(in crate::template) struct Flags {
    pub(in crate::template) ignore_case: bool,
    pub(in crate::template) multi_line: bool,
}

/// The groups of one match.
pub(in crate::template) type Captures<'t> = fancy_regex::Captures<'t, str>;

const KEPT: usize = 256;

thread_local! {
    static COMPILED: RefCell<HashMap<(String, Flags), Regex>> = RefCell::new(HashMap::new());
}

/// The compiled pattern; kept, because a filter runs many times with one pattern.
pub(in crate::template) fn compile(pattern: &str, flags: Flags) -> Result<Regex, Error> {
    let key = (pattern.to_owned(), flags);
    if let Some(found) = COMPILED.with_borrow(|kept| kept.get(&key).cloned()) {
        return Ok(found);
    }
    let regex = RegexBuilder::new(&translate(pattern))
        .case_insensitive(flags.ignore_case)
        .multi_line(flags.multi_line)
        .build()
        .map_err(|error| fail(format!("'{pattern}' is not a regular expression: {error}")))?;
    COMPILED.with_borrow_mut(|kept| {
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(key, regex.clone());
    });
    Ok(regex)
}

/// The same pattern in the engine's dialect.
fn translate(pattern: &str) -> String {
    let chars: Vec<char> = pattern.chars().collect();
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        let rest = chars.get(at + 1..).unwrap_or_default();
        at += match c {
            '\\' => escape(rest, &mut out),
            '[' => class(rest, &mut out),
            '$' => {
                out.push_str("(?:$|(?=\\n\\z))");
                1
            }
            '{' => brace(rest, &mut out),
            '}' => {
                out.push_str("\\}");
                1
            }
            '(' if rest.starts_with(&['?', '#']) => comment(rest),
            c => {
                out.push(c);
                1
            }
        };
    }
    out
}

fn comment(rest: &[char]) -> usize {
    rest.iter().position(|c| *c == ')').map_or(rest.len() + 1, |end| end + 2)
}

/// What follows a backslash outside a class; returns how many characters were read, the backslash included.
fn escape(rest: &[char], out: &mut String) -> usize {
    match rest.first() {
        Some('Z') => out.push_str("\\z"),
        Some('0') => {
            let digits: String = rest.iter().take(3).take_while(|c| c.is_digit(8)).collect();
            let code = u32::from_str_radix(&digits, 8).unwrap_or(0);
            out.push_str(&format!("\\x{{{code:x}}}"));
            return digits.len() + 1;
        }
        Some(c) if c.is_ascii_alphanumeric() => {
            out.push('\\');
            out.push(*c);
        }
        Some(c) => literal(*c, out),
        None => out.push('\\'),
    }
    2
}

fn literal(c: char, out: &mut String) {
    if "\\.+*?()|[]{}^$#&-~ ".contains(c) {
        out.push('\\');
    }
    out.push(c);
}

/// `{m}`, `{m,}`, `{,n}`, `{m,n}` are counts; any other brace is itself.
fn brace(rest: &[char], out: &mut String) -> usize {
    let inner: String = rest.iter().take_while(|c| **c != '}').collect();
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    let closed = rest.len() > inner.chars().count();
    match inner.split_once(',') {
        Some((low, high)) if closed && digits(low) && digits(high) => {
            let low = if low.is_empty() { "0" } else { low };
            out.push_str(&format!("{{{low},{high}}}"));
        }
        None if closed && !inner.is_empty() && digits(&inner) => {
            out.push_str(&format!("{{{inner}}}"));
        }
        _ => {
            out.push_str("\\{");
            return 1;
        }
    }
    inner.chars().count() + 2
}

/// A class up to its closing bracket: `[`, `&`, `~` inside are themselves.
fn class(rest: &[char], out: &mut String) -> usize {
    let mut at = 0;
    out.push('[');
    if rest.first() == Some(&'^') {
        out.push('^');
        at += 1;
    }
    if rest.get(at) == Some(&']') {
        out.push_str("\\]");
        at += 1;
    }
    while let Some(&c) = rest.get(at) {
        at += 1;
        match c {
            ']' => {
                out.push(']');
                return at + 1;
            }
            '\\' => {
                let next = rest.get(at).copied();
                at += 1;
                match next {
                    Some('b') => out.push_str("\\x08"),
                    Some(c) if c.is_ascii_alphanumeric() => {
                        out.push('\\');
                        out.push(c);
                    }
                    Some(c) => {
                        if c.is_ascii() {
                            out.push('\\');
                        }
                        out.push(c);
                    }
                    None => out.push('\\'),
                }
            }
            '[' | '&' | '~' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    at + 1
}

/// Every match as Python finds them: an empty match may follow a longer one, never another empty one.
pub(in crate::template) fn find_all<'t>(
    regex: &Regex,
    text: &'t str,
    limit: usize,
) -> Result<Vec<Captures<'t>>, Error> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut empty_at = None;
    while start <= text.len() && found.len() < limit {
        let captures = regex.captures_from_pos(text, start).map_err(too_hard)?;
        let Some(captures) = captures else { break };
        let Some((from, to)) = captures.get(0).map(|m| (m.start(), m.end())) else { break };
        if from == to && empty_at == Some(from) {
            start = next_char(text, from);
            empty_at = None;
            continue;
        }
        empty_at = (from == to).then_some(from);
        start = to;
        found.push(captures);
    }
    Ok(found)
}

fn next_char(text: &str, at: usize) -> usize {
    at + text.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8)
}

/// The first match.
pub(in crate::template) fn search<'t>(
    regex: &Regex,
    text: &'t str,
) -> Result<Option<Captures<'t>>, Error> {
    regex.captures(text).map_err(too_hard)
}

#[expect(clippy::needless_pass_by_value, reason = "the shape of `map_err`")]
fn too_hard(error: fancy_regex::Error) -> Error {
    fail(format!("the regular expression could not be matched: {error}"))
}

/// One piece of a replacement.
enum Piece {
    Text(String),
    Group(usize),
}

/// A replacement in Python's syntax: `\1`, `\g<name>`, `\n`.
pub(in crate::template) struct Replacement(Vec<Piece>);

impl Replacement {
    /// Reads it; groups must exist in the pattern.
    pub(in crate::template) fn parse(text: &str, regex: &Regex) -> Result<Self, Error> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('\\') {
            let (before, tail) = rest.split_at(at);
            plain.push_str(before);
            let tail = tail.get(1..).unwrap_or_default();
            let (piece, used) = escaped(tail, regex)?;
            match piece {
                Piece::Text(text) => plain.push_str(&text),
                group @ Piece::Group(_) => {
                    pieces.push(Piece::Text(std::mem::take(&mut plain)));
                    pieces.push(group);
                }
            }
            rest = tail.get(used..).unwrap_or_default();
        }
        plain.push_str(rest);
        pieces.push(Piece::Text(plain));
        Ok(Self(pieces))
    }

    fn write(&self, captures: &Captures<'_>, out: &mut String) {
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Group(index) => {
                    out.push_str(captures.get(*index).map_or("", |m| m.as_str()));
                }
            }
        }
    }

    /// `re.subn`: the new text and how many matches were replaced (0 as a limit means all).
    pub(in crate::template) fn replace(
        &self,
        regex: &Regex,
        text: &str,
        limit: usize,
    ) -> Result<(String, usize), Error> {
        let limit = if limit == 0 { usize::MAX } else { limit };
        let found = find_all(regex, text, limit)?;
        let mut out = String::with_capacity(text.len());
        let mut last = 0;
        for captures in &found {
            if let Some(whole) = captures.get(0) {
                out.push_str(text.get(last..whole.start()).unwrap_or_default());
                self.write(captures, &mut out);
                last = whole.end();
            }
        }
        out.push_str(text.get(last..).unwrap_or_default());
        Ok((out, found.len()))
    }
}

/// What follows a backslash in a replacement, and how many bytes of it were read.
fn escaped(tail: &str, regex: &Regex) -> Result<(Piece, usize), Error> {
    let Some(c) = tail.chars().next() else {
        return Err(fail("the replacement ends in a backslash"));
    };
    let text = |s: &str| Ok((Piece::Text(s.to_owned()), 1));
    match c {
        'g' => {
            let name =
                tail.get(1..).and_then(|t| t.strip_prefix('<')).and_then(|t| t.split_once('>'));
            let (name, _) = name.ok_or_else(|| fail("'\\g' of a replacement needs '<name>'"))?;
            Ok((Piece::Group(group(name, regex)?), name.len() + 3))
        }
        '0' => {
            let digits: String = tail.chars().take(3).take_while(|c| c.is_digit(8)).collect();
            let code = u32::from_str_radix(&digits, 8).ok().and_then(char::from_u32);
            Ok((Piece::Text(code.unwrap_or_default().to_string()), digits.len()))
        }
        '1'..='9' => {
            let digits: String = tail.chars().take(2).take_while(char::is_ascii_digit).collect();
            Ok((Piece::Group(group(&digits, regex)?), digits.len()))
        }
        'n' => text("\n"),
        't' => text("\t"),
        'r' => text("\r"),
        'a' => text("\u{7}"),
        'b' => text("\u{8}"),
        'f' => text("\u{c}"),
        'v' => text("\u{b}"),
        '\\' => text("\\"),
        c if c.is_ascii_alphabetic() => Err(fail(format!("'\\{c}' is unknown in a replacement"))),
        c => Ok((Piece::Text(format!("\\{c}")), c.len_utf8())),
    }
}

/// The number of a group given by number or name.
pub(in crate::template) fn group(name: &str, regex: &Regex) -> Result<usize, Error> {
    let index = match name.parse::<usize>() {
        Ok(index) => Some(index).filter(|index| *index < regex.captures_len()),
        Err(_) => regex.capture_names().position(|known| known == Some(name)),
    };
    index.ok_or_else(|| fail(format!("the regular expression has no group '{name}'")))
}
