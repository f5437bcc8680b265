//! The rules of the house: what ARCHITECTURE.md says about rooms, files and invariants holds of the sources.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Lines of a file, at most; tests may be longer.
const FILE_LINES_MAX: usize = 600;
/// Lines of a file, in the middle of all of them.
const FILE_LINES_MEDIAN_MAX: usize = 200;
/// Lines of the map.
const MAP_LINES_MAX: usize = 300;

/// Each crate's sources, and where its rooms are declared.
const CRATES: [(&str, &str); 3] = [
    ("src", "src/lib.rs"),
    ("crates/language/src", "crates/language/src/lib.rs"),
    ("crates/lab/src", "crates/lab/src/lib.rs"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// One source file of a crate.
struct Source {
    /// From the repository.
    path: PathBuf,
    /// Names of modules from the crate to the file.
    modules: Vec<String>,
    text: String,
    /// Compiled for tests alone.
    test: bool,
}

impl Source {
    fn room(&self) -> &str {
        self.modules.first().map_or("", String::as_str)
    }

    fn shown(&self) -> String {
        self.path.strip_prefix(root()).unwrap().display().to_string()
    }

    fn is_test(&self) -> bool {
        self.test
    }
}

/// Names of the modules that a text declares for tests alone.
fn test_modules(text: &str) -> impl Iterator<Item = &str> {
    text.split("#[cfg(test)]\n").skip(1).filter_map(|rest| {
        let line = rest.lines().find(|line| !line.trim_start().starts_with("#["))?;
        line.trim().rsplit("mod ").next()?.strip_suffix(';')
    })
}

/// Puts files that are declared with `#[path = "x_tests.rs"] mod tests;` where they are declared.
fn mount(sources: &mut [Source]) {
    let mounted: Vec<(PathBuf, Vec<String>)> = sources
        .iter()
        .flat_map(|source| {
            source.text.split("#[path = \"").skip(1).filter_map(|rest| {
                let (file, rest) = rest.split_once("\"]\n")?;
                let name = rest.lines().next()?.trim().strip_prefix("mod ")?.strip_suffix(';')?;
                let modules = [&source.modules[..], &[name.to_owned()]].concat();
                Some((source.path.with_file_name(file), modules))
            })
        })
        .collect();
    for (path, modules) in mounted {
        if let Some(source) = sources.iter_mut().find(|source| source.path == path) {
            source.modules = modules;
        }
    }
}

fn sources(directory: &str) -> Vec<Source> {
    fn walk(directory: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    let base = root().join(directory);
    let mut paths = Vec::new();
    walk(&base, &mut paths);
    paths.sort();
    assert!(paths.len() > 20, "no sources in {directory}: is the test looking in the right place?");
    let mut found: Vec<Source> = paths
        .into_iter()
        .map(|path| {
            let inside = path.strip_prefix(&base).unwrap().with_extension("");
            let mut modules: Vec<String> =
                inside.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
            if matches!(modules.last().map(String::as_str), Some("mod" | "lib" | "main")) {
                modules.pop();
            }
            let text = fs::read_to_string(&path).unwrap();
            Source { path, modules, text, test: false }
        })
        .collect();
    mount(&mut found);
    let tests: BTreeSet<Vec<String>> = found
        .iter()
        .flat_map(|source| {
            test_modules(&source.text)
                .map(|name| [&source.modules[..], &[name.to_owned()]].concat())
        })
        .collect();
    for source in &mut found {
        source.test = (1..=source.modules.len()).any(|n| tests.contains(&source.modules[..n]));
    }
    found
}

/// The rooms of a crate, in the order in which its `lib.rs` declares them.
fn rooms(lib: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(lib)).unwrap();
    text.lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .map(str::to_owned)
        .collect()
}

/// A line without its comment. Quotes are not understood: nobody writes `crate::` after `//` in a text.
fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or_default()
}

/// Rooms that a file uses, with the line of each use: `crate::room…`, and `use crate::{room…, room…}`.
fn uses(source: &Source) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (index, line) in source.text.lines().enumerate() {
        let line = code(line);
        for (at, _) in line.match_indices("crate::") {
            if line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
                continue;
            }
            let rest = &line[at + "crate::".len()..];
            assert!(
                !rest.starts_with('{'),
                "{}:{}: one `use` a room, so that the import rule can be read",
                source.shown(),
                index + 1
            );
            let name: String =
                rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            found.push((index + 1, name));
        }
    }
    found
}

