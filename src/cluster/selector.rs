//! Label selectors as people write them: `app=web,tier in (a, b),!legacy`.

use kube::core::{Expression, Selector};
use std::collections::BTreeSet;

/// Parses kubectl's `-l` syntax.
///
/// # Errors
/// A fragment that says which part is not understood.
pub fn parse_selector(text: &str) -> Result<Selector, String> {
    requirements(text)?.into_iter().map(requirement).collect::<Result<Selector, String>>()
}

/// Splits at commas that are not inside parentheses.
fn requirements(text: &str) -> Result<Vec<&str>, String> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0_u32, 0);
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' if depth == 0 => return Err(format!("label selector {text:?}: unexpected \")\"")),
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(text.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            _ => {}
        }
    }
    if depth > 0 {
        return Err(format!("label selector {text:?}: \")\" is missing"));
    }
    parts.push(text.get(start..).unwrap_or_default());
    if parts.len() == 1 && text.trim().is_empty() {
        parts.clear();
    }
    Ok(parts)
}

fn requirement(part: &str) -> Result<Expression, String> {
    let part = part.trim();
    if let Some(key) = part.strip_prefix('!') {
        return Ok(Expression::DoesNotExist(name(key, part)?));
    }
    if let Some((key, value)) = part.split_once("!=") {
        return Ok(Expression::NotEqual(name(key, part)?, word(value, part)?));
    }
    if let Some((key, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        return Ok(Expression::Equal(name(key, part)?, word(value, part)?));
    }
    let Some((head, values)) = part.split_once('(') else {
        return Ok(Expression::Exists(name(part, part)?));
    };
    let values = values
        .strip_suffix(')')
        .ok_or_else(|| format!("label selector {part:?}: \")\" is missing"))?
        .split(',')
        .map(|value| word(value, part))
        .collect::<Result<BTreeSet<_>, _>>()?;
    match head.split_whitespace().collect::<Vec<_>>().as_slice() {
        [key, "in"] => Ok(Expression::In(name(key, part)?, values)),
        [key, "notin"] => Ok(Expression::NotIn(name(key, part)?, values)),
        _ => Err(format!("label selector {part:?}: expected \"key in (…)\" or \"key notin (…)\"")),
    }
}

fn name(key: &str, part: &str) -> Result<String, String> {
    let key = word(key, part)?;
    if key.is_empty() { Err(format!("label selector {part:?}: a key is missing")) } else { Ok(key) }
}

fn word(text: &str, part: &str) -> Result<String, String> {
    let text = text.trim();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    if text.chars().all(plain) {
        return Ok(text.to_owned());
    }
    Err(format!("label selector {part:?}: {text:?} is not a label"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::core::SelectorExt;

    fn labels(text: &str) -> std::collections::BTreeMap<String, String> {
        text.split_whitespace()
            .map(|pair| pair.split_once('=').unwrap())
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .collect()
    }

    #[test]
    fn selects_as_kubectl_does() {
        let table = [
            ("", "a=1", true),
            ("a=1", "a=1", true),
            ("a==1", "a=1", true),
            ("a=1", "a=2", false),
            ("a!=1", "a=2", true),
            ("a!=1", "b=2", true),
            ("a", "a=1", true),
            ("a", "b=1", false),
            ("!a", "b=1", true),
            ("!a", "a=1", false),
            ("a in (1, 2),b", "a=2 b=3", true),
            ("a in (1,2),b", "a=2", false),
            ("a notin (1,2)", "a=3", true),
            ("a notin (1,2)", "a=1", false),
            ("a=", "a=", true),
            ("example.org/a-b_c = x", "example.org/a-b_c=x", true),
        ];
        for (selector, pod, expected) in table {
            let parsed = parse_selector(selector).unwrap();
            assert_eq!(parsed.matches(&labels(pod)), expected, "{selector:?} on {pod:?}");
        }
    }

    #[test]
    fn says_what_it_does_not_understand() {
        for text in ["a in (1", "a)", "=x", "a near (x)", "a b", "a=1,,b", "a=x y"] {
            let error = parse_selector(text).unwrap_err();
            assert!(error.starts_with("label selector"), "{text:?}: {error}");
        }
    }
}
