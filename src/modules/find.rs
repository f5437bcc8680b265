//! `find`: files of a host by name, age, size and content.

use super::common::expand;
use super::lineinfile::pattern;
use super::spec::{Args, BUILTIN, Kind, Param, Spec};
use super::stat::describe;
use super::{Ctx, Failure, Module, Outcome};
use crate::transport::files::{self, FileStatus, FileType, Query, Walk};
use async_trait::async_trait;
use globset::GlobBuilder;
use mainstay_language::value::{Map, Value};
use regex::Regex;

pub(super) struct Find;

static SPEC: Spec = Spec {
    names: &["find"],
    params: &[
        Param::new("paths", Kind::TextList).required().aliases(&["name", "path"]),
        Param::new("patterns", Kind::TextList).aliases(&["pattern"]),
        Param::new("excludes", Kind::TextList).aliases(&["exclude"]),
        Param::new("contains", Kind::Text),
        Param::new("read_whole_file", Kind::Bool).default("no"),
        Param::new("file_type", Kind::Text).default("file").choices(&[
            "any",
            "directory",
            "file",
            "link",
        ]),
        Param::new("age", Kind::Text),
        Param::new("age_stamp", Kind::Text).default("mtime").choices(&["atime", "ctime", "mtime"]),
        Param::new("size", Kind::Text),
        Param::new("recurse", Kind::Bool).default("no"),
        Param::new("hidden", Kind::Bool).default("no"),
        Param::new("follow", Kind::Bool).default("no"),
        Param::new("get_checksum", Kind::Bool).default("no"),
        Param::new("checksum_algorithm", Kind::Text)
            .default("sha1")
            .aliases(&["checksum", "checksum_algo"])
            .choices(&["md5", "sha1", "sha224", "sha256", "sha384", "sha512"]),
        Param::new("use_regex", Kind::Bool).default("no"),
        Param::new("depth", Kind::Int),
        Param::new("mode", Kind::Mode),
        Param::new("exact_mode", Kind::Bool).default("yes"),
        Param::new("limit", Kind::Int),
    ],
    ..BUILTIN
};

/// `10m`, `-2d`, `5`: a number and a unit.
fn measure(text: &str, units: &[(&str, i64)]) -> Option<i64> {
    let text = text.trim().to_lowercase();
    let at = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let factor = if unit.is_empty() { 1 } else { units.iter().find(|(u, _)| *u == unit)?.1 };
    number.parse::<i64>().ok()?.checked_mul(factor)
}

const AGES: [(&str, i64); 5] = [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400), ("w", 604_800)];
const SIZES: [(&str, i64); 5] =
    [("b", 1), ("k", 1 << 10), ("m", 1 << 20), ("g", 1 << 30), ("t", 1 << 40)];

/// What a file must be.
#[derive(Debug, Default)]
struct Filter {
    patterns: Vec<Regex>,
    excludes: Vec<Regex>,
    kind: String,
    hidden: bool,
    age: Option<i64>,
    stamp: usize,
    size: Option<i64>,
    mode: Option<(u32, bool)>,
}

/// Patterns as expressions over a whole name (glob) or anchored at its start (regex), as Python matches them.
fn names(texts: &[String], regex: bool) -> Result<Vec<Regex>, Failure> {
    texts
        .iter()
        .map(|text| {
            if regex {
                return pattern(&format!("^(?:{text})"));
            }
            let glob = GlobBuilder::new(text).build().map_err(|e| Failure::msg(e.to_string()))?;
            // globset's expressions are for bytes; `(?-u)` is not for text.
            pattern(&glob.regex().replace("(?-u)", ""))
        })
        .collect()
}

impl Filter {
    fn of(args: &Args) -> Result<Self, Failure> {
        let regex = args.flag("use_regex");
        let number = |name: &str, units: &[(&str, i64)]| {
            let Some(text) = args.text(name) else { return Ok(None) };
            measure(text, units)
                .map(Some)
                .ok_or_else(|| Failure::msg(format!("failed to process {name}: {text}")))
        };
        Ok(Self {
            patterns: names(&args.texts("patterns"), regex)?,
            excludes: names(&args.texts("excludes"), regex)?,
            kind: args.text("file_type").unwrap_or("file").to_owned(),
            hidden: args.flag("hidden"),
            age: number("age", &AGES)?,
            stamp: match args.text("age_stamp") {
                Some("atime") => 0,
                Some("ctime") => 2,
                _ => 1,
            },
            size: number("size", &SIZES)?,
            mode: args
                .text("mode")
                .map(|m| files::apply_mode(m, 0, false, 0).map_err(Failure::msg))
                .transpose()?
                .map(|mode| (mode, args.flag("exact_mode"))),
        })
    }

