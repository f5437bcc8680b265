//! `regex_replace`, `regex_search`, `regex_findall`, `regex_escape`.

use super::call::{Args, Entry, entry, fail};
use super::pattern::{self, Captures, Flags, Replacement};
use super::python;

use minijinja::{Error, State, Value};

pub(super) static ENTRIES: &[Entry] = &[
    entry("regex_replace", replace),
    entry("regex_search", search),
    entry("regex_findall", find_all),
    entry("regex_escape", escape),
];

fn replace(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let text = args.text("value")?;
    let pattern = args.text_option("pattern")?.unwrap_or_default();
    let replacement = args.text_option("replacement")?.unwrap_or_default();
    let flags = Flags {
        ignore_case: args.flag("ignorecase", false)?,
        multi_line: args.flag("multiline", false)?,
    };
    let limit = args.count("count", 0)?;
    let wanted = args.count("mandatory_count", 0)?;
    let regex = pattern::compile(&pattern, flags)?;
    let (out, count) = Replacement::parse(&replacement, &regex)?.replace(&regex, &text, limit)?;
    if wanted > 0 && wanted != count {
        return Err(fail(format!(
            "'{pattern}' must match {wanted} times and matches {count} times"
        )));
    }
    Ok(Value::from(out))
}

fn flags(args: &mut Args) -> Result<Flags, Error> {
    Ok(Flags {
        ignore_case: args.keyword("ignorecase")?.is_some_and(|v| v.is_true()),
        multi_line: args.keyword("multiline")?.is_some_and(|v| v.is_true()),
    })
}

fn search(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let text = args.text("value")?;
    let pattern = args.text("regex")?;
    let groups = args.rest();
    let regex = pattern::compile(&pattern, flags(args)?)?;
    let mut wanted = Vec::with_capacity(groups.len());
    for group in groups {
        let group = python::string(&group)?;
        let name = group
            .strip_prefix("\\g<")
            .and_then(|rest| rest.strip_suffix('>'))
            .or_else(|| group.strip_prefix('\\').filter(|n| n.parse::<usize>().is_ok()))
            .ok_or_else(|| {
                fail(format!("'{group}' is not a group such as '\\1' or '\\g<name>'"))
            })?;
        wanted.push(name.to_owned());
    }
    let Some(found) = pattern::search(&regex, &text)? else { return Ok(Value::from(())) };
    if wanted.is_empty() {
        return Ok(matched(&found, 0).map_or(Value::from(()), Value::from));
    }
    let mut values = Vec::with_capacity(wanted.len());
    for name in wanted {
        let index = pattern::group(&name, &regex)?;
        values.push(matched(&found, index).map_or(Value::from(()), Value::from));
    }
    Ok(Value::from(values))
}

fn matched<'t>(captures: &Captures<'t>, index: usize) -> Option<&'t str> {
    captures.get(index).map(|found| found.as_str())
}

fn find_all(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let text = args.text("value")?;
    let pattern = args.text("regex")?;
    let multi_line = args.flag("multiline", false)?;
    let ignore_case = args.flag("ignorecase", false)?;
    let regex = pattern::compile(&pattern, Flags { ignore_case, multi_line })?;
    let found = pattern::find_all(&regex, &text, usize::MAX)?;
    let group =
        |captures: &Captures<'_>, index| Value::from(matched(captures, index).unwrap_or(""));
    let values = found.iter().map(|captures| match captures.len() {
        1 => group(captures, 0),
        2 => group(captures, 1),
        count => python::tuple((1..count).map(|index| group(captures, index)).collect()),
    });
    Ok(Value::from(values.collect::<Vec<_>>()))
}

fn escape(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let text = args.text("value")?;
    let kind = args.text_option("re_type")?.unwrap_or_else(|| "python".to_owned());
    let special = match kind.as_str() {
        "python" => "()[]{}?*+-|^$\\.&~# \t\n\r\u{b}\u{c}",
        "posix_basic" => "].[^$*\\",
        other => return Err(fail(format!("there is no regular expression type '{other}'"))),
    };
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if special.contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    Ok(Value::from(out))
}
