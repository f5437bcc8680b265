//! What hosts print reaches a terminal without power over it: no cursor, no title, no hidden or reversed text.

use std::borrow::Cow;
use std::fmt::Write;

/// Text for people, with lines: colours are dropped, other control characters are shown by a stand-in (`␛`, `<U+202E>`),
/// `CR LF` is a line end. Line ends and tabs stay.
#[must_use]
pub fn sanitise(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| matches!(c, '\n' | '\t') || !is_control(c)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let after = rest.split_at(c.len_utf8()).1;
        if c == '\r' && after.starts_with('\n') {
            rest = after;
        } else if let Some(after) = colour(rest) {
            rest = after;
        } else {
            if matches!(c, '\n' | '\t') {
                out.push(c);
            } else {
                push(&mut out, c);
            }
            rest = after;
        }
    }
    Cow::Owned(out)
}

/// The same on one line: line ends and tabs are shown by stand-ins too.
#[must_use]
pub fn one_line(text: &str) -> Cow<'_, str> {
    let clean = sanitise(text);
    if !clean.contains(['\n', '\t']) {
        return clean;
    }
    Cow::Owned(clean.trim_end().replace('\n', "␊").replace('\t', " "))
}

/// What follows a sequence that only sets colours and the like; `None` if this is not one.
fn colour(text: &str) -> Option<&str> {
    let body = text.strip_prefix("\x1b[").or_else(|| text.strip_prefix('\u{9b}'))?;
    let end = body.find(|c: char| !c.is_ascii_digit() && !matches!(c, ';' | ':'))?;
    body.split_at(end).1.strip_prefix('m')
}

fn is_control(c: char) -> bool {
    c.is_control() || is_bidi(c) || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Marks, embeddings, overrides and isolates: they change the order in which text is shown.
fn is_bidi(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn push(out: &mut String, c: char) {
    match u32::from(c) {
        code @ 0..=0x1f => out.push(char::from_u32(0x2400 + code).unwrap_or('\u{fffd}')),
        0x7f => out.push('␡'),
        code if is_control(c) => {
            // Writing to a String cannot fail.
            let _written = write!(out, "<U+{code:04X}>");
        }
        _ => out.push(c),
    }
}

#[cfg(test)]
mod tests {
    use super::{is_control, one_line, sanitise};
    use std::borrow::Cow;

    #[test]
    fn s24_terminal_sequences_have_no_power() {
        for (raw, shown) in [
            ("plain é 漢 \t\n", "plain é 漢 \t\n"),
            ("\x1b[31mred\x1b[0m", "red"),
            ("\x1b[1;38:5:9mred\u{9b}m", "red"),
            ("\x1b[2J\x1b[1;1H", "␛[2J␛[1;1H"),
            ("\x1b]0;title\x07", "␛]0;title␇"),
            ("\x1b]8;;http://evil\x1b\\link", "␛]8;;http://evil␛\\link"),
            ("\x1bP+q544e\x1b\\", "␛P+q544e␛\\"),
            ("\u{9d}0;x\u{9c}", "<U+009D>0;x<U+009C>"),
            ("ok: all fine\rFAILED", "ok: all fine␍FAILED"),
            ("dos\r\nlines\r\n", "dos\nlines\n"),
            ("abc\u{202e}cba\u{2066}\u{200f}", "abc<U+202E>cba<U+2066><U+200F>"),
            ("back\x08\x08\x7f\0", "back␈␈␡␀"),
            ("\u{2028}", "<U+2028>"),
            ("\x1b[31", "␛[31"),
            ("\x1b", "␛"),
        ] {
            assert_eq!(sanitise(raw), shown, "{raw:?}");
        }
        assert!(matches!(sanitise("clean"), Cow::Borrowed(_)));
        assert_eq!(one_line("two\nlines\tand\r\n"), "two␊lines and");
    }

    proptest::proptest! {
        #[test]
        fn nothing_dangerous_is_left(text in "(\x1b|\\[|[0-9;m]|\u{9b}|\r|\n|\u{202e}|\\PC|\\p{Cc}){0,40}") {
            let clean = sanitise(&text).into_owned();
            proptest::prop_assert!(clean.chars().all(|c| matches!(c, '\n' | '\t') || !is_control(c)), "{:?}", clean);
            proptest::prop_assert_eq!(sanitise(&clean), clean.as_str());
        }
    }
}
