//! Damaged playbooks: errors with places, never a panic.

use super::*;
use proptest::prelude::*;

const GOOD: &str = include_str!("../../../tests/samples/valid/everything.yml");

/// What happens to a line.
fn damage(line: &str, how: u8) -> String {
    match how {
        0 => String::new(),
        1 => format!("{line}\n{line}"),
        2 => format!("  {line}"),
        3 => line.trim_start().to_owned(),
        4 => line.replace(": ", ":\n        - "),
        5 => line.replace(['[', '{'], ""),
        6 => line.chars().rev().collect(),
        _ => line.replace(|c: char| c.is_alphabetic(), "7"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_error_has_a_place(damages in prop::collection::vec((0usize..90, 0u8..8), 1..4)) {
        let mut lines: Vec<String> = GOOD.lines().map(str::to_owned).collect();
        for (at, how) in damages {
            let at = at % lines.len();
            lines[at] = damage(&lines[at], how);
        }
        let text = lines.join("\n");
        if let Err(LoadError::Invalid(wrong)) = loader(&[("site.yml", &text)]).playbook(Path::new("site.yml")) {
            prop_assert!(wrong.has_errors());
            for diagnostic in &wrong.0 {
                prop_assert!(diagnostic.place.is_some(), "{}", diagnostic);
                prop_assert!(diagnostic.render().contains("-->"));
            }
        }
    }
}
