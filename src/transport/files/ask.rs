//! Scripts about files and their answers.

use crate::transport::{Host, TransportError};
use std::collections::VecDeque;

/// Why a file operation was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The host was not reached, or became impossible.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The host's own words.
    #[error("{0}")]
    Refused(String),
    /// The `validate` command did not accept the new content; nothing was replaced.
    #[error("failed to validate")]
    Invalid {
        /// Exit status of the command.
        code: i32,
        /// What it wrote.
        stdout: String,
        /// What it wrote.
        stderr: String,
    },
}

/// The fields of an answer, in order.
#[derive(Debug)]
pub struct Answer(VecDeque<Vec<u8>>);

impl Answer {
    pub(super) fn from_fields(fields: VecDeque<Vec<u8>>) -> Self {
        Self(fields)
    }

    /// The next field as bytes.
    ///
    /// # Errors
    /// There is none: the host's programs answered something else than expected.
    pub fn bytes(&mut self) -> Result<Vec<u8>, FileError> {
        self.0
            .pop_front()
            .ok_or_else(|| FileError::Refused("the host's answer is too short".into()))
    }

    /// The next field as text.
    ///
    /// # Errors
    /// As for [`Answer::bytes`].
    pub fn text(&mut self) -> Result<String, FileError> {
        Ok(String::from_utf8_lossy(&self.bytes()?).into_owned())
    }

    /// The next field as a number.
    ///
    /// # Errors
    /// There is none, or it is no number.
    pub fn number<T: std::str::FromStr>(&mut self) -> Result<T, FileError> {
        let text = self.text()?;
        text.trim()
            .parse()
            .map_err(|_| FileError::Refused(format!("the host answered {text:?}, not a number")))
    }

    /// Whether all fields were read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Shell functions that every script may use: `say FIELD…` adds fields to the answer, `fail TEXT` ends the script,
/// `try COMMAND…` ends it with the command's own words if the command fails, `st` answers a [`super::FileStatus`].
pub(super) const PRELUDE: &str = r#"say() { printf '%s\0' "$@"; }
fail() { say failed "$1"; exit 0; }
try() { e=$("$@" 2>&1) || fail "${e:-$1 failed}"; }
dot() { case $1 in -*) p=./$1 ;; *) p=$1 ;; esac; }
st() {
dot "$3"
if [ "$1" = L ]; then s=$(LC_ALL=C stat -L -c "$F" "$p" 2>&1); else s=$(LC_ALL=C stat -c "$F" "$p" 2>&1); fi || {
case $s in
*"No such file"*|*"Not a directory"*) say absent "$3" ;;
*) say error "$3" "$s" ;;
esac
return 0; }
a=; l=; r=; c=; k=
[ -r "$p" ] && a=r; [ -w "$p" ] && a=${a}w; [ -x "$p" ] && a=${a}x
if [ -L "$p" ]; then l=$(readlink "$p"); r=$(readlink -f "$p"); [ "$1" = L ] || k=1; fi
if [ -n "$2" ] && [ -z "$k" ] && [ -f "$p" ] && [ -r "$p" ]; then c=$("$2" < "$p") || c=; c=${c%% *}; fi
say found "$3" "$s" "$a" "$l" "$r" "$c"
}
F='%f|%u|%g|%s|%X|%Y|%Z|%d|%i|%h|%o|%b|%t|%T|%U|%G|%x|%y|%z'
"#;

/// Runs a script made of the prelude's functions and returns its fields.
///
/// # Errors
/// The transport's, `fail` of the script, or a script that did not come to its end.
pub async fn ask(host: &Host, body: &str, stdin: Vec<u8>) -> Result<Answer, FileError> {
    let script = format!("{PRELUDE}{body}\nsay end\n");
    let output = host.script_with_input(&script, stdin).await?;
    if output.stdout.omitted > 0 {
        return Err(FileError::Refused(format!(
            "the host answered {} bytes more than are kept",
            output.stdout.omitted
        )));
    }
    let mut fields: VecDeque<Vec<u8>> =
        output.stdout.bytes.split(|b| *b == 0).map(<[u8]>::to_vec).collect();
    fields.pop_back();
    let last = |fields: &VecDeque<Vec<u8>>, back: usize| {
        fields.len().checked_sub(back).and_then(|i| fields.get(i)).cloned().unwrap_or_default()
    };
    if last(&fields, 2) == b"failed" {
        let why = String::from_utf8_lossy(&last(&fields, 1)).trim().to_owned();
        return Err(FileError::Refused(why));
    }
    if last(&fields, 4) == b"invalid" {
        let text = |back| String::from_utf8_lossy(&last(&fields, back)).into_owned();
        let code = text(3).parse().unwrap_or(1);
        return Err(FileError::Invalid { code, stdout: text(2), stderr: text(1) });
    }
    if last(&fields, 1) != b"end" {
        let said = output.stderr.text();
        let said = said.trim();
        return Err(FileError::Refused(if said.is_empty() {
            format!("the host's script ended early with status {}", output.status.code())
        } else {
            said.to_owned()
        }));
    }
    fields.pop_back();
    Ok(Answer(fields))
}
