//! dpkg and dpkg-query of dpkg 1.21.22. Compared on a Debian 12 node: -l, -s, -W with formats, --get-selections,
//! --set-selections, --print-architecture, --compare-versions, --audit, --configure, -r, unknown packages, a busy lock.

use super::apt::lock;
use super::session::{Done, Failed, Session};
use crate::node::{Installed, Packages, compare, matches};
use std::cmp::Ordering;

/// `dpkg`
pub(super) async fn dpkg(session: &Session) -> Done {
    let words: Vec<String> =
        session.words().iter().filter(|word| !word.starts_with("--force-")).cloned().collect();
    let Some((action, names)) = words.split_first() else {
        return Err(Failed::new(
            2,
            "dpkg: error: need an action option\n\nType dpkg --help for help about installing and deinstalling packages [*];",
        ));
    };
    match action.as_str() {
        "-l" | "--list" | "-s" | "--status" | "-L" | "--listfiles" | "-S" | "--search" => {
            query(session, "dpkg-query", &words).await
        }
        "--get-selections" => selections(session, names).await,
        "--set-selections" => set_selections(session).await,
        "--clear-selections" | "-i" | "--install" | "--unpack" => {
            Err(Failed::new(2, format!("dpkg: error: {action} is not supported by the lab")))
        }
        "--print-architecture" => {
            session.line("amd64").await;
            Ok(0)
        }
        "--print-foreign-architectures" => Ok(0),
        "--version" => {
            session.line("Debian 'dpkg' package management program version 1.21.22 (amd64).").await;
            Ok(0)
        }
        "-C" | "--audit" => Ok(0),
        "--configure" | "--triggers-only" => {
            locked(session)?;
            Ok(0)
        }
        "--compare-versions" => compare_versions(names),
        "-r" | "--remove" | "-P" | "--purge" => remove(session, names).await,
        other => Err(Failed::new(
            2,
            format!(
                "dpkg: error: unknown option {other}\n\nType dpkg --help for help about installing and deinstalling packages [*];"
            ),
        )),
    }
}

/// `dpkg-query`
pub(super) async fn dpkg_query(session: &Session) -> Done {
    query(session, "dpkg-query", session.words()).await
}

fn root_only(session: &Session) -> Result<(), Failed> {
    if session.is_root() {
        return Ok(());
    }
    Err(Failed::new(2, "dpkg: error: requested operation requires superuser privilege"))
}

fn locked(session: &Session) -> Result<lock::Held, Failed> {
    root_only(session)?;
    lock::take(session).map_err(|(pid, _)| lock::dpkgs_words(pid))
}

async fn query(session: &Session, name: &str, words: &[String]) -> Done {
    let mut action = None;
    let mut format = None;
    let mut names = Vec::new();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        match word.as_str() {
            "-W" | "--show" => action = Some('W'),
            "-l" | "--list" => action = Some('l'),
            "-s" | "--status" => action = Some('s'),
            "-L" | "--listfiles" => action = Some('L'),
            "-S" | "--search" => action = Some('S'),
            "-f" | "--showformat" => format = rest.next().cloned(),
            "--" => names.extend(rest.by_ref().cloned()),
            long if long.starts_with("--showformat=") => {
                format = long.split_once('=').map(|(_, f)| f.to_owned());
            }
            short if short.starts_with("-f") => {
                format = Some(short.trim_start_matches("-f").trim_start_matches('=').to_owned());
            }
            option if option.starts_with('-') && option.len() > 1 => {
                return Err(Failed::new(2, format!("{name}: error: unknown option {option}")));
            }
            other => names.push(other.to_owned()),
        }
    }
    let packages = session.machine.state().packages.clone();
    let (found, missing) = find(&packages, &names);
    let text = match action {
        Some('W') => {
            let format = format.as_deref().unwrap_or("${binary:Package}\\t${Version}\\n");
            found.iter().map(|installed| formatted(format, installed)).collect()
        }
        Some('l') => listing(&found),
        Some('s') => found.iter().map(|installed| status(installed)).collect::<Vec<_>>().join("\n"),
        Some('L') => found.iter().map(|i| files(&i.package.name)).collect(),
        Some('S') => return search(session, &packages, &names).await,
        _ => return Err(Failed::new(2, format!("{name}: error: need an action option"))),
    };
    for word in &missing {
        match action {
            Some('s') => {
                session
                    .complain(format!(
                        "{name}: package '{word}' is not installed and no information is available"
                    ))
                    .await;
            }
            Some('L') => {
                session.complain(format!("{name}: package '{word}' is not installed")).await;
            }
            _ => session.complain(format!("{name}: no packages found matching {word}")).await,
        }
    }
    session.out(text).await;
    if action == Some('s') && !missing.is_empty() {
        session.complain("Use dpkg --info (= dpkg-deb --info) to examine archive files.").await;
    }
    Ok(u8::from(!missing.is_empty()))
}

