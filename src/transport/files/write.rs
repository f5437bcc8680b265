//! Writing a file whole or not at all: a temporary file beside it, then a rename.

use super::ask::{FileError, ask};
use super::status::{FileStatus, Query};
use crate::transport::{Host, join, quote};

/// Where the new content comes from.
#[derive(Debug, Clone)]
pub enum Content {
    /// These bytes; they travel with the script.
    Bytes(Vec<u8>),
    /// A file of the host.
    Remote(String),
}

/// What is to be written.
#[derive(Debug, Clone)]
pub struct Write<'a> {
    /// Destination, absolute.
    pub path: &'a str,
    /// Write what a link points to, rather than replace the link.
    pub follow: bool,
    /// New content.
    pub content: Content,
    /// Permission bits; otherwise those of the file that is replaced, or 0666 without the umask.
    pub mode: Option<u32>,
    /// Name or number; otherwise as it was.
    pub owner: Option<&'a str>,
    /// Name or number; otherwise as it was.
    pub group: Option<&'a str>,
    /// Keep a copy of what is replaced.
    pub backup: bool,
    /// Words of a command that must accept the new file; `%s` is its path.
    pub validate: Option<Vec<String>>,
    /// Create missing parent directories.
    pub parents: bool,
}

impl<'a> Write<'a> {
    /// New bytes for a path, everything else as it was.
    #[must_use]
    pub fn bytes(path: &'a str, content: Vec<u8>) -> Self {
        Self {
            path,
            follow: false,
            content: Content::Bytes(content),
            mode: None,
            owner: None,
            group: None,
            backup: false,
            validate: None,
            parents: false,
        }
    }

    fn script(&self) -> String {
        let mut text = format!("dot {}\nd=$p\n", quote(self.path));
        if self.follow {
            text.push_str("if [ -L \"$d\" ]; then d=$(readlink -f \"$d\") || fail \"$p points to nothing\"; fi\n");
        }
        text.push_str("[ ! -d \"$d\" ] || [ -L \"$d\" ] || fail \"$d is a directory\"\n");
        text.push_str("case $d in */*) dir=${d%/*} ;; *) dir=. ;; esac\ndir=${dir:-/}\n");
        if self.parents {
            text.push_str("try mkdir -p \"$dir\"\n");
        }
        text.push_str(
            "t=$(mktemp \"${dir%/}/.mainstay.XXXXXX\" 2>&1) || fail \"$t\"\n\
             trap 'rm -f \"$t\"' EXIT\ntrap 'exit 1' HUP INT TERM\n",
        );
        match &self.content {
            Content::Bytes(bytes) => {
                text.push_str("e=$( { cat > \"$t\"; } 2>&1 ) || fail \"$e\"\n");
                text.push_str(&format!(
                    "n=$(wc -c < \"$t\")\n[ \"$n\" -eq {} ] || fail \"only $n bytes arrived\"\n",
                    bytes.len()
                ));
            }
            Content::Remote(from) => text.push_str(&format!(
                "e=$( {{ cat < {} > \"$t\"; }} 2>&1 ) || fail \"$e\"\n",
                quote(from)
            )),
        }
        text.push_str(&self.rights());
        if let Some(words) = &self.validate {
            let words: Vec<String> = words.clone();
            text.push_str(&format!(
                "set -- {}\nfor w do shift; case $w in *%s*) w=${{w%%%s*}}$t${{w#*%s}} ;; esac; set -- \"$@\" \"$w\"; done\n\
                 eo=$(mktemp)\no=$(\"$@\" 2>\"$eo\" </dev/null) || {{ c=$?; x=$(cat \"$eo\"); rm -f \"$eo\"; say invalid \"$c\" \"$o\" \"$x\"; exit 0; }}\n\
                 rm -f \"$eo\"\n",
                join(&words)
            ));
        }
        text.push_str("b=\n");
        if self.backup {
            text.push_str(
                "if [ -e \"$d\" ]; then b=$d.$$.$(date +%Y-%m-%d@%H:%M:%S)~; try cp -p \"$d\" \"$b\"; fi\n",
            );
        }
        text.push_str("try mv -f \"$t\" \"$d\"\ntrap - EXIT\nsay \"$b\"\n");
        text.push_str("m5=; if command -v md5sum >/dev/null 2>&1; then m5=$(md5sum < \"$d\"); fi\nsay \"${m5%% *}\"\n");
        text.push_str(&Query::of(self.path).follow(self.follow).checksum("sha1sum").line());
        text
    }

    /// Owner first: `chown` clears the set-id bits.
    fn rights(&self) -> String {
        let mut text = String::from(
            "if [ -e \"$d\" ]; then o=$(stat -L -c %u:%g \"$d\"); m=$(stat -L -c %a \"$d\")\n\
             else o=; m=$(printf %o $((0666 & ~$(umask)))); fi\n\
             if [ -n \"$o\" ] && [ \"$(stat -c %u:%g \"$t\")\" != \"$o\" ]; then try chown \"$o\" \"$t\"; fi\n",
        );
        text.push_str(&rights_lines("\"$t\"", None, self.owner, self.group));
        match self.mode {
            Some(mode) => text.push_str(&format!("try chmod {mode:04o} \"$t\"\n")),
            None => text.push_str("try chmod \"$m\" \"$t\"\n"),
        }
        text
    }
}

/// Lines that set owner, group and mode of a shell word; the messages name who cannot be looked up.
pub(crate) fn rights_lines(
    word: &str,
    mode: Option<u32>,
    owner: Option<&str>,
    group: Option<&str>,
) -> String {
    let mut text = String::new();
    for (program, what, name) in [("chown", "user", owner), ("chgrp", "group", group)] {
        if let Some(name) = name {
            let name = quote(name);
            text.push_str(&format!(
                "e=$(LC_ALL=C {program} -h {name} {word} 2>&1) || case $e in *nvalid*|*nknown*) \
                 fail \"{program} failed: failed to look up {what} \"{name} ;; *) fail \"{program} failed: $e\" ;; esac\n"
            ));
        }
    }
    if let Some(mode) = mode {
        text.push_str(&format!("try chmod {mode:04o} {word}\n"));
    }
    text
}

/// What became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// The file now, with its SHA-1 as `checksum`.
    pub status: FileStatus,
    /// Copy of what was replaced.
    pub backup: Option<String>,
    /// MD5 of the new content, if the host can make it.
    pub md5: Option<String>,
}

/// Writes it. Nothing is replaced unless everything before the rename went well.
///
/// # Errors
/// [`FileError`]: the host's words, the validation, the transport's.
pub async fn write(host: &Host, write: Write<'_>) -> Result<Written, FileError> {
    let script = write.script();
    let stdin = match write.content {
        Content::Bytes(bytes) => bytes,
        Content::Remote(_) => Vec::new(),
    };
    let mut answer = ask(host, &script, stdin).await?;
    let some = |text: String| Some(text).filter(|t| !t.is_empty());
    let backup = some(answer.text()?);
    let md5 = some(answer.text()?);
    let status = FileStatus::parse(&mut answer)?.ok_or_else(|| {
        FileError::Refused(format!("{} vanished after it was written", write.path))
    })?;
    Ok(Written { status, backup, md5 })
}