    /// Whether a file fits; `now` in seconds since 1970, `hidden_dir` whether it is below a hidden directory.
    fn fits(&self, file: &FileStatus, now: f64) -> bool {
        let name = file.path.rsplit('/').next().unwrap_or(&file.path);
        let kind = match self.kind.as_str() {
            "any" => true,
            "directory" => file.is(FileType::Directory),
            "link" => file.is(FileType::Link),
            _ => file.is(FileType::File),
        };
        #[expect(clippy::cast_precision_loss, reason = "ages and sizes")]
        let age = self.age.is_none_or(|age| {
            let is = now - file.times.get(self.stamp).copied().unwrap_or_default();
            if age >= 0 { is >= age as f64 } else { is <= -age as f64 }
        });
        let size = self.size.is_none_or(|size| {
            let is = i64::try_from(file.size).unwrap_or(i64::MAX);
            if size >= 0 { is >= size } else { is <= -size }
        });
        let mode =
            self.mode.is_none_or(
                |(mode, exact)| {
                    if exact { file.mode == mode } else { file.mode & mode != 0 }
                },
            );
        kind && age
            && size
            && mode
            && (self.hidden || !name.starts_with('.'))
            && (self.patterns.is_empty() || self.patterns.iter().any(|p| p.is_match(name)))
            && !self.excludes.iter().any(|p| p.is_match(name))
    }
}

/// Whether a part of the path between the root and the file is hidden.
fn below_hidden(root: &str, path: &str) -> bool {
    path.strip_prefix(root)
        .and_then(|rest| rest.trim_start_matches('/').rsplit_once('/'))
        .is_some_and(|(dirs, _)| dirs.split('/').any(|dir| dir.starts_with('.')))
}

async fn contains(
    args: &Args,
    found: Vec<FileStatus>,
    ctx: &Ctx<'_>,
) -> Result<Vec<FileStatus>, Failure> {
    let Some(text) = args.text("contains") else { return Ok(found) };
    let whole = args.flag("read_whole_file");
    let regex = pattern(&if whole { text.to_owned() } else { format!("^(?:{text})") })?;
    let mut kept = Vec::new();
    for file in found {
        if !file.is(FileType::File) {
            continue;
        }
        let Some((_, bytes)) = files::read(ctx.host, &file.path, true).await? else { continue };
        let content = String::from_utf8_lossy(&bytes);
        let hit = if whole {
            regex.is_match(&content)
        } else {
            content.lines().any(|line| regex.is_match(line))
        };
        if hit {
            kept.push(file);
        }
    }
    Ok(kept)
}

