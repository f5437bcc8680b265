//! Backslashes in the string constants of templates in playbooks: they are characters, as in Ansible, so that
//! `regex_replace('(\w+)', '\1')` needs no doubling. In conditions, expressions and template files they escape.

use std::borrow::Cow;

/// The text with the backslashes of its constants doubled.
pub(super) fn escape(source: &str) -> Cow<'_, str> {
    if !source.contains('\\') {
        return Cow::Borrowed(source);
    }
    let mut out = String::with_capacity(source.len() + 8);
    walk(source, |piece| out.push_str(piece));
    Cow::Owned(out)
}

/// Where an offset in the escaped text is in the original.
pub(super) fn original(source: &str, escaped: usize) -> usize {
    if !source.contains('\\') {
        return escaped;
    }
    let (mut written, mut inserted) = (0, 0);
    walk(source, |piece| {
        let is_doubling = piece == r"\\" || piece == r"\\\";
        let added = if is_doubling { piece.len() / 2 } else { 0 };
        if written < escaped {
            inserted += added;
        }
        written += piece.len();
    });
    escaped.saturating_sub(inserted)
}

/// What part of a template is being read.
enum Part {
    Text,
    /// Until this delimiter.
    Code(&'static str),
    /// Until this quote, then code until the delimiter.
    Constant(char, &'static str),
}

/// Hands on the text piece by piece, each backslash of a constant as two.
fn walk(source: &str, mut write: impl FnMut(&str)) {
    let mut part = Part::Text;
    let mut at = 0;
    while let Some(rest) = source.get(at..).filter(|rest| !rest.is_empty()) {
        let length = match part {
            Part::Text => {
                let length = text_length(rest);
                if length == 0 {
                    part = Part::Code(if rest.starts_with("{{") { "}}" } else { "%}" });
                    2
                } else {
                    length
                }
            }
            Part::Code(end) if rest.starts_with(end) => {
                part = Part::Text;
                2
            }
            Part::Code(end) => match rest.chars().next() {
                Some(quote @ ('\'' | '"')) => {
                    part = Part::Constant(quote, end);
                    1
                }
                other => other.map_or(1, char::len_utf8),
            },
            Part::Constant(quote, end) => match rest.chars().next() {
                Some('\\') => {
                    let next = rest.chars().nth(1);
                    let escapes_quote = next == Some(quote);
                    write(if escapes_quote { r"\\\" } else { r"\\" });
                    at += 1;
                    let length = match next {
                        Some('\\') => {
                            write(r"\\");
                            1
                        }
                        Some(c) => {
                            write(rest.get(1..1 + c.len_utf8()).unwrap_or_default());
                            c.len_utf8()
                        }
                        None => 0,
                    };
                    at += length;
                    continue;
                }
                Some(c) => {
                    if c == quote {
                        part = Part::Code(end);
                    }
                    c.len_utf8()
                }
                None => 1,
            },
        };
        write(rest.get(..length).unwrap_or(rest));
        at += length;
    }
}

/// How much of this is text, comments and raw blocks, before the next piece of code.
fn text_length(rest: &str) -> usize {
    let open = ["{{", "{%", "{#"].iter().filter_map(|open| rest.find(open)).min();
    let Some(open) = open else { return rest.len() };
    if open > 0 {
        return open;
    }
    if rest.starts_with("{#") {
        return rest.find("#}").map_or(rest.len(), |end| end + 2);
    }
    let block = rest.trim_start_matches("{%").trim_start_matches(['-', '+']).trim_start();
    if rest.starts_with("{%") && block.starts_with("raw") {
        let end = rest.find("endraw").and_then(|e| Some(e + rest.get(e..)?.find("%}")? + 2));
        return end.unwrap_or(rest.len());
    }
    0
}

#[cfg(test)]
mod tests {
    use super::{escape, original};

    #[test]
    fn constants_keep_their_backslashes() {
        for (text, expected) in [
            (r"a\b{{ 'c\d' }}", r"a\b{{ 'c\\d' }}"),
            (r"{{ 'it\'s' }}", r"{{ 'it\\\'s' }}"),
            (r"{{ 'a\\b' ~ x\y }}", r"{{ 'a\\\\b' ~ x\y }}"),
            (r#"{% if "\n" %}\n{% endif %}"#, r#"{% if "\\n" %}\n{% endif %}"#),
            (
                r"{% raw %}{{ '\n' }}{% endraw %}{{ '\n' }}",
                r"{% raw %}{{ '\n' }}{% endraw %}{{ '\\n' }}",
            ),
            (r"{# '\n #}{{ '\n' }}", r"{# '\n #}{{ '\\n' }}"),
            (r"{{ '\", r"{{ '\\"),
        ] {
            assert_eq!(escape(text), expected, "{text}");
        }
    }

    #[test]
    fn offsets_lead_back() {
        let text = r"{{ 'a\.b' ~ nope }}";
        let escaped = escape(text);
        let at = escaped.find("nope").expect("it is there");
        assert_eq!(original(text, at), text.find("nope").expect("it is there"));
    }
}
