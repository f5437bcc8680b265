//! Host names as they are written: ports and ranges.

use std::net::{Ipv4Addr, Ipv6Addr};

/// More hosts from one name are refused: it is a slip of the keyboard.
const MOST_HOSTS: usize = 1_000_000;

/// Splits `HOST`, `HOST:PORT` or `[HOST]:PORT`; `None` if it is not a host name or address. `ranges` says whether
/// `[01:20]` may be part of it.
#[must_use]
pub(super) fn parse_address(text: &str, ranges: bool) -> Option<(&str, Option<u32>)> {
    let (host, port) = split_port(text);
    if !ranges && host.contains('[') {
        return None;
    }
    let tokens = tokens(host)?;
    (is_ipv6(host) || is_name(&tokens)).then_some((host, port))
}

fn split_port(text: &str) -> (&str, Option<u32>) {
    if let Some((host, port)) = text.rsplit_once(':')
        && !port.is_empty()
        && port.bytes().all(|b| b.is_ascii_digit())
        && let Ok(port) = port.parse()
    {
        if let Some(inner) = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
            // `[1:3]:22` is a range, `[::1]:22` and `[h[1:3]]:22` are hosts in brackets.
            return (if is_range(inner) { host } else { inner }, Some(port));
        }
        let mut depth = 0_i32;
        let colon_outside = host.chars().any(|c| {
            depth += i32::from(c == '[') - i32::from(c == ']');
            c == ':' && depth == 0
        });
        if depth == 0 && !colon_outside && !host.is_empty() {
            return (host, Some(port));
        }
    }
    (text, None)
}

/// A character or a whole range of a host name.
enum Token {
    Char(char),
    Range,
}

fn tokens(host: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = host;
    while let Some(c) = rest.chars().next() {
        if c == '[' {
            let (range, after) = rest.get(1..)?.split_once(']')?;
            if !is_range(range) {
                return None;
            }
            tokens.push(Token::Range);
            rest = after;
        } else {
            tokens.push(Token::Char(c));
            rest = rest.get(c.len_utf8()..)?;
        }
    }
    Some(tokens)
}

fn is_range(text: &str) -> bool {
    let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    let letter = |t: &str, case: fn(&u8) -> bool| t.len() == 1 && t.bytes().all(|b| case(&b));
    let mut parts = text.split(':');
    let (Some(begin), Some(end)) = (parts.next(), parts.next()) else { return false };
    let alike = (digits(begin) && digits(end))
        || (letter(begin, u8::is_ascii_lowercase) && letter(end, u8::is_ascii_lowercase))
        || (letter(begin, u8::is_ascii_uppercase) && letter(end, u8::is_ascii_uppercase));
    alike && parts.next().is_none_or(digits) && parts.next().is_none()
}

fn is_ipv6(host: &str) -> bool {
    let mut plain = String::new();
    let mut depth = 0_u32;
    for c in host.chars() {
        match c {
            '[' => depth += 1,
            ']' => {
                depth = depth.saturating_sub(1);
                plain.push('1');
            }
            c if depth == 0 => plain.push(c),
            _ => {}
        }
    }
    plain.parse::<Ipv6Addr>().is_ok() || plain.parse::<Ipv4Addr>().is_ok()
}

/// Labels of letters, digits, `_` and `-` with points between them; `-` neither first nor last, `_` not last.
fn is_name(tokens: &[Token]) -> bool {
    tokens.split(|t| matches!(t, Token::Char('.'))).all(|label| {
        let word = |t: &Token| match t {
            Token::Char(c) => c.is_alphanumeric() || *c == '_',
            Token::Range => true,
        };
        let first = label.first().is_some_and(word);
        let last = label.len() == 1
            || label.last().is_some_and(|t| word(t) && !matches!(t, Token::Char('_')));
        first && last && label.iter().all(|t| word(t) || matches!(t, Token::Char('-')))
    })
}

/// The host names that a written name stands for, and its port.
///
/// # Errors
/// A lower-case fragment: what is wrong with a range, or a colon without a port.
pub(super) fn expand(text: &str) -> Result<(Vec<String>, Option<u32>), String> {
    let (pattern, port) = parse_address(text, true).unwrap_or((text, None));
    let mut hosts = Vec::new();
    expand_ranges(pattern, &mut hosts)?;
    Ok((hosts, port))
}

fn expand_ranges(pattern: &str, out: &mut Vec<String>) -> Result<(), String> {
    let Some((head, rest)) = pattern.split_once('[') else {
        if out.len() >= MOST_HOSTS {
            return Err(format!("this range stands for more than {MOST_HOSTS} hosts"));
        }
        out.push(pattern.to_owned());
        return Ok(());
    };
    let (range, tail) =
        rest.split_once(']').ok_or_else(|| format!("the range in \"{pattern}\" has no \"]\""))?;
    for name in range_values(range)? {
        expand_ranges(&format!("{head}{name}{tail}"), out)?;
    }
    Ok(())
}

fn range_values(range: &str) -> Result<Vec<String>, String> {
    const LETTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let bounds: Vec<&str> = range.split(':').collect();
    let (begin, end, step) = match *bounds.as_slice() {
        [begin, end] => (begin, end, "1"),
        [begin, end, step] => (begin, end, step),
        _ => return Err(format!("the range [{range}] must be [begin:end] or [begin:end:step]")),
    };
    let begin = if begin.is_empty() { "0" } else { begin };
    if end.is_empty() {
        return Err(format!("the range [{range}] must say where it ends"));
    }
    let width = if begin.len() > 1 && begin.starts_with('0') { begin.len() } else { 0 };
    if width > 0 && width != end.len() {
        return Err(format!("begin and end of the range [{range}] must have the same length"));
    }
    let number = |text: &str| {
        text.trim().parse::<i64>().map_err(|_| {
            format!("\"{text}\" in the range [{range}] is neither a number nor a letter")
        })
    };
    let step = number(step)?;
    if step == 0 {
        return Err(format!("the step of the range [{range}] must not be 0"));
    }
    let letter = |text: &str| if text.len() == 1 { LETTERS.find(text) } else { None };
    if let (Some(first), Some(last)) = (letter(begin), letter(end)) {
        if first > last {
            return Err(format!("the range [{range}] ends before it begins"));
        }
        let step = usize::try_from(step).map_err(|_| format!("the range [{range}] goes down"))?;
        return Ok(LETTERS
            .chars()
            .take(last + 1)
            .skip(first)
            .step_by(step)
            .map(String::from)
            .collect());
    }
    let (mut at, last) = (number(begin)?, number(end)?);
    let mut values = Vec::new();
    while (step > 0 && at <= last) || (step < 0 && at > last.saturating_add(1)) {
        if values.len() >= MOST_HOSTS {
            return Err(format!("the range [{range}] stands for more than {MOST_HOSTS} hosts"));
        }
        values.push(format!("{at:0>width$}"));
        at = at.saturating_add(step);
    }
    Ok(values)
}
