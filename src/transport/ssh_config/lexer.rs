//! One line: keyword and words.

/// The keyword in lower case, the rest as written, and nothing for blank lines and comments.
pub(super) fn split(line: &str) -> Option<(String, &str)> {
    let line = line.trim_matches([' ', '\t', '\r', '\u{c}']);
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let end = line.find([' ', '\t', '=']).unwrap_or(line.len());
    let (keyword, rest) = line.split_at(end);
    let rest = rest.trim_start_matches([' ', '\t']);
    let rest = rest.strip_prefix('=').unwrap_or(rest).trim_start_matches([' ', '\t']);
    Some((keyword.trim_matches('"').to_ascii_lowercase(), rest))
}

/// The words: quotes of both kinds, backslash before a quote or backslash (or a blank outside quotes), a comment where
/// a word would begin.
///
/// # Errors
/// A quote is not closed.
pub(super) fn words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(&first) = chars.peek() {
        if first == ' ' || first == '\t' {
            chars.next();
            continue;
        }
        if first == '#' {
            break;
        }
        let mut word = String::new();
        let mut quote = None;
        while let Some(&c) = chars.peek() {
            match (c, quote) {
                (' ' | '\t', None) => break,
                ('"' | '\'', None) => quote = Some(c),
                (_, Some(open)) if c == open => quote = None,
                ('\\', _) => {
                    chars.next();
                    match chars.peek() {
                        Some(&next) if matches!(next, '"' | '\'' | '\\') => word.push(next),
                        Some(' ') if quote.is_none() => word.push(' '),
                        _ => {
                            word.push('\\');
                            continue;
                        }
                    }
                }
                _ => word.push(c),
            }
            chars.next();
        }
        if quote.is_some() {
            return Err("a quote is not closed".to_owned());
        }
        words.push(word);
    }
    Ok(words)
}