/// Every use of a room that stands below the user's own room.
fn wrong_uses(sources: &[Source], rooms: &[String]) -> Vec<String> {
    let rank = |name: &str| rooms.iter().position(|room| room == name);
    let mut wrong = Vec::new();
    for source in sources {
        let Some(own) = rank(source.room()) else { continue };
        for (line, name) in uses(source) {
            if rank(&name).is_some_and(|other| other > own) {
                wrong.push(format!(
                    "{}:{line}: `{}` uses `{name}`, which stands below it",
                    source.shown(),
                    source.room()
                ));
            }
        }
    }
    wrong
}

/// Paths with so many `super` that they leave their room: they hide what is imported.
fn climbing_out(source: &Source) -> Vec<String> {
    let mut wrong = Vec::new();
    // Inline modules that the line stands in, by the indentation of each.
    let mut inline: Vec<usize> = Vec::new();
    for (index, line) in source.text.lines().enumerate() {
        let code = code(line);
        let indent = code.len() - code.trim_start().len();
        if code.trim() == "}" && inline.last() == Some(&indent) {
            inline.pop();
        }
        let opens = code.trim_end().ends_with('{')
            && (code.trim_start().starts_with("mod ") || code.contains(" mod "))
            && code.trim_start().starts_with(|c: char| c.is_alphabetic());
        let mut rest = code;
        while let Some(at) = rest.find("super::") {
            let chain = &rest[at..];
            let count = chain.split("::").take_while(|part| *part == "super").count();
            if count >= source.modules.len() + inline.len() {
                wrong.push(format!("{}:{}: say `crate::` and the room", source.shown(), index + 1));
            }
            rest = &chain["super::".len() * count..];
        }
        if opens {
            inline.push(indent);
        }
    }
    wrong
}

