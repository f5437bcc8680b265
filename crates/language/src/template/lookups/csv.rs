//! `csvfile`: a cell of a table.

use super::call::{Call, words};
use crate::template::filters::call::fail;
use minijinja::{Error, Value};

const OPTIONS: [&str; 6] = ["col", "default", "delimiter", "file", "encoding", "keycol"];

pub(super) fn csvfile(call: &mut Call) -> Result<Vec<Value>, Error> {
    let mut common = Vec::new();
    for name in OPTIONS {
        if let Some(value) = call.options.text_option(name)? {
            common.push((name.to_owned(), value));
        }
    }
    let mut found = Vec::new();
    let terms = call.texts()?;
    let no_key = || fail("Search key is required but was not found");
    if terms.is_empty() {
        return Err(no_key());
    }
    for term in terms {
        let words = words(&term, &OPTIONS)?;
        if words.first.is_empty() {
            return Err(no_key());
        }
        let option = |name: &str, default: &str| {
            let all = words.options.iter().chain(&common);
            all.into_iter()
                .find(|(known, _)| known == name)
                .map_or(default.to_owned(), |o| o.1.clone())
        };
        let default = words.options.iter().chain(&common).find(|(name, _)| name == "default");
        let encoding = option("encoding", "utf-8").to_lowercase();
        if !matches!(encoding.as_str(), "utf-8" | "utf8") {
            return Err(fail(format!("the encoding '{encoding}' is not supported")));
        }
        let column = |name: &str, default: &str| -> Result<usize, Error> {
            let text = option(name, default);
            text.parse()
                .map_err(|_| fail(format!("'{name}' is the number of a column, not '{text}'")))
        };
        let (column, key_column) = (column("col", "1")?, column("keycol", "0")?);
        let delimiter = match option("delimiter", "TAB").as_str() {
            "TAB" | "\\t" => '\t',
            other => single(other)?,
        };
        let path = call.find_file(&option("file", "ansible.csv"), "files")?;
        let rows = parse(&call.read(&path)?, delimiter);
        let row = rows.iter().find(|row| row.get(key_column) == Some(&words.first));
        match (row, default) {
            (Some(row), _) => {
                let cell = row.get(column);
                let cell = cell.ok_or_else(|| fail(format!("the row has no column {column}")))?;
                found.push(Value::from(cell.as_str()));
            }
            (None, Some((_, default))) => found.push(Value::from(default.as_str())),
            (None, None) => {}
        }
    }
    Ok(found)
}

fn single(text: &str) -> Result<char, Error> {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) => Ok(c),
        _ => Err(fail(format!("'delimiter' is one character, not '{text}'"))),
    }
}

/// Rows of cells; a cell in double quotes may hold delimiters, line ends and doubled quotes.
fn parse(text: &str, delimiter: char) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut row = Vec::new();
    let mut cell = String::new();
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if cell.is_empty() => quoted = true,
            c if !quoted && c == delimiter => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted && chars.peek() == Some(&'\n') => {}
            '\n' | '\r' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            c => cell.push(c),
        }
    }
    if !cell.is_empty() || !row.is_empty() {
        row.push(cell);
        rows.push(row);
    }
    rows
}
