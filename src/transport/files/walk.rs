//! Everything below some directories.

use super::ask::{Answer, FileError, ask};
use super::status::FileStatus;
use crate::transport::{Host, quote};

/// Where to look.
#[derive(Debug, Clone)]
pub struct Walk<'a> {
    /// Directories (or files).
    pub roots: &'a [String],
    /// Follow links to directories, and describe what links point to.
    pub follow: bool,
    /// How deep: 1 = the entries of the roots; none = everything.
    pub depth: Option<u64>,
    /// The roots themselves as well.
    pub with_roots: bool,
}

impl Walk<'_> {
    fn script(&self) -> String {
        let depth = self.depth.map_or(String::new(), |d| format!("-maxdepth {d}"));
        let above = if self.with_roots { "" } else { "-mindepth 1" };
        let link = if self.follow { "-L" } else { "" };
        // Names and descriptions travel side by side; a file that vanished between the two is asked for again, one by one.
        let each = format!(
            r#"say() {{ printf '%s\0' "$@"; }}
say names "$#" "$@"
o=$(LC_ALL=C stat {link} -c "$F" "$@" 2>/dev/null)
n=$(printf '%s\n' "$o" | wc -l)
if [ "$n" -eq "$#" ] && [ -n "$o" ]; then say lines "$o"; else say single
for f do o=$(LC_ALL=C stat {link} -c "$F" "$f" 2>/dev/null || LC_ALL=C stat -c "$F" "$f" 2>/dev/null) || o=gone
say "$o"; done; fi"#
        );
        let mut text = String::from("export F\n");
        for root in self.roots {
            text.push_str(&format!(
                "dot {}\nif [ -d \"$p\" ]; then say root\nfind {link} \"$p\" {above} {depth} -exec sh -c {} sh {{}} +\n\
                 say ''\nelse say noroot; fi\n",
                quote(root),
                quote(&each)
            ));
        }
        text
    }
}

/// What was found below one root.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The root.
    pub root: String,
    /// It is no directory (or does not exist).
    pub missing: bool,
    /// Files in the order of the directory.
    pub files: Vec<FileStatus>,
}

/// Lists and describes. Directories that may not be read are left out.
///
/// # Errors
/// The transport's, or an answer that is none.
pub async fn walk(host: &Host, walk: &Walk<'_>) -> Result<Vec<Found>, FileError> {
    let mut answer = ask(host, &walk.script(), Vec::new()).await?;
    walk.roots.iter().map(|root| found(root, &mut answer)).collect()
}

fn found(root: &str, answer: &mut Answer) -> Result<Found, FileError> {
    let mut found = Found { root: root.to_owned(), missing: false, files: Vec::new() };
    if answer.text()? != "root" {
        found.missing = true;
        return Ok(found);
    }
    loop {
        if answer.text()? != "names" {
            return Ok(found);
        }
        let count: usize = answer.number()?;
        let names = (0..count).map(|_| answer.text()).collect::<Result<Vec<_>, _>>()?;
        let lines: Vec<String> = if answer.text()? == "lines" {
            answer.text()?.lines().map(str::to_owned).collect()
        } else {
            (0..count).map(|_| answer.text()).collect::<Result<_, _>>()?
        };
        found.files.extend(
            names
                .into_iter()
                .zip(&lines)
                .filter_map(|(name, line)| FileStatus::from_line(name, line)),
        );
    }
}
