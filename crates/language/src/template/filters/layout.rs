//! Layout of text: `indent`, `center`, `truncate`, `wordwrap`, `wordcount`, `comment`.

use super::call::{Args, Entry, entry, fail};
use super::python;
use minijinja::{Error, State, Value};

pub(super) static ENTRIES: &[Entry] = &[
    entry("indent", indent),
    entry("center", center),
    entry("truncate", truncate),
    entry("wordwrap", wordwrap),
    entry("wordcount", wordcount),
    entry("comment", comment),
];

/// Python's `str.splitlines`.
pub(in crate::template) fn lines(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    let is_end = |c: char| {
        matches!(
            c,
            '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'
                ..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}'
        )
    };
    while !rest.is_empty() {
        let Some(at) = rest.find(is_end) else {
            found.push(rest);
            break;
        };
        let (line, tail) = rest.split_at(at);
        found.push(line);
        rest = tail.strip_prefix("\r\n").unwrap_or_else(|| {
            let mut chars = tail.chars();
            chars.next();
            chars.as_str()
        });
    }
    found
}

fn indent(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let text = args.text("s")?;
    let width = args.option("width")?.unwrap_or(Value::from(4));
    let first = args.flag("first", false)?;
    let blank = args.flag("blank", false)?;
    let indention = match (width.as_str(), python::whole(&width)) {
        (Some(text), _) => text.to_owned(),
        (None, Some(n)) => " ".repeat(usize::try_from(n.clamp(0, 100_000)).unwrap_or(0)),
        _ => return Err(fail("'width' must be a number or text")),
    };
    let text = format!("{text}\n");
    let mut out = String::with_capacity(text.len() + 64);
    if first {
        out.push_str(&indention);
    }
    for (index, line) in lines(&text).iter().enumerate() {
        if index > 0 {
            out.push('\n');
            if blank || !line.is_empty() {
                out.push_str(&indention);
            }
        }
        out.push_str(line);
    }
    Ok(Value::from(out))
}

fn center(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let text = args.text("value")?;
    let width = args.count("width", 80)?.min(1_000_000);
    let missing = width.saturating_sub(text.chars().count());
    let left = missing / 2 + (missing & width & 1);
    Ok(Value::from(format!("{}{text}{}", " ".repeat(left), " ".repeat(missing - left))))
}

fn truncate(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let text = args.text("s")?;
    let length = args.count("length", 255)?;
    let killwords = args.flag("killwords", false)?;
    let end = args.text_option("end")?.unwrap_or_else(|| "...".to_owned());
    let leeway = args.count("leeway", 5)?;
    let ending = end.chars().count();
    if length < ending {
        return Err(fail(format!("'length' must be at least {ending}")));
    }
    if text.chars().count() <= length.saturating_add(leeway) {
        return Ok(Value::from(text));
    }
    let kept: String = text.chars().take(length - ending).collect();
    let kept =
        if killwords { kept.as_str() } else { kept.rsplit_once(' ').map_or(&*kept, |p| p.0) };
    Ok(Value::from(format!("{kept}{end}")))
}

fn wordcount(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let text = args.text("s")?;
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|w| !w.is_empty());
    Ok(Value::from(words.count()))
}

fn wordwrap(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let text = args.text("s")?;
    let width = args.count("width", 79)?;
    let break_long = args.flag("break_long_words", true)?;
    let separator = args.text_option("wrapstring")?.unwrap_or_else(|| "\n".to_owned());
    let on_hyphens = args.flag("break_on_hyphens", true)?;
    if width == 0 {
        return Err(fail("'width' must be at least 1"));
    }
    let wrapped: Vec<String> = lines(&text)
        .into_iter()
        .map(|line| wrap(&chunks(line, on_hyphens), width, break_long).join(&separator))
        .collect();
    Ok(Value::from(wrapped.join(&separator)))
}

