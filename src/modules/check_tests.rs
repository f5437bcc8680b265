use super::*;
use crate::modules::spec::BUILTIN;

static SPEC: Spec = Spec {
    names: &["demo"],
    params: &[
        Param::new("path", Kind::Path).required().aliases(&["dest", "name"]),
        Param::new("state", Kind::Text).choices(&["present", "absent", "yes"]).default("present"),
        Param::new("force", Kind::Bool).default("no"),
        Param::new("count", Kind::Int),
        Param::new("ratio", Kind::Float),
        Param::new("names", Kind::TextList),
        Param::new("kinds", Kind::TextList).choices(&["a", "b"]),
        Param::new("data", Kind::Dict),
        Param::new("mode", Kind::Mode),
        Param::new("src", Kind::Text),
        Param::new("content", Kind::Text),
    ],
    exclusive: &[&["src", "content"]],
    ..BUILTIN
};

fn check(spec: &Spec, args: serde_json::Value) -> Result<String, String> {
    let raw = Value::from(args).as_map().unwrap().clone();
    match Args::check(spec, &raw) {
        Ok(args) => Ok(Value::Map(args.0).to_json().to_string()),
        Err(Failure::Failed(outcome)) => Err(string(outcome.fields.get("msg").unwrap())),
        Err(Failure::Transport(e)) => panic!("{e}"),
    }
}

#[test]
fn coerces() {
    use serde_json::json;
    for (args, expected) in [
        (json!({"path": "/a"}), json!({"path": "/a", "state": "present", "force": false})),
        (json!({"dest": 5}), json!({"path": "5", "state": "present", "force": false})),
        (
            json!({"path": "/a", "state": true, "force": "YES"}),
            json!({"path": "/a", "state": "yes", "force": true}),
        ),
        (
            json!({"path": "/a", "state": null, "count": " 12 ", "ratio": "1.5"}),
            json!({"path": "/a", "state": "present", "count": 12, "ratio": 1.5, "force": false}),
        ),
        (
            json!({"path": "/a", "names": "a,b", "mode": 420}),
            json!({"path": "/a", "names": ["a", "b"], "mode": "0644", "state": "present", "force": false}),
        ),
        (
            json!({"path": "/a", "names": [1, true], "mode": "u+x", "data": "a=1 b='x y'"}),
            json!({"path": "/a", "names": ["1", "True"], "mode": "u+x", "data": {"a": "1", "b": "x y"},
                   "state": "present", "force": false}),
        ),
        (
            json!({"path": "/a", "names": 7, "data": "{\"a\": 1}", "src": "x", "content": null}),
            json!({"path": "/a", "names": ["7"], "data": {"a": 1}, "src": "x", "content": null,
                   "state": "present", "force": false}),
        ),
    ] {
        let got: serde_json::Value =
            serde_json::from_str(&check(&SPEC, args.clone()).unwrap()).unwrap();
        assert_eq!(got, expected, "{args}");
    }
}

/// Messages as ansible-core 2.19 prints them.
#[test]
fn refuses() {
    use serde_json::json;
    for (args, expected) in [
        (json!({}), "missing required arguments: path"),
        (
            json!({"path": 1, "state": "foo"}),
            "value of state must be one of: present, absent, yes, got: foo",
        ),
        (
            json!({"path": 1, "count": "abc"}),
            "argument 'count' is of type str and we were unable to convert to int: \"'abc'\" cannot be converted to an int",
        ),
        (
            json!({"path": 1, "src": "a", "content": "b"}),
            "parameters are mutually exclusive: src|content",
        ),
        (
            json!({"path": 1, "kinds": ["a", "c"]}),
            "value of kinds must be one or more of: a, b. Got no match for: c",
        ),
        (
            json!({"path": 1, "names": {"a": 1}}),
            "argument 'names' is of type dict and we were unable to convert to list: <class 'dict'> cannot be converted \
             to a list",
        ),
        (json!({"path": 1, "_raw_params": "x y"}), "demo takes no free-form text: x y"),
    ] {
        assert_eq!(check(&SPEC, args.clone()), Err(expected.to_owned()), "{args}");
    }
    let unknown = check(&SPEC, json!({"path": 1, "zeta": 1, "foo": 2})).unwrap_err();
    assert!(
        unknown.starts_with(
            "Unsupported parameters for (demo) module: foo, zeta. Supported parameters include: content, count,"
        ),
        "{unknown}"
    );
    assert!(unknown.contains("path (dest, name)"), "{unknown}");
    let maybe = check(&SPEC, json!({"path": 1, "force": "maybe"})).unwrap_err();
    assert!(maybe.contains("unable to convert to bool: The value 'maybe' is not a valid boolean"));
}
