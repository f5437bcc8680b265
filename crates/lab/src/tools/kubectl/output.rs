//! How objects are shown.

use super::jsonpath::JsonPath;
use crate::store::Json;
use serde_json::Value;

/// `-o json` and `-o yaml`.
pub(super) fn structured(format: &str, value: &Value) -> String {
    if format == "yaml" {
        let mut text = String::new();
        yaml(value, 0, &mut text);
        return text;
    }
    let mut bytes = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
    // A Value is always JSON.
    drop(serde::Serialize::serialize(value, &mut serializer));
    String::from_utf8_lossy(&bytes).into_owned() + "\n"
}

/// The style of Kubernetes' own YAML: keys in order, lists not indented.
fn yaml(value: &Value, depth: usize, text: &mut String) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            let mut keys: Vec<(&String, &Value)> = fields.iter().collect();
            keys.sort_by_key(|(key, _)| *key);
            for (key, value) in keys {
                text.push_str(&format!("{indent}{}:", scalar(&Value::String(key.clone()))));
                nested(value, depth, text);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                let mut inner = String::new();
                yaml(item, depth + 1, &mut inner);
                let skip = inner.len() - inner.trim_start().len();
                text.push_str(&format!("{indent}- {}", inner.get(skip..).unwrap_or_default()));
            }
        }
        other => text.push_str(&format!("{indent}{}\n", scalar(other))),
    }
}

fn nested(value: &Value, depth: usize, text: &mut String) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            text.push('\n');
            yaml(value, depth + 1, text);
        }
        Value::Array(items) if !items.is_empty() => {
            text.push('\n');
            yaml(value, depth, text);
        }
        Value::String(words) if words.contains('\n') => {
            let indent = "  ".repeat(depth + 1);
            let keep = if words.ends_with('\n') { "|" } else { "|-" };
            text.push_str(&format!(" {keep}\n"));
            for line in words.trim_end_matches('\n').split('\n') {
                text.push_str(&if line.is_empty() {
                    "\n".to_owned()
                } else {
                    format!("{indent}{line}\n")
                });
            }
        }
        other => text.push_str(&format!(" {}\n", scalar(other))),
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => {
            let plain = !text.is_empty()
                && !text.starts_with(|c: char| {
                    "!&*-?{}[],#|>@`\"'%: ".contains(c)
                        || c.is_ascii_digit()
                        || c == '.'
                        || c == '+'
                })
                && !text.contains(": ")
                && !text.contains(" #")
                && !text.ends_with([':', ' '])
                && !["true", "false", "null", "yes", "no", "on", "off", "y", "n", "~"]
                    .contains(&text.to_lowercase().as_str());
            let version = text.starts_with(|c: char| c.is_ascii_digit())
                && text.parse::<f64>().is_err()
                && !text.contains(':');
            if plain || version { text.clone() } else { format!("{value}") }
        }
        other => other.to_string(),
    }
}

/// `-o custom-columns=NAME:.metadata.name,…`
pub(super) fn columns(spec: &str, items: &[Value], headings: bool) -> Result<String, String> {
    let mut paths = Vec::new();
    for column in spec.split(',') {
        let (name, path) = column.split_once(':').ok_or_else(|| {
            format!("error: unexpected custom-columns spec: {column}, expected <header>:<json-path-expr>")
        })?;
        let path = if path.starts_with('{') { path.to_owned() } else { format!("{{{path}}}") };
        paths.push((
            name.to_owned(),
            JsonPath::parse(&path).map_err(|why| format!("error: {why}"))?,
        ));
    }
    let mut rows: Vec<Vec<String>> = Vec::new();
    if headings {
        rows.push(paths.iter().map(|(name, _)| name.clone()).collect());
    }
    for item in items {
        let cell = |path: &JsonPath| {
            Some(path.render(item))
                .filter(|text| !text.is_empty())
                .unwrap_or_else(|| "<none>".to_owned())
        };
        rows.push(paths.iter().map(|(_, path)| cell(path)).collect());
    }
    Ok(table(&rows))
}

/// Columns three spaces apart, the last one as it is.
pub(super) fn table(rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..count).map(width).collect();
    let mut text = String::new();
    for row in rows {
        for (index, cell) in row.iter().enumerate() {
            let last = index + 1 == row.len();
            let width = widths.get(index).copied().unwrap_or(0);
            text.push_str(&if last { format!("{cell}\n") } else { format!("{cell:<width$}   ") });
        }
    }
    text
}

/// What a server's Table shows: every column, or those of priority 0.
pub(super) fn server_table(answer: &Value, wide: bool, headings: bool, namespaces: bool) -> String {
    let columns = answer.list("columnDefinitions").to_vec();
    let shown: Vec<usize> = columns
        .iter()
        .enumerate()
        .filter(|(_, column)| wide || column.int("priority").unwrap_or(0) == 0)
        .map(|(index, _)| index)
        .collect();
    let mut rows = Vec::new();
    if headings {
        let names = shown
            .iter()
            .filter_map(|index| columns.get(*index))
            .map(|c| c.text("name").to_uppercase());
        rows.push(namespaces.then(|| "NAMESPACE".to_owned()).into_iter().chain(names).collect());
    }
    for row in answer.list("rows") {
        let cell = |index: &usize| match row.list("cells").get(*index).unwrap_or(&Value::Null) {
            Value::String(text) => text.clone(),
            Value::Null => "<none>".to_owned(),
            other => other.to_string(),
        };
        let namespace = row.text("object.metadata.namespace").to_owned();
        rows.push(
            namespaces.then_some(namespace).into_iter().chain(shown.iter().map(cell)).collect(),
        );
    }
    table(&rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn objects_as_yaml() {
        let value = json!({"kind": "Node", "apiVersion": "v1", "spec": {}, "a": [{"x": "1", "y": true}, "z"], "text": "a\nb\n",
            "when": "2026-11-23T06:01:42Z", "version": "v1.36.3", "empty": ""});
        assert_eq!(
            structured("yaml", &value),
            "a:\n- x: \"1\"\n  \"y\": true\n- z\napiVersion: v1\nempty: \"\"\nkind: Node\nspec: {}\ntext: |\n  a\n  b\nversion: \
             v1.36.3\nwhen: \"2026-11-23T06:01:42Z\"\n"
        );
        assert_eq!(structured("json", &json!({"a": []})), "{\n    \"a\": []\n}\n");
    }

    #[test]
    fn tables() {
        let rows = vec![
            vec!["NAME".to_owned(), "READY".to_owned()],
            vec!["kubeadm-config".to_owned(), "1".to_owned()],
        ];
        assert_eq!(table(&rows), "NAME             READY\nkubeadm-config   1\n");
    }
}