#[async_trait]
impl Module for Find {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    async fn run(&self, args: Args, ctx: &mut Ctx<'_>) -> Result<Outcome, Failure> {
        let filter = Filter::of(&args)?;
        let mut roots = Vec::new();
        for path in args.texts("paths") {
            roots.push(expand(ctx.host, path.trim()).await?);
        }
        let depth = match (args.flag("recurse"), args.int("depth")) {
            (false, _) => Some(1),
            (true, Some(depth)) => Some(depth.max(1).unsigned_abs()),
            (true, None) => None,
        };
        let walk = Walk { roots: &roots, follow: args.flag("follow"), depth, with_roots: false };
        #[expect(clippy::cast_precision_loss, reason = "seconds")]
        let now = ctx.clock.now().as_second() as f64;
        let (mut found, mut skipped, mut examined) = (Vec::new(), Map::new(), 0usize);
        let mut outcome = Outcome::ok();
        for root in files::walk(ctx.host, &walk).await? {
            if root.missing {
                let why = format!("'{}' is not a directory", root.root);
                outcome.warnings.push(format!("find: skipped '{}': {why}", root.root));
                skipped.insert(root.root, why);
                continue;
            }
            examined += root.files.len();
            found.extend(root.files.into_iter().filter(|file| {
                filter.fits(file, now) && (filter.hidden || !below_hidden(&root.root, &file.path))
            }));
        }
        let mut found = contains(&args, found, ctx).await?;
        if let Some(limit) = args.int("limit").and_then(|l| usize::try_from(l).ok()) {
            found.truncate(limit);
        }
        let mut sums: Vec<Option<String>> = vec![None; found.len()];
        if args.flag("get_checksum") && !found.is_empty() {
            let program = format!("{}sum", args.text("checksum_algorithm").unwrap_or("sha1"));
            let queries: Vec<Query<'_>> =
                found.iter().map(|f| Query::of(&f.path).checksum(&program)).collect();
            let asked = files::stat(ctx.host, &queries).await?;
            sums = asked.into_iter().map(|s| s.and_then(|s| s.checksum)).collect();
        }
        let files: Vec<Value> = found
            .iter()
            .zip(sums)
            .map(|(file, sum)| {
                let mut map = describe(file);
                if let Some(sum) = sum {
                    map.insert("checksum", sum);
                }
                Value::Map(map)
            })
            .collect();
        let message = if skipped.is_empty() {
            "All paths examined"
        } else {
            "Not all paths examined, check warnings for details"
        };
        Ok(outcome
            .with("matched", files.len())
            .with("files", files)
            .with("examined", examined)
            .with("msg", message)
            .with("skipped_paths", skipped))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modules::testing::Bench;
    use serde_json::json;

    #[test]
    fn measures() {
        for (text, units, expected) in [
            ("10", &AGES, Some(10)),
            ("2m", &AGES, Some(120)),
            ("-1d", &AGES, Some(-86_400)),
            ("1w", &AGES, Some(604_800)),
            ("5x", &AGES, None),
            ("10k", &SIZES, Some(10_240)),
            ("-1g", &SIZES, Some(-(1 << 30))),
            ("m", &SIZES, None),
        ] {
            assert_eq!(measure(text, units), expected, "{text}");
        }
        assert!(below_hidden("/a", "/a/.git/x") && !below_hidden("/a", "/a/b/.x"));
    }

    #[tokio::test]
    async fn finds_here() {
        let dir = tempfile::tempdir().unwrap();
        let d = dir.path().to_str().unwrap();
        std::fs::create_dir_all(format!("{d}/sub/.git")).unwrap();
        for (name, text) in [
            ("a.conf", "x=1\n"),
            ("b.conf", "y=2\nx=3\n"),
            (".hid.conf", ""),
            ("sub/c d.txt", "12345"),
            ("sub/.git/e.conf", ""),
        ] {
            std::fs::write(format!("{d}/{name}"), text).unwrap();
        }
        std::os::unix::fs::symlink("a.conf", format!("{d}/link")).unwrap();
        let bench = Bench::here();
        for (args, expected) in [
            (json!({}), vec!["a.conf", "b.conf"]),
            (json!({"patterns": "a*"}), vec!["a.conf"]),
            (json!({"patterns": "a*,b.*"}), vec!["a.conf", "b.conf"]),
            (
                json!({"patterns": ["^[ab]\\.conf$"], "use_regex": true, "excludes": "b"}),
                vec!["a.conf"],
            ),
            (json!({"hidden": true, "patterns": "*.conf"}), vec![".hid.conf", "a.conf", "b.conf"]),
            (json!({"recurse": true}), vec!["a.conf", "b.conf", "sub/c d.txt"]),
            (json!({"recurse": true, "depth": 1}), vec!["a.conf", "b.conf"]),
            (json!({"file_type": "directory"}), vec!["sub"]),
            (json!({"file_type": "link"}), vec!["link"]),
            (json!({"file_type": "any"}), vec!["a.conf", "b.conf", "link", "sub"]),
            (json!({"recurse": true, "size": "5"}), vec!["b.conf", "sub/c d.txt"]),
            (json!({"size": "-4"}), vec!["a.conf"]),
            (json!({"contains": "x=3"}), vec!["b.conf"]),
            (json!({"contains": "=2"}), vec![]),
            (json!({"mode": "0644"}), vec!["a.conf", "b.conf"]),
            (json!({"mode": "0111", "exact_mode": false}), vec![]),
        ] {
            let mut args = args;
            args["paths"] = json!(d);
            let got = bench.json("find", args.clone()).await;
            let mut names: Vec<&str> = got["files"]
                .as_array()
                .unwrap()
                .iter()
                .map(|f| {
                    f["path"].as_str().unwrap().strip_prefix(d).unwrap().trim_start_matches('/')
                })
                .collect();
            names.sort_unstable();
            assert_eq!(names, expected, "{args}");
        }
        let got = bench.json("find", json!({"paths": [format!("{d}/nope")]})).await;
        assert_eq!(got["msg"], "Not all paths examined, check warnings for details");
        let got = bench
            .json("find", json!({"paths": d, "patterns": "a.conf", "get_checksum": true}))
            .await;
        assert_eq!(got["files"][0]["checksum"].as_str().map(str::len), Some(40));
    }
}
