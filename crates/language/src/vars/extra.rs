//! Variables from the command line: `-e`.

use super::{HashBehaviour, combine};
use crate::diag::{Diagnostic, Diagnostics, Nature, Source};
use crate::inventory::Files;
use crate::inventory::vars_file;
use crate::value::{Map, Text, Value};
use crate::yaml;

/// What the texts after `-e` set.
#[derive(Debug, Clone, Default)]
pub struct ExtraVars {
    /// The variables; later ones have won.
    pub vars: Map,
    /// Words without `=` are warned of: they set nothing but `_raw_params`, as in Ansible.
    pub warnings: Diagnostics,
}

impl ExtraVars {
    /// Reads `k=v k2='v w'` (values stay text), a dictionary as YAML or JSON, or `@FILE`. Texts can be templates.
    ///
    /// # Errors
    /// A quote or template is not closed, a file cannot be read, something is no dictionary, or a path lacks its `@`.
    pub fn parse(
        texts: &[String],
        behaviour: HashBehaviour,
        files: Files<'_>,
    ) -> Result<Self, Diagnostic> {
        let mut extra = Self::default();
        for text in texts {
            let vars = extra.one(text, files)?;
            combine(&mut extra.vars, &vars, behaviour);
        }
        Ok(extra)
    }

    fn one(&mut self, text: &str, files: Files<'_>) -> Result<Map, Diagnostic> {
        let source = Source::new("<command line>", text);
        let start = source.start();
        match text.chars().next() {
            None => Ok(Map::new()),
            Some('@') => {
                let name = text.get(1..).unwrap_or_default();
                vars_file(&files.absolute(name), files, &mut self.warnings)
                    .map_err(|d| d.at(&start))
            }
            Some('/' | '.') => Err(Diagnostic::error(format!("\"{text}\" sets no variable"))
                .at(&start)
                .hint(format!("to read a file write @{text}"))),
            Some('[' | '{') => match yaml::load_one(&source, &mut self.warnings)?.to_value() {
                Value::Map(map) => Ok(map),
                other => Err(Diagnostic::error(format!(
                    "extra variables must be a dictionary; this is a {}",
                    other.type_name()
                ))
                .at(&start)),
            },
            Some(_) => self.assignments(text, &source),
        }
    }

    fn assignments(
        &mut self,
        text: &str,
        source: &std::sync::Arc<Source>,
    ) -> Result<Map, Diagnostic> {
        let mut vars = Map::new();
        let mut rest = Vec::new();
        let words = split(text).map_err(|why| Diagnostic::error(why).at(&source.start()).of(Nature::Syntax))?;
        for (column, word) in words {
            let mut place = source.start();
            place.column = u32::try_from(column + 1).unwrap_or(u32::MAX);
            match word.split_once('=') {
                Some((key, value)) if !key.is_empty() => {
                    let (value, quote) = unquote(value);
                    let shift = key.chars().count() + 1 + quote;
                    place.column += u32::try_from(shift).unwrap_or(0);
                    let text = Text::written(unescape(value), place);
                    vars.insert(key.trim(), text);
                }
                _ => {
                    let warning = format!("\"{word}\" is no assignment and sets no variable");
                    self.warnings
                        .push(Diagnostic::warning(warning).at(&place).hint("write key=value"));
                    rest.push(word);
                }
            }
        }
        if !rest.is_empty() {
            vars.insert("_raw_params", Text::written(rest.join(" "), source.start()));
        }
        Ok(vars)
    }
}

/// Words with their columns: blanks divide except inside quotes and templates.
fn split(text: &str) -> Result<Vec<(usize, String)>, &'static str> {
    let mut words: Vec<(usize, String)> = Vec::new();
    let mut word: Option<(usize, String)> = None;
    let mut quote = None;
    let mut depth = 0_u32;
    let mut previous = ' ';
    for (column, c) in text.chars().enumerate() {
        if c.is_whitespace() && quote.is_none() && depth == 0 {
            words.extend(word.take());
            previous = c;
            continue;
        }
        match (quote, c) {
            (None, '\'' | '"') if depth == 0 && previous != '\\' => quote = Some(c),
            (Some(open), c) if c == open && previous != '\\' => quote = None,
            (None, '{' | '%' | '#') if previous == '{' => depth += 1,
            (None, '}') if matches!(previous, '}' | '%' | '#') => depth = depth.saturating_sub(1),
            _ => {}
        }
        word.get_or_insert_with(|| (column, String::new())).1.push(c);
        // Two characters make one bracket: the second must not begin another.
        let used = (c == '{' && previous == '{') || (c == '}' && previous == '}');
        previous = if used || (c == '\\' && previous == '\\') { ' ' } else { c };
    }
    words.extend(word);
    match (quote, depth) {
        (None, 0) => Ok(words),
        (Some(_), _) => Err("a quote is not closed"),
        (None, _) => Err("a template is not closed"),
    }
}

/// The text between matching quotes, and how many characters stood before it.
fn unquote(text: &str) -> (&str, usize) {
    for quote in ['\'', '"'] {
        if text.len() > 1
            && let Some(inner) = text.strip_prefix(quote).and_then(|t| t.strip_suffix(quote))
            && !inner.ends_with('\\')
        {
            return (inner, 1);
        }
    }
    (text, 0)
}

/// Python's escape sequences: `\n`, `\t`, `\\`, `\x41`, `\u2022`, `\101`…; unknown ones stay.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let number = |skip: usize, length: usize, radix: u32| {
            let digits = after.get(skip..skip + length)?;
            let code = u32::from_str_radix(digits, radix).ok()?;
            Some((char::from_u32(code)?, skip + length))
        };
        let decoded = match after.chars().next() {
            Some('n') => Some(('\n', 1)),
            Some('t') => Some(('\t', 1)),
            Some('r') => Some(('\r', 1)),
            Some('a') => Some(('\u{7}', 1)),
            Some('b') => Some(('\u{8}', 1)),
            Some('f') => Some(('\u{c}', 1)),
            Some('v') => Some(('\u{b}', 1)),
            Some(c @ ('\\' | '\'' | '"')) => Some((c, 1)),
            Some('x') => number(1, 2, 16),
            Some('u') => number(1, 4, 16),
            Some('U') => number(1, 8, 16),
            _ => None,
        };
        let (c, length) = decoded.unwrap_or(('\\', 0));
        out.push(c);
        rest = after.get(length..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}