fn assert_none(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn every_room_is_declared_once_and_there_are_no_others() {
    for (directory, lib) in CRATES {
        let declared: BTreeSet<String> = rooms(lib).into_iter().collect();
        let there: BTreeSet<String> = sources(directory)
            .iter()
            .map(|source| source.room().to_owned())
            // `bin/` holds programs, not a room.
            .filter(|room| !room.is_empty() && room != "bin")
            .collect();
        assert_eq!(declared, there, "{directory}");
    }
}

#[test]
fn a_room_uses_rooms_above_it_never_below() {
    assert_none(&wrong_uses(&sources("src"), &rooms("src/lib.rs")));
    assert_none(&wrong_uses(&sources("crates/lab/src"), &rooms("crates/lab/src/lib.rs")));
    let language = sources("crates/language/src");
    // Conformance and behaviour tests of templates look at inventories and playbooks as a whole.
    let language: Vec<Source> = language.into_iter().filter(|source| !source.is_test()).collect();
    assert_none(&wrong_uses(&language, &rooms("crates/language/src/lib.rs")));
}

#[test]
fn the_import_rule_sees_what_it_should() {
    let source = |text: &str| Source {
        path: root().join("src/transport/ssh.rs"),
        modules: vec!["transport".to_owned(), "ssh".to_owned()],
        text: text.to_owned(),
        test: false,
    };
    let rooms = rooms("src/lib.rs");
    let wrong = |text: &str| wrong_uses(&[source(text)], &rooms).len();
    assert_eq!(wrong("use crate::modules::Ctx;"), 1);
    assert_eq!(wrong("    let x: Vec<crate::engine::Run> = crate::cli::y();"), 2);
    assert_eq!(wrong("use crate::journal::Receipt; // and crate::modules"), 0);
    assert_eq!(wrong("use crate::transport::Host;"), 0);
    let climbs = |text: &str| climbing_out(&source(text)).len();
    assert_eq!(climbs("use super::super::modules;"), 1);
    assert_eq!(climbs("use super::Host;"), 0);
    assert_eq!(climbs("mod tests {\n    use super::super::Host;\n}\nuse super::super::x;"), 1);
}

#[test]
fn paths_with_super_stay_in_their_room() {
    for (directory, _) in CRATES {
        let wrong: Vec<String> = sources(directory).iter().flat_map(climbing_out).collect();
        assert_none(&wrong);
    }
}

#[test]
fn reports_know_events_and_nothing_else() {
    let mut wrong = Vec::new();
    for source in sources("src").iter().filter(|s| s.room() == "report" && !s.is_test()) {
        for (line, name) in uses(source) {
            if name != "event" && name != "report" {
                wrong.push(format!("{}:{line}: uses `{name}`", source.shown()));
            }
        }
    }
    assert_none(&wrong);
}

#[test]
fn the_lab_knows_nothing_of_the_product() {
    let manifest = fs::read_to_string(root().join("crates/lab/Cargo.toml")).unwrap();
    let dependencies = manifest.split("[dependencies]").nth(1).unwrap();
    assert!(!dependencies.lines().any(|line| line.starts_with("mainstay")), "{dependencies}");
}

#[test]
fn the_language_has_no_world_of_its_own() {
    let manifest = fs::read_to_string(root().join("crates/language/Cargo.toml")).unwrap();
    let dependencies = manifest.split("[dev-dependencies]").next().unwrap();
    for name in ["tokio", "russh", "kube", "hyper", "rustix", "tempfile"] {
        let depends =
            dependencies.lines().any(|line| line.split([' ', '.', '=']).next() == Some(name));
        assert!(!depends, "the language depends on {name}");
    }
    let mut wrong = Vec::new();
    for source in sources("crates/language/src").iter().filter(|source| !source.is_test()) {
        let text = source.text.split("#[cfg(test)]").next().unwrap_or_default();
        for (index, line) in text.lines().enumerate() {
            for path in [
                "std::fs",
                "TcpStream",
                "UdpSocket",
                "std::process",
                "std::env",
                "std::thread",
                "SystemTime",
            ] {
                if code(line).contains(path) {
                    wrong.push(format!("{}:{}: {path}", source.shown(), index + 1));
                }
            }
        }
    }
    assert_none(&wrong);
}

#[test]
fn only_the_engine_makes_events() {
    let mut wrong = Vec::new();
    for source in sources("src") {
        let may = matches!(source.room(), "engine" | "event" | "cli") || source.is_test();
        for (index, line) in source.text.lines().enumerate() {
            if code(line).contains(".emit(") && !may {
                wrong.push(format!("{}:{}", source.shown(), index + 1));
            }
        }
    }
    assert_none(&wrong);
}

#[test]
fn only_the_journal_makes_receipts() {
    let mut made = 0;
    for source in sources("src") {
        let literals = source
            .text
            .lines()
            .map(code)
            .filter(|line| {
                line.contains("Receipt {") && !line.contains("struct ") && !line.contains("impl ")
            })
            .filter(|line| !line.trim_end().ends_with("-> Receipt {"))
            .count();
        if source.room() == "journal" {
            made += literals;
        } else {
            assert_eq!(literals, 0, "{}", source.shown());
        }
    }
    assert_eq!(made, 1, "a receipt is made in one place: after its intent is durable");
    let receipt = fs::read_to_string(root().join("src/journal/mod.rs")).unwrap();
    let after = receipt.split("pub struct Receipt {").nth(1).unwrap();
    let fields = after.split('}').next().unwrap();
    assert!(!fields.contains("pub id") && !fields.contains("pub effect"), "its fields are private");
    let before = receipt.split("pub struct Receipt {").next().unwrap();
    let attributes = before.rsplit("\n\n").next().unwrap();
    assert!(!attributes.contains("Clone"), "a receipt is used once");
}

/// The signature of a function, to its body.
fn signature<'a>(text: &'a str, name: &str) -> &'a str {
    let at = text.find(&format!("fn {name}(")).unwrap_or_else(|| panic!("there is no `{name}`"));
    text[at..].split('{').next().unwrap()
}

