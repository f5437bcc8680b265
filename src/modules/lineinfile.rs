//! `lineinfile`: one line is there, or is not.

use super::common::{Rights, UMASK, expand, text_diff, umask, with_rights};
use super::put::{set_rights, validation};
use super::spec::{Args, BUILTIN, Kind, Param, Spec};
use super::{Ctx, Failure, Module, Outcome};
use crate::transport::files::{self, Write};
use async_trait::async_trait;
use regex::Regex;

pub(super) struct LineInFile;

static SPEC: Spec = Spec {
    names: &["lineinfile"],
    params: with_rights![
        Param::new("path", Kind::Path).required().aliases(&["dest", "destfile", "name"]),
        Param::new("state", Kind::Text).default("present").choices(&["absent", "present"]),
        Param::new("regexp", Kind::Text).aliases(&["regex"]),
        Param::new("search_string", Kind::Text),
        Param::new("line", Kind::Text).aliases(&["value"]),
        Param::new("encoding", Kind::Text).default("utf-8"),
        Param::new("backrefs", Kind::Bool).default("no"),
        Param::new("insertafter", Kind::Text),
        Param::new("insertbefore", Kind::Text),
        Param::new("create", Kind::Bool).default("no"),
        Param::new("backup", Kind::Bool).default("no"),
        Param::new("firstmatch", Kind::Bool).default("no"),
        Param::new("validate", Kind::Text),
    ],
    exclusive: &[&["insertbefore", "insertafter"], &["regexp", "search_string"]],
    ..BUILTIN
};

/// How lines are found and where a new one goes.
#[derive(Debug, Default)]
pub(super) struct Wish {
    pub(super) present: bool,
    pub(super) regexp: Option<Regex>,
    pub(super) search: Option<String>,
    pub(super) line: String,
    pub(super) backrefs: bool,
    pub(super) after: Option<String>,
    pub(super) before: Option<String>,
    pub(super) firstmatch: bool,
}

/// New content and message; `None` if nothing has to change.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Edit {
    pub(super) content: String,
    pub(super) message: String,
    /// Lines removed.
    pub(super) found: usize,
}

/// A pattern of Python's `re`, as far as it is a pattern here too.
pub(super) fn pattern(text: &str) -> Result<Regex, Failure> {
    Regex::new(text).map_err(|e| {
        Failure::msg(format!("the regular expression {text:?} cannot be used here: {e}"))
    })
}

/// `\1`, `\g<1>`, `\g<name>`, `\n`, `\t` of a replacement.
fn expand_references(template: &str, found: &regex::Captures<'_>) -> String {
    let mut out = String::new();
    let mut chars = template.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('g') if chars.peek() == Some(&'<') => {
                chars.next();
                let name: String = chars.by_ref().take_while(|c| *c != '>').collect();
                let group = name.parse().ok().and_then(|n: usize| found.get(n));
                out.push_str(group.or_else(|| found.name(&name)).map_or("", |m| m.as_str()));
            }
            Some(digit) if digit.is_ascii_digit() => {
                let mut number = digit.to_string();
                if let Some(next) = chars.next_if(char::is_ascii_digit) {
                    number.push(next);
                }
                let group = number.parse().ok().and_then(|n: usize| found.get(n));
                out.push_str(group.map_or("", |m| m.as_str()));
            }
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some(other) if !other.is_ascii_alphanumeric() => out.push(other),
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
    out
}

fn bare(line: &str) -> &str {
    line.trim_end_matches(['\r', '\n'])
}

/// What becomes of a file's text; pure.
pub(super) fn decide(text: &str, wish: &Wish) -> Result<Option<Edit>, Failure> {
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    let matches = |line: &str| match (&wish.regexp, &wish.search) {
        (Some(regexp), _) => regexp.is_match(bare(line)),
        (None, Some(search)) => line.contains(search.as_str()),
        (None, None) => false,
    };
    if !wish.present {
        let before = lines.len();
        let by_line = wish.regexp.is_none() && wish.search.is_none();
        lines.retain(|line| if by_line { bare(line) != wish.line } else { !matches(line) });
        let found = before - lines.len();
        return Ok((found > 0).then(|| Edit {
            content: lines.concat(),
            message: format!("{found} line(s) removed"),
            found,
        }));
    }
    let hits: Vec<usize> = (0..).zip(&lines).filter(|(_, l)| matches(l)).map(|(i, _)| i).collect();
    let exact = lines.iter().position(|line| bare(line) == wish.line);
    let hit = if wish.firstmatch { hits.first() } else { hits.last() }.copied();
    let edit = |lines: Vec<String>, message: &str| {
        Ok(Some(Edit { content: lines.concat(), message: message.to_owned(), found: 0 }))
    };
    if let Some(at) = hit {
        let Some(old) = lines.get_mut(at) else { return Ok(None) };
        let new = match &wish.regexp {
            Some(regexp) if wish.backrefs => regexp
                .captures(bare(old))
                .map_or_else(|| wish.line.clone(), |found| expand_references(&wish.line, &found)),
            _ => wish.line.clone(),
        };
        let ended = if new.ends_with('\n') { new } else { format!("{new}\n") };
        if *old == ended || bare(old) == bare(&ended) && !old.ends_with('\n') {
            return Ok(None);
        }
        *old = ended;
        return edit(lines, "line replaced");
    }
    if wish.backrefs {
        return Ok(None);
    }
    // Without anything to match, an identical line anywhere is enough.
    if exact.is_some() {
        return Ok(None);
    }
    let at = position(&lines, wish)?;
    if let Some(last) = at.checked_sub(1).and_then(|i| lines.get_mut(i))
        && !last.ends_with('\n')
    {
        last.push('\n');
    }
    lines.insert(at, format!("{}\n", wish.line));
    edit(lines, "line added")
}

