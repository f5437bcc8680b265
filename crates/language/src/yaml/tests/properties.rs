//! What must hold for every text and every value.

use crate::diag::{Diagnostics, Source};
use crate::value::{Map, Value};
use crate::yaml::{EmitOptions, emit, load, load_data};
use proptest::prelude::*;

/// Characters that YAML cares about, in small number so that they meet.
fn yamlish() -> impl Strategy<Value = String> {
    proptest::collection::vec(
        proptest::sample::select(vec![
            "a",
            "b: ",
            "- ",
            "\n",
            "\n  ",
            " ",
            "'",
            "\"",
            "\\",
            "[",
            "]",
            "{",
            "}",
            ",",
            ":",
            "|",
            ">",
            "#",
            "&x ",
            "*x",
            "!!str ",
            "!unsafe ",
            "<<: ",
            "? ",
            "---\n",
            "\t",
            "é",
            "🦀",
            "1",
            "0x",
            "2001-01-01",
            ".5",
            "{{ x }}",
            "%",
            "@",
            "\r\n",
            "\u{feff}",
        ]),
        0..25,
    )
    .prop_map(|parts| parts.concat())
}

fn values() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("a number", |f| f.is_finite()).prop_map(Value::Float),
        yamlish().prop_map(Value::from),
        "[ -~\n]{0,100}".prop_map(Value::from),
    ];
    scalar.prop_recursive(4, 30, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::list),
            proptest::collection::vec((yamlish(), inner), 0..5).prop_map(|entries| {
                Value::Map(entries.into_iter().map(|(k, v)| (Value::from(k), v)).collect::<Map>())
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_text_is_loaded_or_refused_with_a_place(text in yamlish()) {
        let source = Source::new("t", text);
        if let Err(error) = load(&source, &mut Diagnostics::default()) {
            let place = error.place.as_ref().expect("place");
            prop_assert!(place.line as usize <= source.text.lines().count() + 1, "{}", error);
            let _drawn = error.render();
        }
    }

    #[test]
    fn texts_stand_where_their_places_say(text in yamlish()) {
        // A byte-order mark takes no column.
        let source = Source::new("t", text.replace('\u{feff}', ""));
        for node in load(&source, &mut Diagnostics::default()).unwrap_or_default() {
            if let Value::Text(found) = node.to_value() {
                let Some(place) = found.place() else { continue };
                // A line break at the start of a quoted text is folded to a space.
                let plain = !found.as_str().starts_with(' ')
                    && !found.as_str().contains(['\n', '\'', '"', '\\']);
                if let (true, Some(first)) = (plain, found.as_str().chars().next()) {
                    let line = place.line_text().unwrap_or_default();
                    prop_assert_eq!(line.chars().nth(place.column as usize - 1), Some(first));
                }
            }
        }
    }

    #[test]
    fn what_is_emitted_is_read_back(value in values(), nice in any::<bool>()) {
        let options = if nice { EmitOptions::nice() } else { EmitOptions::default() };
        let written = emit(&value, &options);
        let back = load_data("t", &written).map_err(|e| TestCaseError::fail(e.render()))?;
        prop_assert_eq!(back, vec![value], "{}", written);
    }
}
