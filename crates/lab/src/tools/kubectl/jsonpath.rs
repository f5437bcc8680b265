//! JSONPath templates as kubectl renders them: `{.a.b}`, `{.items[*].x}`, `[?(@.type=="Ready")]`, `{range}…{end}`, text.

use serde_json::Value;

/// One piece of a template.
#[derive(Debug, Clone, PartialEq)]
enum Piece {
    Text(String),
    Path(Vec<Step>),
    Range(Vec<Step>, Vec<Piece>),
}

#[derive(Debug, Clone, PartialEq)]
enum Step {
    /// `$`: from the top.
    Root,
    Field(String),
    /// `[*]`, `.*`
    All,
    Index(i64),
    /// `[a:b]`
    Slice(Option<i64>, Option<i64>),
    /// `..name`
    Deep(String),
    /// `[?(@.path == value)]`; without an operator: the path exists.
    Filter(Vec<Step>, Option<(&'static str, Value)>),
}

/// A template that is ready to be used.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct JsonPath(Vec<Piece>);

impl JsonPath {
    /// # Errors
    /// What kubectl says of it.
    pub(super) fn parse(template: &str) -> Result<Self, String> {
        let mut parser = Parser { rest: template };
        let pieces = parser
            .pieces(false)
            .map_err(|why| format!("error parsing jsonpath {template}, {why}"))?;
        Ok(Self(pieces))
    }

    /// Missing fields are empty.
    pub(super) fn render(&self, root: &Value) -> String {
        let mut text = String::new();
        write(&self.0, root, root, &mut text);
        text
    }

    /// All that the first path finds.
    pub(super) fn find<'a>(&self, root: &'a Value) -> Vec<&'a Value> {
        match self.0.first() {
            Some(Piece::Path(steps)) => follow(steps, root, root),
            _ => Vec::new(),
        }
    }
}

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn pieces(&mut self, inside: bool) -> Result<Vec<Piece>, String> {
        let mut pieces = Vec::new();
        loop {
            let Some((text, after)) = self.rest.split_once('{') else {
                if !self.rest.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut self.rest).to_owned()));
                }
                return if inside { Err("unclosed range".to_owned()) } else { Ok(pieces) };
            };
            if !text.is_empty() {
                pieces.push(Piece::Text(text.to_owned()));
            }
            let end = closing(after).ok_or("unclosed action")?;
            let action = after.get(..end).unwrap_or_default().trim();
            self.rest = after.get(end + 1..).unwrap_or_default();
            match action {
                "end" if inside => return Ok(pieces),
                "end" => return Err("not in range, nothing to end".to_owned()),
                _ => {}
            }
            if let Some(path) = action.strip_prefix("range ") {
                let steps = steps(path.trim())?;
                pieces.push(Piece::Range(steps, self.pieces(true)?));
            } else if let Some(text) = quoted(action) {
                pieces.push(Piece::Text(text));
            } else {
                pieces.push(Piece::Path(steps(action)?));
            }
        }
    }
}

/// Where the action's brace closes; quotes hide braces.
fn closing(text: &str) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match (c, quote) {
            _ if escaped => escaped = false,
            ('\\', _) => escaped = true,
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            ('}', None) => return Some(at),
            _ => {}
        }
    }
    None
}

fn quoted(text: &str) -> Option<String> {
    let quote = text.chars().next().filter(|c| ['"', '\''].contains(c))?;
    let inner = text.get(1..)?.strip_suffix(quote)?;
    let mut result = String::new();
    let mut characters = inner.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => match characters.next() {
                Some('n') => result.push('\n'),
                Some('t') => result.push('\t'),
                Some('r') => result.push('\r'),
                Some(other) => result.push(other),
                None => {}
            },
            other => result.push(other),
        }
    }
    Some(result)
}