/// Words and the white space between them; a word may end after a hyphen between letters.
fn chunks(line: &str, on_hyphens: bool) -> Vec<Vec<char>> {
    let mut found: Vec<Vec<char>> = Vec::new();
    let chars: Vec<char> = line.chars().collect();
    for (index, &c) in chars.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|i| chars.get(i)).copied();
        let letter = |at: usize| chars.get(at).is_some_and(|c| c.is_alphabetic());
        let hyphen = on_hyphens
            && before == Some('-')
            && letter(index)
            && index >= 3
            && letter(index - 2)
            && letter(index - 3);
        let boundary = before.is_none_or(|b| b.is_whitespace() != c.is_whitespace());
        match found.last_mut() {
            Some(last) if !boundary && !hyphen => last.push(c),
            _ => found.push(vec![c]),
        }
    }
    found
}

fn wrap(chunks: &[Vec<char>], width: usize, break_long: bool) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut line: Vec<char> = Vec::new();
    let blank = |chunk: &[char]| chunk.iter().all(|c| c.is_whitespace());
    let finish = |line: &mut Vec<char>, out: &mut Vec<String>| {
        let text: String = line.drain(..).collect();
        let text =
            if text.trim_end().is_empty() { String::new() } else { text.trim_end().to_owned() };
        if !text.is_empty() {
            out.push(text);
        }
    };
    for chunk in chunks {
        if line.is_empty() && !out.is_empty() && blank(chunk) {
            continue;
        }
        if line.len() + chunk.len() <= width {
            line.extend(chunk);
            continue;
        }
        if chunk.len() <= width || !break_long {
            finish(&mut line, &mut out);
            if !blank(chunk) {
                line.extend(chunk);
            }
            continue;
        }
        for &c in chunk {
            if line.len() >= width {
                finish(&mut line, &mut out);
            }
            line.push(c);
        }
    }
    finish(&mut line, &mut out);
    out
}

struct Style {
    beginning: &'static str,
    decoration: &'static str,
    end: &'static str,
}

fn comment_style(name: &str) -> Result<Style, Error> {
    let style = |beginning, decoration, end| Ok(Style { beginning, decoration, end });
    match name {
        "plain" => style("", "# ", ""),
        "erlang" => style("", "% ", ""),
        "c" => style("", "// ", ""),
        "cblock" => style("/*", " * ", " */"),
        "xml" => style("<!--", " - ", "-->"),
        other => Err(fail(format!(
            "there is no comment style '{other}'; there are plain, erlang, c, cblock, xml"
        ))),
    }
}

fn comment(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let text = args.text("text")?;
    let style = comment_style(&args.text_option("style")?.unwrap_or_else(|| "plain".to_owned()))?;
    let mut word = |name: &str| -> Result<Option<String>, Error> {
        args.keyword(name)?.map(|value| python::string(&value)).transpose()
    };
    let newline = word("newline")?.unwrap_or_else(|| "\n".to_owned());
    let beginning = word("beginning")?.unwrap_or_else(|| style.beginning.to_owned());
    let decoration = word("decoration")?.unwrap_or_else(|| style.decoration.to_owned());
    let end = word("end")?.unwrap_or_else(|| style.end.to_owned());
    let prefix = word("prefix")?.unwrap_or_else(|| decoration.trim_end().to_owned());
    let postfix = word("postfix")?.unwrap_or_else(|| decoration.trim_end().to_owned());
    let mut count = |name: &str| -> Result<usize, Error> {
        let value = args.keyword(name)?.unwrap_or(Value::from(1));
        value.as_usize().ok_or_else(|| fail(format!("'{name}' must be a count")))
    };
    let (before, after) = (count("prefix_count")?, count("postfix_count")?);
    let mut out = String::new();
    if !beginning.is_empty() {
        out.push_str(&format!("{beginning}{newline}"));
    }
    if !prefix.is_empty() {
        out.push_str(&format!("{prefix}{newline}").repeat(before));
    }
    let bare = format!("{}{newline}", decoration.trim_end());
    let decorated = text.replace(&newline, &format!("{newline}{decoration}"));
    let decorated = format!("{decoration}{decorated}");
    out.push_str(&decorated.replace(&format!("{decoration}{newline}"), &bare));
    if !postfix.is_empty() {
        out.push_str(&format!("{newline}{postfix}").repeat(after));
    }
    if !end.is_empty() {
        out.push_str(&format!("{newline}{end}"));
    }
    Ok(Value::from(out))
}
