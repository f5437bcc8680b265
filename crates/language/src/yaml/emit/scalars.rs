//! Texts in each style, folded at spaces.

use super::Style;
use super::analysis::{is_break, is_printable};
use super::writer::Writer;

/// Writes a text; `fold` allows line breaks at spaces.
pub(super) fn write(writer: &mut Writer, text: &str, style: Option<Style>, fold: bool) {
    match style {
        None => plain(writer, text, fold),
        Some(Style::Single) => single(writer, text, fold),
        Some(Style::Double) => double(writer, text, fold),
        Some(Style::Literal) => literal(writer, text),
        Some(Style::Folded) => folded(writer, text),
    }
    if !matches!(style, Some(Style::Literal | Style::Folded)) {
        writer.set_open_ended(false);
        writer.set_state(false, false);
    }
}

/// Plain texts have no line breaks here: such texts are quoted.
fn plain(writer: &mut Writer, text: &str, fold: bool) {
    if !text.is_empty() || writer.in_flow() {
        writer.space();
    }
    let mut after_space = false;
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        let last_space = characters.peek() != Some(&' ');
        if c == ' ' && fold && !after_space && writer.is_past_width() && last_space {
            writer.indent();
        } else {
            writer.put(c);
            writer.set_indention(writer.is_indention() && c == ' ');
        }
        after_space = c == ' ';
    }
}

fn single(writer: &mut Writer, text: &str, fold: bool) {
    writer.indicator("'", true, false, false);
    let mut after_space = false;
    let mut after_break = false;
    let mut first = true;
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        let next = characters.peek().copied();
        if c == ' ' {
            let inside = !first && next.is_some_and(|next| next != ' ');
            if fold && !after_space && writer.is_past_width() && inside {
                writer.indent();
            } else {
                writer.put(c);
            }
            after_space = true;
        } else if is_break(c) {
            if !after_break && c == '\n' {
                writer.line_break();
            }
            writer.put(c);
            writer.set_indention(true);
            after_break = true;
        } else {
            if after_break {
                writer.indent();
            }
            if c == '\'' {
                writer.put(c);
            }
            writer.put(c);
            writer.set_indention(false);
            after_space = false;
            after_break = false;
        }
        first = false;
    }
    if after_break {
        writer.indent();
    }
    writer.indicator("'", false, false, false);
}

fn double(writer: &mut Writer, text: &str, fold: bool) {
    writer.indicator("\"", true, false, false);
    let mut after_space = false;
    let mut first = true;
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        let next = characters.peek().copied();
        if !is_printable(c) || is_break(c) || matches!(c, '"' | '\\') {
            escape(writer, c);
            after_space = false;
        } else if c == ' ' {
            if fold && !after_space && writer.is_past_width() && !first && next.is_some() {
                writer.indent();
                if next == Some(' ') {
                    writer.put('\\');
                }
            } else {
                writer.put(c);
            }
            after_space = true;
        } else {
            writer.put(c);
            after_space = false;
        }
        first = false;
    }
    writer.indicator("\"", false, false, false);
}

fn escape(writer: &mut Writer, c: char) {
    let short = match c {
        '\0' => '0',
        '\x07' => 'a',
        '\x08' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\x0b' => 'v',
        '\x0c' => 'f',
        '\r' => 'r',
        '\x1b' => 'e',
        '"' => '"',
        '\\' => '\\',
        '\u{85}' => 'N',
        '\u{a0}' => '_',
        '\u{2028}' => 'L',
        '\u{2029}' => 'P',
        _ => {
            let code = u32::from(c);
            let escaped = match code {
                0..=0xff => format!("\\x{code:02X}"),
                0x100..=0xffff => format!("\\u{code:04X}"),
                _ => format!("\\U{code:08X}"),
            };
            escaped.chars().for_each(|c| writer.put(c));
            return;
        }
    };
    writer.put('\\');
    writer.put(short);
}

/// The `|` or `>` with what must be said of the text's first and last characters.
fn header(writer: &mut Writer, indicator: &str, text: &str) {
    writer.indicator(indicator, true, false, false);
    if text.starts_with(|c| c == ' ' || is_break(c)) {
        let step = writer.step().to_string();
        writer.indicator(&step, false, false, false);
    }
    let mut from_end = text.chars().rev();
    let (last, before) = (from_end.next(), from_end.next());
    let ends = last.is_some_and(is_break);
    let keeps = ends && before.is_none_or(is_break);
    writer.set_open_ended(keeps);
    if !ends {
        writer.indicator("-", false, false, false);
    } else if keeps {
        writer.indicator("+", false, false, false);
    }
    writer.line_break();
    writer.set_state(true, true);
}

fn literal(writer: &mut Writer, text: &str) {
    header(writer, "|", text);
    let mut after_break = true;
    for c in text.chars() {
        if is_break(c) {
            writer.put(c);
            writer.set_indention(true);
        } else {
            if after_break {
                writer.indent();
            }
            writer.put(c);
            writer.set_indention(false);
        }
        after_break = is_break(c);
    }
}

fn folded(writer: &mut Writer, text: &str) {
    header(writer, ">", text);
    let mut after_break = true;
    let mut indented = true;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if is_break(c) {
            if !after_break && !indented && c == '\n' {
                let next = rest.as_str().trim_start_matches(is_break).chars().next();
                if next.is_some_and(|next| !matches!(next, ' ' | '\t' | '\0')) {
                    writer.line_break();
                }
            }
            writer.put(c);
            writer.set_indention(true);
            after_break = true;
            continue;
        }
        if after_break {
            writer.indent();
            indented = matches!(c, ' ' | '\t');
        }
        let single_space = c == ' ' && !rest.as_str().starts_with(' ');
        if !after_break && single_space && writer.is_past_width() {
            writer.indent();
        } else {
            writer.put(c);
        }
        writer.set_indention(false);
        after_break = false;
    }
}