fn position(lines: &[String], wish: &Wish) -> Result<usize, Failure> {
    let find = |text: &str| -> Result<Option<usize>, Failure> {
        let regexp = pattern(text)?;
        let mut found = (0..).zip(lines).filter(|(_, l)| regexp.is_match(bare(l))).map(|(i, _)| i);
        Ok(if wish.firstmatch { found.next() } else { found.last() })
    };
    match (&wish.before, &wish.after) {
        (Some(before), _) if before == "BOF" => Ok(0),
        (Some(before), _) => Ok(find(before)?.unwrap_or(lines.len())),
        (None, Some(after)) if after != "EOF" => Ok(find(after)?.map_or(lines.len(), |i| i + 1)),
        _ => Ok(lines.len()),
    }
}

fn wish(args: &Args) -> Result<Wish, Failure> {
    let present = args.text("state") == Some("present");
    let line = args.text("line");
    let finds = args.text("regexp").or(args.text("search_string"));
    if present && line.is_none() {
        return Err(Failure::msg("line is required with state=present"));
    }
    if present && args.flag("backrefs") && args.text("regexp").is_none() {
        return Err(Failure::msg("regexp is required with backrefs=true"));
    }
    if !present && finds.is_none() && line.is_none() {
        return Err(Failure::msg(
            "one of line, search_string, or regexp is required with state=absent",
        ));
    }
    if !args.text("encoding").is_some_and(|e| e.eq_ignore_ascii_case("utf-8")) {
        return Err(Failure::msg("encoding: only utf-8 is supported"));
    }
    let some = |name: &str| args.text(name).filter(|t| !t.is_empty()).map(str::to_owned);
    Ok(Wish {
        present,
        regexp: some("regexp").as_deref().map(pattern).transpose()?,
        search: some("search_string"),
        line: line.unwrap_or_default().to_owned(),
        backrefs: args.flag("backrefs"),
        after: some("insertafter"),
        before: some("insertbefore"),
        firstmatch: args.flag("firstmatch"),
    })
}

#[async_trait]
impl Module for LineInFile {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    async fn run(&self, args: Args, ctx: &mut Ctx<'_>) -> Result<Outcome, Failure> {
        let (wish, rights) = (wish(&args)?, Rights::of(&args)?);
        let validate = validation(args.text("validate"))?;
        let path = expand(ctx.host, args.text("path").unwrap_or_default()).await?;
        let found = match files::read(ctx.host, &path, true).await {
            Err(files::FileError::Refused(why)) => {
                return Err(Outcome::ok().with("rc", 256).failed(why));
            }
            other => other?,
        };
        if found.is_none() && wish.present && !args.flag("create") {
            return Err(Outcome::ok()
                .with("rc", 257)
                .failed(format!("Destination {path} does not exist !")));
        }
        let Some((now, text)) = (match found {
            Some((status, bytes)) => {
                let text = String::from_utf8(bytes)
                    .map_err(|_| Failure::msg(format!("{path} is not UTF-8")))?;
                Some((Some(status), text))
            }
            None if wish.present => Some((None, String::new())),
            None => None,
        }) else {
            return Ok(Outcome::ok().with("msg", "file not present"));
        };
        let edit = decide(&text, &wish)?;
        let mut outcome = Outcome::changed(edit.is_some());
        if ctx.diff {
            let header = format!("{path} (content)");
            let after = edit.as_ref().map_or(text.as_str(), |e| e.content.as_str());
            outcome.diff.push(text_diff(
                (&header, Some(text.as_bytes())),
                (&header, Some(after.as_bytes())),
            ));
        }
        let mut message = edit.as_ref().map_or(String::new(), |e| e.message.clone());
        let mut backup = String::new();
        let mut status = now.clone();
        let mask = mask(&rights, ctx).await?;
        if let (Some(edit), false) = (&edit, ctx.check) {
            let write = Write {
                follow: true,
                backup: args.flag("backup") && now.is_some(),
                validate,
                parents: now.is_none(),
                mode: if now.is_none() { rights.new_mode(false, mask)? } else { None },
                ..Write::bytes(&path, edit.content.clone().into_bytes())
            };
            let written = files::write(ctx.host, write).await?;
            backup = written.backup.unwrap_or_default();
            status = Some(written.status);
        }
        if let Some(status) = &status {
            let change = rights.change(status, mask)?;
            if !change.is_empty() {
                set_rights(ctx, status, &change, true).await?;
                outcome.changed = true;
                let and = if message.is_empty() { "" } else { " and " };
                message.push_str(&format!("{and}ownership, perms or SE linux context changed"));
            }
        }
        if !wish.present {
            outcome = outcome.with("found", edit.map_or(0, |e| e.found));
        }
        Ok(outcome.with("msg", message).with("backup", backup))
    }
}

