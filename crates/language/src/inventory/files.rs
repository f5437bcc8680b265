//! Reading what people wrote: plain or wholly encrypted by a vault.

use crate::diag::{Diagnostic, Diagnostics, Nature};
use crate::outside::{FileKind, FileStatus, Outside};
use crate::vault::{self, Opened, Secrets};
use crate::yaml::{self, Node};
use std::path::{Component, Path, PathBuf};

/// The controller's files, read through its vault secrets.
#[derive(Clone, Copy)]
pub struct Files<'a> {
    /// The files.
    pub outside: &'a dyn Outside,
    /// The secrets.
    pub secrets: &'a Secrets,
}

/// The one YAML document of a file.
pub(crate) fn document(file: &Opened, warnings: &mut Diagnostics) -> Result<Node, Diagnostic> {
    if !file.was_encrypted() {
        return yaml::load_one(&file.source, warnings);
    }
    let mut documents = yaml::load_text(&file.source, file.text(), warnings)?;
    match (documents.pop(), documents.is_empty()) {
        (Some(node), true) => Ok(node),
        (None, _) => yaml::load_one(&file.source, warnings),
        (Some(node), false) => {
            Err(Diagnostic::error("expected one document, found several").at(&node.place))
        }
    }
}

impl Files<'_> {
    /// Reads a file as text, decrypted if it is a vault.
    pub(crate) fn read(&self, path: &Path) -> Result<Opened, Diagnostic> {
        let name = path.display().to_string();
        let bytes = self
            .outside
            .read(path)
            .map_err(|e| Diagnostic::error(format!("cannot read {name}: {e}")).of(Nature::Missing))?;
        vault::open(&name, &comments_as_utf8(bytes), self.secrets)
    }

    pub(crate) fn status(&self, path: &Path) -> Option<FileStatus> {
        self.outside.status(path)
    }

    pub(crate) fn is_directory(&self, path: &Path) -> bool {
        self.status(path).is_some_and(|s| s.kind == FileKind::Directory)
    }

    /// The path from the root, without `.` and `..`; `~/` is the home directory.
    pub(crate) fn absolute(&self, text: &str) -> PathBuf {
        let path = match (text.strip_prefix('~'), self.outside.env("HOME")) {
            (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => {
                PathBuf::from(format!("{home}{rest}"))
            }
            _ => PathBuf::from(text),
        };
        let mut out = PathBuf::new();
        for part in self.outside.directory().join(path).components() {
            match part {
                Component::CurDir => {}
                Component::ParentDir => {
                    out.pop();
                }
                part => out.push(part),
            }
        }
        out
    }
}

/// Lines that start with `#` or `;` need not be UTF-8: what is not becomes U+FFFD.
fn comments_as_utf8(bytes: Vec<u8>) -> Vec<u8> {
    if std::str::from_utf8(&bytes).is_ok() {
        return bytes;
    }
    let mut out = Vec::with_capacity(bytes.len());
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        if line.starts_with(b"#") || line.starts_with(b";") {
            out.extend_from_slice(String::from_utf8_lossy(line).as_bytes());
        } else {
            out.extend_from_slice(line);
        }
    }
    out
}
