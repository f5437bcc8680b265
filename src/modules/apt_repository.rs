//! `apt_repository`: lines of `sources.list`.

use super::spec::{Args, BUILTIN, Kind, Param, Spec};
use super::{Ctx, Failure, Module, Outcome, apt};
use crate::transport::{files, quote};
use async_trait::async_trait;

pub(super) struct AptRepository;

static SPEC: Spec = Spec {
    names: &["apt_repository"],
    params: &[
        Param::new("repo", Kind::Text).required(),
        Param::new("state", Kind::Text).default("present").choices(&["absent", "present"]),
        Param::new("mode", Kind::Mode),
        Param::new("update_cache", Kind::Bool).default("yes").aliases(&["update-cache"]),
        Param::new("update_cache_retries", Kind::Int).default("5"),
        Param::new("update_cache_retry_max_delay", Kind::Int).default("12"),
        Param::new("filename", Kind::Text),
        Param::new("codename", Kind::Text),
        // Nothing of Python is used on the host, so there is nothing to install.
        Param::new("install_python_apt", Kind::Bool).default("yes"),
        Param::new("validate_certs", Kind::Bool).default("yes"),
    ],
    ..BUILTIN
};

/// A source without its comment, white space made single; `None` if the line is none.
fn source(line: &str) -> Option<String> {
    let text = line.split('#').next().unwrap_or_default();
    let words: Vec<&str> = text.split_whitespace().collect();
    let fits = matches!(words.first(), Some(&("deb" | "deb-src"))) && words.len() >= 3;
    fits.then(|| words.join(" "))
}

/// The name of a file for a source: its address without scheme and login, words joined by `_`.
fn file_name(source: &str) -> String {
    let without_options = match (source.find('['), source.find(']')) {
        (Some(open), Some(close)) if open < close => {
            format!(
                "{}{}",
                source.get(..open).unwrap_or_default(),
                source.get(close + 1..).unwrap_or_default()
            )
        }
        _ => source.to_owned(),
    };
    let address = without_options.split_whitespace().nth(1).unwrap_or_default();
    let address = address.split_once("://").map_or(address, |(_, rest)| rest);
    let address = match address.split_once('/') {
        Some((host, path)) => {
            let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
            format!("{host}/{path}")
        }
        None => address.to_owned(),
    };
    let words: Vec<&str> =
        address.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).collect();
    words.join("_")
}

/// One file of sources.
#[derive(Debug, Clone, PartialEq, Eq)]
struct File {
    path: String,
    text: String,
}

/// Files with their new text (empty: the file goes); pure.
fn decide(wanted: &str, present: bool, target: &str, files: &[File]) -> Vec<File> {
    let has = |file: &File| file.text.lines().any(|l| source(l).as_deref() == Some(wanted));
    if present {
        if files.iter().any(has) {
            return Vec::new();
        }
        let mut text =
            files.iter().find(|f| f.path == target).map_or(String::new(), |f| f.text.clone());
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        return vec![File { path: target.to_owned(), text: format!("{text}{wanted}\n") }];
    }
    files
        .iter()
        .filter(|f| has(f))
        .map(|file| File {
            path: file.path.clone(),
            text: file
                .text
                .split_inclusive('\n')
                .filter(|l| source(l).as_deref() != Some(wanted))
                .collect(),
        })
        .collect()
}

async fn apply(file: &File, mode: u32, ctx: &Ctx<'_>) -> Result<(), Failure> {
    if file.text.trim().is_empty() && file.path != LIST {
        files::ask(ctx.host, &format!("try rm -f {}\n", quote(&file.path)), Vec::new()).await?;
        return Ok(());
    }
    let mut write = files::Write::bytes(&file.path, file.text.clone().into_bytes());
    write.mode = Some(mode);
    files::write(ctx.host, write).await?;
    Ok(())
}

const LIST: &str = "/etc/apt/sources.list";

const PROBE: &str = "command -v apt-get >/dev/null 2>&1 || fail 'apt-get is not there'\n\
    for f in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do [ -f \"$f\" ] || continue\n\
    o=$(cat \"$f\"; echo x) || fail \"cannot read $f\"\nsay \"$f\" \"${o%x}\"; done\n";

