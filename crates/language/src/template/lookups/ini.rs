//! `ini`: values of INI and Java properties files.

use super::call::{Call, words};
use crate::template::filters::call::fail;
use crate::template::filters::pattern::{self, Flags};
use minijinja::{Error, Value};

const OPTIONS: [&str; 8] =
    ["type", "file", "section", "re", "encoding", "default", "case_sensitive", "allow_none"];

type Section = (String, Vec<(String, Option<String>)>);

#[expect(clippy::struct_excessive_bools, reason = "each is an option of the lookup")]
struct Query {
    properties: bool,
    file: String,
    section: String,
    regex: bool,
    default: Value,
    case_sensitive: bool,
    allow_none: bool,
}

pub(super) fn ini(call: &mut Call) -> Result<Vec<Value>, Error> {
    let mut common = Vec::new();
    for name in OPTIONS {
        if let Some(value) = call.options.text_option(name)? {
            common.push((name.to_owned(), value));
        }
    }
    let mut found = Vec::new();
    for term in call.texts()? {
        let words = words(&term, &OPTIONS)?;
        let query = query(common.iter().chain(&words.options))?;
        let path = call.find_file(&query.file, "files")?;
        let sections = parse(&call.read(&path)?, &query)?;
        found.extend(lookup(&sections, &words.first, &query)?);
    }
    Ok(found)
}

fn query<'a>(options: impl Iterator<Item = &'a (String, String)>) -> Result<Query, Error> {
    let mut query = Query {
        properties: false,
        file: "ansible.ini".to_owned(),
        section: "global".to_owned(),
        regex: false,
        default: Value::from(""),
        case_sensitive: false,
        allow_none: false,
    };
    let truth = |value: &str| {
        crate::template::filters::convert::truth_word(&Value::from(value)).unwrap_or(false)
    };
    for (name, value) in options {
        match name.as_str() {
            "type" => {
                query.properties = match value.as_str() {
                    "ini" => false,
                    "properties" => true,
                    other => {
                        return Err(fail(format!("'type' is ini or properties, not '{other}'")));
                    }
                };
            }
            "file" => query.file.clone_from(value),
            "section" => query.section.clone_from(value),
            "re" => query.regex = truth(value),
            "default" => query.default = Value::from(value.as_str()),
            "case_sensitive" => query.case_sensitive = truth(value),
            "allow_none" => query.allow_none = truth(value),
            _ if value.eq_ignore_ascii_case("utf-8") || value.eq_ignore_ascii_case("utf8") => {}
            _ => return Err(fail(format!("the encoding '{value}' is not supported"))),
        }
    }
    if query.properties {
        query.section = String::new();
    }
    Ok(query)
}

/// Python's `configparser` without interpolation: `=` or `:`, comments with `#` or `;`, indented lines continue.
fn parse(text: &str, query: &Query) -> Result<Vec<Section>, Error> {
    let mut sections: Vec<Section> = Vec::new();
    if query.properties {
        sections.push((String::new(), Vec::new()));
    }
    for (number, line) in text.lines().enumerate() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        let wrong = || fail(format!("line {} of the file is not understood", number + 1));
        if line.starts_with([' ', '\t']) {
            let last = sections.last_mut().and_then(|(_, entries)| entries.last_mut());
            if let Some((_, Some(value))) = last {
                value.push('\n');
                value.push_str(trimmed);
                continue;
            }
        }
        if let Some(name) = trimmed.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            let name = name.0.to_owned();
            if !sections.iter().any(|(known, _)| *known == name) {
                sections.push((name, Vec::new()));
            } else if let Some(at) = sections.iter().position(|(known, _)| *known == name) {
                let section = sections.remove(at);
                sections.push(section);
            }
            continue;
        }
        let (_, entries) = sections.last_mut().ok_or_else(wrong)?;
        let (key, value) = match trimmed.split_once(['=', ':']) {
            Some((key, value)) => (key.trim_end(), Some(value.trim_start().to_owned())),
            None if query.allow_none => (trimmed, None),
            None => return Err(wrong()),
        };
        let key = if query.case_sensitive { key.to_owned() } else { key.to_lowercase() };
        entries.retain(|(known, _)| *known != key);
        entries.push((key, value));
    }
    Ok(sections)
}

fn lookup(sections: &[Section], key: &str, query: &Query) -> Result<Vec<Value>, Error> {
    let section = sections.iter().find(|(name, _)| *name == query.section);
    let Some((_, entries)) = section else {
        return Err(fail(format!("'{}' has no section '{}'", query.file, query.section)));
    };
    let value = |value: &Option<String>| {
        value.as_ref().map_or(Value::from(()), |text| Value::from(text.as_str()))
    };
    if query.regex {
        let flags = Flags { ignore_case: !query.case_sensitive, multi_line: false };
        let regex = pattern::compile(&format!("\\A(?:{key})"), flags)?;
        let mut found = Vec::new();
        for (name, text) in entries {
            if pattern::search(&regex, name)?.is_some() {
                found.push(value(text));
            }
        }
        return Ok(found);
    }
    let key = if query.case_sensitive { key.to_owned() } else { key.to_lowercase() };
    let found = entries.iter().find(|(name, _)| *name == key);
    Ok(vec![found.map_or_else(|| query.default.clone(), |(_, text)| value(text))])
}
