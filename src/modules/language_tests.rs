//! Modules that render: `template`, `debug`, `assert`.

use super::testing::Bench;
use mainstay_language::diag::Source;
use mainstay_language::value::{Text, Value};
use serde_json::json;

fn written(text: &str) -> Value {
    Value::Text(Text::written(text, Source::new("play.yml", text).start()))
}

#[tokio::test]
async fn templates_are_placed() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path().to_str().unwrap();
    std::fs::create_dir(format!("{d}/templates")).unwrap();
    std::fs::write(format!("{d}/templates/t.j2"), "x {{ v }}\n{% if v %}\nyes\n{% endif %}\n")
        .unwrap();
    std::fs::write(format!("{d}/templates/bad.j2"), "{{ nope }}\n").unwrap();
    let mut bench = Bench::here();
    bench.search = vec![dir.path().to_path_buf()];
    bench.vars.insert("v", 1);
    let args = json!({"src": "t.j2", "dest": format!("{d}/out"), "mode": "0600"});
    let got = bench.json("template", args.clone()).await;
    assert_eq!((&got["changed"], &got["mode"]), (&json!(true), &json!("0600")), "{got}");
    assert_eq!(std::fs::read_to_string(format!("{d}/out")).unwrap(), "x 1\nyes\n");
    assert_eq!(bench.json("template", args).await["changed"], false);
    for src in ["bad.j2", "nope.j2"] {
        let got = bench.json("template", json!({"src": src, "dest": format!("{d}/out")})).await;
        assert_eq!(got["failed"], true, "{got}");
    }
    assert_eq!(std::fs::read_to_string(format!("{d}/out")).unwrap(), "x 1\nyes\n");
}

#[tokio::test]
async fn conditions_and_messages() {
    let mut bench = Bench::here();
    bench.vars.insert("v", 1);
    for (that, holds) in [("v == 1", true), ("v == 2", false), ("v is defined", true)] {
        let mut args = mainstay_language::value::Map::new();
        args.insert("that", written(that));
        let got = bench.json_of("assert", args).await;
        assert_eq!(got["failed"], json!(!holds), "{that} {got}");
        let msg = if holds { "All assertions passed" } else { "Assertion failed" };
        assert_eq!(got["msg"], msg);
    }
    let mut args = mainstay_language::value::Map::new();
    args.insert("var", written("v"));
    assert_eq!(bench.json_of("debug", args).await["v"], 1);
    assert_eq!(bench.json("debug", json!({})).await["msg"], "Hello world!");
    assert_eq!(bench.json("debug", json!({"msg": "x", "verbosity": 2})).await["skipped"], true);
}
