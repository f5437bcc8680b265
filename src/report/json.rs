//! Results as JSON text, keys sorted, as Python's `json.dumps(…, sort_keys=True, ensure_ascii=False)` writes it.

use mainstay_language::value::{Value, string};

/// On one line (`None`) or indented by so many spaces a level.
#[must_use]
pub fn dump(value: &Value, indent: Option<usize>) -> String {
    let mut out = String::new();
    write(&mut out, value, indent, 0);
    out
}

fn write(out: &mut String, value: &Value, indent: Option<usize>, depth: usize) {
    match value {
        Value::List(items) => {
            let parts = items.iter().map(|item| (None, item));
            container(out, ['[', ']'], parts.collect(), indent, depth);
        }
        Value::Map(map) => {
            let mut parts: Vec<(Option<String>, &Value)> =
                map.iter().map(|(key, value)| (Some(key_text(key)), value)).collect();
            parts.sort_by(|a, b| a.0.cmp(&b.0));
            container(out, ['{', '}'], parts, indent, depth);
        }
        Value::Float(f) => out.push_str(&mainstay_language::value::repr(&Value::Float(*f))),
        other => out.push_str(&other.to_json().to_string()),
    }
}

fn key_text(key: &Value) -> String {
    match key {
        Value::Null => "null".to_owned(),
        Value::Bool(b) => b.to_string(),
        other => string(other),
    }
}

fn container(
    out: &mut String,
    [open, close]: [char; 2],
    parts: Vec<(Option<String>, &Value)>,
    indent: Option<usize>,
    depth: usize,
) {
    out.push(open);
    let empty = parts.is_empty();
    for (nth, (key, value)) in parts.into_iter().enumerate() {
        if nth > 0 {
            out.push_str(if indent.is_some() { "," } else { ", " });
        }
        line(out, indent, depth + 1);
        if let Some(key) = key {
            out.push_str(&serde_json::Value::String(key).to_string());
            out.push_str(": ");
        }
        write(out, value, indent, depth + 1);
    }
    if !empty {
        line(out, indent, depth);
    }
    out.push(close);
}

fn line(out: &mut String, indent: Option<usize>, depth: usize) {
    if let Some(width) = indent {
        out.push('\n');
        out.push_str(&" ".repeat(width * depth));
    }
}

#[cfg(test)]
mod tests {
    use super::dump;
    use mainstay_language::value::Value;

    #[test]
    fn writes_as_python_does() {
        let value = Value::from(serde_json::json!({"b": [1, 2.0, {}], "a": "é\n", "c": null}));
        assert_eq!(dump(&value, None), r#"{"a": "é\n", "b": [1, 2.0, {}], "c": null}"#);
        assert_eq!(
            dump(&value, Some(4)),
            "{\n    \"a\": \"é\\n\",\n    \"b\": [\n        1,\n        2.0,\n        {}\n    ],\n    \"c\": null\n}"
        );
    }
}
