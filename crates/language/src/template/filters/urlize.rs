//! `urlize`: addresses in a text become links, as Jinja 3.1 finds them.

use super::call::{Args, Entry, entry, fail};
use super::python;
use super::text::escaped;
use minijinja::{Error, State, Value};
use regex::Regex;
use std::sync::LazyLock;

pub(super) static ENTRIES: &[Entry] = &[entry("urlize", urlize)];

static ADDRESS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?xi)^(
            (?: https?:// | www\. ) (?: (?: [\w%-]+\. )+ )? (?: [a-z]{2,63} | xn--[\w%]{2,59} )
            | (?: [\w%-]{2,63}\. )+ (?: com | net | int | edu | gov | org | info | mil )
            | https?:// (?: \d{1,3} (?: \.\d{1,3} ){3} | \[ (?: [\da-f]{0,4}: ){2} (?: [\da-f]{0,4}:? ){1,6} \] )
        ) (?: :\d{1,5} )? (?: [/?\#]\S* )?$",
    )
    .ok()
});
static MAIL: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\S+@\w[\w.-]*\.\w+$").ok());

fn is_like(pattern: &LazyLock<Option<Regex>>, text: &str) -> bool {
    pattern.as_ref().is_some_and(|pattern| pattern.is_match(text))
}

/// How links are written.
struct Style {
    limit: Option<usize>,
    attributes: String,
    schemes: Vec<String>,
}

fn urlize(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let text = args.text("value")?;
    let limit = args.int_option("trim_url_limit")?.and_then(|limit| usize::try_from(limit).ok());
    let nofollow = args.flag("nofollow", false)?;
    let target = args.text_option("target")?;
    let rel = args.text_option("rel")?.unwrap_or_default();
    let mut rel: Vec<&str> = rel.split_whitespace().chain(["noopener"]).collect();
    if nofollow {
        rel.push("nofollow");
    }
    rel.sort_unstable();
    rel.dedup();
    let mut attributes = format!(" rel=\"{}\"", escaped(&rel.join(" ")));
    if let Some(target) = target {
        attributes.push_str(&format!(" target=\"{}\"", escaped(&target)));
    }
    let schemes = match args.option("extra_schemes")?.filter(|schemes| !schemes.is_none()) {
        Some(list) => python::items(&list)?.iter().map(python::string).collect::<Result<_, _>>()?,
        None => Vec::new(),
    };
    if let Some(wrong) = schemes.iter().find(|scheme| !is_scheme(scheme)) {
        return Err(fail(format!("'{wrong}' is not a scheme of URLs")));
    }
    Ok(Value::from(linked(&escaped(&text), &Style { limit, attributes, schemes })))
}

/// `name:` and perhaps `//`, a name of two letters or more.
fn is_scheme(text: &str) -> bool {
    let name = text.strip_suffix("//").unwrap_or(text).strip_suffix(':');
    name.is_some_and(|name| {
        let mut bytes = name.bytes();
        name.len() >= 2
            && bytes.next().is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_')
            && bytes.all(|b| b.is_ascii_alphanumeric() || b"_.+-".contains(&b))
    })
}

/// Text that is escaped already, word by word; the space between words stays as it is.
fn linked(text: &str, style: &Style) -> String {
    let mut out = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let space = rest.find(|c: char| !c.is_whitespace()).unwrap_or(rest.len());
        let (space, after) = rest.split_at(space);
        let word = after.find(char::is_whitespace).unwrap_or(after.len());
        let (word, after) = after.split_at(word);
        let (head, middle, tail) = parts(word);
        out.push_str(&format!("{space}{head}{}{tail}", link(middle, style)));
        rest = after;
    }
    out
}

/// A word without the brackets and the punctuation around it; a bracket that closes one inside stays inside.
fn parts(word: &str) -> (&str, &str, &str) {
    const OPEN: [&str; 3] = ["(", "<", "&lt;"];
    const CLOSE: [&str; 6] = [")", ">", ".", ",", "\n", "&gt;"];
    const PAIRS: [(&str, &str); 3] = [("(", ")"), ("<", ">"), ("&lt;", "&gt;")];
    let mut inner = word;
    while let Some(after) = OPEN.into_iter().find_map(|open| inner.strip_prefix(open)) {
        inner = after;
    }
    let (head, body) = word.split_at(word.len() - inner.len());
    let mut inner = body;
    while let Some(before) = CLOSE.into_iter().find_map(|close| inner.strip_suffix(close)) {
        inner = before;
    }
    let mut end = inner.len();
    for (open, close) in PAIRS {
        let (middle, tail) = body.split_at(end);
        let open = middle.matches(open).count();
        if open > middle.matches(close).count() {
            end += tail
                .match_indices(close)
                .take(open)
                .last()
                .map_or(0, |(at, close)| at + close.len());
        }
    }
    let (middle, tail) = body.split_at(end);
    (head, middle, tail)
}

fn link(middle: &str, style: &Style) -> String {
    let Style { limit, attributes, schemes } = style;
    let shown = match *limit {
        Some(limit) if middle.chars().count() > limit => {
            format!("{}...", middle.chars().take(limit).collect::<String>())
        }
        _ => middle.to_owned(),
    };
    if is_like(&ADDRESS, middle) {
        let whole = middle.starts_with("https://") || middle.starts_with("http://");
        let scheme = if whole { "" } else { "https://" };
        return format!("<a href=\"{scheme}{middle}\"{attributes}>{shown}</a>");
    }
    if let Some(mail) = middle.strip_prefix("mailto:").filter(|mail| is_like(&MAIL, mail)) {
        return format!("<a href=\"{middle}\">{mail}</a>");
    }
    let may_be_mail = !middle.starts_with("www.") && !middle.starts_with('@');
    if may_be_mail && !middle.contains(':') && is_like(&MAIL, middle) {
        return format!("<a href=\"mailto:{middle}\">{middle}</a>");
    }
    if schemes.iter().any(|scheme| middle != scheme && middle.starts_with(scheme)) {
        return format!("<a href=\"{middle}\"{attributes}>{shown}</a>");
    }
    middle.to_owned()
}