fn find<'a>(packages: &'a Packages, names: &'a [String]) -> (Vec<&'a Installed>, Vec<&'a String>) {
    fn bare(word: &str) -> &str {
        word.split(':').next().unwrap_or(word)
    }
    let wanted =
        |name: &String| names.is_empty() || names.iter().any(|word| matches(bare(word), name));
    let found = packages
        .installed
        .iter()
        .filter(|(name, _)| wanted(name))
        .map(|(_, installed)| installed)
        .collect();
    let missing = |word: &&String| !packages.installed.keys().any(|name| matches(bare(word), name));
    (found, names.iter().filter(missing).collect())
}

fn want(installed: &Installed) -> &'static str {
    if installed.held { "hold" } else { "install" }
}

fn field(name: &str, installed: &Installed) -> String {
    let package = &installed.package;
    match name {
        "Package" | "binary:Package" => package.name.clone(),
        "Version" => package.version.clone(),
        "Architecture" => package.architecture.clone(),
        "Section" => package.section.clone(),
        "Priority" => package.priority.clone(),
        "Provides" => package.provides.clone(),
        "Status" => format!("{} ok installed", want(installed)),
        "db:Status-Abbrev" => (if installed.held { "hi " } else { "ii " }).to_owned(),
        "db:Status-Status" => "installed".to_owned(),
        "db:Status-Want" => want(installed).to_owned(),
        "Description" | "binary:Summary" => package.summary.clone(),
        "source:Package" => package.name.clone(),
        "source:Version" => package.version.clone(),
        "Depends" => package
            .depends
            .iter()
            .map(|(name, least)| format!("{name} (>= {least})"))
            .collect::<Vec<_>>()
            .join(", "),
        _ => String::new(),
    }
}

/// A `--showformat`: `${field;width}`, `\n`, `\t`, `\\`.
fn formatted(format: &str, installed: &Installed) -> String {
    let mut text = String::new();
    let mut rest = format;
    while let Some(first) = rest.chars().next() {
        if let Some((inner, after)) = rest.strip_prefix("${").and_then(|r| r.split_once('}')) {
            let (name, width) = inner.split_once(';').unwrap_or((inner, "0"));
            let (value, width) = (field(name, installed), width.parse::<i32>().unwrap_or(0));
            let columns = usize::try_from(width.unsigned_abs()).unwrap_or(0);
            text.push_str(&if width < 0 {
                format!("{value:<columns$}")
            } else {
                format!("{value:>columns$}")
            });
            rest = after;
        } else if let Some(after) = rest.strip_prefix('\\') {
            let escaped = after.chars().next();
            text.push(match escaped {
                Some('n') => '\n',
                Some('t') => '\t',
                Some('r') => '\r',
                Some(other) => other,
                None => '\\',
            });
            rest = escaped.map_or("", |c| after.get(c.len_utf8()..).unwrap_or_default());
        } else {
            text.push(first);
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
        }
    }
    text
}

fn listing(found: &[&Installed]) -> String {
    if found.is_empty() {
        return String::new();
    }
    let widest = |least: usize, of: &dyn Fn(&Installed) -> usize| {
        found.iter().map(|i| of(i)).fold(least, usize::max)
    };
    let name = widest(14, &|i| i.package.name.len());
    let version = widest(12, &|i| i.package.version.len());
    let arch = widest(12, &|i| i.package.architecture.len());
    let summary = widest(80 - 9 - 14 - 12 - 12, &|i| i.package.summary.len());
    let mut text = format!(
        "Desired=Unknown/Install/Remove/Purge/Hold\n\
         | Status=Not/Inst/Conf-files/Unpacked/halF-conf/Half-inst/trig-aWait/Trig-pend\n\
         |/ Err?=(none)/Reinst-required (Status,Err: uppercase=bad)\n\
         ||/ {:<name$} {:<version$} {:<arch$} Description\n+++-{:=<name$}-{:=<version$}-{:=<arch$}-{:=<summary$}\n",
        "Name", "Version", "Architecture", "", "", "", ""
    );
    for installed in found {
        let (package, state) = (&installed.package, if installed.held { "hi" } else { "ii" });
        text.push_str(&format!(
            "{state}  {:<name$} {:<version$} {:<arch$} {}\n",
            package.name, package.version, package.architecture, package.summary
        ));
    }
    text
}

fn status(installed: &Installed) -> String {
    let mut text = String::new();
    for name in [
        "Package",
        "Status",
        "Priority",
        "Section",
        "Architecture",
        "Version",
        "Provides",
        "Depends",
        "Description",
    ] {
        let value = field(name, installed);
        if !value.is_empty() {
            text.push_str(&format!("{name}: {value}\n"));
        }
    }
    text
}

/// The database as a file, for those who look into it themselves. What cannot be written on a full disk is out of date,
/// as dpkg's own would be.
pub(super) fn save_status(session: &Session) {
    let packages = session.machine.state().packages.clone();
    let text: Vec<String> = packages.installed.values().map(status).collect();
    drop(session.machine.save("/var/lib/dpkg/status", (text.join("\n") + "\n").as_bytes(), 0o644));
}