/// The umask, asked for only if a mode is wanted.
async fn mask(rights: &Rights, ctx: &Ctx<'_>) -> Result<u32, Failure> {
    if rights.mode.is_none() {
        return Ok(0o022);
    }
    umask(&mut files::ask(ctx.host, UMASK, Vec::new()).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modules::testing::Bench;
    use serde_json::json;

    /// Text, wish → text and message. From stock Ansible.
    #[test]
    fn decides() {
        let present = |regexp: &str, line: &str| Wish {
            present: true,
            regexp: Some(regexp).filter(|r| !r.is_empty()).map(|r| Regex::new(r).unwrap()),
            line: line.into(),
            ..Wish::default()
        };
        let after = |after: &str| Wish { after: Some(after.into()), ..present("", "new") };
        let before = |before: &str| Wish { before: Some(before.into()), ..present("", "new") };
        let absent = |regexp: &str, line: &str| Wish { present: false, ..present(regexp, line) };
        for (text, wish, expected) in [
            ("a\n", present("^foo=", "foo=1"), Some(("a\nfoo=1\n", "line added"))),
            ("a\nfoo=1\n", present("^foo=", "foo=1"), None),
            ("foo=1\n", present("^foo=", "foo=2"), Some(("foo=2\n", "line replaced"))),
            (
                "foo=1\nfoo=2\n",
                present("^foo=", "foo=3"),
                Some(("foo=1\nfoo=3\n", "line replaced")),
            ),
            (
                "foo=1\nfoo=2\n",
                Wish { firstmatch: true, ..present("^foo=", "foo=3") },
                Some(("foo=3\nfoo=2\n", "line replaced")),
            ),
            ("a", present("", "b"), Some(("a\nb\n", "line added"))),
            ("a\nb\n", present("", "a"), None),
            ("", present("", "a"), Some(("a\n", "line added"))),
            ("a\nb\na\n", after("^a"), Some(("a\nb\na\nnew\n", "line added"))),
            (
                "a\nb\na\n",
                Wish { firstmatch: true, ..after("^a") },
                Some(("a\nnew\nb\na\n", "line added")),
            ),
            ("a\n", after("zzz"), Some(("a\nnew\n", "line added"))),
            ("a\nb\n", before("^b"), Some(("a\nnew\nb\n", "line added"))),
            ("a\nb\n", before("BOF"), Some(("new\na\nb\n", "line added"))),
            ("a\nb\n", after("EOF"), Some(("a\nb\nnew\n", "line added"))),
            (
                "port = 22\n",
                Wish { backrefs: true, ..present("^(port) = (\\d+)", "\\1 = \\g<2>3") },
                Some(("port = 223\n", "line replaced")),
            ),
            ("a\n", Wish { backrefs: true, ..present("zzz", "new") }, None),
            ("a\nb\na\n", absent("^a", ""), Some(("b\n", "2 line(s) removed"))),
            ("a\nb\n", absent("", "b"), Some(("a\n", "1 line(s) removed"))),
            ("a\n", absent("zzz", ""), None),
            (
                "x.y\n",
                Wish { search: Some("x.".into()), ..present("", "z") },
                Some(("z\n", "line replaced")),
            ),
        ] {
            let got = decide(text, &wish).unwrap();
            let got = got.as_ref().map(|e| (e.content.as_str(), e.message.as_str()));
            assert_eq!(got, expected, "{text:?} {wish:?}");
        }
    }

    #[tokio::test]
    async fn edits_here() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f").display().to_string();
        let bench = Bench::here();
        for (args, changed, msg) in [
            (
                json!({"path": path, "line": "x"}),
                false,
                format!("Destination {path} does not exist !"),
            ),
            (
                json!({"path": path, "line": "x", "create": true, "mode": "0600"}),
                true,
                "line added".to_owned(),
            ),
            (json!({"path": path, "line": "x"}), false, String::new()),
            (
                json!({"path": path, "line": "x", "mode": "0644"}),
                true,
                "ownership, perms or SE linux context changed".to_owned(),
            ),
            (json!({"path": path, "line": "y", "regexp": "^x"}), true, "line replaced".to_owned()),
            (
                json!({"path": path, "regexp": "^y", "state": "absent"}),
                true,
                "1 line(s) removed".to_owned(),
            ),
            (json!({"path": path}), false, "line is required with state=present".to_owned()),
            (
                json!({"path": path, "line": "z", "validate": "false %s"}),
                false,
                "failed to validate".to_owned(),
            ),
        ] {
            let got = bench.json("lineinfile", args.clone()).await;
            assert_eq!((&got["changed"], &got["msg"]), (&json!(changed), &json!(msg)), "{args}");
        }
        assert_eq!(std::fs::read(&path).unwrap(), b"");
    }
}
