//! The playbooks in `tests/samples`: `valid` load and list as written beside them, `invalid` fail with the diagnostics
//! beside them.

use super::*;
use std::fs;
use std::path::PathBuf;

fn samples(kind: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples").join(kind)
}

/// All files below a directory, in memory.
fn world(directory: &Path) -> Arc<World> {
    let world = World::default();
    let mut open = vec![directory.to_path_buf()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(directory).unwrap().to_str().unwrap();
                world.put(name, &fs::read_to_string(&path).unwrap());
            }
        }
    }
    world.shared()
}

/// Names in a directory with this ending, without it.
fn stems(directory: &Path, ending: &str) -> Vec<String> {
    let mut out: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .filter_map(|e| e.unwrap().file_name().to_str()?.strip_suffix(ending).map(str::to_owned))
        .collect();
    out.sort();
    out
}

#[test]
fn invalid_playbooks_fail_as_expected() {
    let directory = samples("invalid");
    let world = world(&directory);
    let names = stems(&directory, ".yml");
    assert!(names.len() >= 12, "samples are missing");
    assert_eq!(names, stems(&directory, ".expected"), "each sample has its expected diagnostics");
    let mut wrong = Vec::new();
    for name in names {
        let result = loader_of(Arc::clone(&world)).playbook(Path::new(&format!("{name}.yml")));
        let found = match result {
            Err(LoadError::Invalid(diagnostics)) => diagnostics.render(),
            Err(LoadError::Missing(diagnostic)) => diagnostic.render(),
            Ok(_) => "loads".to_owned(),
        };
        let expected = fs::read_to_string(directory.join(format!("{name}.expected"))).unwrap();
        if found.trim_end() != expected.trim_end() {
            wrong.push(format!("=== {name}\n{found}\n"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn valid_playbooks_list_as_expected() {
    let directory = samples("valid");
    let world = world(&directory);
    let names = stems(&directory, ".tasks");
    assert!(!names.is_empty());
    for name in names {
        let result = loader_of(Arc::clone(&world)).playbook(Path::new(&format!("{name}.yml")));
        let (book, warnings) = match result {
            Ok(loaded) => loaded,
            Err(LoadError::Invalid(wrong)) => panic!("{}", wrong.render()),
            Err(LoadError::Missing(wrong)) => panic!("{}", wrong.render()),
        };
        assert!(warnings.is_empty(), "{warnings:?}");
        let mut listed = String::new();
        for play in &book.plays {
            listed += &format!("{}\n", play.label());
            for entry in play.sections.iter().flat_map(|section| tasks(section)) {
                listed += &format!("  {} [{}]\n", entry.label, entry.tags.join(" "));
            }
        }
        let expected = fs::read_to_string(directory.join(format!("{name}.tasks"))).unwrap();
        assert_eq!(listed, expected, "{name}");
    }
}
