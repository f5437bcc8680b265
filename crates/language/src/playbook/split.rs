//! `k=v` text: `copy: src=a dest="b c"`, `command: ls -l chdir=/tmp`.

use crate::value::{Map, Text, Value};

/// Options that the command family takes out of its free-form text; every other `a=b` is part of the command.
const COMMAND_OPTIONS: [&str; 8] = [
    "creates",
    "removes",
    "chdir",
    "executable",
    "warn",
    "stdin",
    "stdin_add_newline",
    "strip_empty_ends",
];

/// Arguments of a `k=v` text. What is no `k=v` stays together under `_raw_params`. With `command`, only the options of
/// the command family are taken out. Texts have the place of `text`.
///
/// # Errors
/// Quotes or template braces that are not closed.
pub fn key_values(text: &Text, command: bool) -> Result<Map, String> {
    let mut options = Map::new();
    let mut raw: Vec<String> = Vec::new();
    let written = |s: String| match text.place() {
        Some(place) => Value::Text(Text::written(s, place.clone())),
        None => Value::text(s),
    };
    for word in words(text.as_str())? {
        let decoded = decode(&word);
        if !decoded.contains('=') {
            raw.push(word);
            continue;
        }
        let Some((key, value)) = unescaped_equals(&decoded) else {
            raw.push(decoded.replace("\\=", "="));
            continue;
        };
        if command && !COMMAND_OPTIONS.contains(&key) {
            raw.push(word);
        } else {
            let key = written(key.trim().to_owned());
            options.insert(key, written(unquote(value.trim()).to_owned()));
        }
    }
    if !raw.is_empty() {
        options.insert("_raw_params", written(join(&raw)));
    }
    Ok(options)
}

/// The first word of `name k=v …` and the rest.
#[must_use]
pub fn first_word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    text.split_once(char::is_whitespace).unwrap_or((text, ""))
}

/// Splits at the first `=` that is not the first character and has no backslash before it.
fn unescaped_equals(word: &str) -> Option<(&str, &str)> {
    word.match_indices('=')
        .map(|(at, _)| word.split_at(at))
        .find(|(before, _)| !before.is_empty() && !before.ends_with('\\'))
        .map(|(before, after)| (before, after.strip_prefix('=').unwrap_or(after)))
}

fn unquote(text: &str) -> &str {
    for quote in ['"', '\''] {
        if text.chars().count() > 1
            && let Some(inner) = text.strip_prefix(quote).and_then(|t| t.strip_suffix(quote))
            && !inner.ends_with('\\')
        {
            return inner;
        }
    }
    text
}

/// Words separated by single spaces, so that joining them gives the text back; a line's last word keeps its newline.
fn words(text: &str) -> Result<Vec<String>, String> {
    let mut out: Vec<String> = Vec::new();
    if text.is_empty() {
        return Ok(out);
    }
    let mut state = State::default();
    let mut inside = false;
    let mut continued = false;
    let mut lines = text.split('\n').peekable();
    while let Some(line) = lines.next() {
        let mut tokens: Vec<&str> = line.split(' ').collect();
        let last_line = lines.peek().is_none();
        let goes_on = !inside && tokens.len() > 1 && tokens.last() == Some(&"\\");
        if goes_on {
            tokens.pop();
        }
        if continued && tokens.len() > 1 && tokens.first() == Some(&"") {
            tokens.remove(0);
        }
        let count = tokens.len();
        for (i, token) in tokens.into_iter().enumerate() {
            // The end of a text that ends with a newline is no word.
            let ending = last_line && count == 1 && token.is_empty() && !out.is_empty();
            match out.last_mut() {
                Some(last) if inside => {
                    if i > 0 {
                        last.push(' ');
                    }
                    last.push_str(token);
                }
                _ if ending => {}
                _ => out.push(token.to_owned()),
            }
            state.read(token);
            inside = state.open();
        }
        if !last_line
            && !goes_on
            && let Some(last) = out.last_mut()
        {
            last.push('\n');
        }
        continued = goes_on;
    }
    if inside {
        return Err("quotes or template braces are not closed".to_owned());
    }
    Ok(out)
}

fn join(words: &[String]) -> String {
    let mut out = String::new();
    let mut line_starts = true;
    for word in words {
        if !line_starts {
            out.push(' ');
        }
        out.push_str(word);
        line_starts = word.ends_with('\n');
    }
    out
}

/// What is open between words: a quote, and `{{`, `{%`, `{#` (counted whether quoted or not).
#[derive(Default)]
struct State {
    quote: Option<char>,
    depth: [usize; 3],
}

impl State {
    fn read(&mut self, token: &str) {
        let mut previous = None;
        for c in token.chars() {
            if (c == '"' || c == '\'') && previous != Some('\\') {
                match self.quote {
                    None => self.quote = Some(c),
                    Some(open) if open == c => self.quote = None,
                    Some(_) => {}
                }
            }
            previous = Some(c);
        }
        for (depth, (open, close)) in
            self.depth.iter_mut().zip([("{{", "}}"), ("{%", "%}"), ("{#", "#}")])
        {
            let (opened, closed) = (token.matches(open).count(), token.matches(close).count());
            *depth = (*depth + opened).saturating_sub(closed);
        }
    }

    fn open(&self) -> bool {
        self.quote.is_some() || self.depth.iter().any(|d| *d > 0)
    }
}

/// Decodes `\n`, `\t`, `\\`, `\x41`, `\u0041` … as in Python text.
fn decode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let mut chars = after.chars();
        chars.next();
        let letter = chars.next();
        let simple = match letter {
            Some('\\') => Some('\\'),
            Some('\'') => Some('\''),
            Some('"') => Some('"'),
            Some('a') => Some('\u{7}'),
            Some('b') => Some('\u{8}'),
            Some('f') => Some('\u{c}'),
            Some('n') => Some('\n'),
            Some('r') => Some('\r'),
            Some('t') => Some('\t'),
            Some('v') => Some('\u{b}'),
            _ => None,
        };
        let coded = match letter {
            Some('x') => hexadecimal(chars.as_str(), 2),
            Some('u') => hexadecimal(chars.as_str(), 4),
            Some('U') => hexadecimal(chars.as_str(), 8),
            _ => None,
        };
        if let Some(c) = simple {
            out.push(c);
            rest = chars.as_str();
        } else if let Some((c, tail)) = coded {
            out.push(c);
            rest = tail;
        } else {
            out.push('\\');
            rest = after.strip_prefix('\\').unwrap_or(after);
        }
    }
    out.push_str(rest);
    out
}

fn hexadecimal(text: &str, digits: usize) -> Option<(char, &str)> {
    let (code, tail) = text.split_at_checked(digits)?;
    let all_hexadecimal = code.chars().all(|c| c.is_ascii_hexdigit());
    let code = u32::from_str_radix(code, 16).ok().filter(|_| all_hexadecimal)?;
    Some((char::from_u32(code)?, tail))
}

#[cfg(test)]
#[path = "split_tests.rs"]
mod tests;