fn steps(path: &str) -> Result<Vec<Step>, String> {
    let mut steps = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('$') {
            steps.push(Step::Root);
            rest = after;
        } else if let Some(after) = rest.strip_prefix('@') {
            rest = after;
        } else if let Some(after) = rest.strip_prefix("..") {
            let (name, after) = name(after);
            steps.push(Step::Deep(name));
            rest = after;
        } else if let Some(after) = rest.strip_prefix(".*") {
            steps.push(Step::All);
            rest = after;
        } else if let Some(after) = rest.strip_prefix('.') {
            let (name, after) = name(after);
            if !name.is_empty() {
                steps.push(Step::Field(name));
            }
            rest = after;
        } else if let Some(after) = rest.strip_prefix('[') {
            let end = bracket(after).ok_or("unterminated array")?;
            steps.push(subscript(after.get(..end).unwrap_or_default().trim())?);
            rest = after.get(end + 1..).unwrap_or_default();
        } else {
            let (name, after) = name(rest);
            if name.is_empty() {
                return Err(format!(
                    "unrecognized character in action: {:?}",
                    rest.chars().next().unwrap_or(' ')
                ));
            }
            steps.push(Step::Field(name));
            rest = after;
        }
    }
    Ok(steps)
}

/// A name; `\.` is a point in it.
fn name(text: &str) -> (String, &str) {
    let mut result = String::new();
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '\\' => result.extend(characters.next().map(|(_, c)| c)),
            '.' | '[' | ' ' | '=' | '!' | '<' | '>' | ')' => {
                return (result, text.get(at..).unwrap_or_default());
            }
            other => result.push(other),
        }
    }
    (result, "")
}

fn bracket(text: &str) -> Option<usize> {
    let mut depth = 0;
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (c, quote) {
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            ('[', None) => depth += 1,
            (']', None) if depth == 0 => return Some(at),
            (']', None) => depth -= 1,
            _ => {}
        }
    }
    None
}

fn subscript(inner: &str) -> Result<Step, String> {
    if inner == "*" {
        return Ok(Step::All);
    }
    if let Some(filter) = inner.strip_prefix("?(").and_then(|rest| rest.strip_suffix(')')) {
        return filter_of(filter);
    }
    if let Some(field) = quoted(inner) {
        return Ok(Step::Field(field));
    }
    if let Some((from, to)) = inner.split_once(':') {
        let number = |text: &str| if text.is_empty() { Ok(None) } else { text.parse().map(Some) };
        let wrong = |_| format!("invalid array index {inner}");
        return Ok(Step::Slice(number(from).map_err(wrong)?, number(to).map_err(wrong)?));
    }
    inner.parse().map(Step::Index).map_err(|_| format!("invalid array index {inner}"))
}

fn filter_of(text: &str) -> Result<Step, String> {
    for operator in ["==", "!=", "<=", ">=", "<", ">"] {
        let Some((left, right)) = text.split_once(operator) else { continue };
        let right = right.trim();
        let value = match quoted(right) {
            Some(text) => Value::String(text),
            None => {
                serde_json::from_str(right).map_err(|_| format!("unrecognized value {right}"))?
            }
        };
        return Ok(Step::Filter(steps(left.trim())?, Some((operator, value))));
    }
    Ok(Step::Filter(steps(text.trim())?, None))
}

fn write(pieces: &[Piece], root: &Value, here: &Value, text: &mut String) {
    for piece in pieces {
        match piece {
            Piece::Text(words) => text.push_str(words),
            Piece::Path(steps) => {
                let found: Vec<String> = follow(steps, root, here).into_iter().map(plain).collect();
                text.push_str(&found.join(" "));
            }
            Piece::Range(steps, inner) => {
                for item in follow(steps, root, here) {
                    write(inner, root, item, text);
                }
            }
        }
    }
}

/// Text as it is, everything else as JSON.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn follow<'a>(steps: &[Step], root: &'a Value, here: &'a Value) -> Vec<&'a Value> {
    let mut found = vec![here];
    for step in steps {
        found = found.into_iter().flat_map(|value| one(step, root, value)).collect();
    }
    found
}

