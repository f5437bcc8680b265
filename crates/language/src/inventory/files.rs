//! Reading what people wrote: plain or wholly encrypted by a vault.

use crate::diag::{Diagnostic, Diagnostics, Place, Source};
use crate::outside::{FileKind, FileStatus, Outside};
use crate::yaml::{self, Node};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// Opens vaulted files.
pub trait Unlock {
    /// The content of a vault file. `envelope` is the whole file; `place` its first character.
    ///
    /// # Errors
    /// No secret opens it, or it is damaged.
    fn unlock(&self, envelope: &str, place: &Place) -> Result<Vec<u8>, Diagnostic>;
}

/// The controller's files, read through its vault secrets.
#[derive(Clone, Copy)]
pub struct Files<'a> {
    /// The files.
    pub outside: &'a dyn Outside,
    /// The secrets.
    pub secrets: &'a dyn Unlock,
}

/// A file's text. The text of a vault is not in its source, so no error shows it.
pub(crate) struct Content {
    pub(crate) source: Arc<Source>,
    secret: Option<String>,
}

impl Content {
    pub(crate) fn text(&self) -> &str {
        self.secret.as_deref().unwrap_or(&self.source.text)
    }

    /// The one YAML document.
    pub(crate) fn yaml(&self, warnings: &mut Diagnostics) -> Result<Node, Diagnostic> {
        let Some(text) = &self.secret else { return yaml::load_one(&self.source, warnings) };
        let mut documents = yaml::load_text(&self.source, text, warnings)?;
        match (documents.pop(), documents.is_empty()) {
            (Some(node), true) => Ok(node),
            (None, _) => yaml::load_one(&Source::new(self.source.name.clone(), ""), warnings),
            (Some(_), false) => {
                Err(Diagnostic::error("expected one document, found several")
                    .at(&self.source.start()))
            }
        }
    }
}

impl Files<'_> {
    /// Reads a file as text.
    pub(crate) fn read(&self, path: &Path) -> Result<Content, Diagnostic> {
        let name = path.display().to_string();
        let bytes = self
            .outside
            .read(path)
            .map_err(|e| Diagnostic::error(format!("cannot read {name}: {e}")))?;
        let text = utf8(bytes, &name)?;
        if !text.starts_with("$ANSIBLE_VAULT;") {
            return Ok(Content { source: Source::new(name, text), secret: None });
        }
        let source = Source::new(name.clone(), "");
        let opened =
            self.secrets.unlock(&text, &source.start()).map_err(|d| d.at(&source.start()))?;
        Ok(Content { source, secret: Some(utf8(opened, &name)?) })
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

/// The text; lines that start with `#` or `;` need not be UTF-8.
fn utf8(bytes: Vec<u8>, name: &str) -> Result<String, Diagnostic> {
    let bytes = match String::from_utf8(bytes) {
        Ok(text) => return Ok(text),
        Err(e) => e.into_bytes(),
    };
    let mut out = String::with_capacity(bytes.len());
    for (index, line) in bytes.split_inclusive(|b| *b == b'\n').enumerate() {
        match std::str::from_utf8(line) {
            Ok(line) => out.push_str(line),
            Err(_) if line.starts_with(b"#") || line.starts_with(b";") => {
                out.push_str(&String::from_utf8_lossy(line));
            }
            Err(_) => {
                return Err(Diagnostic::error(format!(
                    "line {} of {name} is not UTF-8",
                    index + 1
                )));
            }
        }
    }
    Ok(out)
}
