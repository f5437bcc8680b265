//! What ansible-core 2.19.14 makes of many expressions: `conformance.tsv` holds the kind (template, condition,
//! expression), the text as JSON, and the result as Python prints it or the kind of error.

use super::{Site, Templar, TemplateError, TemplateErrorKind};
use crate::diag::Source;
use crate::outside::{FileStatus, Outside, Ran};
use crate::value::{Map, Scope, Text, Value, repr};
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A world with these files and nothing else.
#[derive(Default)]
pub(super) struct Desk(pub(super) HashMap<PathBuf, String>);

impl Outside for Desk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.0
            .get(path)
            .map(|text| text.clone().into_bytes())
            .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }

    fn list(&self, _: &Path) -> io::Result<Vec<PathBuf>> {
        Ok(Vec::new())
    }

    fn status(&self, path: &Path) -> Option<FileStatus> {
        self.0.contains_key(path).then_some(FileStatus {
            kind: crate::outside::FileKind::File,
            link: false,
            executable: false,
            world_writable: false,
            identity: (0, 0),
        })
    }

    fn write(&self, _: &Path, _: &[u8], _: u32) -> io::Result<()> {
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }

    fn run(&self, _: &[&str], _: Option<&Path>) -> io::Result<Ran> {
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }

    fn env(&self, _: &str) -> Option<String> {
        None
    }

    fn directory(&self) -> PathBuf {
        PathBuf::from("/")
    }

    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::UNIX_EPOCH
    }
}

/// Variables in a dictionary.
pub(super) struct Vars(pub(super) Map);

impl Scope for Vars {
    fn get(&self, name: &str) -> Option<Value> {
        self.0.get(name).cloned()
    }

    fn names(&self) -> Vec<Arc<str>> {
        self.0.keys().filter_map(|k| k.as_str().map(Arc::from)).collect()
    }
}

/// Text as a loader makes it.
pub(super) fn written(text: &str) -> Text {
    Text::written(text, Source::new("test.yml", text).start())
}

/// A value as a loader makes it.
pub(super) fn value(json: serde_json::Value) -> Value {
    fn place(value: Value) -> Value {
        match value {
            Value::Text(text) => Value::Text(written(text.as_str())),
            Value::List(items) => Value::list(items.iter().cloned().map(place).collect()),
            Value::Map(map) => {
                Value::Map(map.iter().map(|(k, v)| (k.clone(), place(v.clone()))).collect())
            }
            other => other,
        }
    }
    place(Value::from(json))
}

pub(super) fn scope(json: serde_json::Value) -> Arc<dyn Scope> {
    let Value::Map(map) = value(json) else { panic!("variables are a dictionary") };
    Arc::new(Vars(map))
}

pub(super) fn templar() -> Templar {
    Templar::new(Arc::new(Desk::default()))
}

fn variables() -> Arc<dyn Scope> {
    let Value::Map(mut map) = value(serde_json::json!({
        "a": 1, "d": {"x": 1, "y": {"z": [1, 2]}}, "l": [1, 2, 3], "n": null, "s": "str",
        "bad": "{{ nope }}", "m": "{{ d }}", "cond": "a == 1", "conds": ["a == 1", "a == 2"],
        "tc": "{{ a == 1 }}", "e": "", "t": true,
    })) else {
        panic!("variables are a dictionary")
    };
    map.insert("raw", "{{ a }}");
    Arc::new(Vars(map))
}

fn outcome(result: Result<Value, TemplateError>) -> String {
    match result {
        Ok(Value::Omit) => "!omit".to_owned(),
        Ok(value) => repr(&value),
        Err(e) => match e.kind {
            TemplateErrorKind::Undefined => "!undefined",
            TemplateErrorKind::Syntax => "!syntax",
            TemplateErrorKind::NotBoolean => "!not boolean",
            TemplateErrorKind::Other => "!other",
        }
        .to_owned(),
    }
}

#[test]
fn every_expression_is_what_ansible_makes_of_it() {
    let (templar, scope, site) = (templar(), variables(), Site::default());
    let mut wrong = Vec::new();
    let table = include_str!("conformance.tsv");
    for line in table.lines() {
        let mut fields = line.splitn(3, '\t');
        let mut field = || fields.next().expect("three fields");
        let (kind, text, expected) = (field(), field(), field());
        let text: String = serde_json::from_str(text).expect("JSON");
        let source = written(&text);
        let result = match kind {
            "t" => templar.render(&Value::Text(source), &scope, &site),
            "c" => templar.condition(&Value::Text(source), &scope, &site).map(Value::Bool),
            _ => templar.expression(&source, &scope, &site),
        };
        let message = result.as_ref().err().map(ToString::to_string).unwrap_or_default();
        let got = outcome(result);
        if got != expected {
            wrong.push(format!("{kind} {text:?}: expected {expected}, got {got} {message}"));
        }
    }
    assert!(table.lines().count() >= 250, "the table lost rows");
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
