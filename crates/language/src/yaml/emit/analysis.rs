//! In which styles a text can be written and read back.

use crate::yaml::resolve::{self, Plain};

/// What the characters of a text allow.
#[expect(clippy::struct_excessive_bools, reason = "independent findings")]
#[derive(Debug)]
pub(super) struct Analysis {
    pub(super) multiline: bool,
    pub(super) flow_plain: bool,
    pub(super) block_plain: bool,
    pub(super) single: bool,
    pub(super) block: bool,
}

/// Whether a text without quotes is read as text.
pub(super) fn is_text(text: &str) -> bool {
    !matches!(text, "<<" | "=") && resolve::plain(text) == Ok(Plain::Text)
}

pub(super) fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

pub(super) fn has_breaks(text: &str) -> bool {
    text.contains(is_break)
}

/// What libyaml writes as it is: no control characters (tab included), nothing beyond the basic plane.
pub(super) fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}')
        && c != '\u{feff}'
}

fn is_blank(c: Option<char>) -> bool {
    c.is_none_or(|c| matches!(c, ' ' | '\t' | '\0') || is_break(c))
}

#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent findings")]
struct Seen {
    block_indicators: bool,
    flow_indicators: bool,
    breaks: bool,
    special: bool,
    edge: bool,
    trailing_space: bool,
    break_space: bool,
    space_break: bool,
}

impl Analysis {
    pub(super) fn of(text: &str) -> Self {
        if text.is_empty() {
            let (block_plain, single) = (true, true);
            return Self { multiline: false, flow_plain: false, block_plain, single, block: false };
        }
        let seen = Seen::of(text);
        let plain =
            !(seen.edge || seen.break_space || seen.space_break || seen.special || seen.breaks);
        Self {
            multiline: seen.breaks,
            flow_plain: plain && !seen.flow_indicators,
            block_plain: plain && !seen.block_indicators,
            single: !(seen.break_space || seen.space_break || seen.special),
            block: !(seen.trailing_space || seen.space_break || seen.special),
        }
    }
}

impl Seen {
    fn of(text: &str) -> Self {
        let mut seen = Self::default();
        if text.starts_with("---") || text.starts_with("...") {
            seen.block_indicators = true;
            seen.flow_indicators = true;
        }
        let mut previous = None;
        let mut characters = text.chars().peekable();
        while let Some(c) = characters.next() {
            let next = characters.peek().copied();
            seen.indicator(c, previous, next);
            seen.special |= !is_printable(c);
            seen.breaks |= is_break(c);
            if c == ' ' || is_break(c) {
                seen.edge |= previous.is_none() || next.is_none();
            }
            if c == ' ' {
                seen.trailing_space |= next.is_none();
                seen.break_space |= previous.is_some_and(is_break);
            } else if is_break(c) {
                seen.space_break |= previous == Some(' ');
            }
            previous = Some(c);
        }
        seen
    }

    /// Characters that mean something to YAML at this position.
    fn indicator(&mut self, c: char, previous: Option<char>, next: Option<char>) {
        let blank_after = is_blank(next);
        let (flow, block) = match (c, previous) {
            (
                '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%'
                | '@' | '`',
                None,
            ) => (true, true),
            ('?' | ':', None) | (':', Some(_)) => (true, blank_after),
            ('-', None) => (blank_after, blank_after),
            (',' | '?' | '[' | ']' | '{' | '}', Some(_)) => (true, false),
            ('#', Some(_)) => (is_blank(previous), is_blank(previous)),
            _ => (false, false),
        };
        self.flow_indicators |= flow;
        self.block_indicators |= block;
    }
}