#[async_trait]
impl Module for AptRepository {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    async fn run(&self, args: Args, ctx: &mut Ctx<'_>) -> Result<Outcome, Failure> {
        let repo = args.text("repo").unwrap_or_default();
        if repo.starts_with("ppa:") || args.get("codename").is_some() {
            return Err(Failure::msg("ppa: repositories are not supported"));
        }
        if !args.flag("validate_certs") {
            return Err(Failure::msg("validate_certs: false is not supported"));
        }
        let Some(wanted) = source(repo) else {
            return Err(Failure::msg(format!("Invalid repository string: {repo}")));
        };
        let name = args.text("filename").map_or_else(|| file_name(&wanted), str::to_owned);
        let name = name.strip_suffix(".list").unwrap_or(&name);
        if name.is_empty() || name.contains('/') && !name.starts_with('/') {
            return Err(Failure::msg(format!("filename {name:?} cannot be used")));
        }
        let target = if name.starts_with('/') {
            format!("{name}.list")
        } else {
            format!("/etc/apt/sources.list.d/{name}.list")
        };
        let mode = files::apply_mode(args.text("mode").unwrap_or("0644"), 0o644, false, 0o022)
            .map_err(Failure::msg)?;
        let mut answer = files::ask(ctx.host, PROBE, Vec::new()).await?;
        let mut before = Vec::new();
        while !answer.is_empty() {
            before.push(File { path: answer.text()?, text: answer.text()? });
        }
        let present = args.text("state") != Some("absent");
        let changes = decide(&wanted, present, &target, &before);
        let mut outcome = Outcome::changed(!changes.is_empty())
            .with("repo", repo)
            .with("state", if present { "present" } else { "absent" });
        let old = |path: &str| before.iter().find(|f| f.path == path);
        if ctx.diff {
            for change in &changes {
                let was = old(&change.path).map(|f| f.text.as_bytes());
                outcome.diff.push(super::common::text_diff(
                    (&change.path, was),
                    (&change.path, Some(change.text.as_bytes())),
                ));
            }
        }
        if ctx.check || changes.is_empty() {
            return Ok(outcome);
        }
        for change in &changes {
            apply(change, mode, ctx).await?;
        }
        if args.flag("update_cache")
            && let Err(failure) = apt::update(&args, ctx).await
        {
            // A source that apt cannot read would break every later task: what was there comes back.
            for change in &changes {
                let text = old(&change.path).map_or(String::new(), |f| f.text.clone());
                apply(&File { path: change.path.clone(), text }, mode, ctx).await?;
            }
            return Err(failure);
        }
        Ok(outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modules::testing::{Bench, Scripted, says};
    use serde_json::json;

    #[test]
    fn names_of_files() {
        for (line, name) in [
            (
                "deb [signed-by=/etc/apt/keyrings/k.asc] https://pkgs.k8s.io/core:/stable:/v1.30/deb/ /",
                "pkgs_k8s_io_core_stable_v1_30_deb",
            ),
            ("deb http://user:pw@example.org/debian stable main", "example_org_debian"),
            (
                "deb-src http://archive.canonical.com/ubuntu hardy partner",
                "archive_canonical_com_ubuntu",
            ),
        ] {
            assert_eq!(file_name(line), name);
        }
    }

    #[test]
    fn decides() {
        let line = "deb http://x/ a main";
        let list = |text: &str| File { path: LIST.into(), text: text.into() };
        let own = |text: &str| File { path: "/t.list".into(), text: text.into() };
        for (present, files, changes) in [
            (true, vec![], vec![own("deb http://x/ a main\n")]),
            (true, vec![list("deb  http://x/   a main # c\n")], vec![]),
            (
                true,
                vec![own("deb http://y/ a main")],
                vec![own("deb http://y/ a main\ndeb http://x/ a main\n")],
            ),
            (true, vec![list("# deb http://x/ a main\n")], vec![own("deb http://x/ a main\n")]),
            (true, vec![list("deb http://x/ a\n")], vec![own("deb http://x/ a main\n")]),
            (false, vec![list("deb http://y/ a main\n")], vec![]),
            (false, vec![own("deb http://x/ a main\n")], vec![own("")]),
            (
                false,
                vec![list("deb http://y/ a main\ndeb http://x/ a main\n")],
                vec![list("deb http://y/ a main\n")],
            ),
            (
                false,
                vec![list("deb http://x/ a main\n"), own("deb http://x/ a main\n")],
                vec![list(""), own("")],
            ),
        ] {
            assert_eq!(decide(line, present, "/t.list", &files), changes, "{files:?}");
        }
        for wrong in ["", "deb http://x", "rpm http://x/ a b", "# deb http://x/ a"] {
            assert_eq!(source(wrong), None, "{wrong}");
        }
    }

    #[tokio::test]
    async fn asks_once_if_it_is_there() {
        let there = || says("/etc/apt/sources.list\0deb http://x/ a main\n\0end\0");
        for (args, check, changed, failed) in [
            (json!({"repo": "deb http://x/ a main"}), false, false, false),
            (json!({"repo": "deb http://z/ a main"}), true, true, false),
            (json!({"repo": "deb http://x/ a main", "state": "absent"}), true, true, false),
            (json!({"repo": "ppa:x/y"}), false, false, true),
            (json!({"repo": "rubbish"}), false, false, true),
        ] {
            let mut bench = Bench::on(Scripted::new([there()]));
            bench.check = check;
            let got = bench.json("apt_repository", args.clone()).await;
            assert_eq!(
                (&got["changed"], &got["failed"]),
                (&json!(changed), &json!(failed)),
                "{args}"
            );
        }
    }
}
