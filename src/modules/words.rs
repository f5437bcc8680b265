//! Command lines as Python's `shlex.split` cuts them, and words as `os.path.expandvars` reads them.

use crate::transport::quote;

/// Cuts a command line into words. `#` is an ordinary character; a backslash in double quotes escapes only `"` and `\`.
///
/// # Errors
/// A quotation is not closed, or the text ends after a backslash.
pub(super) fn split(text: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '\\' => {
                let next = chars.next().ok_or("No escaped character")?;
                word.get_or_insert_default().push(next);
            }
            '\'' => {
                let out = word.get_or_insert_default();
                loop {
                    match chars.next().ok_or("No closing quotation")? {
                        '\'' => break,
                        c => out.push(c),
                    }
                }
            }
            '"' => double_quoted(&mut chars, word.get_or_insert_default())?,
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

fn double_quoted(chars: &mut std::str::Chars<'_>, out: &mut String) -> Result<(), &'static str> {
    loop {
        match chars.next().ok_or("No closing quotation")? {
            '"' => return Ok(()),
            '\\' => match chars.next().ok_or("No closing quotation")? {
                c @ ('"' | '\\') => out.push(c),
                c => out.extend(['\\', c]),
            },
            c => out.push(c),
        }
    }
}

/// A word of shell text in which `~`, `~user`, `$NAME` and `${NAME}` are expanded on the host; variables that are not set
/// stay as they are written, everything else stands for itself.
#[must_use]
pub(super) fn expanding(word: &str) -> String {
    let (mut out, mut rest) = tilde(word);
    let mut literal = String::new();
    while let Some(at) = rest.find('$') {
        let (before, after) = rest.split_at(at);
        literal.push_str(before);
        if let Some((name, written, tail)) = variable(after) {
            if !literal.is_empty() {
                out.push_str(&quote(&std::mem::take(&mut literal)));
            }
            // In double quotes the default needs its dollar escaped, and the closing brace of `${NAME}` as well.
            let written = written.replace('}', "\\}");
            out.push_str(&format!("\"${{{name}-\\{written}}}\""));
            rest = tail;
        } else {
            literal.push('$');
            rest = after.get(1..).unwrap_or_default();
        }
    }
    literal.push_str(rest);
    if !literal.is_empty() || out.is_empty() {
        out.push_str(&quote(&literal));
    }
    out
}

/// Whether the host has to be asked what this path is.
#[must_use]
pub(super) fn expands(word: &str) -> bool {
    word.starts_with('~') || word.contains('$')
}

fn tilde(word: &str) -> (String, &str) {
    let Some(tail) = word.strip_prefix('~') else { return (String::new(), word) };
    let end = tail.find('/').unwrap_or(tail.len());
    let (user, rest) = tail.split_at(end);
    if user.is_empty() {
        return ("\"${HOME-\"~\"}\"".to_owned(), rest);
    }
    if user.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c)) {
        return (format!("~{user}"), rest);
    }
    (String::new(), word)
}

/// `$NAME…` or `${NAME}…` → (name, as written, what follows).
fn variable(text: &str) -> Option<(&str, &str, &str)> {
    let body = text.strip_prefix('$')?;
    let identifier =
        |s: &str| s.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(s.len());
    let (name, length) = match body.strip_prefix('{') {
        Some(inner) => {
            let end = inner.find('}')?;
            let name = inner.get(..end)?;
            (name, end + 3)
        }
        None => {
            let end = identifier(body);
            (body.get(..end)?, end + 1)
        }
    };
    let valid = !name.is_empty()
        && identifier(name) == name.len()
        && !name.starts_with(|c: char| c.is_ascii_digit());
    if !valid {
        return None;
    }
    Some((name, text.get(..length)?, text.get(length..)?))
}

/// A glob pattern as shell text: `*`, `?` and `[…]` keep their meaning, everything else stands for itself.
#[must_use]
pub(super) fn glob(pattern: &str) -> String {
    let mut out = String::new();
    let mut literal = String::new();
    for c in pattern.chars() {
        if matches!(c, '*' | '?' | '[' | ']') {
            if !literal.is_empty() {
                out.push_str(&quote(&std::mem::take(&mut literal)));
            }
            out.push(c);
        } else {
            literal.push(c);
        }
    }
    if !literal.is_empty() || out.is_empty() {
        out.push_str(&quote(&literal));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_as_python() {
        for (text, words) in [
            ("a b  c", vec!["a", "b", "c"]),
            ("a 'b c' \"d e\"", vec!["a", "b c", "d e"]),
            ("a#b #c", vec!["a#b", "#c"]),
            (r#""a\"b\n" c\ d"#, vec!["a\"b\\n", "c d"]),
            ("''", vec![""]),
            ("a''b", vec!["ab"]),
            ("  ", vec![]),
            ("a\nb\tc", vec!["a", "b", "c"]),
        ] {
            assert_eq!(split(text).unwrap(), words, "{text}");
        }
        assert_eq!(split("a 'b"), Err("No closing quotation"));
        assert_eq!(split("a \\"), Err("No escaped character"));
    }

    #[test]
    fn words_are_expanded_by_the_shell() {
        for (word, out) in [
            ("~/x", "/h/x"),
            ("~", "/h"),
            ("$A/b c", "1 2/b c"),
            ("${A}b", "1 2b"),
            ("$NOPE/x", "$NOPE/x"),
            ("${NOPE}/x", "${NOPE}/x"),
            ("a$", "a$"),
            ("$1 '`x`", "$1 '`x`"),
            ("", ""),
            ("a~", "a~"),
        ] {
            let script = format!("printf %s {}", expanding(word));
            let ran = std::process::Command::new("/bin/sh")
                .args(["-c", &script])
                .env_clear()
                .envs([("HOME", "/h"), ("A", "1 2"), ("PATH", "/usr/bin:/bin")])
                .output()
                .unwrap();
            assert_eq!(String::from_utf8_lossy(&ran.stdout), out, "{word} as {script}");
        }
    }

    #[test]
    fn globs_keep_only_their_own_signs() {
        assert_eq!(glob("/a b/*.$x"), "'/a b/'*'.$x'");
        assert_eq!(glob(""), "''");
    }
}
