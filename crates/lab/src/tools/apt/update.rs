//! `apt-get update`: fetches the lists of the sources that are there.

use super::lock;
use super::options::Options;
use super::show::size;
use crate::node::{List, Origin, sources};
use crate::tools::session::{Done, Failed, Session};

const LISTS: &str = "/var/lib/apt/lists";

pub(super) async fn update(session: &Session, options: &Options) -> Done {
    let (list, parts) = options.sources();
    let read = sources(&session.machine.files, &list, parts.as_deref());
    let origins = read
        .map_err(|error| Failed::new(100, format!("E: Unable to read {list} - open ({error})")))?
        .map_err(|malformed| {
            Failed::new(
                100,
                format!("E: {}\nE: The list of sources could not be read.", malformed.0),
            )
        })?;
    let done = options.quiet < 2;
    if !session.is_root() {
        if done {
            session.line("Reading package lists...").await;
        }
        return Err(Failed::new(
            100,
            format!(
                "E: Could not open lock file {LISTS}/lock - open (13: Permission denied)\nE: Unable to lock directory {LISTS}/"
            ),
        ));
    }
    if let Some((pid, name)) = lock::holder(&session.machine) {
        if done {
            session.line("Reading package lists...").await;
        }
        return Err(Failed::new(
            100,
            format!(
                "E: Could not get lock {LISTS}/lock. It is held by process {pid} ({name})\nE: Unable to lock directory {LISTS}/"
            ),
        ));
    }
    fetch(session, origins, done).await
}

/// Asks every source for its list.
async fn fetch(session: &Session, origins: Vec<Origin>, done: bool) -> Done {
    let mut errors = Vec::new();
    let mut lists = Vec::new();
    let mut fetched = 0;
    let mut number = 0;
    for origin in origins {
        number += 1;
        session.seconds(0.7).await;
        let known = session
            .machine
            .state()
            .packages
            .lists
            .iter()
            .find(|list| list.origin == origin)
            .cloned();
        match origin.fetch(&session.site.releases) {
            None => {
                let (said, error) = missing(&origin, number);
                if done {
                    session.out(said).await;
                }
                errors.push(error);
                // The lists that were there stay.
                lists.extend(known);
            }
            Some(packages) => {
                let is_known = known.is_some_and(|known| known.packages == packages);
                let bytes = 900 + 1_000 * packages.len() as u64;
                let (said, got) = found(&origin, &mut number, is_known, bytes);
                fetched += got;
                if done {
                    session.out(said).await;
                }
                save(session, &origin, &packages, &mut errors);
                lists.push(List { origin, packages });
            }
        }
    }
    forget(session, &lists);
    session.machine.state().packages.lists = lists;
    if done {
        if fetched > 0 {
            session.line(format!("Fetched {} in 1s ({}/s)", size(fetched), size(fetched))).await;
        }
        session.line("Reading package lists...").await;
    }
    if errors.is_empty() { Ok(0) } else { Err(failure(&errors)) }
}

fn failure(errors: &[String]) -> Failed {
    let unsigned = errors.iter().any(|error| error.contains("is not signed"));
    let end = if unsigned {
        ""
    } else {
        "\nE: Some index files failed to download. They have been ignored, or old ones used instead."
    };
    Failed::new(100, format!("{}{end}", errors.join("\n")))
}

/// What is said, and the bytes that came over a network.
fn found(origin: &Origin, number: &mut usize, is_known: bool, bytes: u64) -> (String, u64) {
    let label = origin.label();
    if origin.uri.starts_with("file:") {
        let first = *number;
        *number += if is_known { 2 } else { 3 };
        let (second, third) = (first + 1, first + 2);
        let mut said = format!(
            "Get:{first} {label} InRelease\nIgn:{first} {label} InRelease\nGet:{second} {label} Release [816 B]\n\
             Get:{second} {label} Release [816 B]\nGet:{third} {label} Release.gpg\nIgn:{third} {label} Release.gpg\n"
        );
        if !is_known {
            said.push_str(&format!("Get:{} {label} Packages [{}]\n", first + 3, size(bytes)));
        }
        return (said, 0);
    }
    let release = origin
        .components
        .first()
        .map_or(label.clone(), |_| format!("{} {}", origin.uri, origin.suite));
    if is_known {
        return (format!("Hit:{number} {release} InRelease\n"), 0);
    }
    let first = *number;
    *number += 1;
    let packages = if origin.components.is_empty() { label } else { format!("{label} amd64") };
    let said = format!(
        "Get:{first} {release} InRelease [1186 B]\nGet:{number} {packages} Packages [{}]\n",
        size(bytes)
    );
    (said, bytes + 1186)
}

/// A repository that is not there: what is said meanwhile, and the error.
fn missing(origin: &Origin, number: usize) -> (String, String) {
    let label = origin.label();
    if let Some(path) = origin.uri.strip_prefix("file:") {
        let place = format!("{path}/{}Packages", origin.suite.trim_start_matches('/'));
        let why = format!("File not found - {place} (2: No such file or directory)");
        let said = format!(
            "Ign:{number} {label} InRelease\nIgn:{number} {label} Release\nErr:{number} {label} Packages\n  {why}\n"
        );
        return (said, format!("E: Failed to fetch file:{place}  {why}"));
    }
    let release =
        origin.components.first().map_or(label, |_| format!("{} {}", origin.uri, origin.suite));
    let said = format!(
        "Ign:{number} {release} InRelease\nErr:{number} {release} Release\n  404  Not Found\n"
    );
    (
        said,
        format!(
            "E: The repository '{release} Release' does not have a Release file.\n\
             N: Updating from such a repository can't be done securely, and is therefore disabled by default.\n\
             N: See apt-secure(8) manpage for repository creation and user configuration details."
        ),
    )
}

/// The list as a file, as others may look for it.
fn save(
    session: &Session,
    origin: &Origin,
    packages: &[crate::node::Package],
    errors: &mut Vec<String>,
) {
    let text: String = packages.iter().map(super::cache::stanza).collect();
    let path = format!("{LISTS}/{}", origin.file());
    if let Err(error) = session.machine.save(&path, text.as_bytes(), 0o644) {
        let number = error.raw_os_error().unwrap_or(0);
        let words = rustix::io::Errno::from_raw_os_error(number);
        errors.push(format!(
            "E: Failed to fetch {}  Error writing to file - write ({number}: {})",
            origin.uri,
            reason(words)
        ));
    }
}

fn reason(error: rustix::io::Errno) -> &'static str {
    if error == rustix::io::Errno::NOSPC { "No space left on device" } else { "Input/output error" }
}

/// Lists of sources that are no more go away.
fn forget(session: &Session, lists: &[List]) {
    let files = &session.machine.files;
    let kept: Vec<String> = lists.iter().map(|list| list.origin.file()).collect();
    for name in files.list(LISTS).unwrap_or_default() {
        if name.ends_with("_Packages") && !kept.contains(&name) {
            // What cannot be removed is only out of date.
            drop(files.remove(&format!("{LISTS}/{name}")));
        }
    }
}