#[test]
fn what_changes_a_cluster_for_good_takes_a_receipt() {
    for (file, names) in [
        ("src/cluster/cordon.rs", &["cordon", "uncordon", "hold"][..]),
        ("src/cluster/drain/mod.rs", &["drain"][..]),
        ("src/cluster/lease.rs", &["release"][..]),
    ] {
        let text = fs::read_to_string(root().join(file)).unwrap();
        for name in names {
            assert!(signature(&text, name).contains("Receipt"), "{file}: {name}");
        }
    }
}

#[test]
fn files_are_short() {
    let mut lengths = Vec::new();
    let mut wrong = Vec::new();
    for (directory, _) in CRATES {
        for source in sources(directory).iter().filter(|source| !source.is_test()) {
            let body = source.text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            let lines = body.lines().count();
            lengths.push(lines);
            if lines > FILE_LINES_MAX {
                wrong.push(format!("{}: {lines} lines", source.shown()));
            }
        }
    }
    assert_none(&wrong);
    lengths.sort_unstable();
    let median = lengths[lengths.len() / 2];
    assert!(median <= FILE_LINES_MEDIAN_MAX, "the median file has {median} lines");
}

#[test]
fn every_file_belongs_to_a_module() {
    let mut wrong = Vec::new();
    for (directory, _) in CRATES {
        let all = sources(directory);
        for source in &all {
            let Some((name, parents)) = source.modules.split_last() else { continue };
            // A program is found by its place in Cargo.toml.
            if source.room() == "bin" {
                continue;
            }
            let declared = all.iter().filter(|other| other.modules == parents).any(|parent| {
                let line = format!("mod {name};");
                parent.text.lines().any(|l| code(l).trim().ends_with(&line))
            });
            if !declared {
                wrong.push(format!("{}: nobody declares it: it is not compiled", source.shown()));
            }
        }
    }
    assert_none(&wrong);
}

#[test]
fn no_source_is_left_to_be_written() {
    let mut wrong = Vec::new();
    for (directory, _) in CRATES {
        for source in sources(directory) {
            for (index, line) in source.text.lines().enumerate() {
                let open = ["todo!(", "unimplemented!(", "FIXME", "TODO"];
                if open.iter().any(|word| line.contains(word)) {
                    wrong.push(format!("{}:{}: {}", source.shown(), index + 1, line.trim()));
                }
            }
        }
    }
    assert_none(&wrong);
}

fn map() -> String {
    fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap()
}

/// Text between backticks.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

#[test]
fn the_map_is_short_and_its_rooms_stand_in_the_order_of_the_code() {
    let map = map();
    assert!(map.lines().count() <= MAP_LINES_MAX, "{} lines", map.lines().count());
    for (_, lib) in CRATES {
        let rooms = rooms(lib);
        let chain = rooms.join(" ← ");
        assert!(map.contains(&chain), "the map does not say: {chain}");
    }
}

#[test]
fn files_and_tests_that_the_map_names_are_there() {
    let mut wrong = Vec::new();
    let mut files = 0;
    let mut tests = 0;
    for (index, line) in map().lines().enumerate() {
        let mut file: Option<PathBuf> = None;
        for word in quoted(line) {
            let known = ["src/", "crates/", "tests/", "playbooks/", ".ci/"]
                .iter()
                .any(|d| word.starts_with(d));
            if known && !word.contains(['*', '{', '<', ' ']) {
                files += 1;
                let path = root().join(word);
                if !path.exists() {
                    wrong.push(format!("line {}: there is no {word}", index + 1));
                }
                file = Some(path);
            } else if let Some(test) = word.strip_prefix("test:") {
                tests += 1;
                let text = file.as_ref().and_then(|path| fs::read_to_string(path).ok());
                if !text.is_some_and(|text| text.contains(&format!("fn {test}("))) {
                    wrong.push(format!(
                        "line {}: there is no test {test} in the file before it",
                        index + 1
                    ));
                }
            }
        }
    }
    assert_none(&wrong);
    assert!(files > 20 && tests > 8, "the map names {files} files and {tests} tests");
}
