//! Tests on text: regular expressions, URLs, vault envelopes, case.

use crate::template::filters::call::{Args, Entry, entry, fail};
use crate::template::filters::pattern::{self, Flags};
use crate::template::filters::{python, url};
use minijinja::value::ValueKind;
use minijinja::{Error, Value};

pub(super) static ENTRIES: &[Entry] = &[
    entry("match", |_, args| regex(args, Some(Kind::Match))),
    entry("search", |_, args| regex(args, Some(Kind::Search))),
    entry("regex", |_, args| regex(args, None)),
    entry("url", |_, args| uri(args, Want::Url)),
    entry("uri", |_, args| uri(args, Want::Uri)),
    entry("urn", |_, args| uri(args, Want::Urn)),
    entry("lower", |_, args| case(args, char::is_lowercase, char::is_uppercase)),
    entry("upper", |_, args| case(args, char::is_uppercase, char::is_lowercase)),
    entry("escaped", |_, args| Ok(Value::from(args.value("value")?.is_safe()))),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Match,
    FullMatch,
    Search,
}

fn regex(args: &mut Args, kind: Option<Kind>) -> Result<Value, Error> {
    let text = args.text("value")?;
    let pattern = args.text("pattern")?;
    let ignore_case = args.flag("ignorecase", false)?;
    let multi_line = args.flag("multiline", false)?;
    let kind = match kind {
        Some(kind) => kind,
        None => match args.text_option("match_type")?.as_deref() {
            None | Some("search") => Kind::Search,
            Some("match") => Kind::Match,
            Some("fullmatch") => Kind::FullMatch,
            Some(other) => {
                return Err(fail(format!(
                    "'match_type' is search, match or fullmatch, not '{other}'"
                )));
            }
        },
    };
    let anchored = match kind {
        Kind::Search => pattern,
        Kind::Match => anchored(&pattern, ""),
        Kind::FullMatch => anchored(&pattern, "\\Z"),
    };
    let regex = pattern::compile(&anchored, Flags { ignore_case, multi_line })?;
    Ok(Value::from(pattern::search(&regex, &text)?.is_some()))
}

/// The pattern held at the start of the text; its own flags stay in front.
fn anchored(pattern: &str, end: &str) -> String {
    let flags = pattern
        .strip_prefix("(?")
        .and_then(|rest| rest.split_once(')'))
        .filter(|(flags, _)| !flags.is_empty() && flags.chars().all(|c| "aiLmsux".contains(c)));
    match flags {
        Some((flags, rest)) => format!("(?{flags})\\A(?:{rest}){end}"),
        None => format!("\\A(?:{pattern}){end}"),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Want {
    Uri,
    Url,
    Urn,
}

fn uri(args: &mut Args, want: Want) -> Result<Value, Error> {
    let value = args.value("value")?;
    let schemes = match want {
        Want::Urn => None,
        _ => args.option("schemes")?.filter(|schemes| !schemes.is_none()),
    };
    let (ValueKind::String, Some(text)) = (value.kind(), value.as_str()) else {
        return Ok(Value::from(false));
    };
    let Ok(parts) = url::split(text) else { return Ok(Value::from(false)) };
    let part = |name: &str| {
        let found = parts.iter().find(|(known, _)| *known == name);
        found.and_then(|(_, value)| value.as_str()).unwrap_or_default()
    };
    let scheme = part("scheme");
    let fits = match &schemes {
        Some(schemes) => {
            let mut known = false;
            for wanted in python::items(schemes)? {
                known |= wanted.as_str().is_some_and(|wanted| wanted.eq_ignore_ascii_case(scheme));
            }
            known
        }
        None => true,
    };
    let located = !part("netloc").is_empty();
    Ok(Value::from(
        fits && !scheme.is_empty()
            && match want {
                Want::Uri => located || !part("path").is_empty(),
                Want::Url => located || scheme == "file",
                Want::Urn => scheme == "urn",
            },
    ))
}

fn case(
    args: &mut Args,
    wanted: fn(char) -> bool,
    refused: fn(char) -> bool,
) -> Result<Value, Error> {
    let text = args.text("value")?;
    Ok(Value::from(text.chars().any(wanted) && !text.chars().any(refused)))
}