fn files(package: &str) -> String {
    let mut text = "/.\n/usr\n/usr/bin\n".to_owned();
    text.push_str(&format!("/usr/bin/{package}\n"));
    if package == "kubelet" {
        text.push_str("/usr/lib\n/usr/lib/systemd\n/usr/lib/systemd/system\n/usr/lib/systemd/system/kubelet.service\n");
    }
    text
}

async fn search(session: &Session, packages: &Packages, names: &[String]) -> Done {
    let mut code = 0;
    for path in names {
        let name = path.rsplit('/').next().unwrap_or(path);
        match packages
            .installed
            .get(name)
            .filter(|_| path.starts_with("/usr/bin/") || path.starts_with("/bin/"))
        {
            Some(_) => session.line(format!("{name}: {path}")).await,
            None => {
                session
                    .complain(format!("dpkg-query: no path found matching pattern {path}"))
                    .await;
                code = 1;
            }
        }
    }
    Ok(code)
}

async fn selections(session: &Session, names: &[String]) -> Done {
    let packages = session.machine.state().packages.clone();
    let (found, missing) = find(&packages, names);
    for word in missing {
        session.complain(format!("dpkg: no packages found matching {word}")).await;
    }
    // The name takes 48 columns, in tabs of 8.
    let line = |installed: &&Installed| {
        let name = &installed.package.name;
        format!(
            "{name}{}{}\n",
            "\t".repeat((48usize.saturating_sub(name.len())).div_ceil(8).max(1)),
            want(installed)
        )
    };
    session.out(found.iter().map(line).collect::<String>()).await;
    Ok(0)
}

async fn set_selections(session: &Session) -> Done {
    let _held = locked(session)?;
    let input = session.input().await;
    let text = String::from_utf8_lossy(&input).into_owned();
    let mut unknown = false;
    for (index, line) in text.lines().enumerate() {
        let mut words = line.split_whitespace();
        let (Some(name), Some(selection)) = (words.next(), words.next()) else { continue };
        let held = match selection {
            "hold" => true,
            "install" | "deinstall" | "purge" => false,
            other => {
                return Err(Failed::new(
                    2,
                    format!("dpkg: error: unknown wanted status at line {}: {other}", index + 1),
                ));
            }
        };
        if let Some(installed) = session.machine.state().packages.installed.get_mut(name) {
            installed.held = held;
            continue;
        }
        unknown = true;
        let text = format!(
            "dpkg: warning: package not in status nor available database at line {}: {name}",
            index + 1
        );
        session.complain(text).await;
    }
    if unknown {
        session
            .complain(
                "dpkg: warning: found unknown packages; this might mean the available database\nis outdated, and needs to be \
                 updated through a frontend method;\nplease see the FAQ <https://wiki.debian.org/Teams/Dpkg/FAQ#set-selections>",
            )
            .await;
    }
    save_status(session);
    Ok(0)
}

fn compare_versions(words: &[String]) -> Done {
    let [left, relation, right] = words else {
        return Err(Failed::new(
            2,
            "dpkg: error: --compare-versions takes three arguments: <version> <relation> <version>",
        ));
    };
    let order = compare(left, right);
    let holds = match relation.as_str() {
        "lt" | "<<" => order == Ordering::Less,
        "le" | "<=" | "<" => order != Ordering::Greater,
        "eq" | "=" => order == Ordering::Equal,
        "ne" => order != Ordering::Equal,
        "ge" | ">=" | ">" => order != Ordering::Less,
        "gt" | ">>" => order == Ordering::Greater,
        _ => return Err(Failed::new(2, "dpkg: error: --compare-versions bad relation")),
    };
    Ok(u8::from(!holds))
}

async fn remove(session: &Session, names: &[String]) -> Done {
    let _held = locked(session)?;
    let mut code = 0;
    for name in names {
        let packages = session.machine.state().packages.clone();
        let Some(installed) = packages.installed.get(name) else {
            session
                .complain(format!(
                    "dpkg: warning: ignoring request to remove {name} which isn't installed"
                ))
                .await;
            continue;
        };
        let needing =
            packages.installed.values().find(|i| i.package.depends.iter().any(|(n, _)| n == name));
        if let Some(other) = needing {
            let other = &other.package.name;
            session
                .complain(format!(
                    "dpkg: dependency problems prevent removal of {name}:\n {other} depends on {name}.\n\n\
                     dpkg: error processing package {name} (--remove):\n dependency problems - not removing\n\
                     Errors were encountered while processing:\n {name}"
                ))
                .await;
            code = 1;
            continue;
        }
        session.line(format!("Removing {name} ({}) ...", installed.package.version)).await;
        session.seconds(0.3).await;
        session.machine.state().packages.installed.remove(name);
    }
    save_status(session);
    Ok(code)
}