fn one<'a>(step: &Step, root: &'a Value, value: &'a Value) -> Vec<&'a Value> {
    let at = |index: i64, length: usize| -> Option<usize> {
        let index = if index < 0 { i64::try_from(length).ok()? + index } else { index };
        usize::try_from(index).ok()
    };
    match (step, value) {
        (Step::Root, _) => vec![root],
        (Step::Field(name), Value::Object(fields)) => fields.get(name).into_iter().collect(),
        // A field of a list is that of each of its items.
        (Step::Field(_), Value::Array(items)) => {
            items.iter().flat_map(|item| one(step, root, item)).collect()
        }
        (Step::All, Value::Array(items)) => items.iter().collect(),
        (Step::All, Value::Object(fields)) => fields.values().collect(),
        (Step::Index(index), Value::Array(items)) => {
            at(*index, items.len()).and_then(|index| items.get(index)).into_iter().collect()
        }
        (Step::Slice(from, to), Value::Array(items)) => {
            let from = at(from.unwrap_or(0), items.len()).unwrap_or(0);
            let to = to.and_then(|to| at(to, items.len())).unwrap_or(items.len()).min(items.len());
            items.get(from..to).unwrap_or_default().iter().collect()
        }
        (Step::Deep(name), _) => deep(name, value),
        (Step::Filter(path, test), Value::Array(items)) => {
            items.iter().filter(|item| passes(path, test.as_ref(), root, item)).collect()
        }
        _ => Vec::new(),
    }
}

fn deep<'a>(name: &str, value: &'a Value) -> Vec<&'a Value> {
    let inner: Vec<(&str, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(key, value)| (key.as_str(), value)).collect(),
        Value::Array(items) => items.iter().map(|item| ("", item)).collect(),
        _ => Vec::new(),
    };
    let found = inner.into_iter().flat_map(|(key, value)| {
        (key == name && !name.is_empty()).then_some(value).into_iter().chain(deep(name, value))
    });
    found.collect()
}

fn passes(path: &[Step], test: Option<&(&'static str, Value)>, root: &Value, item: &Value) -> bool {
    let found = follow(path, root, item);
    let Some((operator, wanted)) = test else { return !found.is_empty() };
    found.iter().any(|value| {
        let order = match (value, wanted) {
            (Value::Number(a), Value::Number(b)) => a.as_f64().partial_cmp(&b.as_f64()),
            (Value::String(a), Value::String(b)) => a.partial_cmp(b),
            (a, b) => (*a == b).then_some(std::cmp::Ordering::Equal),
        };
        match *operator {
            "==" => order.is_some_and(std::cmp::Ordering::is_eq),
            "!=" => !order.is_some_and(std::cmp::Ordering::is_eq),
            "<=" => order.is_some_and(std::cmp::Ordering::is_le),
            ">=" => order.is_some_and(std::cmp::Ordering::is_ge),
            "<" => order.is_some_and(std::cmp::Ordering::is_lt),
            _ => order.is_some_and(std::cmp::Ordering::is_gt),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn templates() {
        let nodes = json!({"items": [
            {"metadata": {"name": "a", "labels": {"x.y/z": "1"}}, "status": {"c": [{"type": "Ready", "status": "True"}, {"type": "Disk", "status": "False"}]}},
            {"metadata": {"name": "b"}, "status": {"c": [{"type": "Ready", "status": "False"}]}, "n": 3},
        ]});
        for (template, text) in [
            ("{.items[*].metadata.name}", "a b"),
            ("{.items[0].metadata.name}", "a"),
            ("{.items[-1:].metadata.name}", "b"),
            ("{.nosuch}", ""),
            ("{range .items[*]}{.metadata.name}{\"\\t\"}{.n}{\"\\n\"}{end}", "a\t\nb\t3\n"),
            ("{.items[*].status.c[?(@.type==\"Ready\")].status}", "True False"),
            ("{.items[?(@.metadata.name=='b')].n}", "3"),
            ("{.items[?(@.n)].metadata.name}", "b"),
            ("{.items[0].metadata.labels.x\\.y/z}", "1"),
            ("{.items[0].metadata['name']}", "a"),
            ("{..name}", "a b"),
            ("{.items[1].status.c}", "[{\"type\":\"Ready\",\"status\":\"False\"}]"),
            ("names: {.items[*].metadata.name}!", "names: a b!"),
        ] {
            assert_eq!(JsonPath::parse(template).unwrap().render(&nodes), text, "{template}");
        }
    }

    #[test]
    fn mistakes() {
        for template in ["{.a", "{range .items[*]}x", "{end}", "{.a[x]}"] {
            assert!(
                JsonPath::parse(template).unwrap_err().starts_with("error parsing jsonpath"),
                "{template}"
            );
        }
    }
}
